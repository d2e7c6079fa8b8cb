//! Errors of a running script (lang/README.md, Limits).

use crate::span::Span;
use std::fmt;

/// The kind of an error, as `catch e` sees it in `e.kind`.
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
    /// A bug of this program, not of the script; cannot be caught.
    Internal,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Type,
        Self::Value,
        Self::Arithmetic,
        Self::Index,
        Self::Limit,
        Self::Cancelled,
        Self::Io,
        Self::User,
        Self::Internal,
    ];

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
            Self::Internal => "internal",
        }
    }

    /// Can `catch` handle it? Limits, cancellation and bugs of this program pass through.
    pub fn is_catchable(self) -> bool {
        match self {
            Self::Type | Self::Value | Self::Arithmetic | Self::Index | Self::Io | Self::User => true,
            Self::Limit | Self::Cancelled | Self::Internal => false,
        }
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

/// An `internal` error for a state that is impossible unless this program has a bug: `never!("no constant {entry}")`.
/// Debug builds, and with them tests and fuzz targets, panic instead, so that the bug is found where it happens.
macro_rules! never {
    ($($what:tt)*) => {
        $crate::error::broken(&format!($($what)*), file!(), line!())
    };
}
pub(crate) use never;

/// See [`never!`].
#[cold]
#[inline(never)]
pub(crate) fn broken(what: &str, file: &str, line: u32) -> Box<RunError> {
    let message = format!(
        "This is a fault of FlowScript, not of the script: {what} ({file}:{line}). Please report it, with the script and \
         its input."
    );
    debug_assert!(false, "{message}");
    RunError::new(ErrorKind::Internal, message)
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RunError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_invariant_is_found_and_never_a_value() {
        let found = std::panic::catch_unwind(|| never!("no entry {} of numbers", 7));
        let message = match found {
            // A release build.
            Ok(error) => {
                assert_eq!(error.kind, ErrorKind::Internal);
                assert!(!error.kind.is_catchable());
                error.message
            }
            Err(panic) => *panic.downcast::<String>().expect("a message"),
        };
        assert!(message.contains("no entry 7 of numbers (lang/src/error.rs:"), "{message}");
        assert!(message.ends_with("Please report it, with the script and its input."), "{message}");
    }

    #[test]
    fn all_kinds_have_a_word_of_their_own() {
        let words: std::collections::BTreeSet<&str> = ErrorKind::ALL.into_iter().map(ErrorKind::name).collect();
        assert_eq!(words.len(), ErrorKind::ALL.len());
    }
}
