//! The walk of a run over its steps.

use super::Files;
use super::host::{RunHost, now};
use super::input::convert_input;
use super::steps::{self, Outcome};
use super::trace::StepTrace;
use crate::script::{Context, Fault, Library};
use crate::store::{LogLine, RunId, RunState, Timestamp, Trigger};
use crate::trigger::webhook::Request;
use crate::workflow::model::{ERRORS, FIRST_INPUT, RUN, Step, StepIndex, Workflow};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{DateTime, Record, Value};
use std::sync::Arc;

/// The longest label, in characters.
const MAX_LABEL: usize = 200;

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its id, which carries when it was accepted.
    pub id: RunId,
    /// The version it has taken.
    pub workflow: Arc<Workflow>,
    /// What started it.
    pub trigger: Trigger,
    /// The nominal instant of its schedule's occurrence.
    pub scheduled_for: Option<Timestamp>,
    /// The workflow that starts when it fails for good: the one it was accepted with.
    pub on_failure: Option<String>,
    /// Where its input comes from.
    pub given: Given,
}

/// Where the input of a run comes from.
#[derive(Clone, Debug)]
pub enum Given {
    /// A request to the webhook.
    Request(Arc<Request>),
    /// Values by name that are still to be converted.
    Fields(Record),
}

/// What runs share.
#[derive(Clone, Debug)]
pub struct Room {
    /// Functions and settings.
    pub library: Library,
    /// The folder of file steps.
    pub files: Arc<Files>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Completed, failed, cancelled or timed out.
    pub state: RunState,
    /// The inputs by name, once they were made.
    pub input: Option<Value>,
    /// Was the input of the caller to blame, before any FlowScript of the workflow saw it?
    pub refused: bool,
    /// The label for the history.
    pub label: Option<String>,
    /// What the workflow gives.
    pub output: Option<Value>,
    /// What `processing.output` made of it for the caller.
    pub answer: Option<Value>,
    /// Why it failed, and the position of the step.
    pub failure: Option<(Fault, Option<String>)>,
    /// The steps it passed.
    pub trace: Vec<StepTrace>,
    /// Its log.
    pub log: Vec<LogLine>,
    /// When it was over.
    pub ended_at: Timestamp,
}

impl Ended {
    /// A run that failed before it could say anything else.
    pub fn failed(fault: Fault) -> Self {
        Self {
            state: RunState::Failed,
            input: None,
            refused: false,
            label: None,
            output: None,
            answer: None,
            failure: Some((fault, None)),
            trace: Vec::new(),
            log: Vec::new(),
            ended_at: now(),
        }
    }
}

/// Runs a workflow that has no acting steps from its beginning to its end.
pub fn perform(work: &Work, room: &Room, host: &RunHost) -> Ended {
    let mut walk = Walk::new(work, room, host);
    let result = walk.all();
    walk.end(result)
}

/// What is known of a run before it is accepted.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The label for the history.
    pub label: Option<String>,
    /// The key of its lane; empty where all messages are one lane.
    pub lane: String,
}

/// Learns what acceptance needs without running any step. An input that does not fit is an error, unless
/// `processing.input` makes it: then it is the run that fails.
pub fn prepare(work: &Work, room: &Room, host: &RunHost) -> Result<Prepared, Fault> {
    let mut walk = Walk::new(work, room, host);
    let mut prepared = Prepared::default();
    if let Given::Request(request) = &work.given
        && let Some(key) = work.workflow.webhook.as_ref().and_then(|w| w.ordered.as_ref()?.key.as_ref())
    {
        prepared.lane = request.lane(key, walk.context)?;
    }
    match walk.input() {
        Ok(()) => prepared.label = walk.label(),
        Err(_) if work.processes_input() => {}
        Err(fault) => return Err(fault),
    }
    Ok(prepared)
}

impl Work {
    /// Does `processing.input` make its input?
    pub fn processes_input(&self) -> bool {
        let processing = self.workflow.webhook.as_ref().and_then(|webhook| webhook.processing_input.as_ref());
        processing.is_some() && matches!(self.given, Given::Request(_))
    }

