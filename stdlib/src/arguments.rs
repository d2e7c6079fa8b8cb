//! What natives do with their arguments again and again: whole numbers, limits, row expressions.

use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult, RowFunction};
use flowscript_lang::value::{Rows, Value, to_text, truth};
use std::borrow::Cow;

/// The longest text, in bytes (language.md §8).
pub(crate) const MAX_TEXT: usize = 64 << 20;

/// The most cells of a list or table (language.md §8).
pub(crate) const MAX_CELLS: usize = 10_000_000;

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

/// Refuses a text of more than [`MAX_TEXT`] bytes, before it is made.
pub(crate) fn text_fits(call: &Call<'_>, bytes: usize) -> Result<(), Box<RunError>> {
    if bytes <= MAX_TEXT {
        return Ok(());
    }
    Err(call.error(ErrorKind::Limit, format_args!("the text would be longer than {} MiB, the limit.", MAX_TEXT >> 20)))
}

/// Refuses a list or table of more than [`MAX_CELLS`] cells, before it is made.
pub(crate) fn cells_fit(call: &Call<'_>, cells: usize) -> Result<(), Box<RunError>> {
    if cells <= MAX_CELLS {
        return Ok(());
    }
    Err(call
        .error(ErrorKind::Limit, format_args!("the list or table would have more than {MAX_CELLS} cells, the limit.")))
}

/// The bytes of binary, or of a text or another simple value's text form as UTF-8.
pub(crate) fn bytes<'c>(call: &'c Call<'_>, position: usize) -> Result<Cow<'c, [u8]>, Box<RunError>> {
    match call.value(position) {
        Value::Binary(bytes) => Ok(Cow::Borrowed(bytes)),
        Value::Text(text) => Ok(Cow::Borrowed(text.as_bytes())),
        other => match to_text(other) {
            Ok(text) => Ok(Cow::Owned(text.as_bytes().to_vec())),
            Err(_) => Err(call.refuse(position, "text or binary")),
        },
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
