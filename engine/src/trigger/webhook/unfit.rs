//! Requests that FlowScript of a workflow cannot read: the message for the sender, by the fields of the request.

use super::model::REQUEST_NAMES;
use super::request::Request;
use crate::script::{Failed, Fault, Read, Step};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Rows, Value};

/// The most fields that one message names.
const MOST: usize = 3;

/// The failure of FlowScript that reads a request. A failure caused by the request is the sender's fault: status 400,
/// with a message that names the field and reveals nothing of the workflow. Limits and failures of the engine stay as
/// they are.
pub fn fault_of(failed: Failed, request: &Request) -> Fault {
    let Failed { fault, reads } = failed;
    let is = |kinds: &[ErrorKind]| kinds.iter().any(|kind| kind.name() == fault.kind);
    if is(&[ErrorKind::User]) {
        return Fault { status: fault.status.or(Some(400)), ..fault };
    }
    if !is(&[ErrorKind::Type, ErrorKind::Value, ErrorKind::Index, ErrorKind::Arithmetic]) {
        return fault;
    }
    Fault { status: Some(400), message: message(&reads, request), ..fault }
}

/// The result of `processing.input` must be a record; `read` is that result if it is a part of the request.
pub fn no_record(value: &Value, read: Option<&Read>, request: &Request) -> Fault {
    let known = read.filter(|read| is_request(read));
    let message = match known {
        Some(read) if read.steps.is_empty() && request.has_no_body(&read.root) => {
            "The request has no body; an object is expected.".to_owned()
        }
        Some(read) => format!("`{read}` is {}; an object is expected.", kind(value)),
        None => format!("The request gives {} where an object is expected.", kind(value)),
    };
    Fault { status: Some(400), ..Fault::new(ErrorKind::Type, message) }
}

/// A sentence about what was being read, from the place of the error outwards.
fn message(reads: &[Vec<Read>], request: &Request) -> String {
    let mut inner: Option<&Read> = None;
    for place in reads {
        let (known, other): (Vec<&Read>, Vec<&Read>) = place.iter().partition(|read| is_request(read));
        if let Some(why) = known.iter().find_map(|read| unreadable(read, request)) {
            return why;
        }
        match (known.as_slice(), inner) {
            ([], _) => inner = inner.or_else(|| other.first().copied()),
            ([first, ..], None) => {
                let of_result = other.iter().find(|read| read.root.is_empty());
                return of_result
                    .map_or_else(|| unusable(&known, request), |read| unusable_within(read, first, request));
            }
            ([first, ..], Some(inner)) => return unusable_within(inner, first, request),
        }
    }
    match inner {
        Some(read) => format!("`{}` is missing or cannot be used.", relative(read)),
        None => "A value of the request cannot be used.".to_owned(),
    }
}

/// The part of the request that a function was reading.
fn unusable_within(inner: &Read, part: &Read, request: &Request) -> String {
    let mut whole = part.clone();
    whole.steps.extend(inner.steps.iter().cloned());
    // From a list the function got an element.
    let is_whole = matches!(value(part, request), Some(Value::Record(_)));
    let why = if is_whole { unreadable(&whole, request) } else { None };
    why.unwrap_or_else(|| format!("`{}` in `{part}` is missing or cannot be used.", relative(inner)))
}

/// A read without its first variable, which belongs to the workflow.
fn relative(read: &Read) -> String {
    match read.steps.split_first() {
        Some((Step::Field(name), rest)) => Read { root: name.clone(), steps: rest.to_vec() }.to_string(),
        _ => read.root.to_string(),
    }
}

fn is_request(read: &Read) -> bool {
    REQUEST_NAMES.contains(&read.root.as_str())
}

/// Why a part of the request is missing; `None` if it is present.
fn unreadable(read: &Read, request: &Request) -> Option<String> {
    let mut value = request.variable(&read.root)?;
    for (done, step) in read.steps.iter().enumerate() {
        let next = match (&value, step) {
            (Value::Record(record), Step::Field(name)) => record.get(name),
            // A column; the row is not known here.
            (Value::Table(table), Step::Field(name)) if table.shape().position(name).is_some() => return None,
            (Value::Table(_), Step::Field(_)) => None,
            (Value::List(_) | Value::Table(_), Step::Position(position)) => {
                Rows::of(&value).filter(|rows| *position < rows.len()).map(|rows| rows.get(*position))
            }
            _ => {
                let what = if done == 0 && request.has_no_body(&read.root) {
                    "The request has no body".to_owned()
                } else {
                    format!("`{}` is {}", read.up_to(done), kind(&value))
                };
                return Some(format!("{what}, so `{read}` cannot be read."));
            }
        };
        let Some(next) = next else {
            let missing = read.up_to(done + 1);
            let so = if missing == *read { String::new() } else { format!(", so `{read}` cannot be read") };
            return Some(format!("`{missing}` is missing{so}."));
        };
        value = next;
    }
    None
}

/// The parts are present, but their values cannot be used.
fn unusable(reads: &[&Read], request: &Request) -> String {
    let mut seen: Vec<String> = Vec::new();
    for read in reads {
        let described = match value(read, request) {
            Some(value) => format!("`{read}` cannot be used: it is {}", kind(&value)),
            None => format!("`{read}` cannot be used"),
        };
        if !seen.contains(&described) && seen.len() < MOST {
            seen.push(described);
        }
    }
    format!("{}.", seen.join("; "))
}

/// The value of a part of the request; `None` for columns.
fn value(read: &Read, request: &Request) -> Option<Value> {
    read.steps.iter().try_fold(request.variable(&read.root)?, |value, step| match (&value, step) {
        (Value::Record(record), Step::Field(name)) => record.get(name),
        (Value::List(_) | Value::Table(_), Step::Position(position)) => Some(Rows::of(&value)?.get(*position)),
        _ => None,
    })
}

/// The kind of a value, in terms of the formats of requests.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::DateTime(_) => "a date",
        Value::Binary(_) => "binary",
        Value::Record(_) => "an object",
        Value::List(_) => "a list",
        Value::Table(_) => "a list of objects",
        Value::Function(_) => "a function",
    }
}
