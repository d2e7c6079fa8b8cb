//! Sleeping strands: what wakes them, and the effect of a clock that was set back.

use super::machine::Machine;
use super::strand::{Next, State, Strand};
use crate::clock::Timestamp;
use crate::script::encoding;
use crate::script::{Fault, TIMEOUT};
use crate::steps::{Sleep, SleepKind, Step};
use crate::store::{StepEnd, StepStart};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::collections::BTreeMap;

impl Machine {
    /// A wait begins: its start, and the sleep itself, are committed before it can end.
    pub(super) fn fall_asleep(&mut self, step: &Step, position: &str, strand: &mut Strand, sleep: Sleep) {
        self.start(step, position, strand);
        strand.moved = true;
        self.must_commit = true;
        strand.state = State::Asleep(sleep);
    }

    /// Wakes the strands that are due, and those whose event has arrived.
    pub(super) fn wake(&mut self) {
        let now = self.host.instant();
        let asleep = self.strands.iter().filter_map(|(path, strand)| Some((path, strand.sleep()?)));
        let woken: Vec<(String, Next)> =
            asleep.filter_map(|(path, sleep)| Some((path.clone(), woken(sleep, &self.events, now)?))).collect();
        for (path, next) in woken {
            let Some(mut strand) = self.strands.remove(&path) else { continue };
            self.note_end(&path, &strand, &next);
            strand.state = State::Ready(next);
            strand.moved |= !planted!(self.host.clock(), StalePlace);
            self.strands.insert(path.clone(), strand);
            self.ready.push_back(path);
        }
    }

    /// Records the end of a sleep: the end of a wait belongs to the history.
    pub(super) fn note_end(&mut self, path: &str, strand: &Strand, next: &Next) {
        let step = strand.step.and_then(|index| strand.workflow.step(index));
        if let (Next::Done(result), Some(step)) = (next, step) {
            self.end_step(&format!("{path}{}", step.position), strand.attempt, (**result).as_ref());
        }
    }

    /// Cancels the wait of this strand.
    pub(super) fn give_up_sleep(&mut self, path: &str, strand: &Strand) {
        let waits = strand.sleep().is_some_and(|sleep| sleep.kind != SleepKind::BackOff);
        if let Some(step) = strand.step.and_then(|index| strand.workflow.step(index)).filter(|_| waits) {
            let fault = Fault::new(ErrorKind::Cancelled, "The wait was given up: the step around it is over.");
            self.end_step(&format!("{path}{}", step.position), strand.attempt, Err(&fault));
        }
    }

    /// Has the event come that a sleep waits for?
    pub(super) fn has_come(&self, sleep: &Sleep) -> bool {
        sleep.event.as_ref().is_some_and(|name| self.events.contains_key(name))
    }

    /// The start of a step is added to the next commit.
    pub(super) fn start(&mut self, step: &Step, position: &str, strand: &Strand) {
        self.starts.push(StepStart {
            position: position.to_owned(),
            attempt: strand.attempt,
            kind: step.kind().to_owned(),
            started_at: strand.begun,
        });
    }

    /// The end of a step is added to the next commit.
    pub(super) fn end_step(&mut self, position: &str, attempt: u32, result: Result<&Value, &Fault>) {
        let result = match result {
            Ok(value) => Ok(Some(encoding::encode(value))),
            Err(fault) => {
                let mut failure = fault.to_failure(Some(position.to_owned()));
                failure.message = self.veiled(&failure.message);
                Err(failure)
            }
        };
        let position = position.to_owned();
        self.ends.push(StepEnd { position, attempt, ended_at: self.host.instant(), result, diagnostics: None });
    }

    /// The wall clock was set back by this many milliseconds: sleeps for a duration end that much earlier.
    pub(super) fn shorten_sleeps(&mut self, millis: i64) {
        for strand in self.strands.values_mut() {
            if let State::Asleep(Sleep { due: Some(due), kind, .. }) = &mut strand.state
                && *kind != SleepKind::Instant
            {
                *due = due.plus_millis(-millis);
                strand.moved = true;
            }
        }
    }
}

/// How a sleep continues; `None` while it lasts. An event that has arrived takes precedence over a timeout.
pub(super) fn woken(sleep: &Sleep, events: &BTreeMap<String, Value>, now: Timestamp) -> Option<Next> {
    let done = |result| Some(Next::Done(Box::new(result)));
    if let Some(body) = sleep.event.as_ref().and_then(|name| events.get(name)) {
        return done(Ok(body.clone()));
    }
    if sleep.due.is_none_or(|due| due > now) {
        return None;
    }
    match (&sleep.event, sleep.kind) {
        (_, SleepKind::BackOff) => Some(Next::Attempt),
        (Some(name), _) => done(Err(Fault::of_kind(TIMEOUT, format!("The event `{name}` did not come in time.")))),
        (None, _) => done(Ok(Value::Null)),
    }
}
