//! Simple values used in place, to compute row expressions when there are few rows.

use super::convert::text_truth;
use super::{Column, DateTime, Number, Record, Table, Value};
use crate::budget::SHORT_TEXT;
use ecow::EcoString;
use std::cmp::Ordering;

/// A value without parts, at its place in a column, a record or a variable. It fits two processor registers.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'v> {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number.
    Number(&'v Number),
    /// A datetime.
    DateTime(&'v DateTime),
    /// A text.
    Text(&'v EcoString),
}

/// The result of comparing two values.
pub(crate) enum Compared {
    Ordered(Ordering),
    /// One is neither above nor below the other.
    Unordered,
    /// A text would have to be converted first, or is long.
    Unknown,
}

impl<'v> Scalar<'v> {
    /// A value in place; `None` if it has parts.
    #[inline]
    pub fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(value) => Some(Self::from(*value)),
            Value::Number(number) => Some(Self::Number(number)),
            Value::DateTime(datetime) => Some(Self::DateTime(datetime)),
            Value::Text(text) => Some(Self::Text(text)),
            _ => None,
        }
    }

    /// The value itself.
    #[inline]
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::True => Value::Bool(true),
            Self::False => Value::Bool(false),
            Self::Number(number) => Value::Number(*number),
            Self::DateTime(datetime) => Value::DateTime(*datetime),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }

    /// Is it `null`?
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// Its truth in a condition, as [`super::truth`].
    #[inline]
    pub fn truth(self) -> bool {
        match self {
            Self::Null | Self::False => false,
            Self::True | Self::DateTime(_) => true,
            Self::Number(number) => !number.is_zero(),
            Self::Text(text) => text_truth(text),
        }
    }

    /// `=`; `None` if a text would have to be converted, or is long.
    #[inline]
    pub(crate) fn equals(self, other: Self) -> Option<bool> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a == b),
            // Comparing long texts is left to code that counts it.
            (Self::Text(a), Self::Text(b)) if a.len() != b.len() || a.len() <= SHORT_TEXT => Some(a == b),
            (Self::DateTime(a), Self::DateTime(b)) => Some(a == b),
            (Self::Null, Self::Null) | (Self::True, Self::True) | (Self::False, Self::False) => Some(true),
            (Self::Null, _) | (_, Self::Null) => Some(false),
            (Self::Text(_), _) | (_, Self::Text(_)) => None,
            _ => Some(false),
        }
    }

    /// The order of `<`.
    #[inline]
    pub(crate) fn compare(self, other: Self) -> Compared {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Compared::Ordered(a.cmp(b)),
            // UTF-8 sorts by code point.
            (Self::Text(a), Self::Text(b)) if a.len().min(b.len()) <= SHORT_TEXT => {
                Compared::Ordered(a.as_bytes().cmp(b.as_bytes()))
            }
            (Self::DateTime(a), Self::DateTime(b)) => Compared::Ordered(a.cmp(b)),
            (Self::True | Self::False, Self::True | Self::False) => Compared::Ordered(self.truth().cmp(&other.truth())),
            (Self::Null, _) | (_, Self::Null) => Compared::Unordered,
            (Self::Text(_), _) | (_, Self::Text(_)) => Compared::Unknown,
            _ => Compared::Unordered,
        }
    }

    /// The bytes it holds in addition to its place.
    pub(crate) fn held(self) -> usize {
        match self {
            Self::Text(text) if text.len() > EcoString::INLINE_LIMIT => text.len(),
            _ => 0,
        }
    }
}

impl From<bool> for Scalar<'_> {
    #[inline]
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl Column {
    /// The cell at `row`, `null` outside; `None` if it has parts.
    #[inline]
    pub(crate) fn scalar(&self, row: usize) -> Option<Scalar<'_>> {
        Some(match self {
            Self::Null(_) => Scalar::Null,
            Self::Number(cells) => cells.get(row).and_then(Option::as_ref).map_or(Scalar::Null, Scalar::Number),
            Self::Text(cells) => cells.get(row).and_then(Option::as_ref).map_or(Scalar::Null, Scalar::Text),
            Self::Bool(cells) => cells.get(row).copied().flatten().map_or(Scalar::Null, Scalar::from),
            Self::DateTime(cells) => cells.get(row).and_then(Option::as_ref).map_or(Scalar::Null, Scalar::DateTime),
            Self::Any(cells) => return cells.get(row).map_or(Some(Scalar::Null), Scalar::of),
        })
    }

    /// Appends a scalar, as `push` does its value.
    #[inline]
    pub(crate) fn push_scalar(&mut self, scalar: Scalar<'_>) {
        match (&mut *self, scalar) {
            (Self::Number(cells), Scalar::Number(number)) => cells.push(Some(*number)),
            (Self::Text(cells), Scalar::Text(text)) => cells.push(Some(text.clone())),
            (_, scalar) => self.push(scalar.to_value()),
        }
    }
}

impl Table {
    /// The cell of `row` in the column at `position`; `None` if it has parts, or rows differ in their fields.
    #[inline]
    pub(crate) fn scalar(&self, row: usize, position: usize) -> Option<Scalar<'_>> {
        match self.picked() {
            Some((from, rows)) => match rows.get(row) {
                Some(row) => from.columns()?.get(position)?.scalar(*row as usize),
                None => Some(Scalar::Null),
            },
            None => self.columns()?.get(position)?.scalar(row),
        }
    }
}

impl Record {
    /// The field of this name, in place; `None` if it is missing or has parts.
    #[inline]
    pub(crate) fn scalar(&self, name: &EcoString) -> Option<Scalar<'_>> {
        self.scalar_at(self.shape().position(name)?)
    }

    /// Its own field at `position`, in place; `None` outside and if it has parts.
    #[inline]
    pub fn scalar_at(&self, position: usize) -> Option<Scalar<'_>> {
        match self.own_cells() {
            Ok(cells) => cells.get(position).and_then(Scalar::of),
            Err((table, row)) => table.scalar(row, position),
        }
    }
}
