//! The names that row expressions use, looked up once for each run of a query (lang/README.md, Queries).

use super::access::no_field;
use super::machine::{Frame, Machine};
use super::place::placed;
use super::scope::{BY_NAME, JoinScope, MISSING, OUTER, Place, RowScope, ScopeState, column_of, no_column};
use super::{Evaluated, Failure};
use crate::tree::{RowName, Scope, ScopeId};
use crate::value::{Record, Rows, Value};
use ecow::EcoString;
use std::sync::Arc;

impl<'t> Machine<'_> {
    /// The value of a name in a row scope.
    pub(super) fn row_name(&mut self, frame: &mut Frame<'t>, scope: ScopeId, number: u16) -> Evaluated {
        let number = usize::from(number);
        let state = frame.scopes.get(usize::from(scope));
        let name = match state {
            Some(ScopeState::Rows(rows)) => match rows.binding.get(number) {
                Some(&column) if column >= 0 => return Ok(rows.cell(column as usize)),
                Some(&BY_NAME) => match rows.names.get(number) {
                    Some(name) => return rows.field(&name.name),
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
            // An inner query fell back to a name that these rows do not have either.
            (Some(name), Some(ScopeState::Rows(rows))) => Err(no_column(&name.name, std::slice::from_ref(rows.rows()))),
            (Some(name), Some(ScopeState::Joined(joined))) => Err(no_column(&name.name, &joined.sources)),
            _ => Ok(Value::Null),
        }
    }
}

impl<'t> Frame<'t> {
    /// Makes the row at `position` the current one for the scope's names.
    pub(super) fn enter_row(&mut self, scope: &'t Scope, rows: &Rows, binding: &Arc<[i32]>, position: usize) {
        let Some(state) = self.scopes.get_mut(usize::from(scope.id)) else { return };
        if let ScopeState::Rows(current) = state
            && current.go_to(rows, position)
        {
            return;
        }
        *state = ScopeState::Rows(RowScope::new(&scope.names, binding.clone(), rows.clone(), position));
    }

    /// Drops the rows of a scope, so that they are not kept alive.
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
            Some(ScopeState::Rows(rows)) => rows.row(),
            Some(ScopeState::Joined(_)) => self.source_row(scope, 0),
            _ => Value::Null,
        }
    }

    /// The row of a source; a record of nulls if a left join found none.
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

    /// A field of a source's row; `null` if a left join found none.
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

impl<'t> Machine<'_> {
    /// Looks up the names of a scope in these rows.
    pub(super) fn binding(&mut self, frame: &Frame<'t>, scope: &'t Scope, rows: &Rows) -> Result<Arc<[i32]>, Failure> {
        let Rows::Table(table) = rows else { return bind(frame, scope, rows) };
        if let Some(known) = self.bindings.find(scope, table.shape()) {
            return Ok(known.clone());
        }
        let binding = bind(frame, scope, rows)?;
        self.bindings.keep(scope, table.shape().clone(), binding.clone());
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
