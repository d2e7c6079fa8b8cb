//! When runs start: acceptance, the queue, workers, leases, and resuming after a crash.
//!
//! A webhook request passes through the files in this order, and never back:
//!
//! 1. `admission` is the message; `accept` decides whether its run is performed first or stored first.
//! 2. A run that acts on nothing is performed first, by `direct`: on the thread of its request if it is short
//!    (`inline`), else by `drive`. It is stored with its end in one commit, or after its answer if the durability of its
//!    workflow is relaxed (`relaxed`). One that takes longer is stored during its work.
//! 3. Every other run is stored first. `prepare` computes its label and its lane; then a worker takes it (`workers`),
//!    at once if one is free, else from the queue.
//! 4. `drive` feeds the machine of a run with events, commits before and after the steps that act, and has `perform` do
//!    the slow work. It returns an `outcome`.
//! 5. `ends` commits the end, which `finish` and `mask` make.
//! 6. `callers` waits for the end on behalf of callers; `answer` is what they get.
//!
//! `schedule` is the other entry: it fires occurrences, which workers take from the queue. Below all of these are
//! `hosts` (the runs at work), `versions`, `lease`, `paces`, `weight` (the ways of large values), `stopping` and `waits`.
//! Each part has fields of its own, and knows only parts below it.

mod accept;
mod admission;
mod answer;
mod callers;
mod direct;
mod drive;
mod ends;
mod finish;
mod hosts;
mod inline;
mod lease;
mod mask;
mod outcome;
mod paces;
mod perform;
mod prepare;
mod relaxed;
mod schedule;
mod stopping;
mod versions;
mod waits;
mod weight;
mod workers;

pub use admission::{Admission, Message};
pub use answer::{Answer, Verdict};
pub(crate) use ends::count;

use crate::clock::Clock;
use crate::config::Limits;
use crate::outgoing::Sender;
use crate::pool::Pool;
use crate::project::Catalog;
use crate::room::Held;
use crate::run::{Callbacks, Room, RunHost, StopFlag};
use crate::steps::attempt::Tools;
use crate::store::{IdempotencyKey, Run, RunId, Store, StoreError, VersionHash};
use crate::workflow::history::Diagnostics;
use crate::workflow::model::Workflow;
use accept::Acceptor;
use callers::Callers;
use direct::Performer;
use drive::Driver;
use ends::Ends;
use flowscript_lang::value::Record;
use hosts::Hosts;
use inline::Inline;
use lease::Lease;
use paces::Paces;
use prepare::Preparer;
use relaxed::Relaxed;
use schedule::Scheduler;
use std::sync::Arc;
use std::time::Duration;
use stopping::Stopping;
use tokio::time::Instant;
use versions::Versions;
use weight::Ways;
use workers::Workers;

/// How long interrupted runs may take to notice a stop, and history to be stored.
const NOTICE: Duration = Duration::from_secs(1);
const FLUSH: Duration = Duration::from_secs(3);

/// Everything that starts, runs and ends runs: the parts, put together.
pub struct Dispatcher {
    acceptor: Arc<Acceptor>,
    performer: Arc<Performer>,
    scheduler: Arc<Scheduler>,
    workers: Arc<Workers>,
    callers: Arc<Callers>,
    ends: Arc<Ends>,
    hosts: Arc<Hosts>,
    versions: Arc<Versions>,
    lease: Arc<Lease>,
    relaxed: Arc<Relaxed>,
    stopping: Arc<Stopping>,
}

/// What a dispatcher is made of.
pub struct Parts {
    /// The store of runs.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The published workflows.
    pub catalog: Arc<Catalog>,
    /// What runs share.
    pub room: Room,
    /// The threads of scripts.
    pub pool: Pool,
    /// The threads of scripts that wait for others.
    pub callers: Pool,
    /// The threads that load versions and prepare acceptance.
    pub doors: Pool,
    /// Requests to others.
    pub sender: Arc<Sender>,
    /// The address for events of runs, if the engine's public address is known.
    pub callbacks: Option<Callbacks>,
    /// The limits of runs.
    pub limits: Limits,
    /// How many runs are worked on at a time.
    pub workers: u32,
}

