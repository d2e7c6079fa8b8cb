//! Row scopes: the names that row expressions use, looked up once for each run of a query (lang/README.md, Queries).

use super::access::no_field;
use super::fail::{names_hint, subject, type_error};
use super::machine::{Frame, Machine};
use super::place::placed;
use super::{Evaluated, Failure};
use crate::tree::{RowName, Scope, ScopeId};
use crate::value::{Column, Record, Rows, Scalar, Shape, Value};
use ecow::EcoString;
use std::cell::OnceCell;
use std::sync::Arc;

/// In a binding: not a column, but what lies outside.
const OUTER: i32 = -1;
/// In a binding: a field to be looked up in each row.
const BY_NAME: i32 = -2;

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

/// The scope of a `select`: a row of each source, and what is made of them.
pub(super) struct JoinScope<'t> {
    pub names: &'t [RowName],
    pub places: Vec<Place>,
    pub sources: Vec<Rows>,
    /// The current row of each source.
    pub at: Vec<u32>,
    /// For each source the record of nulls where a left join found none, once it was asked for.
    pub missing: Vec<OnceCell<Record>>,
    /// Keys and aggregates of the current group.
    pub group: Vec<Value>,
    /// The columns of the result, for `order by`; `None` for items that are no single value.
    pub results: Vec<Option<Arc<Column>>>,
    pub result_row: usize,
}

/// Where a name of a `select` is found.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Column { source: usize, column: usize },
    ByName { source: usize },
    Outer,
}

impl<'t> Machine<'_> {
    /// The value of a name in a row scope.
    pub(super) fn row_name(&mut self, frame: &mut Frame<'t>, scope: ScopeId, number: u16) -> Evaluated {
        let number = usize::from(number);
        let state = frame.scopes.get(usize::from(scope));
        let name = match state {
            Some(ScopeState::Rows(rows)) => match rows.binding.get(number) {
                Some(&column) if column >= 0 => return Ok(rows.cell(column as usize)),
                Some(&BY_NAME) => match rows.names.get(number) {
                    Some(name) => return field_of(&rows.rows.get(rows.position), rows.position, &name.name),
                    None => None,
                },
                _ => rows.names.get(number),
            },
            Some(ScopeState::Joined(joined)) => match joined.places.get(number) {
                Some(Place::Column { source, column }) => return Ok(joined.cell(*source, *column)),
                Some(Place::ByName { source }) => match joined.names.get(number) {
                    Some(name) => return joined.field(*source, &name.name),
                    None => None,
                },
                _ => joined.names.get(number),
            },
            _ => None,
        };
        match (name, state) {
            (Some(RowName { outer: Some(outer), .. }), _) => self.eval(frame, outer),
            // A query inside fell back to a name that these rows have not either.
            (Some(name), Some(ScopeState::Rows(rows))) => Err(no_column(&name.name, std::slice::from_ref(&rows.rows))),
            (Some(name), Some(ScopeState::Joined(joined))) => Err(no_column(&name.name, &joined.sources)),
            _ => Ok(Value::Null),
        }
    }
}

impl<'t> Frame<'t> {
    /// Makes the row at `position` the one that the scope's names mean.
    pub(super) fn enter_row(&mut self, scope: &'t Scope, rows: &Rows, binding: &Arc<[i32]>, position: usize) {
        let Some(state) = self.scopes.get_mut(usize::from(scope.id)) else { return };
        if let ScopeState::Rows(current) = state
            && same_rows(&current.rows, rows)
        {
            current.position = position;
            return;
        }
        *state =
            ScopeState::Rows(RowScope { names: &scope.names, binding: binding.clone(), rows: rows.clone(), position });
    }

    /// Forgets the rows of a scope, so that they are not kept alive.
    pub(super) fn leave_rows(&mut self, scope: ScopeId) {
        if let Some(state) = self.scopes.get_mut(usize::from(scope)) {
            *state = ScopeState::Idle;
        }
    }

