//! `retry` of a step.

use super::step::Retry;
use crate::reading::{Key, Reader, Takes, optional};
use crate::script::slot::ERROR;
use crate::script::{Kind, Script};
use crate::yaml::Node;
use ecow::EcoString;
use flowscript_lang::types::Type;
use std::time::Duration;

/// The default wait before a retry.
const DELAY: Duration = Duration::from_secs(1);
/// The default of the longest wait.
const MAX_DELAY: Duration = Duration::from_secs(300);
/// The limit on the longest wait.
const LONGEST_DELAY: Duration = Duration::from_secs(30 * 86_400);
/// The limit on retries.
const MAX_TIMES: u32 = 1000;
/// Its keys.
pub(super) const KEYS: &[Key] = &[
    optional("times", Takes::Whole(0, MAX_TIMES)),
    optional("delay", Takes::Duration),
    optional("backoff", Takes::Word(&["fixed", "exponential"])),
    optional("maxDelay", Takes::Duration),
    optional("on", Takes::Expression),
];

/// Reads `retry`.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Retry> {
    let mut fields = reader.fields(node, "`retry`", KEYS)?;
    let times = match fields.take("times") {
        Some(entry) => reader.whole(&entry.value, "times", 0..=MAX_TIMES)?,
        None => 0,
    };
    let delay = match fields.take("delay") {
        Some(entry) => reader.duration(&entry.value, LONGEST_DELAY)?,
        None => DELAY,
    };
    let max_delay = match fields.take("maxDelay") {
        Some(entry) => reader.duration(&entry.value, LONGEST_DELAY)?,
        None => MAX_DELAY,
    };
    let exponential = reader.optional_word(&mut fields, "backoff", &[("exponential", true), ("fixed", false)]);
    let on = match fields.take("on") {
        Some(entry) => Some(condition(reader, &entry.value)?),
        None => None,
    };
    Some(Retry { times, delay, exponential: exponential.unwrap_or(true), max_delay, on })
}

fn condition(reader: &mut Reader<'_>, node: &Node) -> Option<Script> {
    let Some(scalar) = node.scalar() else {
        reader.wrong(node, "`on` must be an expression");
        return None;
    };
    let mut scope = reader.scope().clone();
    scope.define("error", ERROR, error_type(), false);
    reader.compile_in(scalar, Kind::Expression, &scope).0
}

/// The type of a failure for `retry.on`.
fn error_type() -> Type {
    let field = |name: &str, ty| (EcoString::from(name), ty);
    Type::closed_record([
        field("kind", Type::Text),
        field("message", Type::Text),
        field("status", Type::Number.nullable()),
    ])
}
