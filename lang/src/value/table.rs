//! Tables: typed columns with shared ownership, or single records if rows differ in their fields.

use super::{Checked, Column, Record, Shape, Value};
use ecow::EcoString;
use std::sync::{Arc, OnceLock};

/// A list of records over one ordered set of columns.
#[derive(Clone, Debug)]
pub struct Table {
    shape: Arc<Shape>,
    body: Body,
    row_type: Option<Arc<RowType>>,
    depth: u16,
    checked: Checked,
}

#[derive(Clone, Debug)]
enum Body {
    /// Every row has exactly the columns of the shape.
    Columns { columns: Vec<Arc<Column>>, rows: usize },
    /// Rows of a table in columns. Reading cells needs no columns of its own, so they are made on request.
    Picked { from: Arc<Table>, rows: Vec<u32>, columns: OnceLock<Vec<Arc<Column>>> },
    /// Rows of different fields; each has its own and shares the names of all.
    Ragged(Vec<Record>),
}

/// Up to this many rows, rows are picked out of a table by reference: they keep little of the others alive.
const PICKED_FROM: usize = 64;

/// The declared row type of a `table(T)`: functions that fill tables convert to it (functions.md, `CSVFill`).
#[derive(Clone, Debug)]
pub struct RowType {
    /// One entry a column.
    pub columns: Vec<ColumnType>,
}

/// The declared type of a column.
#[derive(Clone, Debug)]
pub struct ColumnType {
    /// Its simple type.
    pub kind: SimpleKind,
    /// May it be null?
    pub nullable: bool,
    /// The value of a missing cell.
    pub default: Value,
}

/// The simple types that cells convert to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimpleKind {
    /// Anything, unconverted.
    Any,
    /// `boolean`
    Bool,
    /// `number`
    Number,
    /// `text`
    Text,
    /// `datetime`
    DateTime,
}

/// The storage of the cells of a table.
#[derive(Clone, Copy)]
pub(crate) struct TableCells<'c> {
    pub columns: &'c [Arc<Column>],
    /// Which rows of the columns are the table's; `None` for all.
    pub picked: Option<&'c [u32]>,
}

impl Table {
    /// A table without rows.
    pub fn empty(shape: Arc<Shape>, row_type: Option<Arc<RowType>>) -> Self {
        let columns = shape.names().iter().map(|_| Arc::new(Column::default())).collect();
        Self { shape, body: Body::Columns { columns, rows: 0 }, row_type, depth: 2, checked: Checked::default() }
    }

    /// A table of `rows` rows from one column for each own name of `shape`.
    /// Columns of another length are cut or filled with nulls.
    pub fn from_columns(shape: Arc<Shape>, columns: Vec<Arc<Column>>, rows: usize) -> Self {
        let mut columns = columns;
        if columns.len() != shape.len() {
            columns.resize(shape.len(), Arc::new(Column::Null(rows)));
        }
        for column in &mut columns {
            if column.len() != rows {
                *column = Arc::new((0..rows).map(|row| column.get(row)).collect());
            }
        }
        let depth = columns.iter().map(|c| c.depth()).max().unwrap_or(0).saturating_add(2);
        Self { shape, body: Body::Columns { columns, rows }, row_type: None, depth, checked: Checked::default() }
    }

    /// The same with a row type.
    #[must_use]
    pub fn with_row_type(mut self, row_type: Option<Arc<RowType>>) -> Self {
        self.row_type = row_type.filter(|t| t.columns.len() == self.shape.len());
        self
    }

    /// The names of its columns.
    #[inline]
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Which rows fit which types.
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The row type of `table(T)`.
    pub fn row_type(&self) -> Option<&Arc<RowType>> {
        self.row_type.as_ref()
    }

