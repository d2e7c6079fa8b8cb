//! The walk of a run over its steps, as a state machine: an event goes in, what to do next comes out.
//!
//! Pure steps and file reads are done on the way. Before a step that acts, and for what takes time, the machine stops and
//! says so; whoever drives it commits, does it, and comes back with the result. All of it can be given up between two
//! stops and taken up again from what was committed.

use super::host::{RunHost, now};
use super::input::convert_input;
use super::progress::{self, Kept, Next, Progress, Variables};
use super::steps::{self, Action, Outcome};
use super::trace::StepTrace;
use super::work::{Given, Room, Work, run_value};
use super::{Ended, retry};
use crate::script::{Context, Fault, INTERRUPTED, TIMEOUT};
use crate::store::{Changes, ClaimedRun, RunState, Timestamp, Trigger};
use crate::trigger::webhook::Request;
use crate::workflow::model::{ERRORS, FIRST_INPUT, OUTPUT, RUN, Step, StepKind};
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Value, truth};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest label, in characters.
const MAX_LABEL: usize = 200;

/// What a machine is told.
#[derive(Debug)]
pub enum Event {
    /// Begin, or go on where the run was left.
    Go,
    /// The step it stopped at has this result.
    Done(Result<Value, Fault>),
}

/// Where a machine stops.
#[derive(Debug)]
pub enum Stop {
    /// A step is to be done by somebody else.
    Act(Box<Act>),
    /// The run sleeps until its next attempt.
    Backoff {
        /// How long.
        delay: Duration,
        /// What is committed when it begins.
        changes: Changes,
    },
    /// The run is over.
    Ended(Box<Ended>),
}

