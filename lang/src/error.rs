//! Errors of a running script (lang/README.md, Limits).

use crate::span::Span;
use std::fmt;

/// What went wrong, as `catch e` sees it in `e.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A value of the wrong type.
    Type,
    /// A value that a function or conversion cannot take.
    Value,
    /// Division by zero, number overflow.
    Arithmetic,
    /// A missing field or a position outside.
    Index,
    /// A limit of the host; cannot be caught.
    Limit,
    /// The run was cancelled from outside; cannot be caught.
    Cancelled,
    /// HTTP, files.
    Io,
    /// `error '…'`
    User,
}

impl ErrorKind {
    /// The word that scripts and tools see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Value => "value",
            Self::Arithmetic => "arithmetic",
            Self::Index => "index",
            Self::Limit => "limit",
            Self::Cancelled => "cancelled",
            Self::Io => "io",
            Self::User => "user",
        }
    }

    /// Does `catch` see it? Limits and cancellation pass through.
    pub fn is_catchable(self) -> bool {
        !matches!(self, Self::Limit | Self::Cancelled)
    }
}

/// A place in one of the program's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The module's name; `None` for the script itself.
    pub module: Option<String>,
    /// Where in that text.
    pub span: Span,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// A call on the stack, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEntry {
    /// The function's name, or `function` for one without.
    pub function: String,
    /// Where it was called.
    pub place: Option<Place>,
}

/// An error that ended a run or was caught by it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunError {
    /// What kind.
    pub kind: ErrorKind,
    /// What was wrong, with which value, and what to do.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The calls that led there, innermost first.
    pub stack: Vec<StackEntry>,
}

impl RunError {
    /// An error whose place the interpreter fills in.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, message: message.into(), place: None, stack: Vec::new() })
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RunError {}
