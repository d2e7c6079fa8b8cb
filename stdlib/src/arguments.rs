//! What natives do with their arguments again and again: whole numbers, limits, row expressions.

use ecow::EcoString;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult, RowFunction};
use flowscript_lang::value::{Rows, Value, to_text, truth};
use std::ops::Deref;
use std::sync::Arc;

/// The whole number at `position`. Beyond 64 bits it is the smallest or largest of them, for functions that clamp.
pub(crate) fn clamped(call: &Call<'_>, position: usize) -> Result<i64, Box<RunError>> {
    let number = call.number(position);
    match number.to_i64() {
        Some(whole) => Ok(whole),
        None if number.is_whole() && number.is_negative() => Ok(i64::MIN),
        None if number.is_whole() => Ok(i64::MAX),
        None => Err(call.refuse(position, "a whole number")),
    }
}

/// The same as a count: below 0 it is 0.
pub(crate) fn count(call: &Call<'_>, position: usize) -> Result<usize, Box<RunError>> {
    clamped(call, position).map(|number| usize::try_from(number.max(0)).unwrap_or(usize::MAX))
}

/// Pays for a text of so many bytes before it is made; one that would be too long is an error.
pub(crate) fn text_fits(call: &mut Call<'_>, bytes: usize) -> Result<(), Box<RunError>> {
    let most = call.budget().most_text();
    if bytes > most {
        return Err(too_long(call, most));
    }
    call.budget().make_text(bytes)
}

/// The error of a text that would be longer than `most` bytes.
pub(crate) fn too_long(call: &Call<'_>, most: usize) -> Box<RunError> {
    call.error(ErrorKind::Limit, format_args!("the text would be longer than {} MiB, the limit.", most >> 20))
}

/// Pays for a list or table of so many cells before it is made; one that would have too many is an error.
pub(crate) fn cells_fit(call: &mut Call<'_>, cells: usize) -> Result<(), Box<RunError>> {
    let most = call.budget().most_cells();
    if cells > most {
        let message = format_args!("the list or table would have more than {most} cells, the limit.");
        return Err(call.error(ErrorKind::Limit, message));
    }
    call.budget().make_cells(cells)
}

/// Bytes of an argument, shared with it.
pub(crate) enum Bytes {
    Binary(Arc<[u8]>),
    Text(EcoString),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Binary(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// The bytes of binary, or of a text or another simple value's text form as UTF-8.
pub(crate) fn bytes(call: &Call<'_>, position: usize) -> Result<Bytes, Box<RunError>> {
    match call.value(position) {
        Value::Binary(bytes) => Ok(Bytes::Binary(bytes.clone())),
        other => to_text(other).map(Bytes::Text).map_err(|_| call.refuse(position, "text or binary")),
    }
}

/// A row expression, ready for its rows. One that is no function is the same for every row.
pub(crate) enum Selector {
    Constant(Value),
    Each(RowFunction),
}

impl Selector {
    /// The expression in the argument at `position`.
    pub(crate) fn new(call: &mut Call<'_>, position: usize, rows: &Rows) -> Result<Self, Box<RunError>> {
        match call.value(position) {
            Value::Function(_) => call.bind(position, rows).map(Self::Each),
            constant => Ok(Self::Constant(constant.clone())),
        }
    }

    /// Its value for a row.
    pub(crate) fn value(&self, call: &mut Call<'_>, row: usize) -> NativeResult {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Each(function) => call.row_value(function, row),
        }
    }

    /// Is its value true for a row?
    pub(crate) fn holds(&self, call: &mut Call<'_>, row: usize) -> Result<bool, Box<RunError>> {
        match self {
            Self::Constant(value) => Ok(truth(value)),
            Self::Each(function) => call.row_value(function, row).map(|value| truth(&value)),
        }
    }
}
