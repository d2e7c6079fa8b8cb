//! The walk of a run over its steps, as a state machine: an event goes in, the next action comes out.
//!
//! Pure steps and file reads are done during the walk. Before steps that act, and for slow work, the machine stops and
//! returns the action; its driver commits, performs it, and comes back with the result. All of it can be dropped
//! between two stops and restored from what was committed. Parallel strands stop together and continue separately.

use super::attempts::Attempts;
use super::diffs::{Recorder, StepDiff};
use super::ended::Ended;
use super::failed_at::FailedAt;
use super::host::RunHost;
use super::ledger::{self, Ledger};
use super::report;
use super::stop::{Act, Acts, Event, Stop};
use super::strand::{Next, Open, Part, State, Strand, Variables, no_errors};
use super::trace::{History, Progress, StepTrace, joined};
use super::veil::Veil;
use super::work::{Room, Work, run_value};
use crate::clock::Ahead;
use crate::script::slot::{ERRORS, LAST, RUN};
use crate::script::{Context, Fault, Slot};
use crate::steps::{Outcome, Scene, Step};
use crate::store::{Changes, ClaimedRun, LogLine, StepEnd, StepStart};
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Value, truth};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The most steps without a commit of their own that a run records from its start or resumption to its end.
const MAX_TRACE: usize = 10_000;

/// A run in progress.
#[derive(Debug)]
pub struct Machine {
    pub(super) work: Work,
    pub(super) room: Room,
    pub(super) host: Arc<RunHost>,
    /// All strands by path; the run itself has the empty one.
    pub(super) strands: BTreeMap<String, Strand>,
    /// Those that can continue.
    pub(super) ready: VecDeque<String>,
    pub(super) ledger: Ledger,
    /// Events that have arrived, by name.
    pub(super) events: BTreeMap<String, Value>,
    /// Steps to be performed outside that were not handed out yet.
    acts: Vec<Act>,
    /// Starts and results of waits, and of steps that never began, which are added to the next commit.
    pub(super) starts: Vec<StepStart>,
    pub(super) ends: Vec<StepEnd>,
    /// The attempts so far.
    pub(super) attempts: Attempts,
    /// Strands that were dropped while their step was being performed.
    dropped: Vec<String>,
    /// The next stop must commit.
    pub(super) must_commit: bool,
    pub(super) has_input: bool,
    /// The inputs by name, until they are stored.
    pub(super) input: Option<Value>,
    pub(super) label: Option<String>,
    /// The positions of failures that are not swallowed yet.
    pub(super) failed_at: FailedAt,
    /// How many of these steps were completed before the run was resumed.
    traced_before: usize,
    /// How many steps have begun.
    begun_steps: u32,
    pub(super) veil: Veil,
    recorder: Recorder,
    pub(super) with_errors: bool,
    pub(super) spent: Duration,
    /// When this machine began, in elapsed time of the clock.
    begun: Duration,
    /// The state of the wall clock at the last look.
    ahead: Ahead,
}

/// Why a walk does not continue with this strand.
pub(super) enum Pause {
    /// It has stopped: its step is done outside, it sleeps, or strands below it continue.
    Stopped,
    /// It has ended.
    Finished(Result<Value, Fault>),
    /// An `end` step: of the called workflow, or of the run.
    End(Result<Value, Fault>),
}

impl Machine {
    /// A run at its beginning.
    pub fn new(work: Work, room: Room, host: Arc<RunHost>) -> Self {
        let mut variables = Variables::new(work.workflow.width());
        variables.set_known(RUN, run_value(&work, &room));
        variables.set_known(ERRORS, no_errors(&work.workflow));
        let root = Strand::new(None, Part::Whole, work.workflow.clone(), 0, variables, 0);
        let (ahead, begun) = (Ahead::of(host.clock()), host.clock().elapsed());
        Self {
            work,
            room,
            host,
            strands: BTreeMap::from([(String::new(), root)]),
            ready: VecDeque::new(),
            ledger: Ledger::default(),
            events: BTreeMap::new(),
            acts: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            attempts: Attempts::default(),
            dropped: Vec::new(),
            must_commit: false,
            has_input: false,
            input: None,
            label: None,
            failed_at: FailedAt::default(),
            traced_before: 0,
            begun_steps: 0,
            veil: Veil::default(),
            recorder: Recorder::default(),
            with_errors: false,
            spent: Duration::ZERO,
            begun,
            ahead,
        }
    }

