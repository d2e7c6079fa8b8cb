//! Strands that sleep: what wakes them, and what a clock that was set back makes of it.

use super::machine::Machine;
use super::strand::{Next, Sleep, SleepKind, State};
use crate::clock::Timestamp;
use crate::script::{Fault, TIMEOUT};
use flowscript_lang::value::Value;
use std::collections::BTreeMap;

impl Machine {
    /// Wakes what is due by itself, and what an event has come for.
    pub(super) fn wake(&mut self) {
        let now = self.host.instant();
        for (path, strand) in &mut self.strands {
            if let State::Asleep(sleep) = &strand.state
                && let Some(next) = woken(sleep, &self.events, now)
            {
                strand.state = State::Ready(next);
                self.ready.push_back(path.clone());
            }
        }
    }

    /// The wall clock was set back by so many milliseconds: what sleeps for a time sleeps no longer for it.
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

/// How a sleep goes on; nothing while it lasts. An event that has come wins over a time that is over.
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
