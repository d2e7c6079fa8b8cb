//! `trigger`: the triggers of the workflow, a key for each kind.

use super::schedule::{self, schedules};
use super::webhook::{self, Waiting, webhook};
use crate::reading::{Key, Reader, Takes, optional};
use crate::script::Input;
use crate::trigger::schedule::Schedule;
use crate::yaml::Node;

/// A kind of trigger in the file.
struct Row {
    key: Key,
    read: for<'n> fn(&mut Reader<'_>, &Given<'n, '_>, &mut Triggers<'n>),
}

/// The inputs of a kind for reading a trigger.
struct Given<'n, 'a> {
    /// The workflow.
    id: &'a str,
    /// The value of its key.
    node: &'n Node,
    /// The inputs of the workflow.
    inputs: &'a [Input],
}

/// All kinds of triggers that a file may have.
const ROWS: [Row; 2] = [
    Row {
        key: optional("webhook", Takes::Nothing(&Takes::Map(webhook::WEBHOOK))),
        read: |reader, given, found| found.webhook = webhook(reader, given.id, given.node, given.inputs),
    },
    Row {
        key: optional("schedule", Takes::List(&Takes::Map(schedule::KEYS))),
        read: |reader, given, found| found.schedules = schedules(reader, given.node, given.inputs),
    },
];

/// The keys of `trigger`.
pub(super) const KEYS: &[Key] = &{
    let [webhook, schedule] = &ROWS;
    [webhook.key, schedule.key]
};

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
    let mut found = Triggers::default();
    let Some(fields) = reader.fields(node, "`trigger`", KEYS) else { return found };
    for Row { key, read } in &ROWS {
        if let Some(entry) = fields.get(key.name) {
            read(reader, &Given { id, node: &entry.value, inputs }, &mut found);
        }
    }
    found
}