    /// The number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.body {
            Body::Columns { rows, .. } => *rows,
            Body::Picked { rows, .. } => rows.len(),
            Body::Ragged(rows) => rows.len(),
        }
    }

    /// Has it no rows?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of cells it holds: if rows differ in their fields, only their own.
    pub fn held_cells(&self) -> usize {
        match &self.body {
            Body::Ragged(rows) => rows.iter().map(Record::len).sum(),
            _ => self.len().saturating_mul(self.shape.len()),
        }
    }

    /// How many cells are copied with a row: those of all columns, or the one that holds a row with fields of its own.
    pub fn cells_of_row(&self) -> usize {
        match &self.body {
            Body::Ragged(_) => 1,
            Body::Columns { .. } | Body::Picked { .. } => self.shape.len(),
        }
    }

    /// Its columns, if every row has them all.
    #[inline]
    pub fn columns(&self) -> Option<&[Arc<Column>]> {
        match &self.body {
            Body::Columns { columns, .. } => Some(columns),
            Body::Picked { from, rows, columns } => Some(columns.get_or_init(|| from.gathered(rows))),
            Body::Ragged(_) => None,
        }
    }

    /// Its columns, if they exist already.
    pub(super) fn made_columns(&self) -> Option<&[Arc<Column>]> {
        match &self.body {
            Body::Columns { columns, .. } => Some(columns),
            Body::Picked { columns, .. } => columns.get().map(Vec::as_slice),
            Body::Ragged(_) => None,
        }
    }

    /// The storage of its cells, if rows do not differ in their fields: columns, and which of their rows are its own.
    #[inline]
    pub(crate) fn cells(&self) -> Option<TableCells<'_>> {
        match &self.body {
            Body::Columns { columns, .. } => Some(TableCells { columns, picked: None }),
            Body::Picked { from, rows, .. } => Some(TableCells { columns: from.columns()?, picked: Some(rows) }),
            Body::Ragged(_) => None,
        }
    }

    /// The table from which its rows are picked, and their positions.
    #[inline]
    pub(super) fn picked(&self) -> Option<(&Arc<Self>, &[u32])> {
        match &self.body {
            Body::Picked { from, rows, .. } => Some((from, rows)),
            Body::Columns { .. } | Body::Ragged(_) => None,
        }
    }

    /// The cell of `row` in the column at `position`; `null` outside or if the row has no such field.
    #[inline]
    pub fn cell(&self, row: usize, position: usize) -> Value {
        match &self.body {
            Body::Columns { columns, .. } => columns.get(position).map_or(Value::Null, |c| c.get(row)),
            Body::Picked { from, rows, .. } => {
                rows.get(row).map_or(Value::Null, |row| from.cell(*row as usize, position))
            }
            Body::Ragged(rows) => match (rows.get(row), self.shape.names().get(position)) {
                (Some(record), Some(name)) => {
                    record.shape().position(name).map_or(Value::Null, |position| record.at(position))
                }
                _ => Value::Null,
            },
        }
    }

    /// Row `row` as a record, a view if the table is in columns. `None` outside.
    #[inline]
    pub fn row(self: &Arc<Self>, row: usize) -> Option<Record> {
        match &self.body {
            Body::Ragged(rows) => rows.get(row).cloned(),
            _ => (row < self.len()).then(|| Record::row(self.clone(), row)),
        }
    }

    /// The column at `position` as values, `null` if a row has no such field.
    pub fn column_values(&self, position: usize) -> Vec<Value> {
        (0..self.len()).map(|row| self.cell(row, position)).collect()
    }

    /// The rows at `rows`, in that order, as [`Table::gather`], without copying those of a small table.
    #[must_use]
    pub fn pick(self: &Arc<Self>, rows: Vec<u32>) -> Self {
        let (from, rows) = match &self.body {
            Body::Columns { .. } if self.len() <= PICKED_FROM => (self, rows),
            Body::Picked { from, rows: all, .. } => {
                (from, rows.iter().filter_map(|row| all.get(*row as usize).copied()).collect())
            }
            Body::Columns { .. } | Body::Ragged(_) => return self.gather(&rows),
        };
        let picked = rows.len();
        let body = Body::Picked { from: from.clone(), rows, columns: OnceLock::new() };
        self.picked_as(body, picked)
    }

    /// The rows at `rows`, in that order. Columns stay those of this table.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Self {
        let body = match &self.body {
            Body::Columns { .. } | Body::Picked { .. } => {
                Body::Columns { columns: self.gathered(rows), rows: rows.len() }
            }
            Body::Ragged(all) => Body::Ragged(rows.iter().filter_map(|row| all.get(*row as usize).cloned()).collect()),
        };
        self.picked_as(body, rows.len())
    }

    /// Some of its rows.
    fn picked_as(&self, body: Body, rows: usize) -> Self {
        Self {
            shape: self.shape.clone(),
            body,
            row_type: self.row_type.clone(),
            depth: self.depth,
            checked: self.checked.picked(self.len(), rows),
        }
    }

    fn gathered(&self, rows: &[u32]) -> Vec<Arc<Column>> {
        self.columns().unwrap_or(&[]).iter().map(|column| Arc::new(column.gather(rows))).collect()
    }

    /// Gives picked rows columns of their own, to change them.
    fn settle(&mut self) {
        if let Body::Picked { from, rows, columns } = &mut self.body {
            let rows = std::mem::take(rows);
            let columns = columns.take().unwrap_or_else(|| from.gathered(&rows));
            self.body = Body::Columns { columns, rows: rows.len() };
        }
    }

    /// A table of these rows; its columns are the union of their fields, in the order of their first appearance.
    fn ragged(rows: Vec<Record>) -> Self {
        let mut columns = Shape::default();
        let mut before: Option<&Arc<Shape>> = None;
        for row in &rows {
            let shape = row.shape();
            if !before.is_some_and(|before| Arc::ptr_eq(before, shape)) {
                shape.names().iter().for_each(|name| columns.add(name.clone()));
            }
            before = Some(shape);
        }
        Self::ragged_of(columns.into(), rows)
    }

    /// A table of rows of different fields in the columns of `shape`. Fields outside of the columns are dropped.
    pub fn from_rows(shape: Arc<Shape>, rows: Vec<Record>) -> Self {
        let fits = |row: &Record| row.shape().names().iter().all(|name| shape.position(name).is_some());
        let rows = rows.into_iter().map(|row| if fits(&row) { row } else { row.only(&shape) }).collect();
        Self::ragged_of(shape, rows)
    }

    fn ragged_of(shape: Arc<Shape>, rows: Vec<Record>) -> Self {
        let depth = rows.iter().map(Record::depth).max().unwrap_or(1).saturating_add(1);
        let mut rows: Vec<Record> = rows.into_iter().map(|row| row.among(&shape)).collect();
        rows.shrink_to_fit();
        Self { shape, body: Body::Ragged(rows), row_type: None, depth, checked: Checked::default() }
    }

    /// The columns of this table that a record neither has nor reads as `null`.
    pub(crate) fn missing_in(&self, record: &Record) -> Vec<EcoString> {
        let shape = record.shape();
        let known = record.others().is_some_and(|others| others.same(&self.shape));
        if known || shape.same(&self.shape) {
            return Vec::new();
        }
        self.shape.names().iter().filter(|name| record.get(name).is_none()).cloned().collect()
    }

    /// Appends a record that has this table's columns; extra fields are dropped (lang/README.md, Operators, `&`).
    /// The missing columns are the error, and nothing is appended.
    pub fn append(&mut self, record: &Record) -> Result<(), Vec<EcoString>> {
        let missing = self.missing_in(record);
        if missing.is_empty() {
            self.append_known(record);
            return Ok(());
        }
        Err(missing)
    }

    /// The same for a record that is known to have this table's columns, or to read them as `null`. It takes no longer
    /// than for its own fields.
    pub(crate) fn append_known(&mut self, record: &Record) {
        self.settle();
        self.depth = self.depth.max(record.depth().saturating_add(1));
        let shape = record.shape();
        let aligned = shape.same(&self.shape);
        if let Body::Columns { columns, rows } = &mut self.body
            && (aligned || self.shape.names().iter().all(|name| shape.position(name).is_some()))
        {
            for (position, (column, name)) in columns.iter_mut().zip(self.shape.names()).enumerate() {
                let from = if aligned { Some(position) } else { shape.position(name) };
                Arc::make_mut(column).push(from.map_or(Value::Null, |at| record.at(at)));
            }
            *rows += 1;
            return;
        }
        let record = record.only(&self.shape);
        self.make_ragged().push(record);
    }

    /// Takes a cell out of a table in columns, leaving `null`, so that a nested value can be changed in place.
    pub(crate) fn take_cell(&mut self, row: usize, position: usize) -> Value {
        self.settle();
        self.checked.touch(row);
        match &mut self.body {
            Body::Columns { columns, .. } => {
                columns.get_mut(position).map_or(Value::Null, |column| Arc::make_mut(column).replace(row, Value::Null))
            }
            _ => Value::Null,
        }
    }

    /// Sets a cell of a table in columns.
    pub(crate) fn set_cell(&mut self, row: usize, position: usize, value: Value) {
        self.settle();
        self.checked.touch(row);
        self.depth = self.depth.max(value.depth().saturating_add(2));
        if let Body::Columns { columns, .. } = &mut self.body
            && let Some(column) = columns.get_mut(position)
        {
            Arc::make_mut(column).replace(row, value);
        }
    }

    /// Replaces a row of a table whose rows differ in their fields by one of the same fields; `false` for other tables.
    pub(crate) fn set_row(&mut self, row: usize, record: &Record) -> bool {
        self.depth = self.depth.max(record.depth().saturating_add(1));
        match &mut self.body {
            Body::Ragged(rows) => match rows.get_mut(row) {
                Some(old) if old.shape().same(record.shape()) => {
                    *old = record.clone().among(&self.shape);
                    self.checked.touch(row);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The rows of a table whose rows differ in their fields; empty if it is in columns.
    pub(super) fn ragged_rows(&self) -> &[Record] {
        match &self.body {
            Body::Ragged(rows) => rows,
            _ => &[],
        }
    }

    fn make_ragged(&mut self) -> &mut Vec<Record> {
        if !matches!(self.body, Body::Ragged(_)) {
            let rows = (0..self.len()).map(|row| Record::new(self.shape.clone(), self.row_cells(row))).collect();
            self.body = Body::Ragged(rows);
        }
        match &mut self.body {
            Body::Ragged(rows) => rows,
            _ => unreachable!("columns were replaced above"),
        }
    }

    fn row_cells(&self, row: usize) -> Vec<Value> {
        (0..self.shape.len()).map(|position| self.cell(row, position)).collect()
    }

    pub(crate) fn depth(&self) -> u16 {
        self.depth
    }
}

/// Collects records into a table: in columns as long as all have the same fields in the same order.
#[derive(Default)]
pub struct TableBuilder {
    shape: Option<Arc<Shape>>,
    columns: Vec<Column>,
    rows: usize,
    ragged: Option<Vec<Record>>,
}

impl TableBuilder {
    /// Adds a row.
    pub fn push(&mut self, record: &Record) {
        self.rows += 1;
        if !self.fits(record.shape()) {
            self.push_ragged(record.clone());
            return;
        }
        for (position, column) in self.columns.iter_mut().enumerate() {
            column.push(record.at(position));
        }
    }

    /// The columns for the cells of a row of this shape, one for each own name, if it can go into columns. After all
    /// have been pushed, call [`TableBuilder::finish_row`], else [`TableBuilder::take_back`].
    pub(super) fn row_columns(&mut self, shape: &Arc<Shape>) -> Option<&mut [Column]> {
        self.fits(shape).then_some(self.columns.as_mut_slice())
    }

    pub(super) fn finish_row(&mut self) {
        self.rows += 1;
    }

    /// The cells that were pushed to the first `count` columns only.
    pub(super) fn take_back(&mut self, count: usize) -> Vec<Value> {
        let cells = self.columns.iter_mut().take(count).map(Column::pop).collect();
        if self.rows == 0 {
            *self = Self::default();
        }
        cells
    }

    /// Can a row of this shape go into the columns? The first row makes them.
    fn fits(&mut self, shape: &Arc<Shape>) -> bool {
        if self.ragged.is_some() {
            return false;
        }
        match &self.shape {
            None => {
                self.columns = shape.names().iter().map(|_| Column::default()).collect();
                self.shape = Some(shape.clone());
                true
            }
            Some(first) => Arc::ptr_eq(first, shape) || first.names() == shape.names(),
        }
    }

    /// From the first row that differs on, each row keeps its own fields.
    fn push_ragged(&mut self, record: Record) {
        let first = self.shape.clone().unwrap_or_default();
        let columns = &self.columns;
        let earlier = 0..self.rows - 1;
        let rows = self.ragged.get_or_insert_with(|| {
            earlier.map(|row| Record::new(first.clone(), columns.iter().map(|c| c.get(row)).collect())).collect()
        });
        rows.push(record);
    }

    /// The number of rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Are there no rows yet?
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The table; without rows it has no columns.
    pub fn finish(self) -> Table {
        let Some(rows) = self.ragged else {
            let columns = self.columns.into_iter().map(Arc::new).collect();
            return Table::from_columns(self.shape.unwrap_or_default(), columns, self.rows);
        };
        Table::ragged(rows)
    }
}