    /// How long the run may still work.
    pub fn spent(claimed: &ClaimedRun) -> Duration {
        ledger::spent(claimed)
    }

    /// A text for messages, with masked values removed.
    pub fn veiled(&self, text: &str) -> String {
        self.veil.over(text)
    }

    /// The lines since the last commit, with masked values removed.
    pub(super) fn take_log(&self) -> Vec<LogLine> {
        let mut lines = self.host.take_log();
        for line in &mut lines {
            line.message = self.veil.over(&line.message);
            report::line(line, &self.work.workflow.id, self.work.id);
        }
        lines
    }

    /// The changes of variables by steps.
    pub(super) fn take_diffs(&mut self) -> (Vec<StepDiff>, usize) {
        self.recorder.take()
    }

    /// Keeps the history of the steps that earlier tries and commits have written.
    pub(super) fn remember(&mut self, history: History, pieces: Vec<StepTrace>, newest: u32) {
        let steps = joined(history.steps, pieces);
        self.begun_steps = steps.iter().map(|step| step.number).max().unwrap_or_default().max(newest);
        self.traced_before = steps.len();
        *self.host.trace() = steps;
        self.recorder.resume(history.diffs);
    }

    /// The inputs of the run: its id, version and trigger.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Its host.
    pub fn host(&self) -> &Arc<RunHost> {
        &self.host
    }

    /// Continues until work must be done outside.
    pub fn advance(&mut self, event: Event) -> Stop {
        match self.walk(event) {
            Ok(stop) => stop,
            Err(result) => Stop::Ended(Box::new(self.end(*result))),
        }
    }

    /// The end of a run that the engine cannot continue.
    pub fn break_off(&mut self, fault: Fault) -> Ended {
        self.end(Err(fault))
    }

    /// Takes the variables that an acting script has set, before its result.
    pub fn absorb(&mut self, strand: &str, written: Vec<(Slot, Value)>) {
        if let Some(strand) = self.strands.get_mut(strand) {
            written.into_iter().for_each(|(slot, value)| strand.variables.set(slot, value));
        }
    }

    /// The weight of its strands and its log, in bytes.
    pub fn weight(&mut self) -> usize {
        let strands = self.strands.values_mut().map(Strand::weight);
        strands.fold(self.host.log_bytes(), usize::saturating_add)
    }

    /// The commit with the result of an acting step: what has changed and what was written.
    pub fn changes(&mut self) -> Result<Changes, Fault> {
        let spent = self.spent + self.host.clock().elapsed().saturating_sub(self.begun);
        self.ledger.with_errors |= self.with_errors;
        let mut kept = self.ledger.write(&mut self.strands, spent, &self.host.trace(), self.room.most_kept)?;
        if planted!(self.host.clock(), LostItems) {
            kept.retain(|(key, _)| !key.starts_with(ledger::ITEMS));
        }
        let input = self.input.take();
        Ok(Changes {
            input: input.map(|input| crate::script::encoding::encode(&input)),
            kept,
            starts: std::mem::take(&mut self.starts),
            ends: std::mem::take(&mut self.ends),
            log: self.take_log(),
        })
    }

