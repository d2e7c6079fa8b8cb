//! Variables that closures share, and the part of a run that remains as long as its functions may be called.

use crate::value::Value;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A variable that closures share and that is set. Empty before its `let` has run, and after its run.
#[derive(Debug, Default)]
pub(super) struct Cell(Mutex<Option<Value>>);

impl Cell {
    /// Its value.
    pub fn get(&self) -> Option<Value> {
        self.lock().clone()
    }

    /// Sets it.
    pub fn set(&self, value: Value) {
        let old = self.lock().replace(value);
        // Dropped here, where the cell is free again.
        drop(old);
    }

    /// Empties it.
    pub fn take(&self) -> Option<Value> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All cells of a run. Closures that share cells may hold each other in a circle: when the run is over, the pool finds
/// them all and empties them one by one, so that nothing leaks and no chain is dropped recursively.
#[derive(Debug)]
pub(super) struct CellPool {
    cells: Vec<Arc<Cell>>,
    prune_at: usize,
}

/// The number of cells from which the pool looks for unused ones.
const PRUNE_FROM: usize = 1_024;

impl CellPool {
    /// A pool without cells.
    pub fn new() -> Self {
        Self { cells: Vec::new(), prune_at: PRUNE_FROM }
    }

    /// A new, empty cell.
    pub fn make(&mut self) -> Arc<Cell> {
        if self.cells.len() >= self.prune_at {
            // A cell that only the pool holds may hold others: those are removed the next time.
            self.cells.retain(|cell| Arc::strong_count(cell) > 1);
            self.prune_at = (self.cells.len() * 2).max(PRUNE_FROM);
        }
        let cell = Arc::<Cell>::default();
        self.cells.push(cell.clone());
        cell
    }

    /// Empties all cells; returns their values.
    pub fn empty(&mut self) -> Vec<Value> {
        self.cells.iter().filter_map(|cell| cell.take()).collect()
    }

    /// The values of all cells still held.
    pub fn values(&self) -> Vec<Value> {
        self.cells.iter().filter(|cell| Arc::strong_count(cell) > 1).filter_map(|cell| cell.get()).collect()
    }
}

impl Drop for CellPool {
    fn drop(&mut self) {
        // As long as the pool holds every cell, dropping a value never reaches through one.
        for cell in &self.cells {
            drop(cell.take());
        }
    }
}

/// The variables of a run that is over. Functions among its results use them as long as this lives.
#[derive(Clone, Debug, Default)]
pub struct Remains(#[expect(dead_code, reason = "it is there to be dropped")] Option<Arc<Home>>);

impl Remains {
    pub(super) fn new(home: Arc<Home>) -> Self {
        Self(Some(home))
    }
}

/// The variables of a run's functions when another run calls them.
#[derive(Default)]
pub(super) struct Home(Mutex<HomeState>);

#[derive(Default)]
struct HomeState {
    globals: Vec<Option<Value>>,
    #[expect(dead_code, reason = "it is there to be dropped")]
    cells: Option<CellPool>,
}

impl Home {
    /// Keeps the remains of a run.
    pub fn settle(&self, globals: Vec<Option<Value>>, cells: CellPool) {
        *self.lock() = HomeState { globals, cells: Some(cells) };
    }

    /// The value of a program-wide variable.
    pub fn global(&self, slot: usize) -> Option<Value> {
        self.lock().globals.get(slot).cloned().flatten()
    }

    /// Sets a program-wide variable.
    pub fn set_global(&self, slot: usize, value: Value) {
        let old = self.lock().globals.get_mut(slot).and_then(|variable| variable.replace(value));
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, HomeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its functions may lead back to it.
        f.write_str("Home")
    }
}
