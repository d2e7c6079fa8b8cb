//! The state of a run: slots, cells, the stack, and the frames of its calls.

use super::cell::{Cell, Home, Remains};
use super::closure::Captured;
use super::fail::value_error;
use super::meter::Meter;
use super::scope::{Bindings, ScopeState};
use super::variables::Variables;
use super::{Evaluated, Failure};
use crate::cache::Cache;
use crate::compile::Executable;
use crate::error::never;
use crate::host::{Host, Profiler};
use crate::settings::Settings;
use crate::tree::{CellId, FunctionDef, GlobalId, LocalId, Tree, Variable};
use crate::value::{Number, Value, Zone};
use std::cell::OnceCell;
use std::sync::Arc;

/// Values of less memory are freed at once.
const LARGE: usize = 16 << 20;

/// The stack for freeing a value of the deepest nesting.
#[cfg(not(target_arch = "wasm32"))]
const STACK: usize = 4 << 20;

/// The mode of running functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Compiled.
    Code,
    /// By walking the tree: slower, with the same results.
    Tree,
}

/// The state of a run.
pub(crate) struct Machine<'a> {
    /// Patterns that natives compiled.
    pub cache: &'a Cache,
    pub settings: &'a Settings,
    pub host: &'a dyn Host,
    pub method: Method,
    /// The profiler.
    pub profiler: Option<&'a dyn Profiler>,
    /// The slots of all frames, and above each frame's slots the values in flight.
    pub stack: Vec<Value>,
    /// The number registers of all compiled frames.
    pub numbers: Vec<Number>,
    pub variables: Variables,
    pub meter: Meter,
    /// The first number register that no frame uses.
    pub number_top: usize,
    /// Calls inside calls.
    pub depth: usize,
    /// The positions of the names of row expressions in rows of a shape.
    pub bindings: Bindings,
    /// The number of calls of natives with row expressions so far.
    pub row_calls: u64,
    /// A broken invariant, found where no error can be returned: it ends the run at the next check whether to stop.
    broken: OnceCell<Failure>,
}

/// The current function, for messages.
#[derive(Clone, Copy)]
pub(crate) struct CallInfo<'t> {
    pub tree: &'t Tree,
    pub definition: &'t FunctionDef,
}

/// The frame of a function being run.
pub(crate) struct Frame<'t> {
    pub call: CallInfo<'t>,
    pub tree: &'t Arc<Executable>,
    /// The place of its first slot on the stack.
    pub base: usize,
    pub captures: &'t [Captured],
    pub globals: Globals,
    pub cells: Vec<Option<Arc<Cell>>>,
    pub scopes: Vec<ScopeState<'t>>,
}

/// The source of a function's program-wide variables.
#[derive(Clone)]
pub(crate) enum Globals {
    /// In this run.
    Here,
    /// It was made by another run; `None` if nothing of that is left.
    There(Option<Arc<Home>>),
}

impl<'a> Machine<'a> {
    pub fn new(tree: &Tree, cache: &'a Cache, settings: &'a Settings, host: &'a dyn Host, method: Method) -> Self {
        Self {
            cache,
            settings,
            host,
            method,
            profiler: None,
            stack: Vec::new(),
            numbers: Vec::new(),
            variables: Variables::new(tree.globals),
            meter: Meter::new(&settings.limits),
            number_top: 0,
            depth: 0,
            bindings: Bindings::default(),
            row_calls: 0,
            broken: OnceCell::new(),
        }
    }

    /// The error of a value missing on the stack. Debug builds panic.
    #[cold]
    #[inline(never)]
    pub fn misses(&self, what: &str, index: usize) {
        let _ = self.broken.set(never!("no {what} at {index} of {}", self.stack.len()));
    }

    /// Ends the run if an invariant was found broken.
    pub fn check_whole(&mut self) -> Result<(), Failure> {
        self.broken.take().map_or(Ok(()), Err)
    }

    /// The value that was pushed last.
    pub fn pop(&mut self) -> Result<Value, Failure> {
        self.stack.pop().ok_or_else(|| never!("nothing on the stack"))
    }

    /// Ends the run: the data that functions among its results need is in the remains.
    pub fn finish(self) -> Remains {
        self.variables.finish()
    }

    /// Leaves large values to a thread of their own, for a run that must end at once: freeing hundreds of thousands of
    /// parts takes time.
    pub fn leave_values(&mut self) {
        if self.meter.seen() < LARGE {
            return;
        }
        let left = (std::mem::take(&mut self.stack), self.variables.empty());
        #[cfg(not(target_arch = "wasm32"))]
        // Without a thread they are freed here.
        let _ = std::thread::Builder::new().stack_size(STACK).spawn(move || drop(left));
        #[cfg(target_arch = "wasm32")]
        drop(left);
    }

    pub fn zone(&self) -> Zone {
        self.settings.zone
    }

    #[inline]
    pub fn global(&self, slot: GlobalId) -> Option<&Value> {
        self.variables.global(slot)
    }

    #[inline]
    pub fn set_global(&mut self, slot: GlobalId, value: Value) {
        self.variables.set_global(slot, value);
    }

    /// A new, empty cell.
    pub fn make_cell(&mut self) -> Result<Arc<Cell>, Failure> {
        self.grow(size_of::<Cell>() + size_of::<Arc<Cell>>())?;
        Ok(self.variables.make_cell())
    }