impl Dispatcher {
    /// A dispatcher that does nothing yet; see [`Dispatcher::start`].
    pub fn new(parts: Parts) -> Self {
        let Parts { store, clock, catalog, room, pool, callers, doors, sender, callbacks, limits, workers: count } =
            parts;
        let (stopping, ways, paces) = (Arc::new(Stopping::new()), Arc::new(Ways::new()), Arc::new(Paces::default()));
        let doors = Arc::new(doors);
        let relaxed = Arc::new(Relaxed::start(store.clone()));
        let versions = Versions::new(catalog.clone(), store.clone(), room.library.clone(), doors.clone());
        let versions = Arc::new(versions);
        let tools = Tools::new(sender.clone(), room.files.clone(), clock.clone(), pool, callers);
        let hosts = Hosts::new(clock.clone(), room, sender, callbacks, limits.clone(), stopping.clone());
        let hosts = Arc::new(hosts);
        let lease = Arc::new(Lease::new(store.clone(), hosts.clone(), stopping.clone()));
        let ends = Ends::new(store.clone(), clock.clone(), versions.clone(), lease.clone(), stopping.clone());
        let ends = Arc::new(ends);
        let (tools, driver_ways) = (Arc::new(tools), ways.clone());
        let driver = Driver::new(store.clone(), clock.clone(), tools, driver_ways, paces.clone(), stopping.clone());
        let driver = Arc::new(driver);
        let callers = Arc::new(Callers::new(store.clone(), ways.clone(), stopping.clone()));
        let preparer = Arc::new(Preparer::new(hosts.clone(), doors.clone()));
        let workers = Arc::new(Workers::new(
            count,
            workers::Equipment {
                store: store.clone(),
                clock: clock.clone(),
                lease: lease.clone(),
                stopping: stopping.clone(),
                versions: versions.clone(),
                hosts: hosts.clone(),
                driver: driver.clone(),
                ends: ends.clone(),
                ways: ways.clone(),
            },
        ));
        let performer = Arc::new(Performer::new(direct::Equipment {
            store: store.clone(),
            clock: clock.clone(),
            stopping: stopping.clone(),
            inline: Inline::new(hosts.clone(), paces),
            hosts: hosts.clone(),
            preparer: preparer.clone(),
            driver,
            ends: ends.clone(),
            workers: workers.clone(),
            ways: ways.clone(),
            relaxed: relaxed.clone(),
            callers: callers.clone(),
        }));
        let scheduler = schedule::Equipment {
            store: store.clone(),
            clock: clock.clone(),
            catalog,
            doors,
            preparer: preparer.clone(),
            hosts: hosts.clone(),
            ends: ends.clone(),
            stopping: stopping.clone(),
        };
        let acceptor = accept::Equipment {
            store,
            clock,
            stopping: stopping.clone(),
            lease: lease.clone(),
            hosts: hosts.clone(),
            preparer,
            performer: performer.clone(),
            workers: workers.clone(),
            ways,
            callers: callers.clone(),
        };
        Self {
            acceptor: Arc::new(Acceptor::new(acceptor, limits.clone())),
            scheduler: Arc::new(Scheduler::new(scheduler, limits)),
            performer,
            workers,
            callers,
            ends,
            hosts,
            versions,
            lease,
            relaxed,
            stopping,
        }
    }

    /// Takes the lease and begins to claim: first what an earlier process left unfinished.
    pub async fn start(&self) -> Result<(), StoreError> {
        self.lease.take().await?;
        tokio::spawn(self.lease.clone().keep());
        tokio::spawn(self.workers.clone().claim_runs());
        tokio::spawn(self.scheduler.clone().keep_schedules());
        Ok(())
    }