    /// The scope of a `select` being run.
    pub(super) fn joined(&mut self, scope: ScopeId) -> Option<&mut JoinScope<'t>> {
        match self.scopes.get_mut(usize::from(scope)) {
            Some(ScopeState::Joined(joined)) => Some(joined),
            _ => None,
        }
    }

    pub(super) fn joined_ref(&self, scope: ScopeId) -> Option<&JoinScope<'t>> {
        match self.scopes.get(usize::from(scope)) {
            Some(ScopeState::Joined(joined)) => Some(joined),
            _ => None,
        }
    }

    /// The whole row.
    pub(super) fn row(&self, scope: ScopeId) -> Value {
        match self.scopes.get(usize::from(scope)) {
            Some(ScopeState::Rows(rows)) => rows.rows.get(rows.position),
            Some(ScopeState::Joined(_)) => self.source_row(scope, 0),
            _ => Value::Null,
        }
    }

    /// The row of a source; a record of nulls where a left join found none.
    pub(super) fn source_row(&self, scope: ScopeId, source: u16) -> Value {
        let Some(joined) = self.joined_ref(scope) else { return Value::Null };
        let source = usize::from(source);
        match (joined.sources.get(source), joined.at.get(source)) {
            (Some(Rows::Table(table)), Some(&MISSING)) => {
                let nulls = || Record::new(table.shape().clone(), Vec::new());
                joined.missing.get(source).map_or(Value::Null, |row| Value::Record(row.get_or_init(nulls).clone()))
            }
            (Some(rows), Some(&at)) if at != MISSING => rows.get(at as usize),
            _ => Value::Null,
        }
    }

    /// A field of a source's row; `null` where a left join found none.
    pub(super) fn source_field(&self, scope: ScopeId, source: u16, name: &EcoString) -> Evaluated {
        let Some(joined) = self.joined_ref(scope) else { return Ok(Value::Null) };
        let source = usize::from(source);
        match joined.sources.get(source) {
            Some(Rows::Table(table)) => match table.shape().position(name) {
                Some(column) => Ok(joined.cell(source, column)),
                None => Err(no_field(&Record::new(table.shape().clone(), Vec::new()), name)),
            },
            _ => joined.field(source, name),
        }
    }

    /// A key or aggregate of the current group.
    pub(super) fn group_value(&self, scope: ScopeId, number: u16) -> Value {
        self.joined_ref(scope).and_then(|joined| joined.group.get(usize::from(number))).cloned().unwrap_or_default()
    }

    /// An item of the current row of the result.
    pub(super) fn result_value(&self, scope: ScopeId, number: u16) -> Value {
        let Some(joined) = self.joined_ref(scope) else { return Value::Null };
        match joined.results.get(usize::from(number)) {
            Some(Some(column)) => column.get(joined.result_row),
            _ => Value::Null,
        }
    }
}

impl RowScope<'_> {
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
    fn cell(&self, column: usize) -> Value {
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
    fn cell(&self, source: usize, column: usize) -> Value {
        match (self.sources.get(source), self.at.get(source)) {
            (Some(Rows::Table(table)), Some(&at)) if at != MISSING => table.cell(at as usize, column),
            _ => Value::Null,
        }
    }

    fn field(&self, source: usize, name: &EcoString) -> Evaluated {
        match (self.sources.get(source), self.at.get(source)) {
            (Some(rows), Some(&at)) if at != MISSING => field_of(&rows.get(at as usize), at as usize, name),
            _ => Ok(Value::Null),
        }
    }
}

/// The bindings that a run remembers; then it starts over.
const BINDINGS: usize = 16;

/// The binding of a scope to rows of a shape, as a loop finds it again.
pub(super) struct Bound {
    /// The address of the scope, which the program keeps where it is.
    scope: usize,
    shape: Arc<Shape>,
    binding: Arc<[i32]>,
}

impl<'t> Machine<'_> {
    /// Looks up the names of a scope in these rows.
    pub(super) fn binding(&mut self, frame: &Frame<'t>, scope: &'t Scope, rows: &Rows) -> Result<Arc<[i32]>, Failure> {
        let Rows::Table(table) = rows else { return bind(frame, scope, rows) };
        let address = std::ptr::from_ref(scope).addr();
        let known = self.bindings.iter().find(|it| it.scope == address && Arc::ptr_eq(&it.shape, table.shape()));
        if let Some(known) = known {
            return Ok(known.binding.clone());
        }
        let binding = bind(frame, scope, rows)?;
        if self.bindings.len() >= BINDINGS {
            self.bindings.clear();
        }
        self.bindings.push(Bound { scope: address, shape: table.shape().clone(), binding: binding.clone() });
        Ok(binding)
    }
}

/// Looks up the names of a scope in these rows.
fn bind(frame: &Frame<'_>, scope: &Scope, rows: &Rows) -> Result<Arc<[i32]>, Failure> {
    scope
        .names
        .iter()
        .map(|name| match column_of(rows, &name.name) {
            Some(place) => Ok(place),
            None if name.outer.is_some() || !name.required => Ok(OUTER),
            None => Err(placed(no_column(&name.name, std::slice::from_ref(rows)), frame.call, name.span)),
        })
        .collect()
}

/// Where `name` is in rows: a column's position or [`BY_NAME`]; `None` where they have no such column.
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

/// The field of an element in a list where some elements have it.
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
            super::fail::describe(first)
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
