//! The hosts of runs, and the runs that this process works on.

use super::stopping::Stopping;
use crate::burden::{Burden, Load};
use crate::clock::Clock;
use crate::config::Limits;
use crate::outgoing::Sender;
use crate::run::{Callbacks, Calls, Room, RunHost, StopFlag};
use crate::store::RunId;
use crate::workflow::model::Workflow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// How often, and how many times, a run that is to be cancelled is looked up.
const CANCEL_PAUSE: Duration = Duration::from_millis(20);
const CANCEL_TRIES: u32 = 250;

/// Makes the hosts of runs with what all runs share.
pub(super) struct Hosts {
    clock: Arc<dyn Clock>,
    room: Room,
    sender: Arc<Sender>,
    callbacks: Option<Callbacks>,
    limits: Limits,
    /// What the values of all runs weigh.
    burden: Arc<Burden>,
    stopping: Arc<Stopping>,
    /// The runs that this process works on.
    running: Mutex<HashMap<RunId, Arc<RunHost>>>,
}

impl Hosts {
    /// No runs yet.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        room: Room,
        sender: Arc<Sender>,
        callbacks: Option<Callbacks>,
        limits: Limits,
        stopping: Arc<Stopping>,
    ) -> Self {
        let (burden, running) = (Arc::default(), Mutex::default());
        Self { clock, room, sender, callbacks, limits, burden, stopping, running }
    }

    /// A host for a run that begins or is resumed now and has worked for `spent`: [`Hosts::cancel`] knows it until the
    /// guard is dropped.
    pub(super) fn host(self: &Arc<Self>, workflow: &Workflow, run: RunId, spent: Duration) -> (Arc<RunHost>, Running) {
        self.host_with(workflow, run, spent, self.load(workflow))
    }

    /// The same for a run whose values are counted in `load`.
    pub(super) fn host_with(
        self: &Arc<Self>,
        workflow: &Workflow,
        run: RunId,
        spent: Duration,
        load: Arc<Load>,
    ) -> (Arc<RunHost>, Running) {
        let host = self.unknown_host(workflow, run, spent, Arc::default()).loaded(load);
        let host = Arc::new(host.watched());
        self.running().insert(run, host.clone());
        (host.clone(), Running { hosts: self.clone(), run, host })
    }

    /// A host for a run that only the holders of `stop` can stop.
    pub(super) fn unknown_host(
        &self,
        workflow: &Workflow,
        run: RunId,
        spent: Duration,
        stop: Arc<StopFlag>,
    ) -> RunHost {
        let (limits, own) = (&self.limits, &workflow.limits);
        let (time, lines) = (own.run.unwrap_or(limits.run), own.log_lines.unwrap_or(limits.log_lines));
        let callbacks = self.callbacks.clone();
        let calls = Calls { sender: self.sender.clone(), runtime: Handle::current(), run, callbacks };
        let host = RunHost::new(self.clock.clone(), time.saturating_sub(spent), lines, stop, Some(calls));
        host.ending_with(self.stopping.halt().clone())
    }

    /// What the runs of a workflow share, with its own limits.
    pub(super) fn room(&self, workflow: &Workflow) -> Room {
        let room = &self.room;
        let library = room.library.with_limits(workflow.limits.script_steps, workflow.limits.script_memory);
        Room { library, ..room.clone() }
    }

    /// The load of a run of this workflow that has not begun.
    pub(super) fn load(&self, workflow: &Workflow) -> Arc<Load> {
        Load::new(&self.burden, workflow.version)
    }

    /// The address for events of a run, if the engine's public address is known.
    pub(super) fn callback_url(&self, run: RunId, name: &str) -> Option<String> {
        self.callbacks.as_ref().map(|callbacks| callbacks.url(run, name))
    }

    /// A run that this process works on.
    pub(super) fn at_work(&self, run: RunId) -> Option<Arc<RunHost>> {
        self.running().get(&run).cloned()
    }

    /// Asks this process to end a run that it works on. A run that was claimed just now may not be at work yet.
    pub(super) fn cancel(self: &Arc<Self>, run: RunId) {
        if self.cancel_running(run) {
            return;
        }
        let hosts = self.clone();
        tokio::spawn(async move {
            for _ in 0..CANCEL_TRIES {
                tokio::time::sleep(CANCEL_PAUSE).await;
                if hosts.cancel_running(run) {
                    return;
                }
            }
        });
    }

    fn cancel_running(&self, run: RunId) -> bool {
        let running = self.running();
        let host = running.get(&run);
        host.inspect(|host| host.stop().cancel()).is_some()
    }

    /// Leaves all runs as they are: other processes may continue them.
    pub(super) fn abandon_all(&self) {
        for host in self.running().values() {
            host.stop().abandon();
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<RunId, Arc<RunHost>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that this process works on.
pub(super) struct Running {
    hosts: Arc<Hosts>,
    run: RunId,
    host: Arc<RunHost>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.hosts.running();
        // A run that was left here may be at work again already.
        if running.get(&self.run).is_some_and(|host| Arc::ptr_eq(host, &self.host)) {
            running.remove(&self.run);
        }
    }
}
