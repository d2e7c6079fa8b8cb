//! `with` and `map … as`: rows become other rows.

use super::super::fail::{describe, type_error};
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::scalar::{RowScalars, Spent};
use super::super::{Evaluated, Failure};
use super::columns::WithStep;
use super::updates::{Updates, with_updates};
use super::{Relation, RowCode, name_of};
use crate::budget::Budget;
use crate::span::Span;
use crate::tree::{Change, Expr, RowBody, Scope, Step};
use crate::value::{Column, List, Record, Rows, RowsBuilder, Shape, Table, Value, truth};
use ecow::EcoString;

use std::ops::Range;
use std::sync::Arc;

/// The change of a row, ready for many rows.
enum ChangeCode<'t> {
    Record(&'t Arc<Shape>, &'t [Expr]),
    Function(Value, &'t Expr),
}

/// The changes of a `with`, ready for many rows.
struct WithCode<'t> {
    condition: Option<RowCode<'t>>,
    changes: Vec<(ChangeCode<'t>, Option<RowCode<'t>>)>,
}

/// The cells that a `map` makes row by row.
struct MapCells<'s, 't> {
    cells: &'t [Expr],
    /// The columns that are already there; `None` for each other one.
    ready: &'s [Option<Arc<Column>>],
    columns: &'s mut [Column],
}

impl<'t> MapCells<'_, 't> {
    /// Makes the cells of rows as far as they are computed; returns the first row that is not, how many of its cells
    /// are made, and the cost. A row with some cells made has been counted.
    fn near(
        &mut self,
        near: &mut RowScalars<'_, '_, '_>,
        relation: &Relation,
        rows: Range<usize>,
    ) -> (usize, usize, Spent) {
        for number in rows.clone() {
            if !near.go_to(relation.position(number)) {
                near.go_back();
                return (number, 0, near.spent);
            }
            for (done, (column, cell)) in self.rest(0).enumerate() {
                if near.cell(cell, column).is_none() {
                    if done == 0 {
                        near.go_back();
                    }
                    return (number, done, near.spent);
                }
            }
        }
        (rows.end, 0, near.spent)
    }

    /// The cells from one on, and their targets.
    fn rest(&mut self, done: usize) -> impl Iterator<Item = (&mut Column, &'t Expr)> {
        let ready = self.ready.iter().map(Option::is_some).chain(std::iter::repeat(false));
        let cells = self.columns.iter_mut().zip(self.cells).zip(ready);
        cells.filter(|(_, ready)| !ready).map(|(cell, _)| cell).skip(done)
    }
}

impl<'t> Machine<'_> {
    /// `with`: changes the rows selected by the condition and a guard, and keeps all.
    pub(super) fn with(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        scope: &'t Scope,
        changes: &'t [(Change, Option<RowBody>)],
        condition: Option<&'t RowBody>,
    ) -> Result<Relation, Failure> {
        let code = self.prepare_with(frame, changes, condition)?;
        match &relation.rows {
            Rows::Table(table) if table.columns().is_some() => {
                let table = table.clone();
                let binding = self.binding(frame, scope, &relation.rows)?;
                let step = WithStep { scope, changes, condition };
                let columns = self.with_kernels(frame, &relation, &table, &binding, &step)?;
                if let Some(columns) = columns {
                    let changed = with_updates(&table, &relation, columns);
                    return Ok(Relation { rows: self.made_rows(changed)?, selection: None });
                }
                self.with_columns(frame, &relation, &table, scope, &code)
            }
            _ => self.with_rows(frame, &relation, scope, &code),
        }
    }