    /// The error is the end of the run.
    fn walk(&mut self, event: Event) -> Result<Stop, Box<Result<Value, Fault>>> {
        if let Some(back) = self.ahead.set_back(self.host.clock()) {
            self.shorten_sleeps(back);
        }
        match event {
            Event::Go if !self.has_input => {
                self.make_input().map_err(|fault| Box::new(Err(fault)))?;
                self.label = self.make_label();
                self.ready.push_back(String::new());
            }
            Event::Go => {}
            Event::Tick => self.wake(),
            Event::Came(events) => {
                self.events.extend(events);
                self.wake();
            }
            Event::Done { strand, result } => self.go_on(&strand, result),
        }
        while let Some(path) = self.ready.pop_front() {
            self.run(&path)?;
        }
        if !self.strands.values().any(Strand::is_read_by_others) {
            self.host.leave();
        }
        self.stop().map_err(|fault| Box::new(Err(fault)))
    }

    /// What all strands together wait for.
    fn stop(&mut self) -> Result<Stop, Fault> {
        let now = self.host.instant();
        let sleeping = self.strands.values().filter_map(Strand::sleep);
        // An event that has already arrived wakes its strand as soon as the sleep is committed.
        let has_come = sleeping.clone().any(|sleep| self.has_come(sleep));
        let due = if has_come { Some(now) } else { sleeping.clone().filter_map(|sleep| sleep.due).min() };
        let events = sleeping.filter_map(|sleep| sleep.event.clone()).collect();
        let acting = self.strands.values().any(Strand::is_acting);
        if !acting && !has_come {
            self.must_commit = false;
            return Ok(Stop::Sleep { due, events, changes: self.changes()? });
        }
        let acts = std::mem::take(&mut self.acts);
        let commits = std::mem::take(&mut self.must_commit) || acts.iter().any(|act| act.commits);
        let changes = if commits { Some(self.changes()?) } else { None };
        let dropped = std::mem::take(&mut self.dropped);
        Ok(Stop::Act(Box::new(Acts { acts, changes, dropped, wake: due, events })))
    }

    /// A step performed outside has a result; a dropped strand does not need it.
    pub(super) fn go_on(&mut self, path: &str, result: Result<Value, Fault>) {
        if let Some(strand) = self.strands.get_mut(path) {
            strand.state = State::Ready(Next::Done(Box::new(result)));
            self.ready.push_back(path.to_owned());
        }
    }

    /// Lets a strand continue until it stops or ends.
    fn run(&mut self, path: &str) -> Result<(), Box<Result<Value, Fault>>> {
        let Some(mut strand) = self.strands.remove(path) else { return Ok(()) };
        let pause = self.steps(path, &mut strand).unwrap_or_else(|fault| {
            let step = strand.step.and_then(|index| strand.workflow.step(index));
            if let Some(step) = step {
                self.failed_at.note(&format!("{path}{}", step.position));
            }
            Pause::Finished(Err(fault))
        });
        match pause {
            Pause::Stopped => {
                self.strands.insert(path.to_owned(), strand);
                Ok(())
            }
            Pause::Finished(result) => self.finished(path, strand, result),
            Pause::End(result) => self.ended_early(path, strand, result),
        }
    }

    fn steps(&mut self, path: &str, strand: &mut Strand) -> Result<Pause, Fault> {
        let workflow = strand.workflow.clone();
        if let State::Ready(Next::Done(result)) = &mut strand.state {
            let result = std::mem::replace(&mut **result, Ok(Value::Null));
            if let Some(pause) = self.settle(path, strand, result.map(|value| Some(Outcome::Done(value))))? {
                return Ok(pause);
            }
        }
        while let Some(step) = strand.step.and_then(|index| workflow.step(index)) {
            self.check_stop()?;
            let position = format!("{path}{}", step.position);
            strand.begun = self.host.instant();
            self.begun_steps = self.begun_steps.saturating_add(1);
            strand.number = self.begun_steps;
            if strand.attempt == 0 {
                strand.attempt = self.attempts.next(&position);
            }
            self.host.enter(path, &step.position, strand.attempt, strand.begun);
            self.recorder.begin(&position, step, &strand.variables.values);
            let outcome = self.step(strand, step);
            if let Err(fault) = &outcome
                && step.acts()
            {
                // It fails before it is handed out.
                self.start(step, &position, strand);
                self.end_step(&position, strand.attempt, Err(fault));
            }
            if let Some(pause) = self.settle(path, strand, outcome)? {
                return Ok(pause);
            }
        }
        Ok(Pause::Finished(self.output_of(strand)))
    }

