//! Query operators over rows, one after the other: `where … order by …`, `map … as …` (lang/README.md,
//! Queries).
//!
//! Between operators there is a relation: rows and a selection of them in order. Only operators that change rows make a
//! table.

mod change;
mod columns;
mod filter;
mod group;
mod order;
mod updates;

use super::fail::{describe, type_error};
use super::machine::{Frame, Machine};
use super::place::placed;
use super::{Evaluated, Failure};
use crate::query::{At, Batch, Kernel, STRETCH, append};
use crate::span::Span;
use crate::tree::{Change, Expr, Scope, Step};
use crate::value::{Column, Rows, Table, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// Rows, and the selected ones in order; `None` for all as they are.
struct Relation {
    rows: Rows,
    selection: Option<Vec<u32>>,
}

/// Code that computes a value for each row.
pub(super) enum RowCode<'t> {
    /// An expression in the row's scope. If its value is a function, that is called with the row.
    Body(&'t Expr),
    /// A function, called with each row.
    Function(Value),
}

impl Relation {
    fn len(&self) -> usize {
        self.selection.as_ref().map_or_else(|| self.rows.len(), Vec::len)
    }

    /// The position of the row with this number in the selection.
    fn position(&self, number: usize) -> usize {
        match &self.selection {
            Some(selection) => selection.get(number).map_or(usize::MAX, |position| *position as usize),
            None => number,
        }
    }

    /// The `len` rows from `start` on, for kernels.
    fn batch(&self, start: usize, len: usize) -> Batch<'_> {
        let at = match &self.selection {
            None => At::From(start),
            Some(selection) => At::Positions(Cow::Borrowed(selection.get(start..start + len).unwrap_or(&[]))),
        };
        Batch { len, at: vec![at] }
    }

    /// Is it a table? Only a table can give its first rows without the others: the elements of a list decide together
    /// what it is.
    fn is_table(&self) -> bool {
        matches!(self.rows, Rows::Table(_))
    }
}

impl<'t> Machine<'_> {
    /// Runs a query. With `limit` at most that many of the first rows are needed.
    pub(super) fn query(
        &mut self,
        frame: &mut Frame<'t>,
        source: &'t Expr,
        steps: &'t [(Step, Span)],
        limit: Option<usize>,
    ) -> Evaluated {
        let source_value = self.eval(frame, source)?;
        if let (Value::Record(record), Some((Step::With { .. }, _))) = (&source_value, steps.first()) {
            return self.change_record(frame, record.clone(), steps);
        }
        let relation = self.run_steps(frame, source_value, source.span, steps, limit)?;
        self.materialize(relation)
    }

    /// The number of rows of a query's result, without making them.
    pub(super) fn count_rows(
        &mut self,
        frame: &mut Frame<'t>,
        source: &'t Expr,
        steps: &'t [(Step, Span)],
    ) -> Result<usize, Failure> {
        let source_value = self.eval(frame, source)?;
        if let (Value::Record(_), Some((Step::With { .. }, _))) = (&source_value, steps.first()) {
            return Err(type_error("Count takes a table or list, not a record."));
        }
        self.run_steps(frame, source_value, source.span, steps, None).map(|relation| relation.len())
    }

    fn run_steps(
        &mut self,
        frame: &mut Frame<'t>,
        source: Value,
        source_span: Span,
        steps: &'t [(Step, Span)],
        limit: Option<usize>,
    ) -> Result<Relation, Failure> {
        let operator = steps.first().map_or("A query", |(step, _)| name_of(step));
        let rows = rows_of(&source, operator).map_err(|error| placed(error, frame.call, source_span))?;
        let mut source = Some(source);
        let mut relation = Relation { rows, selection: None };
        for (number, (step, span)) in steps.iter().enumerate() {
            let rest = steps.get(number + 1..).unwrap_or(&[]);
            let limit = limit.filter(|_| rest.iter().all(|(step, _)| keeps_rows(step)) && relation.is_table());
            let (height, held) = (self.stack.len(), self.meter.held());
            // On the stack they are visible to the limit on memory.
            self.stack.push(source.take().unwrap_or_else(|| relation.rows.to_value()));
            relation = self.step(frame, relation, step, limit).map_err(|error| placed(error, frame.call, *span))?;
            self.stack.truncate(height);
            self.meter.release_to(held);
            if let Some(scope) = scope_of(step) {
                frame.leave_rows(scope.id);
            }
        }
        Ok(relation)
    }

