//! `trigger`: the triggers of the workflow, a key for each kind.

use super::schedule::{self, schedules};
use super::webhook::{self, Waiting, webhook};
use crate::reading::{Key, Reader, Takes, optional};
use crate::script::Input;
use crate::trigger::schedule::Schedule;
use crate::yaml::Node;

/// The keys of `trigger`.
pub(super) const KEYS: &[Key] = &[
    optional("webhook", Takes::Nothing(&Takes::Map(webhook::WEBHOOK))),
    optional("schedule", Takes::List(&Takes::Map(schedule::KEYS))),
];

/// The triggers.
#[derive(Default)]
pub(super) struct Triggers<'n> {
    /// Requests.
    pub webhook: Option<Waiting<'n>>,
    /// Instants.
    pub schedules: Vec<Schedule>,
}

/// Reads `trigger` of the workflow `id`.
pub(super) fn triggers<'n>(reader: &mut Reader<'_>, id: &str, node: &'n Node, inputs: &[Input]) -> Triggers<'n> {
    let Some(mut fields) = reader.fields(node, "`trigger`", KEYS) else { return Triggers::default() };
    let schedules = fields.take("schedule").map(|entry| schedules(reader, &entry.value, inputs)).unwrap_or_default();
    let webhook = fields.get("webhook").and_then(|entry| webhook(reader, id, &entry.value, inputs));
    Triggers { webhook, schedules }
}
