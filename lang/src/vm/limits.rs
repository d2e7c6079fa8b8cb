//! Limits on steps, time and memory (lang/README.md, Limits).

use super::fail::limit_error;
use super::machine::Machine;
use super::{Evaluated, Failure};
use crate::budget::{BYTES_OF_WORK, Budget, Paid, interrupted, text_too_long, too_many_cells};
use crate::value::{Column, MAX_DEPTH, Rows, Table, Value, fresh_size, live_size};
use ecow::EcoString;
use std::sync::Arc;

/// Stack that must be left for evaluating; deeper nesting continues on a new segment.
const RED_ZONE: usize = 256 << 10;

/// Stack that must be left if a nested value may be walked, by a native for example.
const RED_ZONE_FOR_VALUES: usize = 1 << 20;

/// The size of a new stack segment.
#[cfg(not(target_arch = "wasm32"))]
const SEGMENT: usize = 4 << 20;

/// Values less nested than this are walked on any stack.
const FLAT: u16 = 32;

impl Machine<'_> {
    /// Counts steps.
    #[inline]
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Failure> {
        self.meter.step(steps)?;
        self.work(steps)
    }

    /// Are there more than `steps` steps left?
    #[inline]
    pub(super) fn has_steps(&self, steps: u64) -> bool {
        self.meter.has_steps(steps)
    }

    /// Steps that may be taken without asking; then they must be settled.
    #[inline]
    pub(super) fn grant(&self) -> u64 {
        self.meter.grant()
    }

    /// Counts steps that were granted.
    #[inline]
    pub(super) fn settle(&mut self, steps: u64) {
        self.meter.settle(steps);
    }

    /// Counts work that is not a step, so that the host can stop it.
    #[inline]
    pub(super) fn work(&mut self, work: u64) -> Result<(), Failure> {
        if self.meter.work(work) { self.poll() } else { Ok(()) }
    }

    #[cold]
    fn poll(&mut self) -> Result<(), Failure> {
        self.meter.polled();
        self.check_whole()?;
        match self.host.interrupt() {
            None => Ok(()),
            Some(why) => Err(interrupted(why)),
        }
    }

    /// Counts the growth of values in bytes.
    #[inline]
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Failure> {
        self.meter.add(bytes);
        if bytes >= BYTES_OF_WORK {
            self.work((bytes / BYTES_OF_WORK) as u64)?;
        }
        if self.meter.is_due() { self.measure(bytes) } else { Ok(()) }
    }

    /// Measures the live values. `in_flight` is not on the stack yet.
    #[cold]
    fn measure(&mut self, in_flight: usize) -> Result<(), Failure> {
        let shared = self.variables.in_cells();
        let roots = self.stack.iter().chain(self.variables.globals()).chain(&shared);
        let live = with_stack_for_values(|| live_size(roots));
        self.meter.measured(live.saturating_add(in_flight))
    }

    /// A new value: not too large, not too deep, and counted.
    pub(super) fn made(&mut self, value: Value) -> Evaluated {
        match &value {
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => return Ok(value),
            Value::Text(text) => self.check_text(text.len())?,
            Value::List(list) => self.check_cells(list.items().len())?,
            Value::Table(table) => self.check_cells(table.held_cells())?,
            Value::Binary(_) | Value::Record(_) | Value::Function(_) => {}
        }
        check_depth(value.depth())?;
        let bytes = with_stack_for(value.depth(), || fresh_size(&value));
        self.grow(bytes)?;
        Ok(value)
    }

    /// A new table, as [`Machine::made`].
    pub(super) fn made_rows(&mut self, table: Table) -> Result<Rows, Failure> {
        let table = self.made(Value::table(table))?;
        Ok(Rows::of(&table).unwrap_or_else(|| Rows::List(Arc::default())))
    }

    /// Refuses a text of more bytes than one may have.
    pub(super) fn check_text(&self, bytes: usize) -> Result<(), Failure> {
        if bytes <= self.meter.text() {
            return Ok(());
        }
        Err(text_too_long(self.meter.text()))
    }

    /// Refuses a list or table of more cells than one may have.
    pub(super) fn check_cells(&self, cells: usize) -> Result<(), Failure> {
        if cells <= self.meter.cells() {
            return Ok(());
        }
        Err(too_many_cells(self.meter.cells()))
    }

    /// Counts the last `len` cells of a column that a query keeps until it is done.
    pub(super) fn hold_cells(&mut self, column: &Column, len: usize) -> Result<(), Failure> {
        let texts = match column {
            Column::Text(cells) => {
                let long = cells.iter().rev().take(len).flatten().filter(|text| text.len() > EcoString::INLINE_LIMIT);
                long.map(EcoString::len).sum()
            }
            _ => 0,
        };
        let bytes = len * size_of::<Value>();
        self.meter.hold(bytes + texts);
        self.meter.add(bytes);
        if self.meter.is_due() { self.measure(0) } else { Ok(()) }
    }

    /// Counts a value that a query or native keeps until it is done.
    pub(super) fn hold(&mut self, value: &Value) -> Result<(), Failure> {
        let bytes = with_stack_for(value.depth(), || fresh_size(value));
        self.hold_bytes(bytes)
    }

    /// Counts a value that a query keeps until it is done; it has `bytes` bytes besides its cell.
    #[inline]
    pub(super) fn hold_bytes(&mut self, bytes: usize) -> Result<(), Failure> {
        self.meter.hold(size_of::<Value>() + bytes);
        self.meter.add(size_of::<Value>());
        if self.meter.is_due() { self.measure(0) } else { Ok(()) }
    }
}

/// The run's budget, for all code that works for it.
impl Budget for Machine<'_> {
    fn spend(&mut self, steps: u64) -> Paid {
        Machine::spend(self, steps)
    }

    fn take(&mut self, bytes: usize) -> Paid {
        self.meter.hold(bytes);
        self.grow(bytes)
    }

    fn most_text(&self) -> usize {
        self.meter.text()
    }

    fn most_cells(&self) -> usize {
        self.meter.cells()
    }
}

/// Refuses a value that is nested too deep for walking it.
pub(super) fn check_depth(depth: u16) -> Result<(), Failure> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    Err(limit_error(format!("A value would be nested more than {MAX_DEPTH} levels deep, the limit.")))
}

/// Runs `f` with enough stack to evaluate.
#[inline]
pub(super) fn with_stack<R>(f: impl FnOnce() -> R) -> R {
    grown(RED_ZONE, f)
}

/// Runs `f` with enough stack to walk a value of the deepest nesting.
pub(super) fn with_stack_for_values<R>(f: impl FnOnce() -> R) -> R {
    grown(RED_ZONE_FOR_VALUES, f)
}

/// Runs `f` here if enough stack is left, else on a new segment.
#[cfg(not(target_arch = "wasm32"))]
#[inline]
fn grown<R>(needed: usize, f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(needed, SEGMENT, f)
}

/// There is one stack.
#[cfg(target_arch = "wasm32")]
fn grown<R>(_needed: usize, f: impl FnOnce() -> R) -> R {
    f()
}

/// Runs `f` with enough stack to walk a value nested `depth` deep.
#[inline]
pub(super) fn with_stack_for<R>(depth: u16, f: impl FnOnce() -> R) -> R {
    if depth <= FLAT { f() } else { with_stack_for_values(f) }
}
