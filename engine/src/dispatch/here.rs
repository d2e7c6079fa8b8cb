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
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A run that computes for longer is none for this thread, which has other requests to serve.
const SHORT: Duration = Duration::from_millis(1);
/// A message with a larger body may take long between two looks at the clock.
const LARGEST_BODY: usize = 16 << 10;

/// The versions whose last run was long.
#[derive(Debug, Default)]
pub(super) struct Paces(RwLock<HashSet<VersionHash>>);

impl Paces {
    /// Notes how long a run has computed.
    fn note(&self, workflow: &Workflow, time: Duration) {
        let is_long = time > SHORT;
        if is_long == self.is_long(workflow) {
            return;
        }
        let mut long = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if is_long {
            long.insert(workflow.version);
        } else {
            long.remove(&workflow.version);
        }
    }

    fn is_long(&self, workflow: &Workflow) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&workflow.version)
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
            || !direct.load.may_grow()
        {
            return None;
        }
        let stop = Arc::new(StopFlag::default());
        let begun = Instant::now();
        let host = self.new_host(workflow, work.id, Duration::ZERO, stop.clone());
        let host = host.loaded(direct.load.clone()).with_patience(SHORT);
        let mut machine = Machine::new(work.clone(), self.room(workflow), Arc::new(host));
        // A panic is told by its hook; the run is tried where panics are usual.
        let stopped = catch_unwind(AssertUnwindSafe(|| machine.advance(Event::Go))).ok();
        self.computed(workflow, begun.elapsed());
        match stopped {
            Some(Stop::Ended(mut ended)) if !stop.is_abandoned() => {
                direct.load.end(ended.weight());
                ended.load = Some(direct.load.clone());
                Some(ended)
            }
            _ => None,
        }
    }
}
