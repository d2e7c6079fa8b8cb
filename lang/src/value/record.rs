//! Records: a shared shape and cells, or the view of a table's row.

use super::checked::CheckedRecord;
use super::{Shape, Table, Value};
use ecow::EcoString;
use std::sync::Arc;

/// An ordered set of named values. Cloning shares.
#[derive(Clone, Debug)]
pub struct Record(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Cells(Arc<Cells>),
    /// Only tables in columns have such rows.
    Row(Arc<Table>, u32),
}

#[derive(Clone, Debug)]
struct Cells {
    shape: Arc<Shape>,
    cells: Vec<Value>,
    depth: u16,
    checked: CheckedRecord,
}

impl Record {
    /// A record of `cells` under the own names of `shape`. Missing cells are `null`, extra ones are dropped.
    pub fn new(shape: Arc<Shape>, mut cells: Vec<Value>) -> Self {
        cells.resize(shape.len(), Value::Null);
        let depth = super::depth_of(&cells);
        Self(Inner::Cells(Arc::new(Cells { shape, cells, depth, checked: CheckedRecord::default() })))
    }

    /// A record of these fields. A name given twice keeps its first place and takes the last value.
    pub fn from_fields(fields: impl IntoIterator<Item = (EcoString, Value)>) -> Self {
        let (mut names, mut cells): (Vec<EcoString>, Vec<Value>) = fields.into_iter().unzip();
        let shape = Shape::new(names.iter().cloned());
        if shape.len() < names.len() {
            let mut once = vec![Value::Null; shape.len()];
            for (name, value) in names.drain(..).zip(cells.drain(..)) {
                if let Some(cell) = shape.position(&name).and_then(|at| once.get_mut(at)) {
                    *cell = value;
                }
            }
            cells = once;
        }
        Self::new(shape, cells)
    }

    /// The view of row `row` of a table in columns.
    pub(super) fn row(table: Arc<Table>, row: usize) -> Self {
        Self(Inner::Row(table, row as u32))
    }

    /// Its names.
    #[inline]
    pub fn shape(&self) -> &Arc<Shape> {
        match &self.0 {
            Inner::Cells(cells) => &cells.shape,
            Inner::Row(table, _) => table.shape(),
        }
    }

    /// The number of its own fields.
    pub fn len(&self) -> usize {
        self.shape().len()
    }

    /// Has it no fields?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of its own field at `position`; `null` outside.
    #[inline]
    pub fn at(&self, position: usize) -> Value {
        match &self.0 {
            Inner::Cells(cells) => cells.cells.get(position).cloned().unwrap_or_default(),
            Inner::Row(table, row) => table.cell(*row as usize, position),
        }
    }

    /// The value of a field: `None` where there is none, `null` where only other rows of its table have it.
    #[inline]
    pub fn get(&self, name: &str) -> Option<Value> {
        let shape = self.shape();
        match shape.position(name) {
            Some(position) => Some(self.at(position)),
            None => shape.is_absent(name).then_some(Value::Null),
        }
    }

    /// The same, looking first at `column`, where its type says it is.
    #[inline]
    pub(crate) fn get_near(&self, column: usize, name: &EcoString) -> Option<Value> {
        match self.shape().names().get(column) {
            Some(there) if there == name => Some(self.at(column)),
            _ => self.get(name),
        }
    }

    /// Its own fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&EcoString, Value)> {
        self.shape().names().iter().enumerate().map(|(i, name)| (name, self.at(i)))
    }

    /// The values of its own fields in order.
    pub fn to_cells(&self) -> Vec<Value> {
        match &self.0 {
            Inner::Cells(cells) => cells.cells.clone(),
            Inner::Row(..) => (0..self.len()).map(|i| self.at(i)).collect(),
        }
    }

    /// The same record with `name` set to `value`, in its place or at the end. In place where nobody shares it.
    #[must_use]
    pub fn with(mut self, name: &EcoString, value: Value) -> Self {
        match self.shape().position(name) {
            Some(position) => {
                let cells = self.cells_mut();
                cells.depth = cells.depth.max(value.depth().saturating_add(1));
                if let Some(cell) = cells.cells.get_mut(position) {
                    *cell = value;
                }
                self
            }
            None => {
                let shape = self.shape();
                let own = shape.names().iter().cloned().chain([name.clone()]);
                let absent = shape.readable().iter().skip(shape.len()).filter(|&n| n != name).cloned();
                let shape = Shape::with_absent(own, absent);
                let mut cells = self.to_cells();
                cells.push(value);
                Self::new(shape, cells)
            }
        }
    }

    /// Takes the field out, leaving `null`, so that a nested value can be changed in place. The field must exist.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let position = self.shape().position(name)?;
        self.cells_mut().cells.get_mut(position).map(std::mem::take)
    }

    /// The same cells under another shape of the same number of own names.
    #[must_use]
    pub fn with_shape(&self, shape: Arc<Shape>) -> Self {
        Self::new(shape, self.to_cells())
    }

    fn cells_mut(&mut self) -> &mut Cells {
        if let Inner::Row(..) = self.0 {
            *self = Self::new(self.shape().clone(), self.to_cells());
        }
        match &mut self.0 {
            Inner::Cells(cells) => {
                let cells = Arc::make_mut(cells);
                cells.checked.forget();
                cells
            }
            Inner::Row(..) => unreachable!("a row view was replaced above"),
        }
    }

    /// Is it known to fit the type of this key?
    pub(crate) fn is_checked(&self, key: u64) -> bool {
        match &self.0 {
            Inner::Cells(cells) => cells.checked.is(key),
            Inner::Row(table, row) => table.checked().covers(key, *row as usize),
        }
    }

    /// It fits the type of this key.
    pub(crate) fn remember(&self, key: u64) {
        if let Inner::Cells(cells) = &self.0 {
            cells.checked.remember(key);
        }
    }

    pub(crate) fn depth(&self) -> u16 {
        match &self.0 {
            Inner::Cells(cells) => cells.depth,
            Inner::Row(table, _) => table.depth().saturating_sub(1),
        }
    }

    /// The address of the shared part, to count it once.
    pub(crate) fn address(&self) -> usize {
        match &self.0 {
            Inner::Cells(cells) => Arc::as_ptr(cells) as usize,
            Inner::Row(table, _) => Arc::as_ptr(table) as usize,
        }
    }

    /// Its cells, where nobody else holds them.
    pub(crate) fn fresh_cells(&self) -> Option<&[Value]> {
        match &self.0 {
            Inner::Cells(cells) if Arc::strong_count(cells) == 1 => Some(&cells.cells),
            _ => None,
        }
    }

    /// Its cells, or the table and the row of it that it is.
    #[inline]
    pub(super) fn own_cells(&self) -> Result<&[Value], (&Table, usize)> {
        match &self.0 {
            Inner::Cells(cells) => Ok(&cells.cells),
            Inner::Row(table, row) => Err((table, *row as usize)),
        }
    }

    /// The table this record is a row of.
    pub(crate) fn table(&self) -> Option<&Arc<Table>> {
        match &self.0 {
            Inner::Cells(_) => None,
            Inner::Row(table, _) => Some(table),
        }
    }
}
