//! `set x.field[index] = value`: rebuilds x with that change, in place where its parts are not shared.

use super::Failure;
use super::access::{no_field, no_fields, position};
use super::fail::{describe, index_error, type_error};
use super::limits::{check_depth, with_stack};
use super::machine::{Frame, Machine};
use super::place::placed;
use crate::budget::Budget;
use crate::tree::{Expr, PathStep, Variable};
use crate::types::{Type, Types};
use crate::value::{Rows, RowsBuilder, Table, Value};
use ecow::EcoString;
use std::fmt::Write;
use std::sync::Arc;

/// A step whose index has been evaluated.
enum Step {
    Field(EcoString),
    Position(usize),
}

impl Machine<'_> {
    /// Runs the statement. After an error the variable is unchanged.
    pub(super) fn set_path<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        name: &str,
        path: &'t [PathStep],
        value: &'t Expr,
        annotation: Option<&'t Type>,
    ) -> Result<(), Failure> {
        let start = self.stack.len();
        for step in path {
            let index = match step {
                PathStep::Field(..) => Value::Null,
                PathStep::Index(index) => self.eval(frame, index)?,
            };
            self.stack.push(index);
        }
        let value = self.eval(frame, value)?;
        let indexes = self.stack.split_off(start);
        self.set_part(frame, variable, name, path, &indexes, value, annotation)
    }

    /// Sets the part of a variable at the end of a path; its indexes have been evaluated.
    #[expect(clippy::too_many_arguments, reason = "the parts of the statement and what they came to")]
    pub(super) fn set_part(
        &mut self,
        frame: &mut Frame<'_>,
        variable: Variable,
        name: &str,
        path: &[PathStep],
        indexes: &[Value],
        value: Value,
        annotation: Option<&Type>,
    ) -> Result<(), Failure> {
        let root = self.read(frame, variable, name)?;
        let (steps, work) = check_path(frame, &root, path, indexes, &value)?;
        if value.depth() > 0 {
            check_depth(value.depth().saturating_add(u16::try_from(steps.len()).unwrap_or(u16::MAX)))?;
        }
        let types = &frame.tree.types;
        let value = match annotation.and_then(|annotation| place_type(types, annotation, &steps)) {
            Some(ty) => self.conform_at(types, value, ty, || format!("the variable {name}"), || written(&steps))?,
            None => value,
        };
        self.grow(work.copied.saturating_mul(size_of::<Value>()))?;
        self.look(work.copied.saturating_add(work.looked))?;
        drop(root);
        let root = match self.take(frame, variable) {
            Some(root) => root,
            None => self.read(frame, variable, name)?,
        };
        let root = with_stack(|| changed(root, &steps, value));
        self.set(frame, variable, root)
    }
}

/// Walks the path without changing anything, so that the change itself cannot fail; also returns the cells that the
/// change copies or reads.
/// to copy or look at.
fn check_path(
    frame: &Frame<'_>,
    root: &Value,
    path: &[PathStep],
    indexes: &[Value],
    new: &Value,
) -> Result<(Vec<Step>, Work), Failure> {
    let mut steps = Vec::with_capacity(path.len());
    let mut inner = root.clone();
    let mut shared = false;
    let mut work = Work::default();
    for (at, (step, index)) in path.iter().zip(indexes).enumerate() {
        let last = at + 1 == path.len();
        // The whole is held by the variable and the caller, a part by its container; each is held here, too.
        shared |= is_shared(&inner, if at == 0 { 3 } else { 2 });
        let span = match step {
            PathStep::Field(_, span) => *span,
            PathStep::Index(index) => index.span,
        };
        let (step, next) = checked_step(&inner, step, index, last).map_err(|error| placed(error, frame.call, span))?;
        let behind = match (path.get(at + 1), indexes.get(at + 1)) {
            (Some(PathStep::Field(name, _)), _) | (_, Some(Value::Text(name))) => Next::Field(name),
            (Some(PathStep::Index(_)), _) => Next::Position,
            (None, _) => Next::Value(new),
        };
        work.change(&inner, shared, &behind, &next);
        steps.push(step);
        inner = next;
    }
    Ok((steps, work))
}

/// A step from a value, and the resulting value.
fn checked_step(value: &Value, step: &PathStep, index: &Value, last: bool) -> Result<(Step, Value), Failure> {
    let name = match (step, index) {
        (PathStep::Field(name, _), _) => name,
        (PathStep::Index(_), Value::Text(name)) if matches!(value, Value::Record(_)) => name,
        _ => {
            let rows = match value {
                Value::List(_) | Value::Table(_) => Rows::of(value),
                _ => None,
            };
            let rows = rows.ok_or_else(|| not_indexed(value, index))?;
            let position = position(&rows, index)?;
            return Ok((Step::Position(position), rows.get(position)));
        }
    };
    let Value::Record(record) = value else { return Err(not_settable(value, name)) };
    match record.get(name) {
        Some(field) => Ok((Step::Field(name.clone()), field)),
        // The last step may add a field, as `with` does.
        None if last => Ok((Step::Field(name.clone()), Value::Null)),
        None => Err(no_field(record, name)),
    }
}

#[cold]
fn not_indexed(value: &Value, index: &Value) -> Failure {
    match value {
        Value::Record(_) => {
            type_error(format!("A field of a record is set by its name, a text, not by {}.", describe(index)))
        }
        Value::Null => index_error("Nothing in null can be set with [ ]."),
        other => type_error(format!(
            "[ ] sets an element of a list, a row of a table or a field of a record, not a part of {}.",
            describe(other)
        )),
    }
}

