//! Short runs on the thread of their request: the handover to a script thread and back takes longer than they do.
//!
//! Only pure computation runs here, and only while the last run of its version was short. A run that turns out to be
//! long is dropped and begun again on a script thread; nothing of it was stored or visible by then.

use super::hosts::Hosts;
use super::paces::{Paces, SHORT};
use crate::burden::Load;
use crate::run::{Ended, Event, Machine, Stop, StopFlag, Work};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A message with a larger body may take long between two checks of the clock.
const LARGEST_BODY: usize = 16 << 10;

/// Performs short runs.
pub(super) struct Inline {
    hosts: Arc<Hosts>,
    paces: Arc<Paces>,
}

impl Inline {
    pub(super) fn new(hosts: Arc<Hosts>, paces: Arc<Paces>) -> Self {
        Self { hosts, paces }
    }

    /// Performs a run to its end on this thread; `None` if the run needs a worker. `body` is the size of its message.
    pub(super) fn perform(&self, work: &Work, load: &Arc<Load>, body: usize) -> Option<Box<Ended>> {
        let workflow = &work.workflow;
        if body > LARGEST_BODY || !workflow.only_computes() || self.paces.is_long(workflow) || !load.may_grow() {
            return None;
        }
        let stop = Arc::new(StopFlag::default());
        let begun = Instant::now();
        let host = self.hosts.unknown_host(workflow, work.id, Duration::ZERO, stop.clone());
        let host = host.loaded(load.clone()).with_patience(SHORT);
        let mut machine = Machine::new(work.clone(), self.hosts.room(workflow), Arc::new(host));
        // The panic hook reports a panic; the run is retried on a thread where panics are expected.
        let stopped = catch_unwind(AssertUnwindSafe(|| machine.advance(Event::Go))).ok();
        self.paces.computed(workflow, begun.elapsed());
        match stopped? {
            Stop::Ended(mut ended) if !stop.is_abandoned() => {
                load.end(ended.weight());
                ended.load = Some(load.clone());
                Some(ended)
            }
            Stop::Ended(_) | Stop::Act(_) | Stop::Sleep { .. } => None,
        }
    }
}
