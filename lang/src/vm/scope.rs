//! Row scopes: the rows that row expressions are evaluated for (lang/README.md, Queries).

use super::fail::{describe, names_hint, subject, type_error};
use super::{Evaluated, Failure};
use crate::tree::{RowName, Scope};
use crate::value::{Column, Record, Rows, Scalar, Shape, Value};
use ecow::EcoString;
use std::cell::OnceCell;
use std::sync::Arc;

/// In a binding: not a column, but an outer name.
pub(super) const OUTER: i32 = -1;
/// In a binding: a field to be looked up in each row.
pub(super) const BY_NAME: i32 = -2;

/// The position of a source's row that a left join did not find.
pub(super) const MISSING: u32 = u32::MAX;

/// The state of a row scope in a frame.
pub(super) enum ScopeState<'t> {
    Idle,
    Rows(RowScope<'t>),
    Joined(JoinScope<'t>),
}

/// The scope of one row.
pub(super) struct RowScope<'t> {
    pub names: &'t [RowName],
    /// For each name its column, [`OUTER`] or [`BY_NAME`].
    pub binding: Arc<[i32]>,
    rows: Rows,
    position: usize,
}

/// The scope of a `select`: a row of each source, and the values computed from them.
pub(super) struct JoinScope<'t> {
    pub names: &'t [RowName],
    pub places: Vec<Place>,
    pub sources: Vec<Rows>,
    /// The current row of each source.
    pub at: Vec<u32>,
    /// For each source the record of nulls of a left join without a match, created on request.
    pub missing: Vec<OnceCell<Record>>,
    /// Keys and aggregates of the current group.
    pub group: Vec<Value>,
    /// The columns of the result, for `order by`; `None` for items that are not a single value.
    pub results: Vec<Option<Arc<Column>>>,
    pub result_row: usize,
}

/// The location of a name of a `select`.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Column { source: usize, column: usize },
    ByName { source: usize },
    Outer,
}

impl<'t> RowScope<'t> {
    pub fn new(names: &'t [RowName], binding: Arc<[i32]>, rows: Rows, position: usize) -> Self {
        Self { names, binding, rows, position }
    }

    /// Makes the row at `position` the current one. `false` if these are other rows.
    #[inline]
    pub fn go_to(&mut self, rows: &Rows, position: usize) -> bool {
        let same = same_rows(&self.rows, rows);
        if same {
            self.position = position;
        }
        same
    }

    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The current row.
    pub fn row(&self) -> Value {
        self.rows.get(self.position)
    }

    /// A field of the current row, which is an element of a list.
    pub fn field(&self, name: &str) -> Evaluated {
        field_of(&self.row(), self.position, name)
    }

    /// The cell of a column, if it is simple.
    #[inline]
    pub fn scalar(&self, column: usize) -> Option<Scalar<'_>> {
        match &self.rows {
            Rows::Table(table) => table.scalar(self.position, column),
            Rows::List(_) => None,
        }
    }

    /// The cell of the column of this name, if there is one and the cell is simple.
    pub fn named(&self, name: &EcoString) -> Option<Scalar<'_>> {
        match &self.rows {
            Rows::Table(table) => table.scalar(self.position, table.shape().position(name)?),
            Rows::List(_) => None,
        }
    }

    /// Is a name to be looked up in each row?
    pub fn is_by_name(&self, number: usize) -> bool {
        self.binding.get(number) == Some(&BY_NAME)
    }

    #[inline]
    pub fn cell(&self, column: usize) -> Value {
        match &self.rows {
            Rows::Table(table) => table.cell(self.position, column),
            Rows::List(_) => Value::Null,
        }
    }
}

