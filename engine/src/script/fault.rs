//! Why a script or a step failed.

use crate::secret::masked;
use crate::store::Failure;
use crate::yaml::Place;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::value::Value;
use std::time::Duration;

/// The kind of a step or run that took too long.
pub const TIMEOUT: &str = "timeout";
/// The kind of a step that may run at most once, if it is unknown whether it has run.
pub const INTERRUPTED: &str = "interrupted";

/// The most places that a fault names: a recursion has very many.
pub const MAX_PLACES: usize = 16;

/// The longest message of a fault, in characters: messages quote values, which may be of any length.
const LONGEST: usize = 1_500;
/// How much of the end of a longer message is kept: the reason usually comes after the value.
const KEPT_END: usize = 500;

/// Why a script or a step failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The kinds of the language, `timeout`, `interrupted`.
    pub kind: &'static str,
    /// For messages.
    pub message: String,
    /// The HTTP status from the workflow or from a peer.
    pub status: Option<u16>,
    /// How long a peer asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// Where, and the calls that led there: innermost first.
    pub places: Vec<SourcePlace>,
}

/// A place in a file of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// The path in the project; `None` for the file of the workflow at hand.
    pub file: Option<String>,
    /// The line and the column in characters.
    pub place: Place,
}

impl Fault {
    /// A fault that is impossible unless the engine has a bug, or its stored data is damaged.
    #[cold]
    #[track_caller]
    pub fn broken(what: &str) -> Self {
        let place = std::panic::Location::caller();
        let message = format!(
            "This is a fault of FlowScript, not of the workflow: {what} ({}:{}). Please report it.",
            place.file(),
            place.line()
        );
        Self::new(ErrorKind::Internal, message)
    }

    /// A fault of a kind that the language does not have: `timeout`, `interrupted`.
    pub fn of_kind(kind: &'static str, message: impl Into<String>) -> Self {
        // Messages of others may contain secrets of connections: none leaves through a fault. Masking comes first, so
        // that cutting never leaves a part of a secret.
        let masked = masked(&message.into());
        let is_empty = masked.trim().is_empty();
        let message = if is_empty { "It failed without a message.".to_owned() } else { masked };
        // A message from the workflow itself stays as it is.
        let message = if kind == ErrorKind::User.name() { message } else { shortened(message) };
        Self { kind, message, status: None, retry_after: None, places: Vec::new() }
    }

    /// A fault from its stored form.
    pub fn of_failure(failure: &Failure) -> Self {
        let names = ErrorKind::ALL.into_iter().map(ErrorKind::name).chain([TIMEOUT, INTERRUPTED]);
        let kind = names.into_iter().find(|name| *name == failure.kind).unwrap_or(ErrorKind::Io.name());
        Self { status: failure.status, ..Self::of_kind(kind, failure.message.as_str()) }
    }

    /// `[kind, message, status]`, as `errors` and `retry.on` see it.
    pub fn to_value(&self) -> Value {
        Value::record([
            ("kind", Value::text(self.kind)),
            ("message", Value::text(self.message.as_str())),
            ("status", self.status.map_or(Value::Null, |status| i64::from(status).into())),
        ])
    }

    /// The fault of a value that [`Fault::to_value`] made.
    pub fn of_value(value: &Value) -> Option<Self> {
        let Value::Record(fields) = value else { return None };
        let text = |name: &str| match fields.get(name) {
            Some(Value::Text(text)) => text.to_string(),
            _ => String::new(),
        };
        let status = match fields.get("status") {
            Some(Value::Number(status)) => status.to_i64().and_then(|status| u16::try_from(status).ok()),
            _ => None,
        };
        let failure = Failure { kind: text("kind"), message: text("message"), status, position: None };
        Some(Self::of_failure(&failure))
    }

    /// The stored form of the fault, with the position of the step.
    pub fn to_failure(&self, position: Option<String>) -> Failure {
        Failure { kind: self.kind.to_owned(), message: self.message.clone(), status: self.status, position }
    }

    /// Names the file of the places that have none.
    pub fn name_file(&mut self, file: &str) {
        for place in self.places.iter_mut().filter(|place| place.file.is_none()) {
            place.file = Some(file.to_owned());
        }
    }

    /// Adds a place that led to those known.
    pub fn add_place(&mut self, file: &str, place: Place) {
        if self.places.len() < MAX_PLACES {
            self.places.push(SourcePlace { file: Some(file.to_owned()), place });
        }
    }

    /// Logs the place in the file, which is for the author and not for callers.
    pub fn note_place(&self, host: &dyn Host) {
        if let Some(SourcePlace { file, place }) = self.places.first() {
            let file = file.as_deref().map(|file| format!(" of {file}")).unwrap_or_default();
            let message = format!("line {}, column {}{file}: {}", place.line, place.column, self.message);
            host.log(LogLevel::Error, &message);
        }
    }

    /// A fault of one of the language's kinds, without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::of_kind(kind.name(), message)
    }
}

/// A message without its middle if it is very long.
fn shortened(message: String) -> String {
    let longer = message.len() > LONGEST && message.chars().nth(LONGEST).is_some();
    if !longer {
        return message;
    }
    let place = |count: usize| message.char_indices().nth(count).map_or(message.len(), |(at, _)| at);
    let start = message.get(..place(LONGEST - KEPT_END)).unwrap_or_default();
    let end = message.char_indices().rev().nth(KEPT_END - 1).map_or(0, |(at, _)| at);
    format!("{start} … {}", message.get(end..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_always_says_something() {
        assert_eq!(Fault::new(ErrorKind::User, " \n").message, "It failed without a message.");
    }

    #[test]
    fn a_long_message_keeps_its_start_and_its_end() {
        let value = "é".repeat(2_000);
        let fault = Fault::new(ErrorKind::Io, format!("The file `{value}` cannot be read: its name is too long"));
        assert!(fault.message.starts_with("The file `éé"), "{}", fault.message);
        assert!(fault.message.ends_with("éé` cannot be read: its name is too long"), "{}", fault.message);
        assert_eq!(fault.message.chars().count(), LONGEST + 3);
        assert_eq!(Fault::new(ErrorKind::User, value.as_str()).message, value, "what a workflow says stays whole");
        assert_eq!(Fault::new(ErrorKind::Io, "é".repeat(LONGEST)).message, "é".repeat(LONGEST));
    }
}
