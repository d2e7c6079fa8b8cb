//! Short runs on the thread of their request: the way to a script thread and back takes longer than they do.
//!
//! Only what merely computes runs here, and only while the last run of its version was short. One that turns out to be
//! long is left and begun again on a script thread; nothing of it was kept or seen by then.

use super::Dispatcher;
use super::direct::Direct;
use crate::metrics::script_ran;
use crate::run::{Ended, Event, Machine, Stop, StopFlag};
use crate::store::VersionHash;
use crate::workflow::model::Workflow;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A run that computes for longer is none for this thread, which has other requests to serve.
const SHORT: Duration = Duration::from_millis(1);
/// A message with a larger body may take long between two looks at the clock.
const LARGEST_BODY: usize = 16 << 10;

/// Which versions had a long run last. A version that is not known had none.
#[derive(Debug, Default)]
pub(super) struct Paces(RwLock<HashMap<VersionHash, Arc<AtomicBool>>>);

impl Paces {
    /// Notes how long a run has computed.
    pub(super) fn note(&self, workflow: &Workflow, time: Duration) {
        let (long, version) = (time > SHORT, workflow.version);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&version).cloned();
        match known {
            Some(pace) => pace.store(long, Ordering::Relaxed),
            None if long => {
                self.0
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(version)
                    .or_default()
                    .store(true, Ordering::Relaxed);
            }
            None => {}
        }
    }

    fn is_long(&self, workflow: &Workflow) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&workflow.version).is_some_and(|pace| pace.load(Ordering::Relaxed))
    }
}

impl Dispatcher {
    /// A run of this workflow has computed for so long.
    pub(super) fn computed(&self, workflow: &Workflow, time: Duration) {
        self.shared.paces.note(workflow, time);
        script_ran(&workflow.id, time);
    }

    /// Performs a run to its end on this thread. Nothing where it is none for it.
    pub(super) fn perform_here(&self, direct: &Direct) -> Option<Box<Ended>> {
        let (work, workflow) = (&direct.work, &direct.work.workflow);
        if direct.message.request.size() > LARGEST_BODY
            || !workflow.only_computes()
            || self.shared.paces.is_long(workflow)
        {
            return None;
        }
        let stop = Arc::new(StopFlag::default());
        let begun = Instant::now();
        let host = self.new_host(workflow, work.id, Duration::ZERO, stop.clone()).with_patience(SHORT);
        let mut machine = Machine::new(work.clone(), self.room(workflow), Arc::new(host));
        // A panic is told by its hook; the run is tried where panics are usual.
        let stopped = catch_unwind(AssertUnwindSafe(|| machine.advance(Event::Go))).ok();
        self.computed(workflow, begun.elapsed());
        match stopped {
            Some(Stop::Ended(ended)) if !stop.is_abandoned() => Some(ended),
            _ => None,
        }
    }
}
