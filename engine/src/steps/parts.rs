//! Parts shared by several kinds of steps: statuses, headers, addresses of people, refusals, connections.

use crate::outgoing::{ConnectionKind, ConnectionName};
use crate::reading::{Fields, Reader, text_of};
use crate::script::{Content, Context, Fault};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Rows, Value, to_number, to_text};
use std::ops::RangeInclusive;

/// Why a step may not have a `timeout`.
pub(super) const DOES_NOT_WAIT: &str = "`timeout` is for steps that wait for a peer, such as `http`";
/// Why a step with steps in it may not have `retry` or `once`.
pub(super) const HOLDS_STEPS: &str = "This step contains steps; set this on the steps in it";
/// Statuses that a failure may have.
pub(super) const FAILURES: RangeInclusive<u16> = 400..=599;

/// The HTTP status in a value, if it is in the range.
pub(super) fn status_in(value: &Value, range: RangeInclusive<u16>) -> Option<u16> {
    let number = to_number(value).ok()?.to_i64()?;
    u16::try_from(number).ok().filter(|status| range.contains(status))
}

/// Does an answer of this status never have a body (RFC 9110)?
pub(super) fn has_no_body(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

/// The connection that a step of the kind `step` names. Whether it exists, and is of its kind, is checked with the
/// whole project.
pub(super) fn connection(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    node: &Node,
    step: &str,
    kind: ConnectionKind,
) -> Option<ConnectionName> {
    let why = format!("`{step}` needs a `connection` of connections.yaml");
    let entry = reader.needed(fields, "connection", node.place, &why)?;
    let name = text_of(&entry.value);
    if name.is_empty() {
        reader.wrong(&entry.value, "The name of a connection is expected");
        return None;
    }
    Some(reader.names_connection(name, kind, entry.value.place))
}

/// The same for a step that may have none.
pub(super) fn optional_connection(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    node: &Node,
    step: &str,
    kind: ConnectionKind,
) -> Result<Option<ConnectionName>, Reported> {
    match fields.get("connection") {
        Some(_) => connection(reader, fields, node, step, kind).ok_or(Reported).map(Some),
        None => Ok(None),
    }
}

/// The problem has been reported.
pub(super) struct Reported;

/// An optional template.
pub(super) fn optional_template(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    key: &str,
) -> Result<Option<Content>, Reported> {
    fields.take(key).map(|entry| reader.template(&entry.value).ok_or(Reported)).transpose()
}

/// An optional value.
pub(super) fn optional_value(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    key: &str,
) -> Result<Option<Content>, Reported> {
    fields.take(key).map(|entry| reader.content(&entry.value).0.ok_or(Reported)).transpose()
}

/// Reports why a step is invalid.
pub(super) fn refuse(reader: &mut Reader<'_>, node: &Node, message: impl Into<String>) {
    reader.report(Problem::new(codes::WRONG_VALUE, node.place, message));
}

/// The value of a header without control characters: they would end it, or it could not be sent.
pub(super) fn header(
    name: &str,
    content: &Content,
    variables: &mut [Value],
    context: Context<'_>,
) -> Result<String, Fault> {
    let value = content.text(&format!("The header `{name}`"), variables, context)?;
    let fault = |what: &str| Fault::new(ErrorKind::Value, format!("The header `{name}` has {what} in it."));
    if value.contains(['\r', '\n']) {
        return Err(fault("a line break"));
    }
    if let Some(control) = value.chars().find(|c| c.is_ascii_control() && *c != '\t') {
        return Err(fault(&format!("the control character U+{:04X}", u32::from(control))));
    }
    Ok(value.to_string())
}

/// The texts of a value: none for null, several for a list.
pub(super) fn texts(value: &Value, what: &str) -> Result<Vec<String>, Fault> {
    let text = |value: &Value| {
        to_text(value).map(|text| text.to_string()).map_err(|_| {
            Fault::new(ErrorKind::Type, format!("{what} must be a simple value, not a {}.", value.type_name()))
        })
    };
    match (value, Rows::of(value)) {
        (Value::Null, _) => Ok(Vec::new()),
        (Value::List(_), Some(rows)) => rows.iter().map(|row| text(&row)).collect(),
        (value, _) => Ok(vec![text(value)?]),
    }
}

/// The failure that a workflow ends a run with, whose message callers see.
pub(super) fn refusal(
    message: &Content,
    status: Option<&Content>,
    variables: &mut [Value],
    context: Context<'_>,
) -> Result<Fault, Fault> {
    let message = message.text("The message", variables, context)?;
    let status = match status {
        None => None,
        Some(content) => {
            let value = content.value(variables, context)?;
            let wrong = || format!("A status must be a number from 400 to 599; it is {}.", value.to_literal(60));
            Some(status_in(&value, FAILURES).ok_or_else(|| Fault::new(ErrorKind::Value, wrong()))?)
        }
    };
    Ok(Fault { status, ..Fault::new(ErrorKind::User, message) })
}