    fn step(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        step: &'t Step,
        limit: Option<usize>,
    ) -> Result<Relation, Failure> {
        match step {
            Step::Where(operand) => self.filter(frame, relation, operand, true, limit),
            Step::ExceptWhere(operand) => self.filter(frame, relation, operand, false, limit),
            Step::Except(record) => self.except(frame, relation, record),
            Step::OrderBy(scope, keys) => self.order_by(frame, relation, scope, keys, limit),
            Step::GroupBy(scope, keys) => self.group_by(frame, relation, scope, keys),
            Step::With { scope, changes, condition } => self.with(frame, relation, scope, changes, condition.as_ref()),
            Step::Map(scope, change) => self.map(frame, relation, scope, change, limit),
        }
    }

    /// The values of a kernel for the first `count` rows; `None` if it declines.
    fn kernel_column(
        &mut self,
        kernel: &Kernel,
        relation: &Relation,
        count: usize,
    ) -> Result<Option<Arc<Column>>, Failure> {
        if let (Kernel::Column { cells, .. }, None) = (kernel, &relation.selection)
            && cells.len() == count
        {
            return Ok(Some(cells.clone()));
        }
        let held = self.meter.held();
        let mut column = Column::default();
        for start in (0..count).step_by(STRETCH) {
            let batch = relation.batch(start, STRETCH.min(count - start));
            let Some(vector) = kernel.eval(&batch) else {
                self.meter.release_to(held);
                return Ok(None);
            };
            append(&mut column, &vector, batch.len);
            self.work(batch.len as u64 / 8)?;
            self.hold_cells(&column, batch.len)?;
        }
        Ok(Some(Arc::new(column)))
    }

    fn materialize(&mut self, relation: Relation) -> Evaluated {
        match relation.selection {
            None => Ok(relation.rows.to_value()),
            Some(selection) => {
                self.work(selection.len() as u64 / 8)?;
                let value = self.gather_rows(&relation.rows, selection)?;
                self.made(value)
            }
        }
    }

    /// The rows of a selection. Making many can be stopped.
    fn gather_rows(&mut self, rows: &Rows, selection: Vec<u32>) -> Evaluated {
        let many = match rows {
            Rows::Table(table) if selection.len() > STRETCH => table.columns().map(|columns| (table, columns)),
            _ => None,
        };
        let Some((table, columns)) = many else { return Ok(rows.gather(selection)) };
        if selection.len() == table.len() && selection.iter().zip(0..).all(|(row, number)| *row == number) {
            return Ok(rows.to_value());
        }
        let mut gathered = Vec::with_capacity(columns.len());
        for column in columns {
            gathered.push(self.gather_column(column, &selection)?);
        }
        let gathered = Table::from_columns(table.shape().clone(), gathered, selection.len());
        Ok(Value::table(gathered.with_row_type(table.row_type().cloned())))
    }

    /// The cells of a column at these rows. Copying many can be stopped.
    pub(super) fn gather_column(&mut self, column: &Column, rows: &[u32]) -> Result<Arc<Column>, Failure> {
        column.gather_watched(rows, &mut |cells| self.work(cells as u64 / 16)).map(Arc::new)
    }