/// A step that somebody else does.
#[derive(Debug)]
pub struct Act {
    /// Its position.
    pub position: String,
    /// The key of its kind.
    pub kind: &'static str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Its start and its result are committed.
    pub commits: bool,
    /// What is committed with the start.
    pub changes: Changes,
    /// What is to be done.
    pub action: Action,
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
pub fn prepare(work: Work, room: Room, host: Arc<RunHost>) -> Result<Prepared, Fault> {
    let mut machine = Machine::new(work, room, host);
    let mut prepared = Prepared::default();
    let workflow = machine.work.workflow.clone();
    if let Some(webhook) = workflow.webhook.as_ref().filter(|_| machine.work.trigger == Trigger::Webhook)
        && let Some(key) = webhook.ordered.as_ref().and_then(|ordered| ordered.key.as_ref())
    {
        let request = match &machine.work.given {
            Given::Request(request) => request.clone(),
            Given::Fields(fields) => Arc::new(Request::of_fields(webhook, fields)),
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

/// A run on its way.
#[derive(Debug)]
pub struct Machine {
    work: Work,
    room: Room,
    host: Arc<RunHost>,
    variables: Variables,
    progress: Progress,
    /// What is to be done first.
    next: Option<Next>,
    has_input: bool,
    input_kept: bool,
    label: Option<String>,
    position: Option<String>,
    trace: Vec<StepTrace>,
    with_errors: bool,
    begun: Instant,
    step_begun: Timestamp,
}

impl Machine {
    /// A run at its beginning.
    pub fn new(work: Work, room: Room, host: Arc<RunHost>) -> Self {
        let mut variables = Variables::new(work.workflow.width());
        variables.set_known(RUN, run_value(&work, &room));
        progress::no_errors(&work.workflow, &mut variables);
        Self {
            work,
            room,
            host,
            variables,
            progress: Progress::default(),
            next: Some(Next::Begin),
            has_input: false,
            input_kept: false,
            label: None,
            position: None,
            trace: Vec::new(),
            with_errors: false,
            begun: Instant::now(),
            step_begun: now(),
        }
    }

    /// A run as the store has kept it. The error says what cannot be read.
    pub fn resume(work: Work, room: Room, host: Arc<RunHost>, claimed: &ClaimedRun) -> Result<Self, String> {
        let mut machine = Self::new(work, room, host);
        let workflow = machine.work.workflow.clone();
        let resumed = progress::resume(&workflow, claimed, &mut machine.variables)?;
        machine.progress = resumed.progress;
        machine.trace = resumed.trace;
        if !matches!(resumed.next, Next::Begin) {
            machine.restore_input(claimed)?;
        }
        machine.with_errors = match machine.variables.get(ERRORS) {
            Value::Record(errors) => errors.iter().any(|(_, error)| !error.is_null()),
            _ => false,
        };
        machine.next = Some(resumed.next);
        Ok(machine)
    }

    /// How long the run may still work.
    pub fn spent(claimed: &ClaimedRun) -> Duration {
        progress::spent(claimed)
    }

    /// What the run is made of.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Its host.
    pub fn host(&self) -> &Arc<RunHost> {
        &self.host
    }

    /// Goes on until somebody else must do something.
    pub fn advance(&mut self, event: Event) -> Stop {
        match self.walk(event) {
            Ok(stop) => stop,
            Err(fault) => Stop::Ended(Box::new(self.end(Err(fault)))),
        }
    }

    /// Runs the acting script that the machine has stopped at.
    pub fn run_script(&mut self) -> Result<Value, Fault> {
        let workflow = self.work.workflow.clone();
        let step = self.progress.step.and_then(|index| workflow.step(index));
        let Some(Step { kind: StepKind::Script(script), .. }) = step else {
            return Err(Fault::new(ErrorKind::Io, "There is no script at this step."));
        };
        let context = context(&self.room, &self.host);
        let value = script.run(&mut self.variables.values, context)?;
        script.written().for_each(|slot| self.variables.touch(slot));
        Ok(value)
    }

    /// What is committed with the result of an acting step: what it changed and what it wrote.
    pub fn changes(&mut self) -> Result<Changes, Fault> {
        let kept = self.keep()?;
        Ok(Changes { kept, log: self.host.take_log(), ..Changes::default() })
    }

    fn walk(&mut self, event: Event) -> Result<Stop, Fault> {
        let workflow = self.work.workflow.clone();
        match (self.next.take(), event) {
            (Some(Next::Begin), _) => {
                self.make_input()?;
                self.label = self.make_label();
                self.progress.step = workflow.first;
                self.progress.attempt = 1;
            }
            (Some(Next::Done(result)), _) => {
                if let Some(stop) = self.settle(result.map(Outcome::Done))? {
                    return Ok(stop);
                }
            }
            (Some(Next::Attempt) | None, Event::Go) => {}
            (_, Event::Done(result)) => {
                if let Some(stop) = self.settle(result.map(Outcome::Done))? {
                    return Ok(stop);
                }
            }
        }
        while let Some(step) = self.progress.step.and_then(|index| workflow.step(index)) {
            self.check_stop()?;
            self.step_begun = now();
            self.enter(&step.position);
            match self.step(step) {
                Ok(Outcome::Act(action)) => return self.act(step, action),
                Ok(Outcome::End(output)) => {
                    self.note(step, None, false);
                    return self.output(output);
                }
                outcome => {
                    if let Some(stop) = self.settle(outcome)? {
                        return Ok(stop);
                    }
                }
            }
        }
        let output = match &workflow.output {
            Some(content) => {
                self.position = None;
                content.value(&mut self.variables.values, context(&self.room, &self.host))?
            }
            None => Value::Null,
        };
        self.output(output)
    }

    fn step(&mut self, step: &Step) -> Result<Outcome, Fault> {
        let context = context(&self.room, &self.host);
        if let Some(when) = &step.when
            && !truth(&when.run(&mut self.variables.values, context)?)
        {
            return Ok(Outcome::Skipped);
        }
        let outcome = steps::run(step, &mut self.variables.values, context, &self.room.files)?;
        match &step.kind {
            StepKind::Set(assignments) => assignments.iter().for_each(|(slot, _)| self.variables.touch(*slot)),
            StepKind::Script(script) => script.written().for_each(|slot| self.variables.touch(slot)),
            _ => {}
        }
        Ok(outcome)
    }

    /// Stops at a step that somebody else does.
    fn act(&mut self, step: &Step, action: Action) -> Result<Stop, Fault> {
        let commits = step.acts();
        let changes = if commits { self.commit()? } else { Changes::default() };
        Ok(Stop::Act(Box::new(Act {
            position: step.position.clone(),
            kind: step.kind.name(),
            attempt: self.progress.attempt,
            commits,
            changes,
            action,
        })))
    }

    /// Takes the outcome of the step at hand, and moves on.
    fn settle(&mut self, outcome: Result<Outcome, Fault>) -> Result<Option<Stop>, Fault> {
        let workflow = self.work.workflow.clone();
        let Some(step) = self.progress.step.and_then(|index| workflow.step(index)) else { return Ok(None) };
        let skipped = matches!(outcome, Ok(Outcome::Skipped));
        // Steps with commits of their own have their records there.
        if !step.acts() || skipped {
            self.note(step, outcome.as_ref().err(), skipped);
        }
        let next = match outcome {
            Ok(Outcome::Done(value)) => {
                self.set_result(step, value);
                step.next
            }
            Ok(Outcome::Branch(first)) => first,
            Ok(Outcome::Skipped | Outcome::Act(_) | Outcome::End(_)) => {
                self.set_result(step, Value::Null);
                step.next
            }
            Err(fault) => match self.fail(step, fault)? {
                Some(stop) => return Ok(Some(stop)),
                None => step.next,
            },
        };
        self.progress.step = next;
        self.progress.attempt = 1;
        self.progress.failures = 0;
        Ok(None)
    }

    /// A failure: tried again later, noted in `errors`, or the end of the run.
    fn fail(&mut self, step: &Step, fault: Fault) -> Result<Option<Stop>, Fault> {
        self.position = Some(step.position.clone());
        let ends = fault.kind == ErrorKind::Cancelled.name() || fault.kind == INTERRUPTED || self.is_over(&fault);
        if !ends {
            self.progress.failures += 1;
            let context = context(&self.room, &self.host);
            if let Some(delay) = retry::delay(step, &fault, &self.progress, &mut self.variables, context)? {
                self.progress.attempt += 1;
                self.progress.waits = true;
                let changes = self.commit()?;
                return Ok(Some(Stop::Backoff { delay, changes }));
            }
        }
        if ends || !step.continue_on_fail {
            return Err(fault);
        }
        self.with_errors = true;
        if let (Some(slot), Value::Record(errors)) = (step.slot, self.variables.get(ERRORS)) {
            let name: EcoString = self.work.workflow.names.get(slot).cloned().unwrap_or_default();
            let errors = Value::Record(errors.clone().with(&name, fault.to_value()));
            self.variables.set(ERRORS, errors);
        }
        note_place(&fault, &self.host);
        self.set_result(step, Value::Null);
        Ok(None)
    }

    fn set_result(&mut self, step: &Step, value: Value) {
        match step.slot {
            // The result of a step with a commit of its own is kept with it.
            Some(slot) if step.acts() && !value.is_null() && !self.variables.is_kept(slot) => {
                self.variables.set_known(slot, value);
            }
            Some(slot) => self.variables.set(slot, value),
            None => {}
        }
    }

    /// Is the run's time over?
    fn is_over(&self, fault: &Fault) -> bool {
        (fault.kind == ErrorKind::Limit.name() || fault.kind == TIMEOUT) && self.host.is_late()
    }

    fn note(&mut self, step: &Step, fault: Option<&Fault>, skipped: bool) {
        self.trace.push(StepTrace {
            position: step.position.clone(),
            kind: step.kind.name().to_owned(),
            title: step.title.clone(),
            started_at: self.step_begun,
            ended_at: now(),
            skipped,
            running: false,
            attempt: self.progress.attempt,
            error: fault.map(|fault| fault.message.clone()),
        });
    }

    /// What is committed at a stop.
    fn commit(&mut self) -> Result<Changes, Fault> {
        let input = if self.input_kept { None } else { self.input_value() };
        self.input_kept = true;
        let kept = self.keep()?;
        let input = input.map(|input| super::encoding::encode(&input));
        Ok(Changes { input, kept, log: self.host.take_log(), ..Changes::default() })
    }

    fn keep(&mut self) -> Result<Kept, Fault> {
        let spent = self.progress.spent + self.begun.elapsed();
        let progress = Progress { spent, ..self.progress };
        progress::keep(&self.work.workflow, &progress, &mut self.variables, &self.trace)
    }

    /// Makes the inputs.
    fn make_input(&mut self) -> Result<(), Fault> {
        self.enter("input");
        let context = context(&self.room, &self.host);
        let given = match &self.work.given {
            Given::Fields(fields) => fields.clone(),
            Given::Request(request) => request.input_fields(&self.work.workflow, context)?,
        };
        let values = convert_input(&self.work.workflow.inputs, &given, &self.room.library, self.host.as_ref())
            .map_err(|no_fit| Fault { status: Some(400), ..Fault::new(ErrorKind::Value, no_fit.message) })?;
        for (number, value) in values.into_iter().enumerate() {
            self.variables.set_known(FIRST_INPUT + number, value);
        }
        self.has_input = true;
        Ok(())
    }

    /// The inputs as they were made before; those that were changed since are kept as variables.
    fn restore_input(&mut self, claimed: &ClaimedRun) -> Result<(), String> {
        let Some(bytes) = &claimed.run.input else { return Err("its input is gone".into()) };
        let Value::Record(input) = super::encoding::decode(bytes)? else { return Err("its input is damaged".into()) };
        for (number, declared) in self.work.workflow.inputs.iter().enumerate() {
            let key = format!("v:{}", declared.name);
            if !claimed.kept.iter().any(|(kept, _)| *kept == key) {
                self.variables.set_known(FIRST_INPUT + number, input.get(&declared.name).unwrap_or_default());
            }
        }
        self.has_input = true;
        self.input_kept = true;
        Ok(())
    }

    /// The label for the history. A label that fails is none: it must not keep a run from starting.
    fn make_label(&mut self) -> Option<String> {
        let workflow = self.work.workflow.clone();
        let content = workflow.label.as_ref()?;
        let context = context(&self.room, &self.host);
        let label = content.text("A label", &mut self.variables.values, context).ok()?;
        Some(label.chars().take(MAX_LABEL).collect())
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

    /// The last step: the caller's answer.
    fn output(&mut self, output: Value) -> Result<Stop, Fault> {
        let workflow = self.work.workflow.clone();
        let processing = workflow.webhook.as_ref().and_then(|webhook| webhook.processing_output.as_ref());
        let answer = match processing.filter(|_| matches!(self.work.given, Given::Request(_))) {
            Some(script) => {
                self.enter("processing.output");
                self.variables.set_known(OUTPUT, output.clone());
                Some(script.run(&mut self.variables.values, context(&self.room, &self.host))?)
            }
            None => None,
        };
        Ok(Stop::Ended(Box::new(self.end(Ok((output, answer))))))
    }

    fn input_value(&self) -> Option<Value> {
        self.has_input.then(|| {
            let inputs = self.work.workflow.inputs.iter().enumerate();
            let values = inputs.map(|(i, input)| (input.name.clone(), self.variables.get(FIRST_INPUT + i).clone()));
            Value::record(values.collect::<Vec<_>>())
        })
    }

    fn end(&mut self, result: Result<(Value, Option<Value>), Fault>) -> Ended {
        let mut ended = Ended::new(RunState::Completed);
        // A later `set` of an input is the workflow's own business: what was committed stays.
        ended.input = if self.input_kept { None } else { self.input_value() };
        ended.label = self.label.take();
        ended.with_errors = self.with_errors;
        match result {
            Ok((output, answer)) => {
                ended.output = Some(output);
                ended.answer = answer;
            }
            Err(fault) => {
                ended.state = match fault.kind {
                    kind if kind == ErrorKind::Cancelled.name() => RunState::Cancelled,
                    _ if self.is_over(&fault) => RunState::TimedOut,
                    _ => RunState::Failed,
                };
                ended.refused = !self.has_input && fault.status == Some(400) && !self.work.processes_input();
                // The variables of this moment: a retry goes on from the last acting step with what it knew then.
                note_place(&fault, &self.host);
                ended.failure = Some((fault, self.position.take()));
            }
        }
        ended.trace = std::mem::take(&mut self.trace);
        ended.log = self.host.take_log();
        ended
    }
}

fn context<'a>(room: &'a Room, host: &'a RunHost) -> Context<'a> {
    Context { settings: room.library.settings(), host }
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