    fn prepare_with(
        &mut self,
        frame: &mut Frame<'t>,
        changes: &'t [(Change, Option<RowBody>)],
        condition: Option<&'t RowBody>,
    ) -> Result<WithCode<'t>, Failure> {
        let mut code = WithCode { condition: None, changes: Vec::with_capacity(changes.len()) };
        for (change, guard) in changes {
            let change = self.prepare_change(frame, change)?;
            let guard = match guard {
                Some(guard) => Some(self.prepare(frame, &guard.expr, guard.outside)?),
                None => None,
            };
            code.changes.push((change, guard));
        }
        if let Some(condition) = condition {
            code.condition = Some(self.prepare(frame, &condition.expr, condition.outside)?);
        }
        Ok(code)
    }

    fn prepare_change(&mut self, frame: &mut Frame<'t>, change: &'t Change) -> Result<ChangeCode<'t>, Failure> {
        match change {
            Change::Record(shape, cells) => Ok(ChangeCode::Record(shape, cells)),
            Change::Function(expr) => match self.prepare(frame, expr, true)? {
                RowCode::Function(function @ Value::Function(_)) => Ok(ChangeCode::Function(function, expr)),
                RowCode::Function(other) => {
                    let error = type_error(format!(
                        "A record or a function of the row is expected here, not {}.",
                        describe(&other)
                    ));
                    Err(placed(error, frame.call, expr.span))
                }
                RowCode::Body(_) => Err(type_error("A record or a function of the row is expected here.")),
            },
        }
    }

    /// The number of the change for the current row.
    fn chosen(
        &mut self,
        frame: &mut Frame<'t>,
        code: &WithCode<'t>,
        rows: &Rows,
        position: usize,
    ) -> Result<Option<usize>, Failure> {
        if let Some(condition) = &code.condition
            && !truth(&self.value_of(frame, condition, rows, position)?)
        {
            return Ok(None);
        }
        for (number, (_, guard)) in code.changes.iter().enumerate() {
            let taken = match guard {
                None => true,
                Some(guard) => truth(&self.value_of(frame, guard, rows, position)?),
            };
            if taken {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// A table in columns: columns without changes are shared.
    fn with_columns(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        table: &Arc<Table>,
        scope: &'t Scope,
        code: &WithCode<'t>,
    ) -> Result<Relation, Failure> {
        let binding = self.binding(frame, scope, &relation.rows)?;
        let mut updates = Updates::default();
        for (change, _) in &code.changes {
            if let ChangeCode::Record(shape, _) = change {
                for name in shape.names() {
                    updates.of(name, table, relation, 0);
                }
            }
        }
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            frame.enter_row(scope, &relation.rows, &binding, position);
            if let Some(chosen) = self.chosen(frame, code, &relation.rows, position)?
                && let Some((change, _)) = code.changes.get(chosen)
            {
                let record = self.changed_fields(frame, change, &relation.rows, position)?;
                for (name, value) in record.iter() {
                    self.hold(&value)?;
                    let before = updates.all.len();
                    updates.of(name, table, relation, number).new = Some(value);
                    if updates.all.len() > before {
                        // Every row has a cell in each column.
                        let columns = table.shape().len().saturating_add(updates.all.len());
                        self.check_cells(columns.saturating_mul(relation.len()))?;
                        self.hold_bytes(number * size_of::<Value>())?;
                    }
                }
            }
            let cells = updates.all.len() * size_of::<Value>();
            self.meter.hold(cells);
            self.grow(cells)?;
            self.look(updates.all.len())?;
            for update in &mut updates.all {
                let cell = match update.new.take() {
                    Some(new) => new,
                    None => update.old.map_or(Value::Null, |column| table.cell(position, column)),
                };
                update.cells.push(cell);
            }
        }
        let updates = updates.all.into_iter().map(|update| (update.name, Arc::new(update.cells))).collect();
        let changed = with_updates(table, relation, updates);
        Ok(Relation { rows: self.made_rows(changed)?, selection: None })
    }

    /// Rows of different fields keep their own; only records can be changed.
    fn with_rows(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        scope: &'t Scope,
        code: &WithCode<'t>,
    ) -> Result<Relation, Failure> {
        let binding = self.binding(frame, scope, &relation.rows)?;
        // Columns that the changes add are null in unchanged rows.
        let columns = match &relation.rows {
            Rows::Table(table) => Some(table.shape().clone()),
            Rows::List(_) => None,
        };
        let mut added: Vec<&EcoString> = Vec::new();
        for (change, _) in &code.changes {
            if let (ChangeCode::Record(shape, _), Some(columns)) = (change, &columns) {
                added.extend(shape.names().iter().filter(|name| columns.position(name).is_none()));
            }
        }
        let mut builder = RowsBuilder::default();
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            frame.enter_row(scope, &relation.rows, &binding, position);
            let chosen = self.chosen(frame, code, &relation.rows, position)?;
            let change = chosen.and_then(|chosen| code.changes.get(chosen)).map(|(change, _)| change);
            let row = match (relation.rows.get(position), change) {
                (Value::Record(mut record), change) => {
                    for name in &added {
                        record = record.with(name, Value::Null);
                    }
                    if let Some(change) = change {
                        for (name, value) in self.changed_fields(frame, change, &relation.rows, position)?.iter() {
                            record = record.with(name, value);
                        }
                    }
                    Value::Record(record)
                }
                (other, Some(_)) => {
                    return Err(type_error(format!(
                        "with changes records, and the element at position {position} is {}.",
                        describe(&other)
                    )));
                }
                (other, None) => other,
            };
            self.hold(&row)?;
            builder.push(row);
        }
        let changed = match (columns, relation.len()) {
            (Some(columns), 0) => {
                let names = columns.names().iter().chain(added).cloned();
                Value::table(Table::empty(Shape::new(names), None))
            }
            _ => builder.finish(),
        };
        let changed = self.made(changed)?;
        Ok(Relation { rows: super::rows_of(&changed, "with")?, selection: None })
    }

    /// The fields of a change for the current row.
    fn changed_fields(
        &mut self,
        frame: &mut Frame<'t>,
        change: &ChangeCode<'t>,
        rows: &Rows,
        position: usize,
    ) -> Result<Record, Failure> {
        match self.changed_row(frame, change, rows, position)? {
            Value::Record(record) => Ok(record),
            other => {
                let error = type_error(format!(
                    "The function must give a record of the fields to set, and gave {}.",
                    describe(&other)
                ));
                Err(match change {
                    ChangeCode::Function(_, expr) => placed(error, frame.call, expr.span),
                    ChangeCode::Record(..) => error,
                })
            }
        }
    }

    fn changed_row(
        &mut self,
        frame: &mut Frame<'t>,
        change: &ChangeCode<'t>,
        rows: &Rows,
        position: usize,
    ) -> Evaluated {
        match change {
            ChangeCode::Record(shape, cells) => {
                let cells = self.eval_all(frame, cells)?;
                let record = Record::new((*shape).clone(), cells);
                super::super::limits::check_depth(record.depth())?;
                Ok(Value::Record(record))
            }
            ChangeCode::Function(function, expr) => self.invoke(frame.call, function, [rows.get(position)], expr.span),
        }
    }

    /// `map`: each row becomes the record.
    pub(super) fn map(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        scope: &'t Scope,
        change: &'t Change,
        limit: Option<usize>,
    ) -> Result<Relation, Failure> {
        let binding = self.binding(frame, scope, &relation.rows)?;
        let code = self.prepare_change(frame, change)?;
        let rows = &relation.rows;
        let ChangeCode::Record(shape, cells) = code else {
            let mut builder = RowsBuilder::default();
            for number in 0..relation.len() {
                self.spend(1)?;
                let row = self.changed_row(frame, &code, rows, relation.position(number))?;
                self.hold(&row)?;
                builder.push(row);
            }
            let mapped = self.made(builder.finish())?;
            return Ok(Relation { rows: super::rows_of(&mapped, "map")?, selection: None });
        };
        let count = relation.len().min(limit.unwrap_or(usize::MAX));
        self.check_cells(count.saturating_mul(shape.len()))?;
        let ready = self.map_columns(frame, &relation, scope, &binding, cells, count)?;
        let mut columns: Vec<Column> = cells.iter().map(|_| Column::default()).collect();
        if !ready.is_empty() && ready.iter().all(Option::is_some) {
            self.spend(count as u64)?;
        } else {
            let mut made = MapCells { cells, ready: &ready, columns: &mut columns };
            let mut number = 0;
            while number < count {
                let (next, done, spent) = match self.near_rows(frame, scope, rows, &binding) {
                    Some(mut near) => made.near(&mut near, &relation, number..count),
                    None => (number, 0, Spent::default()),
                };
                self.spend_scalars(spent)?;
                number = next;
                if number < count {
                    if done == 0 {
                        self.spend(1)?;
                    }
                    let position = relation.position(number);
                    frame.enter_row(scope, rows, &binding, position);
                    for (column, cell) in made.rest(done) {
                        let value = self.eval(frame, cell)?;
                        self.hold(&value)?;
                        column.push(value);
                    }
                    number += 1;
                }
            }
        }
        let mut columns: Vec<Arc<Column>> = columns.into_iter().map(Arc::new).collect();
        for (column, ready) in columns.iter_mut().zip(ready) {
            if let Some(ready) = ready {
                *column = ready;
            }
        }
        let mapped = Table::from_columns(shape.clone(), columns, count);
        Ok(Relation { rows: self.made_rows(mapped)?, selection: None })
    }

    /// `with` on one record gives a record; other operators require rows.
    pub(super) fn change_record(
        &mut self,
        frame: &mut Frame<'t>,
        record: Record,
        steps: &'t [(Step, Span)],
    ) -> Evaluated {
        let mut record = record;
        for (step, span) in steps {
            let Step::With { scope, changes, condition } = step else {
                let error = type_error(format!(
                    "{} runs over a table or list, not over one record. A table of one record is written *record.",
                    name_of(step)
                ));
                return Err(placed(error, frame.call, *span));
            };
            let changed = self.record_with(frame, record, scope, changes, condition.as_ref());
            record = changed.map_err(|error| placed(error, frame.call, *span))?;
            frame.leave_rows(scope.id);
        }
        self.made(Value::Record(record))
    }

    fn record_with(
        &mut self,
        frame: &mut Frame<'t>,
        record: Record,
        scope: &'t Scope,
        changes: &'t [(Change, Option<RowBody>)],
        condition: Option<&'t RowBody>,
    ) -> Result<Record, Failure> {
        // A list of the one record, so that names that it only reads as null stay readable.
        let mut list = List::default();
        list.push(Value::Record(record.clone()));
        let rows = Rows::List(Arc::new(list));
        let binding = self.binding(frame, scope, &rows)?;
        let code = self.prepare_with(frame, changes, condition)?;
        frame.enter_row(scope, &rows, &binding, 0);
        let chosen = self.chosen(frame, &code, &rows, 0)?;
        let mut changed = record;
        for (change, _) in &code.changes {
            if let ChangeCode::Record(shape, _) = change {
                for name in shape.names() {
                    if changed.get(name).is_none() {
                        changed = changed.with(name, Value::Null);
                    }
                }
            }
        }
        if let Some((change, _)) = chosen.and_then(|chosen| code.changes.get(chosen)) {
            for (name, value) in self.changed_fields(frame, change, &rows, 0)?.iter() {
                changed = changed.with(name, value);
            }
        }
        Ok(changed)
    }
}