    /// The value of a local slot.
    #[inline]
    pub fn local(&self, frame: &Frame<'_>, slot: LocalId) -> Value {
        let at = frame.base + usize::from(slot);
        self.stack.get(at).cloned().unwrap_or_else(|| {
            self.misses("local", at);
            Value::Null
        })
    }

    #[inline]
    pub fn set_local(&mut self, frame: &Frame<'_>, slot: LocalId, value: Value) {
        let at = frame.base + usize::from(slot);
        match self.stack.get_mut(at) {
            Some(local) => *local = value,
            None => self.misses("local", at),
        }
    }

    /// The value of a variable; an error if its `let` has not run yet.
    #[inline]
    pub fn read(&self, frame: &Frame<'_>, variable: Variable, name: &str) -> Evaluated {
        let value = match variable {
            Variable::Local(slot) => return Ok(self.local(frame, slot)),
            Variable::Captured(position) => match frame.captures.get(usize::from(position)) {
                Some(Captured::Value(value)) => return Ok(value.clone()),
                _ => None,
            },
            Variable::Global(slot) => match &frame.globals {
                Globals::Here => self.global(slot).cloned(),
                Globals::There(home) => home.as_ref().and_then(|home| home.global(slot as usize)),
            },
            Variable::Cell(cell) => frame.cell(cell).and_then(|cell| cell.get()),
            Variable::CapturedCell(position) => frame.captured_cell(position).and_then(|cell| cell.get()),
        };
        value.ok_or_else(|| unset(&frame.globals, name))
    }

    /// The value of a program-wide variable; an error if its `let` has not run yet.
    pub fn read_global(&self, globals: &Globals, slot: GlobalId, name: &str) -> Evaluated {
        let value = match globals {
            Globals::Here => self.global(slot).cloned(),
            Globals::There(home) => home.as_ref().and_then(|home| home.global(slot as usize)),
        };
        value.ok_or_else(|| unset(globals, name))
    }

    /// Sets a program-wide variable.
    pub fn write_global(&mut self, globals: &Globals, slot: GlobalId, value: Value) {
        match globals {
            Globals::Here => self.set_global(slot, value),
            Globals::There(Some(home)) => home.set_global(slot as usize, value),
            Globals::There(None) => {}
        }
    }

    /// Takes the value of a variable out, to change it and put it back; `None` if it is not set or belongs to another
    /// run.
    pub fn take(&mut self, frame: &Frame<'_>, variable: Variable) -> Option<Value> {
        match variable {
            Variable::Local(slot) => self.stack.get_mut(frame.base + usize::from(slot)).map(std::mem::take),
            Variable::Global(slot) if matches!(frame.globals, Globals::Here) => self.variables.take_global(slot),
            Variable::Cell(cell) => frame.cell(cell).and_then(|cell| cell.take()),
            Variable::CapturedCell(position) => frame.captured_cell(position).and_then(|cell| cell.take()),
            Variable::Global(_) | Variable::Captured(_) => None,
        }
    }

    /// Sets a variable.
    #[inline]
    pub fn set(&mut self, frame: &mut Frame<'_>, variable: Variable, value: Value) -> Result<(), Failure> {
        match variable {
            Variable::Local(slot) => self.set_local(frame, slot, value),
            Variable::Global(slot) => self.write_global(&frame.globals, slot, value),
            Variable::Cell(cell) => self.cell(frame, cell)?.set(value),
            Variable::CapturedCell(position) => {
                if let Some(cell) = frame.captured_cell(position) {
                    cell.set(value);
                }
            }
            // The checker gives a cell to a captured variable that is set.
            Variable::Captured(_) => {}
        }
        Ok(())
    }

    /// The cell of a frame, created if it is missing.
    pub fn cell(&mut self, frame: &mut Frame<'_>, cell: CellId) -> Result<Arc<Cell>, Failure> {
        if let Some(cell) = frame.cell(cell) {
            return Ok(cell.clone());
        }
        self.renew_cell(frame, cell)
    }

    /// A new, empty cell in the frame's place for it.
    pub fn renew_cell(&mut self, frame: &mut Frame<'_>, cell: CellId) -> Result<Arc<Cell>, Failure> {
        let made = self.make_cell()?;
        if let Some(slot) = frame.cells.get_mut(usize::from(cell)) {
            *slot = Some(made.clone());
        }
        Ok(made)
    }
}

impl Frame<'_> {
    fn cell(&self, cell: CellId) -> Option<&Arc<Cell>> {
        self.cells.get(usize::from(cell)).and_then(Option::as_ref)
    }

    /// A cell the function captured.
    pub fn captured_cell(&self, position: u16) -> Option<&Arc<Cell>> {
        match self.captures.get(usize::from(position)) {
            Some(Captured::Cell(cell)) => Some(cell),
            _ => None,
        }
    }
}

#[cold]
fn unset(globals: &Globals, name: &str) -> Failure {
    let subject =
        if name.is_empty() { "A variable that is used here".to_owned() } else { format!("The variable {name}") };
    if matches!(globals, Globals::There(None)) {
        return value_error(format!("{subject} is gone: the run that made this function is over."));
    }
    value_error(format!("{subject} has no value yet: its `let` has not run when it is read here."))
}