    /// Evaluates a function literal once; other bodies stay as they are.
    pub(super) fn prepare(
        &mut self,
        frame: &mut Frame<'t>,
        body: &'t Expr,
        outside: bool,
    ) -> Result<RowCode<'t>, Failure> {
        if !outside {
            return Ok(RowCode::Body(body));
        }
        let function = self.eval(frame, body)?;
        super::callable::check_row_function(&function).map_err(|error| placed(error, frame.call, body.span))?;
        Ok(RowCode::Function(function))
    }

    /// The value for the row at `position`, which the scope has entered.
    pub(super) fn row_value(
        &mut self,
        frame: &mut Frame<'t>,
        code: &RowCode<'t>,
        rows: &Rows,
        position: usize,
    ) -> Evaluated {
        self.spend(1)?;
        self.value_of(frame, code, rows, position)
    }

    /// The value of an expression for the current row.
    #[inline]
    pub(super) fn row_eval(&mut self, frame: &mut Frame<'t>, expr: &'t Expr) -> Evaluated {
        // A closure, since the lifetimes of a method are not general enough.
        #[expect(clippy::redundant_closure_for_method_calls)]
        match self.scalar(frame, expr, |scalar| scalar.to_value())? {
            Some(value) => Ok(value),
            None => self.eval(frame, expr),
        }
    }

    /// Is an expression true for the current row?
    pub(super) fn row_holds(&mut self, frame: &mut Frame<'t>, expr: &'t Expr) -> Result<bool, Failure> {
        match self.scalar_truth(frame, expr)? {
            Some(truth) => Ok(truth),
            None => self.holds(frame, expr),
        }
    }

    /// Appends the value of an expression for the current row to a column that a query makes.
    pub(super) fn row_cell(
        &mut self,
        frame: &mut Frame<'t>,
        expr: &'t Expr,
        column: &mut Column,
    ) -> Result<(), Failure> {
        let bytes = self.scalar(frame, expr, |scalar| {
            column.push_scalar(scalar);
            scalar.held()
        })?;
        match bytes {
            Some(bytes) => self.hold_bytes(bytes),
            None => {
                let value = self.eval(frame, expr)?;
                self.hold(&value)?;
                column.push(value);
                Ok(())
            }
        }
    }

    /// The same within a row that has been counted.
    fn value_of(&mut self, frame: &mut Frame<'t>, code: &RowCode<'t>, rows: &Rows, position: usize) -> Evaluated {
        let (function, span) = match code {
            RowCode::Body(body) => match self.row_eval(frame, body)? {
                function @ Value::Function(_) => (function, body.span),
                value => return Ok(value),
            },
            RowCode::Function(function) => (function.clone(), frame.call.definition.span),
        };
        super::callable::check_row_function(&function)?;
        self.invoke(frame.call, &function, [rows.get(position)], span)
    }
}

/// The rows of a value that a query runs over.
pub(super) fn rows_of(value: &Value, operator: &str) -> Result<Rows, Failure> {
    Rows::of(value).ok_or_else(|| {
        let hint = match value {
            Value::Record(_) => " A table of one record is written *record.",
            _ => "",
        };
        type_error(format!("{operator} runs over a table or list, not over {}.{hint}", describe(value)))
    })
}

/// Does a step make one row of each row, so that the first rows depend only on the first ones?
fn keeps_rows(step: &Step) -> bool {
    match step {
        Step::Map(_, Change::Record(..)) => true,
        Step::With { changes, .. } => changes.iter().all(|(change, _)| matches!(change, Change::Record(..))),
        _ => false,
    }
}

fn name_of(step: &Step) -> &'static str {
    match step {
        Step::Where(_) => "where",
        Step::With { .. } => "with",
        Step::Except(_) | Step::ExceptWhere(_) => "except",
        Step::OrderBy(..) => "order by",
        Step::GroupBy(..) => "group by",
        Step::Map(..) => "map",
    }
}

fn scope_of(step: &Step) -> Option<&Scope> {
    match step {
        Step::Where(operand) | Step::ExceptWhere(operand) => Some(&operand.scope),
        Step::With { scope, .. } | Step::OrderBy(scope, _) | Step::GroupBy(scope, _) | Step::Map(scope, _) => {
            Some(scope)
        }
        Step::Except(_) => None,
    }
}
