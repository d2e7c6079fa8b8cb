//! Values that do not fit a type.

use super::Type;
use crate::error::RunError;
use crate::value::{ConvertError, Record, Value};
use std::fmt::{self, Write};

/// A value that does not fit a type, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The path to the part that does not fit: `lines[1].qty`; empty for the value itself.
    pub path: String,
    /// The part as a literal, shortened.
    pub value: String,
    /// Its type.
    pub from: String,
    /// The wanted type.
    pub to: String,
}

impl Mismatch {
    pub(super) fn new(value: &Value, to: &Type) -> Self {
        Self { path: String::new(), value: value.to_literal(60), from: value.type_name().into(), to: to.to_string() }
    }

    pub(super) fn missing(record: &Record, field: &str, to: &Type) -> Self {
        let value = Value::Record(record.clone()).to_literal(60);
        Self { path: field.into(), value, from: "nothing".into(), to: to.to_string() }
    }

    pub(super) fn inside(mut self, step: impl fmt::Display) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl From<ConvertError> for Mismatch {
    fn from(error: ConvertError) -> Self {
        Self { path: String::new(), value: error.value, from: error.from.into(), to: error.to.into() }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == "nothing" {
            return write!(f, "The field {} of type {} is missing in {}.", self.path, self.to, self.value);
        }
        let mut subject = format!("The value {}", self.value);
        if self.from != "null" {
            let _ = write!(subject, " of type {}", self.from);
        }
        if !self.path.is_empty() {
            let _ = write!(subject, " at {}", self.path);
        }
        write!(f, "{subject} could not be converted to {}.", self.to)
    }
}

impl std::error::Error for Mismatch {}

/// Why a value was not converted.
#[derive(Debug)]
pub enum Stopped {
    /// It does not fit.
    Mismatch(Mismatch),
    /// Its budget is used up.
    Ended(Box<RunError>),
}

impl Stopped {
    /// The same for a part of a value, at `step`.
    pub(crate) fn inside(self, step: impl std::fmt::Display) -> Self {
        match self {
            Self::Mismatch(mismatch) => Self::Mismatch(mismatch.inside(step)),
            ended @ Self::Ended(_) => ended,
        }
    }
}

impl From<Box<RunError>> for Stopped {
    fn from(error: Box<RunError>) -> Self {
        Self::Ended(error)
    }
}

impl From<Mismatch> for Stopped {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl From<ConvertError> for Stopped {
    fn from(error: ConvertError) -> Self {
        Self::Mismatch(error.into())
    }
}
