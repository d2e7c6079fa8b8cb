//! Errors of a running script, with their messages.

use crate::error::{ErrorKind, RunError};
use crate::suggest::nearest;
use crate::tree::{FunctionDef, ParameterDef};
use crate::types::Mismatch;
use crate::value::Value;

/// An error on its way to its handler.
pub(super) type Failure = Box<RunError>;

/// The result of evaluating.
pub(super) type Evaluated = Result<Value, Failure>;

/// A `type` error.
pub(super) fn type_error(message: impl Into<String>) -> Failure {
    RunError::new(ErrorKind::Type, message)
}

/// A `value` error.
pub(super) fn value_error(message: impl Into<String>) -> Failure {
    RunError::new(ErrorKind::Value, message)
}

/// An `index` error.
pub(super) fn index_error(message: impl Into<String>) -> Failure {
    RunError::new(ErrorKind::Index, message)
}

/// An `arithmetic` error.
pub(super) fn arithmetic_error(message: impl Into<String>) -> Failure {
    RunError::new(ErrorKind::Arithmetic, message)
}

/// A `limit` error.
pub(super) fn limit_error(message: impl Into<String>) -> Failure {
    RunError::new(ErrorKind::Limit, message)
}

/// A value in a message: `the number 5`, `the text 'x'`, `null`.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Binary(bytes) => format!("binary of {} bytes", bytes.len()),
        Value::Function(_) => value.to_literal(60),
        value => format!("the {} {}", value.type_name(), value.to_literal(60)),
    }
}

/// The same at the start of a sentence.
pub(super) fn subject(value: &Value) -> String {
    capitalized(&describe(value))
}

/// A value that does not fit an annotation. `subject` names it: `the variable rate`.
pub(super) fn mismatch(subject: &str, mismatch: &Mismatch) -> Failure {
    let simple = matches!(mismatch.from.as_str(), "text" | "number" | "boolean" | "datetime" | "null");
    let kind = if simple { ErrorKind::Value } else { ErrorKind::Type };
    let what = mismatch.to_string();
    // The mismatch is a sentence of its own; here it follows a colon.
    let what = what.strip_prefix("The ").map_or_else(|| what.clone(), |rest| format!("the {rest}"));
    RunError::new(kind, format!("{}: {what}", capitalized(subject)))
}

/// `2 arguments`, `1 argument`
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// How many arguments a function takes, from the fewest and the most.
pub(super) fn arity(least: usize, most: usize) -> String {
    if most == usize::MAX {
        return format!("at least {}", counted(least, "argument"));
    }
    if least == most { counted(most, "argument") } else { format!("{least} to {}", counted(most, "argument")) }
}

/// ` Did you mean qty?`, or else the known names; empty if no name is known.
pub(super) fn names_hint<'n>(wrong: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = nearest(wrong, names.clone()) {
        return format!(" Did you mean {near}?");
    }
    let mut names = names;
    let shown: Vec<String> = names.by_ref().take(12).map(shortened).collect();
    match (shown.is_empty(), names.next().is_some()) {
        (true, _) => String::new(),
        (false, false) => format!(" There are: {}.", shown.join(", ")),
        (false, true) => format!(" There are: {} and more.", shown.join(", ")),
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 40 { name.to_owned() } else { name.chars().take(39).chain(['…']).collect() }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A value where only a number is allowed.
#[cold]
pub(super) fn no_number(value: &Value) -> Failure {
    type_error(format!("A number is expected here, not {}.", describe(value)))
}

/// A parameter in an error: `the parameter rate of net`.
pub(super) fn parameter_of(parameter: &ParameterDef, definition: &FunctionDef) -> String {
    format!("the parameter {} of {}", parameter.name, named(definition))
}

/// A function in an error.
pub(super) fn named(definition: &FunctionDef) -> String {
    if definition.name.is_empty() { "The function".to_owned() } else { definition.name.to_string() }
}