    /// Claims nothing more, waits for the runs at work up to `grace`, then leaves them resumable.
    pub async fn stop(&self, grace: Duration) {
        self.stopping.begin();
        if tokio::time::timeout(grace, self.idle()).await.is_err() {
            self.stopping.end_grace();
            self.hosts.abandon_all();
            self.stopping.halt().abandon();
            // A run that does not notice is not waited for: the process ends, and the run continues from its last
            // commit.
            let _ = tokio::time::timeout(NOTICE, self.idle()).await;
        }
        let _ = tokio::time::timeout(FLUSH, self.relaxed.flush()).await;
        self.lease.release().await;
    }

    /// Ready when nothing is running.
    async fn idle(&self) {
        let _workers = self.workers.idle().await;
        let _requests = self.performer.idle().await;
    }

    /// Is it stopping?
    pub fn is_stopping(&self) -> bool {
        self.stopping.has_begun()
    }

    /// Ready once the dispatcher has begun to stop.
    pub async fn stopped(&self) {
        self.stopping.begun().await;
    }

    /// Asked once the engine ends all running work, at the end of the grace of a stop.
    pub fn halt(&self) -> &Arc<StopFlag> {
        self.stopping.halt()
    }

    /// Takes a message as its webhook is configured: performs it and waits for the end, or stores it for later.
    /// Accepted work continues if the caller disconnects.
    pub async fn take(&self, message: Message) -> Admission {
        self.acceptor.take(message).await
    }

    /// Stores a run that a person starts.
    pub async fn start_manually(&self, workflow: Arc<Workflow>, input: Record, room: Option<Held>) -> Admission {
        self.acceptor.start_manually(workflow, input, room).await
    }

    /// Stores a run that the holder of a token starts. It takes its place in the lane of the webhook.
    pub async fn start_by_token(
        &self,
        workflow: Arc<Workflow>,
        properties: Record,
        idempotency: Option<IdempotencyKey>,
        room: Option<Held>,
    ) -> Admission {
        self.acceptor.start_by_token(workflow, properties, idempotency, room).await
    }

    /// How many runs of a workflow may be queued.
    pub(crate) fn queue_limit(&self, workflow: &Workflow) -> u32 {
        self.acceptor.queue_limit(workflow)
    }

    /// Waits for the end of a run that is kept, or for its response, at most until `deadline`.
    pub async fn await_end(&self, run: RunId, deadline: Instant) -> Admission {
        self.callers.await_end(run, deadline).await
    }

    /// The answer of a stored run for its caller. Its large parts count until they are written.
    pub(crate) async fn answer(&self, run: RunId) -> Result<(Run, Answer), StoreError> {
        self.callers.answer(run).await
    }

    /// Schedules may have changed: the wait for the next occurrence starts over.
    pub fn schedules_changed(&self) {
        self.scheduler.schedules_changed();
    }

    /// Fires what is due now, and no more.
    pub async fn fire_due(&self) {
        self.scheduler.fire_due().await;
    }

    /// Asks this process to end a run that it works on. A run that was claimed just now may not be at work yet.
    pub fn cancel_here(&self, run: RunId) {
        self.hosts.cancel(run);
    }

    /// A run that this process works on.
    pub(crate) fn at_work(&self, run: RunId) -> Option<Arc<RunHost>> {
        self.hosts.at_work(run)
    }

    /// The address for events of a run, if the engine's public address is known.
    pub(crate) fn callback_url(&self, run: RunId, name: &str) -> Option<String> {
        self.hosts.callback_url(run, name)
    }

    /// A version, from memory or from the store.
    pub(crate) async fn version(&self, hash: VersionHash) -> Result<Arc<Workflow>, String> {
        self.versions.version(hash).await
    }

    /// The diagnostics of a workflow in force now: a runtime switch has precedence.
    pub(crate) fn diagnostics(&self, workflow: &Workflow) -> Diagnostics {
        self.versions.diagnostics(workflow)
    }

    /// Counts a run that has ended without a worker.
    pub(crate) async fn count_end(&self, run: RunId) {
        self.ends.count_end(run).await;
    }
}
