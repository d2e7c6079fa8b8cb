//! `x.name`, `x?.name` and `x[i]`.

use super::fail::{counted, describe, index_error, names_hint, subject, type_error};
use super::machine::Machine;
use super::{Evaluated, Failure};
use crate::budget::Budget;
use crate::value::{Record, Rows, Table, Value};
use ecow::EcoString;

impl Machine<'_> {
    /// `x.name`: the field of a record, the column of a table as a list.
    pub(super) fn field(&mut self, value: &Value, name: &EcoString) -> Evaluated {
        match value {
            Value::Record(record) => record.get(name).ok_or_else(|| no_field(record, name)),
            Value::Table(table) => match table.shape().position(name) {
                Some(position) => self.column(table, position),
                None => Err(no_column(table, name)),
            },
            list if list.is_empty_list() => Ok(Value::empty_list()),
            other => Err(no_fields(other, name)),
        }
    }

    /// `x?.name`: `null` if the field is missing.
    pub(super) fn safe_field(&mut self, value: &Value, name: &EcoString) -> Evaluated {
        match value {
            Value::Record(record) => Ok(record.get(name).unwrap_or_default()),
            Value::Table(table) => match table.shape().position(name) {
                Some(position) => self.column(table, position),
                None => Ok(Value::Null),
            },
            list if list.is_empty_list() => Ok(Value::empty_list()),
            _ => Ok(Value::Null),
        }
    }

    fn column(&mut self, table: &Table, position: usize) -> Evaluated {
        self.look(table.len())?;
        self.grow(table.len().saturating_mul(size_of::<Value>()))?;
        let list = Value::list(table.column_values(position));
        self.made(list)
    }
}

/// `x[i]`: an element by position, a field by name.
pub(super) fn index(value: &Value, index: &Value) -> Evaluated {
    match (value, index) {
        (Value::List(_) | Value::Table(_), _) => {
            let rows = Rows::of(value).unwrap_or_else(|| Rows::List(std::sync::Arc::default()));
            position(&rows, index).map(|position| rows.get(position))
        }
        (Value::Record(record), Value::Text(name)) => record.get(name).ok_or_else(|| no_field(record, name)),
        (Value::Record(_), other) => {
            Err(type_error(format!("A field of a record is taken by its name, a text, not by {}.", describe(other))))
        }
        (Value::Null, _) => {
            Err(index_error("Nothing can be taken out of null with [ ]. Where it may be null, use ?? before."))
        }
        (Value::Text(_), _) => Err(type_error("[ ] takes no characters out of a text. Use Mid(text, position, 1).")),
        (other, _) => Err(type_error(format!("[ ] works on lists, tables and records, not on {}.", describe(other)))),
    }
}

/// A position within rows.
pub(super) fn position(rows: &Rows, index: &Value) -> Result<usize, Failure> {
    let Value::Number(number) = index else {
        let hint = match (rows, index) {
            (Rows::Table(_), Value::Text(name)) => format!(" The column is t.{name}."),
            _ => String::new(),
        };
        return Err(type_error(format!("A position is a number from 0, not {}.{hint}", describe(index))));
    };
    if let Some(position) = number.to_usize().filter(|position| *position < rows.len()) {
        return Ok(position);
    }
    let kind = if matches!(rows, Rows::Table(_)) { ("table", "row") } else { ("list", "element") };
    if !number.is_whole() {
        return Err(index_error(format!("The position {number} is not a whole number.")));
    }
    let what = match rows.len() {
        0 => format!("the {} is empty", kind.0),
        1 => format!("the {} has one {}, at position 0", kind.0, kind.1),
        len => format!("the {} has {}, at positions 0 to {}", kind.0, counted(len, kind.1), len - 1),
    };
    Err(index_error(format!("The position {number} is outside: {what}.")))
}

#[cold]
pub(super) fn no_field(record: &Record, name: &str) -> Failure {
    if record.readable().next().is_none() {
        return index_error(format!("The record has no field {name}: it has no fields at all."));
    }
    let hint = names_hint(name, record.readable().map(EcoString::as_str));
    index_error(format!("The record has no field {name}.{hint}"))
}

#[cold]
fn no_column(table: &Table, name: &str) -> Failure {
    let hint = names_hint(name, table.shape().names().iter().map(EcoString::as_str));
    index_error(format!("The table has no column {name}.{hint}"))
}

/// `.` on a value without fields.
#[cold]
pub(super) fn no_fields(value: &Value, name: &str) -> Failure {
    match value {
        Value::Null => index_error(format!(
            "The field {name} cannot be taken from null. Where that may be null, write ?.{name} instead of .{name}."
        )),
        Value::List(_) => type_error(format!(
            "{} is not a table, so it has no column {name}: not all of its elements are records.",
            subject(value)
        )),
        other => type_error(format!("{} has no fields, so .{name} cannot be taken from it.", subject(other))),
    }
}