    /// Must something be learnt before acceptance?
    pub fn needs_preparing(&self) -> bool {
        let ordered = self.workflow.webhook.as_ref().and_then(|webhook| webhook.ordered.as_ref());
        !self.processes_input() || self.workflow.label.is_some() || ordered.is_some_and(|o| o.key.is_some())
    }
}

struct Walk<'a> {
    work: &'a Work,
    room: &'a Room,
    host: &'a RunHost,
    context: Context<'a>,
    variables: Vec<Value>,
    has_input: bool,
    label: Option<String>,
    position: Option<String>,
    trace: Vec<StepTrace>,
}

/// What is left when nothing failed.
struct Results {
    output: Value,
    answer: Option<Value>,
}

impl<'a> Walk<'a> {
    fn new(work: &'a Work, room: &'a Room, host: &'a RunHost) -> Self {
        let workflow = &work.workflow;
        let mut variables = vec![Value::Null; workflow.names.len() + 1];
        if let Some(run) = variables.get_mut(RUN) {
            *run = run_value(work, room);
        }
        if let Some(errors) = variables.get_mut(ERRORS) {
            *errors = Value::record::<&str>([]);
        }
        let context = Context { settings: room.library.settings(), host };
        Self { work, room, host, context, variables, has_input: false, label: None, position: None, trace: Vec::new() }
    }

    fn all(&mut self) -> Result<Results, Fault> {
        self.input()?;
        self.label = self.label();
        let workflow = &self.work.workflow;
        let output = match self.steps(workflow.first)? {
            Some(output) => output,
            None => match &workflow.output {
                Some(content) => {
                    self.position = None;
                    content.value(&mut self.variables, self.context)?
                }
                None => Value::Null,
            },
        };
        let answer = match workflow.webhook.as_ref().and_then(|webhook| webhook.processing_output.as_ref()) {
            Some(script) if matches!(self.work.given, Given::Request(_)) => {
                self.enter("processing.output");
                if let Some(slot) = self.variables.get_mut(workflow.output_slot()) {
                    *slot = output.clone();
                }
                Some(script.run(&mut self.variables, self.context)?)
            }
            _ => None,
        };
        Ok(Results { output, answer })
    }

    /// Makes the inputs.
    fn input(&mut self) -> Result<(), Fault> {
        self.enter("input");
        let workflow = &self.work.workflow;
        let given = match &self.work.given {
            Given::Fields(fields) => fields.clone(),
            Given::Request(request) => request.input_fields(workflow, self.context)?,
        };
        let values = convert_input(&workflow.inputs, &given, &self.room.library, self.host)
            .map_err(|no_fit| Fault { status: Some(400), ..Fault::new(ErrorKind::Value, no_fit.message) })?;
        for (slot, value) in self.variables.iter_mut().skip(FIRST_INPUT).zip(values) {
            *slot = value;
        }
        self.has_input = true;
        Ok(())
    }

    /// The label for the history. A label that fails is none: it must not keep a run from starting.
    fn label(&mut self) -> Option<String> {
        let content = self.work.workflow.label.as_ref()?;
        let label = content.text("A label", &mut self.variables, self.context).ok()?;
        Some(label.chars().take(MAX_LABEL).collect())
    }

    /// Walks the steps; gives the output of an `end` step.
    fn steps(&mut self, first: Option<StepIndex>) -> Result<Option<Value>, Fault> {
        let workflow = self.work.workflow.clone();
        let mut next = first;
        while let Some(step) = next.and_then(|index| workflow.step(index)) {
            self.check_stop()?;
            let started_at = now();
            self.enter(&step.position);
            let outcome = self.step(step);
            let error = outcome.as_ref().err().map(|fault| fault.message.clone());
            let skipped = matches!(outcome, Ok(Outcome::Skipped));
            self.trace.push(StepTrace {
                position: step.position.clone(),
                kind: step.kind.name().to_owned(),
                title: step.title.clone(),
                started_at,
                ended_at: now(),
                skipped,
                error,
            });
            next = match outcome? {
                Outcome::Done(value) => {
                    self.keep(step, value);
                    step.next
                }
                Outcome::Skipped => {
                    self.keep(step, Value::Null);
                    step.next
                }
                Outcome::Branch(first) => first,
                Outcome::End(output) => return Ok(Some(output)),
            };
        }
        Ok(None)
    }

