//! Callable values.

use super::access::{no_field, no_fields};
use super::fail::{arity, counted, describe, type_error};
use super::{Evaluated, Failure};
use crate::value::Value;
use ecow::EcoString;

/// The function in a field, for `x.f(y)`.
pub(super) fn callable_field(object: &Value, name: &EcoString) -> Evaluated {
    match object {
        Value::Record(record) => match record.get(name) {
            Some(function @ Value::Function(_)) => Ok(function),
            Some(other) => Err(type_error(format!("The field {name} cannot be called: it is {}.", describe(&other)))),
            None => Err(no_field(record, name)),
        },
        Value::Null => Err(no_fields(object, name)),
        other => Err(type_error(format!(
            "There is no function {name}, and {} has no field {name} to call.",
            describe(other)
        ))),
    }
}

/// A function is called with the row: it must take one argument.
pub(super) fn check_row_function(function: &Value) -> Result<(), Failure> {
    let Value::Function(callable) = function else { return Ok(()) };
    let (least, most) = callable.arity();
    if (least..=most).contains(&1) {
        return Ok(());
    }
    Err(type_error(format!(
        "A function that is called with each row takes {}, the row; this one takes {}.",
        counted(1, "argument"),
        arity(least, most)
    )))
}
