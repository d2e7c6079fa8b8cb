//! Dates: global functions and the module `DateTime`.
//!
//! `Now`, `Today`, `UtcNow`, `Date` and `Format` have a name without the module and one with it; all others are the
//! module's alone, and `open DateTime` lets a script leave it out.

mod between;
mod create;
mod now;
mod parts;
mod steps;
#[cfg(test)]
mod tests;
mod zone;

pub use zone::find_zone;

use crate::row::Row;
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{DateTime, Value};

pub(crate) const ROWS: &[&[Row]] = &[now::ROWS, create::ROWS, parts::ROWS, steps::ROWS, between::ROWS, zone::ROWS];

/// A datetime, or the error that it is outside the years of the language.
fn inside(call: &Call<'_>, value: Option<DateTime>) -> NativeResult {
    value.map(Value::DateTime).ok_or_else(|| outside(call))
}

fn outside(call: &Call<'_>) -> Box<RunError> {
    call.value_error("the result is outside the years 1 to 9999.")
}
