//! The beginning of a run: its inputs, its label, and the facts that acceptance needs.

use super::host::RunHost;
use super::machine::{Machine, context};
use super::work::{Given, Room, Work};
use crate::script::slot::FIRST_INPUT;
use crate::script::{Fault, convert_input};
use crate::trigger::webhook::Request;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::sync::Arc;

/// The position for problems of a run's input. No step can have it.
pub const INPUT: &str = "input";

/// The longest label, in characters.
const MAX_LABEL: usize = 200;

/// The facts about a run before it is accepted.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The label for the history.
    pub label: Option<String>,
    /// The key of its lane; empty if all messages are in one lane.
    pub lane: String,
}

/// Prepares acceptance without running any step. An input that does not fit is an error, unless `processing.input`
/// computes it: then the run fails.
pub fn prepare(work: Work, room: Room, host: Arc<RunHost>) -> Result<Prepared, Fault> {
    let mut machine = Machine::new(work, room, host);
    let mut prepared = Prepared::default();
    let workflow = machine.work.workflow.clone();
    if let Some(webhook) = workflow.webhook.as_ref().filter(|_| machine.work.trigger.facts().has_request)
        && let Some(key) = webhook.ordered.as_ref().and_then(|ordered| ordered.key.as_ref())
    {
        let request = match &machine.work.given {
            Given::Request(request) => request.clone(),
            Given::Fields(fields) => Arc::new(Request::of_fields(webhook, fields)?),
        };
        prepared.lane = request.lane(key, context(&machine.room, &machine.host))?;
    }
    match machine.make_input() {
        Ok(()) => prepared.label = machine.make_label(),
        Err(_) if machine.work.processes_input() => {}
        Err(fault) => return Err(fault),
    }
    Ok(prepared)
}

impl Machine {
    /// Makes the inputs.
    pub(super) fn make_input(&mut self) -> Result<(), Fault> {
        self.host.enter("", INPUT, 1, self.host.instant());
        self.failed_at.note(INPUT);
        let context = context(&self.room, &self.host);
        let given = match &self.work.given {
            Given::Fields(fields) => fields.clone(),
            Given::Request(request) => {
                self.veil.learn_request(&self.work.workflow.redact, request);
                request.input_fields(self.work.workflow.webhook.as_ref(), context)?
            }
        };
        let values = convert_input(&self.work.workflow.inputs, &given, &self.room.library, self.host.as_ref())
            .map_err(|no_fit| Fault { status: Some(400), ..Fault::new(ErrorKind::Value, no_fit.message) })?;
        if let Some(root) = self.strands.get_mut("") {
            for (number, value) in values.into_iter().enumerate() {
                root.variables.set_known(FIRST_INPUT + number, value);
            }
            self.veil.learn(&root.workflow, &root.variables);
        }
        self.failed_at.forget(INPUT);
        self.has_input = true;
        self.input = self.named_input();
        Ok(())
    }

    /// The label for the history. One that fails is left out: it must not keep a run from starting.
    pub(super) fn make_label(&mut self) -> Option<String> {
        let workflow = self.work.workflow.clone();
        let content = workflow.label.as_ref()?;
        let context = context(&self.room, &self.host);
        let root = self.strands.get_mut("")?;
        let label = content.text("A label", &mut root.variables.values, context).ok()?;
        let label = self.veil.over(&label);
        Some(label.chars().take(MAX_LABEL).collect())
    }

    fn named_input(&self) -> Option<Value> {
        let root = self.strands.get("")?;
        let inputs = self.work.workflow.inputs.iter().enumerate();
        let values = inputs.map(|(i, input)| (input.name.clone(), root.variables.get(FIRST_INPUT + i).clone()));
        Some(Value::record(values.collect::<Vec<_>>()))
    }
}
