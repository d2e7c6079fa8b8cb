//! The receiver of the parts of an XML text, and the errors that end the reading.

use flowscript_lang::error::RunError;
use std::borrow::Cow;
use std::fmt;

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct XmlError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What was wrong.
    pub problem: String,
    /// The error of the budget, if it has ended the reading.
    pub stopped: Option<Box<RunError>>,
}

impl XmlError {
    /// An error of the path, not of the text.
    pub(super) fn of_path(problem: String) -> Self {
        Self { line: 1, column: 1, problem, stopped: None }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stopped {
            Some(error) => error.fmt(f),
            None => write!(f, "line {}, column {}: {}", self.line, self.column, self.problem),
        }
    }
}

impl std::error::Error for XmlError {}

/// Receives the parts of a text. Its errors end the reading.
pub(super) trait Sink {
    /// `bytes` bytes have been read since the last call.
    fn pay(&mut self, bytes: usize) -> Result<(), Refusal>;
    /// `bytes` bytes of memory are needed.
    fn take(&mut self, bytes: usize) -> Result<(), Refusal>;
    fn open(&mut self, name: &str, attributes: &[(&str, Cow<'_, str>)]) -> Result<(), Refusal>;
    fn text(&mut self, text: &str) -> Result<(), Refusal>;
    fn close(&mut self) -> Result<(), Refusal>;
}

/// An error during reading: the message, and its place if it is not the start of the part.
pub(super) struct Refusal {
    pub problem: String,
    pub stopped: Option<Box<RunError>>,
    pub at: Option<usize>,
}

impl Refusal {
    pub(super) fn at(at: usize, problem: String) -> Self {
        Self { problem: problem + ".", stopped: None, at: Some(at) }
    }
}

impl From<Box<RunError>> for Refusal {
    fn from(error: Box<RunError>) -> Self {
        Self { problem: error.message.clone(), stopped: Some(error), at: None }
    }
}

impl From<String> for Refusal {
    fn from(problem: String) -> Self {
        Self { problem, stopped: None, at: None }
    }
}
