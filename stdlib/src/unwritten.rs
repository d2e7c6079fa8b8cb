//! Texts that are paid for while they are written, and why a value could not be written as JSON, XML or CSV.

use crate::pages::{Pages, Text};
use flowscript_lang::budget::{Budget, Paid, Toll, longer_text};
use flowscript_lang::error::RunError;
use std::fmt;

/// Why the text could not be written.
#[derive(Clone, Debug, PartialEq)]
pub enum EncodeError {
    /// The value, or a part of it, has no such form; the text is the message.
    Value(String),
    /// The text would be longer than a text may be.
    TooLong {
        /// The bytes it may have.
        most: usize,
    },
    /// The budget has ended the writing.
    Stopped(Box<RunError>),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(problem) => f.write_str(problem),
            Self::TooLong { most } => write!(f, "The text {}", longer_text(*most)),
            Self::Stopped(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EncodeError {}

impl From<Box<RunError>> for EncodeError {
    fn from(error: Box<RunError>) -> Self {
        Self::Stopped(error)
    }
}

impl From<String> for EncodeError {
    fn from(problem: String) -> Self {
        Self::Value(problem)
    }
}

/// The cost of writing a byte, in bytes looked at.
const WRITING: usize = 2;

/// The cost of a part that may be written as nothing, in the same unit.
const PART: usize = 32;

/// Pays for a text while it is written.
pub(crate) struct Written<'b> {
    toll: Toll<'b>,
    most: usize,
    /// How much of the text is paid for.
    paid: usize,
}

impl<'b> Written<'b> {
    pub(crate) fn new(budget: &'b mut dyn Budget) -> Self {
        Self { most: budget.most_text(), toll: Toll::new(budget), paid: 0 }
    }

    /// Pays for one more part; the text now has this length.
    #[inline]
    pub(crate) fn pay(&mut self, length: usize) -> Result<(), EncodeError> {
        if length > self.most {
            return Err(EncodeError::TooLong { most: self.most });
        }
        let bytes = length.saturating_sub(self.paid);
        self.paid += bytes;
        self.toll.scan(bytes.saturating_mul(WRITING).saturating_add(PART))?;
        Ok(self.toll.take(bytes)?)
    }

    /// Pays for this many bytes more.
    #[inline]
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), EncodeError> {
        let length = self.paid.saturating_add(bytes);
        if length > self.most {
            return Err(EncodeError::TooLong { most: self.most });
        }
        self.paid = length;
        self.toll.scan(bytes.saturating_mul(WRITING))?;
        Ok(self.toll.take(bytes)?)
    }

    /// Pays for a look at this many bytes.
    #[inline]
    pub(crate) fn look(&mut self, bytes: usize) -> Paid {
        self.toll.scan(bytes)
    }

    /// The toll that is paid.
    pub(crate) fn toll(&mut self) -> &mut Toll<'b> {
        &mut self.toll
    }

    /// The text that has been written, its rest paid for.
    pub(crate) fn finish<T: Text + From<String>>(mut self, text: Pages<String>) -> Result<T, EncodeError> {
        self.pay(text.len())?;
        let text = text.finish(&mut self.toll)?;
        self.toll.settle()?;
        Ok(text)
    }
}
