//! Row expressions of few rows: computed on simple values where they are, without making any.
//!
//! Computation here has no effects and no errors. If the evaluator would fail, convert a text, or make a value with
//! parts, this declines, and the evaluator does the row. So the attempt has no visible effect; pure library functions
//! on simple values are called here, too.

mod expr;
mod native;

use super::machine::{Frame, Machine};
use super::{Failure, Method};
use crate::tree::{Expr, RowName, Scope, ScopeId};
use crate::value::{Column, Rows, Scalar, Shape, TableCells, Value};
use ecow::EcoString;

/// Expressions nested deeper are left to the evaluator, which checks the stack.
const DEEPEST: u32 = 32;

/// A run with fewer steps left is left to the evaluator: it knows at which call they end.
const STEPS: u64 = 1_000;

/// Longer texts are left to the evaluator, which counts them.
const LONGEST: usize = 1_024;

/// The current rows of a frame, and the cost of computing with them.
pub(super) struct RowScalars<'q, 'a, 't> {
    machine: &'q Machine<'a>,
    frame: &'q Frame<'t>,
    /// The rows of a scope that is not entered for each.
    near: Option<Near<'q>>,
    depth: u32,
    pub spent: Spent,
}

/// Rows in columns, and the current one.
struct Near<'q> {
    scope: ScopeId,
    names: &'q [RowName],
    binding: &'q [i32],
    shape: &'q Shape,
    cells: TableCells<'q>,
    row: usize,
}

/// The cost to be counted when all is computed.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    /// Rows and calls of library functions.
    pub steps: u64,
    /// Bytes of texts made.
    pub bytes: usize,
    /// Bytes that a query keeps.
    pub held: usize,
}

impl<'a, 't> Machine<'a> {
    /// The value of an expression for the current row, passed to `taken`; `None` if it must be evaluated.
    #[inline]
    pub(super) fn scalar<R>(
        &mut self,
        frame: &Frame<'t>,
        expr: &'t Expr,
        taken: impl FnOnce(Scalar<'_>) -> R,
    ) -> Result<Option<R>, Failure> {
        if !self.wants_scalars() {
            return Ok(None);
        }
        let mut row = RowScalars::new(self, frame);
        let mut made = Value::Null;
        let Some(scalar) = row.value(expr, &mut made) else { return Ok(None) };
        let spent = row.spent;
        let result = taken(scalar);
        self.spend_scalars(spent)?;
        Ok(Some(result))
    }

    /// Is an expression true for the current row? `None` if it must be evaluated.
    #[inline]
    pub(super) fn scalar_truth(&mut self, frame: &Frame<'t>, expr: &'t Expr) -> Result<Option<bool>, Failure> {
        if !self.wants_scalars() {
            return Ok(None);
        }
        let mut row = RowScalars::new(self, frame);
        let truth = row.truth(expr);
        let spent = row.spent;
        if truth.is_some() {
            self.spend_scalars(spent)?;
        }
        Ok(truth)
    }

    /// Counts what has been computed.
    #[inline]
    pub(super) fn spend_scalars(&mut self, spent: Spent) -> Result<(), Failure> {
        if spent.steps == 0 {
            return Ok(());
        }
        self.spend(spent.steps)?;
        self.grow(spent.bytes)?;
        if spent.held > 0 { self.hold_bytes(spent.held) } else { Ok(()) }
    }

    /// Rows to compute with one after the other, without entering their scope; `None` if they must be evaluated.
    pub(super) fn near_rows<'q>(
        &'q self,
        frame: &'q Frame<'t>,
        scope: &'t Scope,
        rows: &'q Rows,
        binding: &'q [i32],
    ) -> Option<RowScalars<'q, 'a, 't>> {
        let Rows::Table(table) = rows else { return None };
        if !self.wants_scalars() {
            return None;
        }
        let (shape, cells) = (table.shape(), table.cells()?);
        let near = Near { scope: scope.id, names: &scope.names, binding, shape, cells, row: 0 };
        Some(RowScalars { near: Some(near), ..RowScalars::new(self, frame) })
    }

    #[inline]
    pub(super) fn wants_scalars(&self) -> bool {
        self.method == Method::Code && self.has_steps(STEPS)
    }
}

impl<'q, 'a, 't> RowScalars<'q, 'a, 't> {
    #[inline]
    fn new(machine: &'q Machine<'a>, frame: &'q Frame<'t>) -> Self {
        Self { machine, frame, near: None, depth: 0, spent: Spent::default() }
    }

    /// Moves to the row at a position of the rows, and counts it. `false` if the computed rows must be counted first.
    #[inline]
    pub(super) fn go_to(&mut self, position: usize) -> bool {
        let Some(near) = &mut self.near else { return false };
        near.row = match near.cells.picked {
            Some(rows) => rows.get(position).map_or(usize::MAX, |row| *row as usize),
            None => position,
        };
        self.spent.steps += 1;
        self.spent.steps < STEPS / 2
    }

    /// Returns to the state before the current row was counted.
    pub(super) fn go_back(&mut self) {
        self.spent.steps -= 1;
    }

    /// Is an expression true for the current row? `None` if it must be evaluated; nothing is counted for it then.
    #[inline]
    pub(super) fn holds(&mut self, expr: &Expr) -> Option<bool> {
        let before = self.spent;
        let truth = self.truth(expr);
        if truth.is_none() {
            self.declined(before);
        }
        truth
    }

    /// Appends the value of an expression for the current row to a column; `None` if it must be evaluated; nothing is
    /// counted for it then.
    #[inline]
    pub(super) fn cell(&mut self, expr: &Expr, column: &mut Column) -> Option<()> {
        let before = self.spent;
        let mut made = Value::Null;
        let Some(scalar) = self.value(expr, &mut made) else {
            self.declined(before);
            return None;
        };
        let held = size_of::<Value>() + scalar.held();
        column.push_scalar(scalar);
        self.spent.held += held;
        Some(())
    }

    #[cold]
    fn declined(&mut self, before: Spent) {
        self.spent = before;
        self.depth = 0;
    }
}

impl<'q> Near<'q> {
    /// The cell of the column of this name, if there is one and the cell is simple.
    fn named(&self, name: &EcoString) -> Option<Scalar<'q>> {
        let column = self.shape.position(name)?;
        self.cells.columns.get(column)?.scalar(self.row)
    }
}