    fn step(&mut self, step: &Step) -> Result<Outcome, Fault> {
        if let Some(when) = &step.when
            && !flowscript_lang::value::truth(&when.run(&mut self.variables, self.context)?)
        {
            return Ok(Outcome::Skipped);
        }
        steps::run(step, &mut self.variables, self.context, &self.room.files)
    }

    fn keep(&mut self, step: &Step, value: Value) {
        if let Some(variable) = step.slot.and_then(|slot| self.variables.get_mut(slot)) {
            *variable = value;
        }
    }

    fn enter(&mut self, position: &str) {
        self.host.enter(position);
        self.position = Some(position.to_owned());
    }

    /// Scripts ask for themselves; this is for runs of many short steps.
    fn check_stop(&self) -> Result<(), Fault> {
        if self.host.stop().is_cancelled() || self.host.stop().is_abandoned() {
            return Err(Fault::new(ErrorKind::Cancelled, "The run was cancelled."));
        }
        if self.host.is_late() {
            return Err(Fault::new(ErrorKind::Limit, "The run took longer than it may."));
        }
        Ok(())
    }

    fn end(self, result: Result<Results, Fault>) -> Ended {
        let input = self.has_input.then(|| {
            let inputs = self.work.workflow.inputs.iter().enumerate();
            let value = |i: usize| self.variables.get(FIRST_INPUT + i).cloned().unwrap_or_default();
            Value::record(inputs.map(|(i, input)| (input.name.clone(), value(i))).collect::<Vec<_>>())
        });
        let mut ended = Ended {
            state: RunState::Completed,
            input,
            refused: false,
            label: self.label,
            output: None,
            answer: None,
            failure: None,
            trace: self.trace,
            log: Vec::new(),
            ended_at: now(),
        };
        match result {
            Ok(results) => {
                ended.output = Some(results.output);
                ended.answer = results.answer;
            }
            Err(fault) => {
                let late = fault.kind == ErrorKind::Limit.name() && self.host.is_late();
                ended.state = match fault.kind {
                    kind if kind == ErrorKind::Cancelled.name() => RunState::Cancelled,
                    _ if late => RunState::TimedOut,
                    _ => RunState::Failed,
                };
                ended.refused = !self.has_input && fault.status == Some(400) && !self.work.processes_input();
                note_place(&fault, self.host);
                ended.failure = Some((fault, self.position));
            }
        }
        ended.log = self.host.take_log();
        ended
    }
}

/// The place in the file is for the author, not for callers: it goes into the log.
fn note_place(fault: &Fault, host: &RunHost) {
    use flowscript_lang::host::{Host, LogLevel};
    if let Some((file, place)) = &fault.place {
        let file = file.as_deref().map(|file| format!(" of {file}")).unwrap_or_default();
        let message = format!("line {}, column {}{file}: {}", place.line, place.column, fault.message);
        host.log(LogLevel::Error, &message);
    }
}

/// The variable `run`.
fn run_value(work: &Work, room: &Room) -> Value {
    let zone = room.library.settings().zone;
    let instant = |at: Timestamp| {
        let (seconds, millis) = (at.0.div_euclid(1000), at.0.rem_euclid(1000));
        DateTime::from_unix_in(seconds, millis as u32 * 1_000_000, zone).map_or(Value::Null, Value::DateTime)
    };
    Value::record([
        ("id", Value::text(work.id.to_string())),
        ("workflow", Value::text(work.workflow.id.as_str())),
        ("version", Value::text(work.workflow.version.to_string())),
        ("trigger", Value::text(work.trigger.as_str())),
        ("acceptedAt", instant(work.id.accepted_at())),
        ("scheduledFor", work.scheduled_for.map_or(Value::Null, instant)),
    ])
}
