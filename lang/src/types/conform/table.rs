//! Tables for annotations: column by column if they are stored in columns, else row by row.

use super::super::{Mismatch, RecordType, Stopped, Type};
use super::{Conform, Conformed, Stretches, unchecked};
use crate::value::{Column, Record, Shape, Table, TableBuilder, Unchecked, Value};
use std::sync::Arc;

/// The same for a table; an error comes with its row.
type Rowed<T = Table> = Result<Option<T>, (usize, Stopped)>;

impl Conform<'_> {
    pub(super) fn table(&mut self, table: &Arc<Table>, element: &Type) -> Conformed {
        let first = std::mem::take(&mut self.first);
        let element = self.types.row(element);
        let wanted =
            match self.types.resolve(element) {
                Type::Any => return Ok(None),
                Type::Record(wanted) => wanted,
                _ => {
                    return match table.row(0) {
                        Some(row) => Err(Stopped::from(Mismatch::new(&Value::Record(row), element))
                            .inside(format_args!("[{first}]"))),
                        None => Ok(None),
                    };
                }
            };
        let key = self.key(element);
        let unchecked = unchecked(key.map(|key| table.checked().unchecked(key, table.len())), table.len());
        if unchecked.len() == 0 {
            return Ok(None);
        }
        let changed = match table.columns() {
            Some(columns) => self.columns(table, columns, element, wanted, &unchecked),
            None => self.rows(table, element, wanted, &unchecked),
        };
        let changed = changed.map_err(|(row, stopped)| stopped.inside(format_args!("[{}]", first + row)))?;
        if let Some(key) = key {
            let fitting = changed.as_ref().unwrap_or(table);
            fitting.checked().remember(key, fitting.len());
        }
        Ok(changed.map(Value::table))
    }

    /// A table in columns, column by column. The error is that of the first row that has one.
    fn columns(
        &mut self,
        table: &Arc<Table>,
        columns: &[Arc<Column>],
        element: &Type,
        wanted: &RecordType,
        unchecked: &Unchecked,
    ) -> Rowed {
        let mut changed: Option<Vec<Arc<Column>>> = None;
        let mut added = Vec::new();
        let mut wrong: Option<(usize, Mismatch)> = None;
        for field in &wanted.fields {
            let position = table.shape().position(&field.name);
            let Some((position, column)) = position.and_then(|at| Some((at, columns.get(at)?))) else {
                match &field.default {
                    Some(default) => added.push((field.name.clone(), default.clone())),
                    None => {
                        let first = unchecked.positions().min().unwrap_or(0);
                        if wrong.as_ref().is_none_or(|(row, _)| first < *row)
                            && let Some(record) = table.row(first)
                        {
                            wrong = Some((first, Mismatch::missing(&record, &field.name, &field.ty)));
                        }
                    }
                }
                continue;
            };
            let before = wrong.as_ref().map_or(usize::MAX, |(row, _)| *row);
            match self.column(column, &field.ty, unchecked, before) {
                Ok(None) => {}
                Ok(Some(new)) => {
                    if let Some(column) = changed.get_or_insert_with(|| columns.to_vec()).get_mut(position) {
                        *column = Arc::new(new);
                    }
                }
                Err((row, Stopped::Mismatch(mismatch))) => wrong = Some((row, mismatch.inside(&field.name))),
                Err(ended) => return Err(ended),
            }
        }
        if let Some((row, mismatch)) = wrong {
            return Err((row, mismatch.into()));
        }
        if changed.is_none() && added.is_empty() {
            return Ok(None);
        }
        let mut columns = changed.unwrap_or_else(|| columns.to_vec());
        let mut shape = table.shape().clone();
        if !added.is_empty() {
            let cells = table.len().saturating_mul(added.len());
            self.budget.make_cells(cells).map_err(|ended| (0, Stopped::Ended(ended)))?;
            let names = shape.names().iter().cloned().chain(added.iter().map(|(name, _)| name.clone()));
            shape = Shape::new(names);
            let filled = |(_, default): (_, Value)| Arc::new((0..table.len()).map(|_| default.clone()).collect());
            columns.extend(added.into_iter().map(filled));
        }
        let table = Table::from_columns(shape, columns, table.len());
        let row_type = self.types.row_type(element).filter(|(shape, _)| shape.names() == table.shape().names());
        Ok(Some(table.with_row_type(row_type.map(|(_, row_type)| row_type))))
    }

    /// The unchecked rows of a column before the row `before`. An error comes with its row.
    fn column(&mut self, column: &Column, ty: &Type, unchecked: &Unchecked, before: usize) -> Rowed<Column> {
        let (resolved, nullable) = match self.types.resolve(ty) {
            Type::Nullable(inner) => (self.types.resolve(inner), true),
            resolved => (resolved, matches!(resolved, Type::Null)),
        };
        let same = matches!(
            (resolved, column),
            (Type::Any, _)
                | (Type::Bool, Column::Bool(_))
                | (Type::Number, Column::Number(_))
                | (Type::Text, Column::Text(_))
                | (Type::DateTime, Column::DateTime(_))
                | (_, Column::Null(_))
        );
        if matches!(resolved, Type::Any) || same && nullable {
            return Ok(None);
        }
        let mut changed: Option<Vec<Value>> = None;
        let mut steps = Stretches::of(unchecked);
        for row in unchecked.positions() {
            if row >= before {
                continue;
            }
            steps.next(self.budget).map_err(|ended| (row, ended))?;
            if same && column.has(row) {
                continue;
            }
            let conformed = self.value(&column.get(row), ty).map_err(|stopped| (row, stopped))?;
            let Some(new) = conformed else { continue };
            if changed.is_none() {
                let cells = column.len().saturating_mul(size_of::<Value>());
                self.budget.take(cells).map_err(|ended| (row, Stopped::Ended(ended)))?;
            }
            if let Some(cell) = changed.get_or_insert_with(|| column.to_values()).get_mut(row) {
                *cell = new;
            }
        }
        Ok(changed.map(|cells| cells.into_iter().collect()))
    }

    /// A table whose rows differ in their fields, row by row.
    fn rows(&mut self, table: &Arc<Table>, element: &Type, wanted: &Arc<RecordType>, unchecked: &Unchecked) -> Rowed {
        let mut changed: Option<Vec<Record>> = None;
        let mut rows: Vec<usize> = unchecked.positions().collect();
        rows.sort_unstable();
        for row in rows {
            let Some(record) = table.row(row) else { break };
            let conformed = self.record(&record, element, wanted).map_err(|stopped| (row, stopped))?;
            let Some(new) = conformed else { continue };
            let all = || (0..table.len()).filter_map(|row| table.row(row)).collect();
            if let Some(record) = changed.get_or_insert_with(all).get_mut(row) {
                *record = new;
            }
        }
        let Some(rows) = changed else { return Ok(None) };
        let mut builder = TableBuilder::default();
        rows.into_iter().for_each(|record| builder.push(&record));
        Ok(Some(builder.finish()))
    }
}
