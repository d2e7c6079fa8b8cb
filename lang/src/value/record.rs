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
    /// The names of all rows of its table, if it does not have all of them.
    others: Option<Arc<Shape>>,
    cells: Vec<Value>,
    depth: u16,
    checked: CheckedRecord,
}

impl Record {
    /// The bytes that clones share, in addition to the cells and names.
    pub(super) const SHARED: usize = size_of::<Cells>();

    /// A record of `cells` under the names of `shape`. Missing cells are `null`, extra ones are dropped.
    pub fn new(shape: Arc<Shape>, cells: Vec<Value>) -> Self {
        Self::of_cells(shape, None, cells)
    }

    fn of_cells(shape: Arc<Shape>, others: Option<Arc<Shape>>, mut cells: Vec<Value>) -> Self {
        if cells.len() != shape.len() {
            cells.resize(shape.len(), Value::Null);
        }
        super::packed(&mut cells);
        let depth = super::depth_of(&cells);
        Self(Inner::Cells(Arc::new(Cells { shape, others, cells, depth, checked: CheckedRecord::default() })))
    }

    /// The same record as a row of a table of these columns: missing ones read as `null`, and names of other tables are
    /// dropped.
    #[must_use]
    pub fn among(mut self, columns: &Arc<Shape>) -> Self {
        // A row has no names outside its table, so equal counts mean equal names.
        let others = (self.len() < columns.len()).then(|| columns.clone());
        let same = match (self.others(), &others) {
            (None, None) => true,
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            _ => false,
        };
        if !same {
            self.cells_mut().others = others;
        }
        self
    }

    /// A record of these fields. A repeated name keeps its first place and takes the last value.
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

    /// Its own names.
    #[inline]
    pub fn shape(&self) -> &Arc<Shape> {
        match &self.0 {
            Inner::Cells(cells) => &cells.shape,
            Inner::Row(table, _) => table.shape(),
        }
    }

    /// The same as a row of a table of these columns, in their order, without other fields.
    pub(super) fn only(&self, columns: &Arc<Shape>) -> Self {
        let names = self.shape().names().iter().enumerate();
        let mut places: Vec<(usize, usize)> =
            names.filter_map(|(at, name)| Some((columns.position(name)?, at))).collect();
        if places.len() == self.len() && places.is_sorted() {
            return self.clone().among(columns);
        }
        places.sort_unstable();
        let names = places.iter().filter_map(|(place, _)| columns.names().get(*place).cloned());
        let cells = places.iter().map(|(_, at)| self.at(*at)).collect();
        Self::new(Shape::new(names), cells).among(columns)
    }

    /// The names of all rows of its table, if it does not have all of them itself: the others read as `null` and do not
    /// count for equality, JSON or `Fields` (lang/README.md, Values).
    #[inline]
    pub fn others(&self) -> Option<&Arc<Shape>> {
        match &self.0 {
            Inner::Cells(cells) => cells.others.as_ref(),
            Inner::Row(..) => None,
        }
    }

    /// Does the name read as `null` because only other rows of its table have it?
    pub fn is_absent(&self, name: &str) -> bool {
        self.others().is_some_and(|others| others.position(name).is_some()) && self.shape().position(name).is_none()
    }

    /// All names that can be read, those of other rows last.
    pub fn readable(&self) -> impl Iterator<Item = &EcoString> + Clone {
        let own = self.shape();
        let others = self.others().map_or(&[][..], |others| others.names());
        own.names().iter().chain(others.iter().filter(|name| own.position(name).is_none()))
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

    /// The value of a field: `None` if it is missing, `null` if only other rows of its table have it.
    #[inline]
    pub fn get(&self, name: &str) -> Option<Value> {
        match self.shape().position(name) {
            Some(position) => Some(self.at(position)),
            None => self.others()?.position(name).map(|_| Value::Null),
        }
    }

    /// The same, looking first at `column`, its position by its type.
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

    /// The same record with `name` set to `value`, at its position or at the end. Changed in place unless it is shared.
    #[must_use]
    pub fn with(mut self, name: &EcoString, value: Value) -> Self {
        let position = self.shape().position(name);
        let cells = self.cells_mut();
        cells.depth = cells.depth.max(value.depth().saturating_add(1));
        match position.and_then(|position| cells.cells.get_mut(position)) {
            Some(cell) => *cell = value,
            None => {
                // Unless the names are shared, adding one does not copy the others.
                Arc::make_mut(&mut cells.shape).add(name.clone());
                cells.cells.push(value);
            }
        }
        self
    }

    /// Takes the field out, leaving `null`, so that a nested value can be changed in place. The field must exist.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let position = self.shape().position(name)?;
        self.cells_mut().cells.get_mut(position).map(std::mem::take)
    }

    fn cells_mut(&mut self) -> &mut Cells {
        if let Inner::Row(..) = self.0 {
            *self = Self::of_cells(self.shape().clone(), None, self.to_cells());
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

    /// Its cells, unless they are shared.
    pub(super) fn fresh_cells(&self) -> Option<&Vec<Value>> {
        match &self.0 {
            Inner::Cells(cells) if Arc::strong_count(cells) == 1 => Some(&cells.cells),
            _ => None,
        }
    }

    /// Its cells, or the table and row that it views.
    #[inline]
    pub(super) fn own_cells(&self) -> Result<&Vec<Value>, (&Arc<Table>, usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[(&str, i32)]) -> Value {
        Value::record(fields.iter().map(|(name, value)| (*name, Value::from(*value))))
    }

    #[test]
    fn a_row_reads_the_names_of_others_as_null_and_sets_them() {
        let kept = record(&[("b", 2)]);
        let Value::Table(table) = Value::list(vec![record(&[("a", 1)]), kept.clone(), record(&[("b", 3), ("a", 4)])])
        else {
            panic!("a table")
        };
        let row = table.row(1).expect("a row");
        assert!(matches!(row.get("a"), Some(Value::Null)) && row.get("c").is_none());
        assert!(row.is_absent("a") && !row.is_absent("b") && !row.is_absent("c"));
        assert_eq!(row.readable().map(EcoString::as_str).collect::<Vec<_>>(), ["b", "a"]);
        // A record that is still held stays what it was, and rows share the names of the table.
        assert!(matches!(&kept, Value::Record(kept) if kept.get("a").is_none()));
        assert!(row.others().is_some_and(|others| Arc::ptr_eq(others, table.shape())));
        let set = row.clone().with(&"a".into(), 5.into());
        assert_eq!(Value::Record(set.clone()).to_literal(60), "{b: 2, a: 5}");
        assert!(!set.is_absent("a") && row.is_absent("a"));
        // A row of all fields keeps their order.
        assert_eq!(table.row(2).map(|row| Value::Record(row).to_literal(60)).as_deref(), Some("{b: 3, a: 4}"));
    }

    #[test]
    fn fields_are_added_in_place() {
        let mut all = Record::from_fields([]);
        for number in 0..50_000 {
            all = all.with(&ecow::eco_format!("k{number}"), number.into());
        }
        assert_eq!(all.len(), 50_000);
        assert!(matches!(all.get("k49999"), Some(Value::Number(last)) if last.to_usize() == Some(49_999)));
    }
}