#[cold]
fn not_settable(value: &Value, name: &str) -> Failure {
    match value {
        Value::Null => index_error(format!("The field {name} cannot be set in null.")),
        Value::Table(_) => type_error(format!(
            "A column cannot be set: choose a row, t[0].{name}, or change all rows with t with [{name}: …]."
        )),
        other => no_fields(other, name),
    }
}

/// The value with the part at the end of the path replaced. The path has been checked.
fn changed(value: Value, path: &[Step], new: Value) -> Value {
    let Some((step, rest)) = path.split_first() else { return new };
    match (step, value) {
        (Step::Field(name), Value::Record(mut record)) => {
            let old = if rest.is_empty() { Value::Null } else { record.take(name).unwrap_or_default() };
            Value::Record(record.with(name, with_stack(|| changed(old, rest, new))))
        }
        (Step::Position(position), Value::List(mut list)) => {
            let elements = Arc::make_mut(&mut list);
            let old = elements.replace(*position, Value::Null).unwrap_or_default();
            let new = with_stack(|| changed(old, rest, new));
            elements.replace(*position, new);
            // A list of which all elements are records is a table.
            let all_records = elements.items().iter().all(|element| matches!(element, Value::Record(_)));
            if all_records { Value::list(elements.items().to_vec()) } else { Value::List(list) }
        }
        (Step::Position(position), Value::Table(table)) => changed_row(table, *position, rest, new),
        (_, other) => other,
    }
}

fn changed_row(mut table: Arc<Table>, row: usize, path: &[Step], new: Value) -> Value {
    if let (Some(Step::Field(name)), Some(_)) = (path.first(), table.columns())
        && let Some(column) = table.shape().position(name)
    {
        let cells = Arc::make_mut(&mut table);
        let old = if path.len() == 1 { Value::Null } else { cells.take_cell(row, column) };
        let new = with_stack(|| changed(old, path.get(1..).unwrap_or(&[]), new));
        cells.set_cell(row, column, new);
        return Value::Table(table);
    }
    let old = table.row(row).map_or(Value::Null, Value::Record);
    let new = with_stack(|| changed(old, path, new));
    if let (Value::Record(record), Some(columns)) = (&new, table.columns())
        && record.shape().names() == table.shape().names()
    {
        let columns = columns.len();
        let cells = Arc::make_mut(&mut table);
        for column in 0..columns {
            cells.set_cell(row, column, record.at(column));
        }
        return Value::Table(table);
    }
    if let (Value::Record(record), None) = (&new, table.columns())
        && Arc::make_mut(&mut table).set_row(row, record)
    {
        return Value::Table(table);
    }
    let mut builder = RowsBuilder::default();
    let rows = Rows::Table(table);
    for (position, element) in rows.iter().enumerate() {
        builder.push(if position == row { new.clone() } else { element });
    }
    builder.finish()
}

/// The path as an error shows it: `lines[0].qty`.
fn written(path: &[Step]) -> String {
    let mut written = String::new();
    for step in path {
        let _ = match step {
            Step::Field(name) if written.is_empty() => write!(written, "{name}"),
            Step::Field(name) => write!(written, ".{name}"),
            Step::Position(position) => write!(written, "[{position}]"),
        };
    }
    written
}

/// The type of the place at the end of a path in a value of type `ty`; `None` if it is unknown.
fn place_type<'t>(types: &'t Types, ty: &'t Type, path: &[Step]) -> Option<&'t Type> {
    let Some((step, rest)) = path.split_first() else { return Some(ty) };
    match (types.resolve(ty), step) {
        (Type::Nullable(inner), _) => place_type(types, inner, path),
        (Type::Record(record), Step::Field(name)) => place_type(types, &record.field(name)?.ty, rest),
        (Type::List(element), Step::Position(_)) => place_type(types, element, rest),
        _ => None,
    }
}

/// Has it more than `holders` holders?
fn is_shared(value: &Value, holders: usize) -> bool {
    match value {
        Value::List(list) => Arc::strong_count(list) > holders,
        Value::Table(table) => Arc::strong_count(table) > holders,
        _ => false,
    }
}

/// The most cells that a change copies and reads.
#[derive(Default)]
struct Work {
    copied: usize,
    looked: usize,
}

/// What follows a step into a value.
enum Next<'a> {
    Field(&'a str),
    Position,
    /// Nothing: this is the new value.
    Value(&'a Value),
}

impl Work {
    fn change(&mut self, value: &Value, shared: bool, next: &Next<'_>, old: &Value) {
        let (copied, looked) = match value {
            Value::List(list) if shared => (list.items().len(), 0),
            // A list that could become a table is looked through.
            Value::List(list) if matches!(list.items().first(), Some(Value::Record(_))) => (0, list.items().len()),
            Value::Table(table) => {
                // Rows that differ in their fields keep their own.
                let in_place = match (next, old) {
                    (Next::Field(name), _) if table.columns().is_some() => table.shape().position(name).is_some(),
                    (Next::Field(name), Value::Record(old)) => old.shape().names().iter().any(|own| own == name),
                    (Next::Value(Value::Record(new)), Value::Record(old)) => new.shape().names() == old.shape().names(),
                    _ => false,
                };
                (if shared || !in_place { table.held_cells() } else { 0 }, 0)
            }
            Value::Record(record) => (record.len(), 0),
            _ => (0, 0),
        };
        self.copied = self.copied.saturating_add(copied);
        self.looked = self.looked.saturating_add(looked);
    }
}