impl JoinScope<'_> {
    /// The cell of a column, if it is simple.
    #[inline]
    pub fn scalar(&self, source: usize, column: usize) -> Option<Scalar<'_>> {
        match (self.sources.get(source)?, *self.at.get(source)?) {
            (Rows::Table(_), MISSING) => Some(Scalar::Null),
            (Rows::Table(table), at) => table.scalar(at as usize, column),
            (Rows::List(_), _) => None,
        }
    }

    /// The cell of the column of this name, if there is one and the cell is simple.
    pub fn named(&self, source: usize, name: &EcoString) -> Option<Scalar<'_>> {
        match self.sources.get(source)? {
            Rows::Table(table) => self.scalar(source, table.shape().position(name)?),
            Rows::List(_) => None,
        }
    }

    #[inline]
    pub fn cell(&self, source: usize, column: usize) -> Value {
        match (self.sources.get(source), self.at.get(source)) {
            (Some(Rows::Table(table)), Some(&at)) if at != MISSING => table.cell(at as usize, column),
            _ => Value::Null,
        }
    }

    pub fn field(&self, source: usize, name: &EcoString) -> Evaluated {
        match (self.sources.get(source), self.at.get(source)) {
            (Some(rows), Some(&at)) if at != MISSING => field_of(&rows.get(at as usize), at as usize, name),
            _ => Ok(Value::Null),
        }
    }
}

/// The bindings that a run remembers; then it starts over.
const MOST_BINDINGS: usize = 16;

/// The positions of the names of scopes in rows of a shape: a loop finds them again.
#[derive(Default)]
pub(super) struct Bindings(Vec<Bound>);

/// The binding of a scope to rows of a shape.
struct Bound {
    /// The address of the scope, which the program keeps in place.
    scope: usize,
    shape: Arc<Shape>,
    binding: Arc<[i32]>,
}

impl Bindings {
    pub fn find(&self, scope: &Scope, shape: &Arc<Shape>) -> Option<&Arc<[i32]>> {
        let address = std::ptr::from_ref(scope).addr();
        let known = self.0.iter().find(|it| it.scope == address && Arc::ptr_eq(&it.shape, shape));
        known.map(|known| &known.binding)
    }

    pub fn keep(&mut self, scope: &Scope, shape: Arc<Shape>, binding: Arc<[i32]>) {
        if self.0.len() >= MOST_BINDINGS {
            self.0.clear();
        }
        self.0.push(Bound { scope: std::ptr::from_ref(scope).addr(), shape, binding });
    }
}

/// The position of `name` in rows: a column's position or [`BY_NAME`]; `None` if they have no such column.
pub(super) fn column_of(rows: &Rows, name: &str) -> Option<i32> {
    match rows {
        Rows::Table(table) => table.shape().position(name).map(|position| position as i32),
        Rows::List(list) => {
            let has = |element: &Value| matches!(element, Value::Record(record) if record.get(name).is_some());
            // `[]` has every column, empty.
            (list.items().is_empty() || list.items().iter().any(has)).then_some(BY_NAME)
        }
    }
}

/// The field of an element in a list in which some elements have it.
fn field_of(element: &Value, position: usize, name: &str) -> Evaluated {
    match element {
        Value::Record(record) => Ok(record.get(name).unwrap_or_default()),
        Value::Null => Ok(Value::Null),
        other => Err(type_error(format!(
            "{}, the element at position {position}, is not a record, so it has no column {name}.",
            subject(other)
        ))),
    }
}

/// A name that is neither a column of these rows nor a variable.
#[cold]
pub(super) fn no_column(name: &str, sources: &[Rows]) -> Failure {
    let mut names: Vec<&EcoString> = Vec::new();
    for rows in sources {
        match rows {
            Rows::Table(table) => names.extend(table.shape().names()),
            Rows::List(list) => {
                let records = list.items().iter().filter_map(|element| match element {
                    Value::Record(record) => Some(record),
                    _ => None,
                });
                names.extend(records.take(20).flat_map(|record| record.shape().names()));
            }
        }
    }
    let first = sources.iter().find_map(|rows| match rows {
        Rows::List(list) => list.items().first(),
        Rows::Table(_) => None,
    });
    if let (Some(first), true) = (first, names.is_empty()) {
        return type_error(format!(
            "There is no column {name}: the elements of this list are not records ({}, for one). The element itself is row.",
            describe(first)
        ));
    }
    let hint = names_hint(name, names.iter().map(|name| name.as_str()));
    type_error(format!("There is no column {name} in these rows.{hint}"))
}

fn same_rows(a: &Rows, b: &Rows) -> bool {
    match (a, b) {
        (Rows::Table(x), Rows::Table(y)) => Arc::ptr_eq(x, y),
        (Rows::List(x), Rows::List(y)) => Arc::ptr_eq(x, y),
        _ => false,
    }
}
