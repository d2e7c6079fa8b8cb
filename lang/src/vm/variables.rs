//! The program-wide variables of a run, and the cells of variables that closures share.

use super::cell::{Cell, CellPool, Home, Remains};
use crate::tree::GlobalId;
use crate::value::Value;
use std::sync::Arc;

/// The variables of a run that are stored outside of frames.
pub(super) struct Variables {
    /// The program-wide slots; `None` before the `let` has run.
    globals: Vec<Option<Value>>,
    cells: CellPool,
    /// The data that functions of this run use after its end.
    home: Arc<Home>,
}

impl Variables {
    pub fn new(globals: usize) -> Self {
        Self { globals: vec![None; globals], cells: CellPool::new(), home: Arc::default() }
    }

    #[inline]
    pub fn global(&self, slot: GlobalId) -> Option<&Value> {
        self.globals.get(slot as usize).and_then(Option::as_ref)
    }

    #[inline]
    pub fn set_global(&mut self, slot: GlobalId, value: Value) {
        if let Some(variable) = self.globals.get_mut(slot as usize) {
            *variable = Some(value);
        }
    }

    /// Takes the value of a program-wide variable out.
    #[inline]
    pub fn take_global(&mut self, slot: GlobalId) -> Option<Value> {
        self.globals.get_mut(slot as usize).and_then(Option::take)
    }

    /// A new, empty cell.
    pub fn make_cell(&mut self) -> Arc<Cell> {
        self.cells.make()
    }

    /// The values of all program-wide variables.
    pub fn globals(&self) -> impl Iterator<Item = &Value> {
        self.globals.iter().flatten()
    }

    /// The values of all cells that are in use.
    pub fn in_cells(&self) -> Vec<Value> {
        self.cells.values()
    }

    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Takes all values out.
    pub fn empty(&mut self) -> (Vec<Option<Value>>, Vec<Value>) {
        (std::mem::take(&mut self.globals), self.cells.empty())
    }

    /// Ends the run: the data that functions among its results need is in the remains.
    pub fn finish(self) -> Remains {
        self.home.settle(self.globals, self.cells);
        Remains::new(self.home)
    }
}