    /// The output of a list of steps that has ended.
    fn output_of(&mut self, strand: &mut Strand) -> Result<Value, Fault> {
        let workflow = strand.workflow.clone();
        let Some(block) = workflow.block(strand.block) else { return Ok(Value::Null) };
        match &block.output {
            Some(content) => content.value(&mut strand.variables.values, context(&self.room, &self.host)),
            None if block.gives_last => Ok(strand.variables.get(LAST).clone()),
            None => Ok(Value::Null),
        }
    }

    /// The outcome of a step; `None` if its `when` is false.
    fn step(&mut self, strand: &mut Strand, step: &Step) -> Result<Option<Outcome>, Fault> {
        let context = context(&self.room, &self.host);
        let variables = &mut strand.variables;
        if let Some(when) = &step.when
            && !truth(&when.run(&mut variables.values, context)?)
        {
            return Ok(None);
        }
        let outcome = step.run(&mut variables.values, Scene { context, files: &self.room.files })?;
        step.sets().iter().for_each(|slot| variables.touch(*slot));
        Ok(Some(outcome))
    }

    /// Takes the outcome of the current step, and moves on.
    fn settle(
        &mut self,
        path: &str,
        strand: &mut Strand,
        outcome: Result<Option<Outcome>, Fault>,
    ) -> Result<Option<Pause>, Fault> {
        let workflow = strand.workflow.clone();
        let Some(step) = strand.step.and_then(|index| workflow.step(index)) else { return Ok(None) };
        let position = format!("{path}{}", step.position);
        let skipped = matches!(outcome, Ok(None));
        let over = match &outcome {
            Ok(Some(Outcome::Act(_) | Outcome::Sleep(_) | Outcome::Open(_))) => false,
            Ok(None | Some(Outcome::Done(_) | Outcome::Way(_) | Outcome::End(_))) | Err(_) => true,
        };
        // Steps with commits of their own have their records there.
        if over && (!step.acts() || skipped) {
            self.note(step, &position, strand, outcome.as_ref().err(), skipped);
        }
        let next = match outcome {
            Ok(Some(Outcome::Act(action))) => {
                strand.state = State::Acting;
                let (kind, attempt, commits) = (step.kind(), strand.attempt, step.acts());
                let (strand, repeated) = (path.to_owned(), strand.repeated);
                self.acts.push(Act { strand, position, kind, attempt, commits, repeated, action });
                return Ok(Some(Pause::Stopped));
            }
            Ok(Some(Outcome::Sleep(sleep))) => {
                self.fall_asleep(step, &position, strand, sleep);
                return Ok(Some(Pause::Stopped));
            }
            Ok(Some(Outcome::Open(opening))) => {
                strand.state = State::Open(Box::new(Open::new(opening.items())));
                strand.moved = true;
                self.open(path, strand, step, opening);
                return Ok(Some(Pause::Stopped));
            }
            Ok(Some(Outcome::End(result))) => {
                self.observe(&position, strand.attempt, strand);
                if result.is_err() {
                    self.failed_at.note(&position);
                }
                return Ok(Some(Pause::End(result)));
            }
            Ok(Some(Outcome::Done(value))) => {
                self.set_result(path, strand, step, value);
                step.next
            }
            Ok(Some(Outcome::Way(number))) => step.ways.get(number).copied().flatten(),
            Ok(None) => {
                if let Some(slot) = step.slot {
                    strand.variables.set(slot, Value::Null);
                }
                step.next
            }
            Err(fault) => {
                self.observe(&position, strand.attempt, strand);
                if let Some(pause) = self.fail(strand, step, &position, fault)? {
                    return Ok(Some(pause));
                }
                step.next
            }
        };
        self.observe(&position, strand.attempt, strand);
        strand.go_to(next);
        Ok(None)
    }

