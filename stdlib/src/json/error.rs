//! Errors of a JSON text, with their places.

use crate::pages::place;
use crate::show::short;
use flowscript_lang::budget::Budget;
use flowscript_lang::error::RunError;
use flowscript_lang::types::Mismatch;
use std::fmt;

/// The most steps of a path that are shown; of a longer one its middle is left out.
const SHOWN_STEPS: usize = 20;

/// Why a text could not be decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeError {
    /// The path to the value: `lines[1].qty`; empty for the whole.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What was wrong.
    pub problem: Problem,
}

/// What was wrong with a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// It is not JSON, or not a possible value.
    Text(String),
    /// A value does not fit the wanted type.
    Mismatch(Box<Mismatch>),
    /// The budget has ended the reading.
    Stopped(Box<RunError>),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Text(problem) => {
                write!(f, "line {}, column {}", self.line, self.column)?;
                if !self.path.is_empty() {
                    write!(f, ", at {}", self.path)?;
                }
                write!(f, ": {problem}")
            }
            Problem::Stopped(error) => error.fmt(f),
            Problem::Mismatch(mismatch) => Mismatch { path: self.path.clone(), ..Mismatch::clone(mismatch) }.fmt(f),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The result of reading.
pub(super) type Read<T> = Result<T, Box<Failure>>;

/// An error on its way out; each level adds its step to the path.
pub(super) struct Failure {
    at: usize,
    steps: Vec<String>,
    problem: Problem,
}

impl Failure {
    pub(super) fn new(at: usize, problem: Problem) -> Box<Self> {
        Box::new(Self { at, steps: Vec::new(), problem })
    }

    /// The budget has ended the reading, wherever that is.
    pub(super) fn stopped(error: Box<RunError>) -> Box<Self> {
        Self::new(0, Problem::Stopped(error))
    }

    /// It was inside the element at `position`.
    pub(super) fn in_element(mut self: Box<Self>, position: usize) -> Box<Self> {
        self.steps.push(format!("[{position}]"));
        self
    }

    /// It was inside the field of this name.
    pub(super) fn in_field(mut self: Box<Self>, name: &str) -> Box<Self> {
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        self.steps.push(if plain { short(name) } else { format!("[{:?}]", short(name)) });
        self
    }

    /// The error, with its place in `text`. Looking for it is paid for.
    pub(super) fn located(self, text: &str, budget: &mut dyn Budget) -> DecodeError {
        let (line, column) = match place(text.get(..self.at).unwrap_or(text), |bytes| budget.scan(bytes)) {
            Ok(place) => place,
            Err(stopped) => {
                return DecodeError { path: String::new(), line: 1, column: 1, problem: Problem::Stopped(stopped) };
            }
        };
        // The steps begin at the innermost.
        let (ends, starts) = (SHOWN_STEPS / 2, self.steps.len().saturating_sub(SHOWN_STEPS / 2));
        let is_shown = |at: usize| self.steps.len() <= SHOWN_STEPS || at < ends || at >= starts;
        let path = self.steps.iter().enumerate().rev().fold(String::new(), |path, (at, step)| {
            if !is_shown(at) {
                return if path.ends_with('…') { path } else { path + "…" };
            }
            let dot = if path.is_empty() || step.starts_with('[') { "" } else { "." };
            path + dot + step
        });
        DecodeError { path, line, column, problem: self.problem }
    }
}