    /// A step is over: its changes of variables are recorded, and the values to be masked.
    fn observe(&mut self, position: &str, attempt: u32, strand: &Strand) {
        let (workflow, variables) = (&strand.workflow, &strand.variables);
        self.recorder.end(position, attempt, &workflow.names, &variables.values, &workflow.redact);
        self.veil.learn(workflow, variables);
    }

    fn set_result(&mut self, path: &str, strand: &mut Strand, step: &Step, value: Value) {
        let said = step.gives_result() || value.is_null();
        debug_assert!(said, "`{}` gives a result, and its facts say that it has none", step.kind());
        if step.gives_result() && strand.steps().is_some_and(|block| block.gives_last) {
            strand.variables.set(LAST, value.clone());
        }
        let Some(slot) = step.slot else { return };
        let is_kept = |name: &EcoString| self.ledger.has(&format!("{}{path}{name}", ledger::VARIABLE));
        let kept = strand.variables.is_changed(slot) || strand.workflow.names.get(slot).is_some_and(is_kept);
        if step.acts() && !value.is_null() && !kept {
            // The result of a step with a commit of its own is kept with it.
            strand.variables.set_known(slot, value);
        } else {
            strand.variables.set(slot, value);
        }
    }

    /// Drops a strand and all below it, and cancels the work for them.
    pub(super) fn drop_strands(&mut self, path: &str) {
        let range = self.strands.range(path.to_owned()..);
        let paths: Vec<String> =
            range.map(|(path, _)| path.clone()).take_while(|below| below.starts_with(path)).collect();
        for path in paths {
            let Some(strand) = self.strands.remove(&path) else { continue };
            if strand.is_acting() {
                self.acts.retain(|act| act.strand != path);
                self.dropped.push(path);
            } else {
                self.give_up_sleep(&path, &strand);
            }
        }
        self.ready.retain(|ready| !ready.starts_with(path));
        self.ledger.drop_strand(path);
    }

    fn note(&mut self, step: &Step, position: &str, strand: &Strand, fault: Option<&Fault>, skipped: bool) {
        let mut trace = self.host.trace();
        if trace.len().saturating_sub(self.traced_before) >= MAX_TRACE {
            return;
        }
        trace.push(StepTrace {
            position: position.to_owned(),
            kind: step.kind().to_owned(),
            title: step.title.clone(),
            number: strand.number,
            started_at: strand.begun,
            ended_at: Some(self.host.instant()),
            progress: match (fault, skipped) {
                (Some(_), _) => Progress::Failed,
                (None, true) => Progress::Skipped,
                (None, false) => Progress::Completed,
            },
            attempt: strand.attempt,
            error: fault.map(|fault| self.veiled(&fault.message)),
        });
    }

    /// Scripts check by themselves; this is for runs of many short steps.
    fn check_stop(&self) -> Result<(), Fault> {
        if self.host.is_asked_to_stop() {
            return Err(Fault::new(ErrorKind::Cancelled, "The run was cancelled."));
        }
        if self.host.is_late() {
            return Err(Fault::new(ErrorKind::Limit, "The run took longer than it may."));
        }
        Ok(())
    }

    /// Ends that were not committed yet.
    pub(super) fn take_ends(&mut self) -> (Vec<StepStart>, Vec<StepEnd>) {
        (std::mem::take(&mut self.starts), std::mem::take(&mut self.ends))
    }
}

pub(super) fn context<'a>(room: &'a Room, host: &'a RunHost) -> Context<'a> {
    Context { settings: room.library.settings(), host }
}
