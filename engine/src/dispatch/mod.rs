//! What runs when: acceptance, the queue, workers, leases, and going on after a crash.
//!
//! A run that waits for nothing is performed first and committed with its end in one commit ([`direct`]). All others
//! are accepted, claimed and driven ([`worker`]).

mod accept;
mod answer;
mod diagnostics;
mod direct;
mod drive;
mod finish;
mod here;
mod history;
mod perform;
mod schedule;
mod weight;
mod worker;

pub use accept::{Admission, Message};
pub use answer::{Answer, Verdict};
pub(crate) use worker::count;

use crate::burden::{Burden, Load};
use crate::clock::Clock;
use crate::config::Limits;
use crate::outgoing::Sender;
use crate::pool::Pool;
use crate::project::{Catalog, load_version};
use crate::run::{Callbacks, Calls, Room, RunHost, StopFlag};
use crate::steps::attempt::Tools;
use crate::store::{OwnerId, RunId, Store, StoreError, VersionHash};
use crate::workflow::model::Workflow;
use here::Paces;
use history::History;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};

/// How long a claim holds without being renewed.
const LEASE: Duration = Duration::from_secs(30);

/// How long runs that are left at a stop may take to notice, and history to be kept.
const NOTICE: Duration = Duration::from_secs(1);
const FLUSH: Duration = Duration::from_secs(3);

/// How often, and how many times, a run that is to be cancelled is looked for.
const CANCEL_PAUSE: Duration = Duration::from_millis(20);
const CANCEL_TRIES: u32 = 250;

/// More requests than can be open at a time.
const MAX_REQUESTS: u32 = 1 << 20;

/// Everything that starts, runs and ends runs. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalog: Arc<Catalog>,
    room: Room,
    /// What steps are performed with.
    tools: Arc<Tools>,
    /// The threads that load versions and learn what acceptance needs: it does not wait until scripts of runs are done.
    doors: Pool,
    callbacks: Option<Callbacks>,
    limits: Limits,
    owner: OwnerId,
    /// Where answered runs of relaxed durability go.
    history: History,
    /// Which workflows are short enough to run beside requests.
    paces: Paces,
    /// One permit for each run that may be worked on.
    workers: Arc<Semaphore>,
    worker_count: u32,
    /// One permit for each request that is performed before it is kept.
    requests: Arc<Semaphore>,
    /// One permit for each byte of large values on their way into the store.
    keeping: Arc<Semaphore>,
    /// One permit for each answer that is taken from the store.
    telling: Arc<Semaphore>,
    /// What the values of all runs weigh.
    burden: Arc<Burden>,
    /// The runs that this process works on.
    running: Mutex<HashMap<RunId, Arc<RunHost>>>,
    stopping: AtomicBool,
    /// Has it the lease that claims need?
    working: AtomicBool,
    /// Told when schedules may have changed.
    schedules: Notify,
    /// Told when the dispatcher begins to stop.
    stopped: Notify,
    /// True once what is still at work has been left.
    grace_over: watch::Sender<bool>,
    /// Asked once what is still at work must end.
    halt: Arc<StopFlag>,
}

/// What a dispatcher is made of.
pub struct Parts {
    /// Where runs are kept.
    pub store: Arc<dyn Store>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// What serves.
    pub catalog: Arc<Catalog>,
    /// What runs share.
    pub room: Room,
    /// The threads of scripts.
    pub pool: Pool,
    /// The threads of scripts that wait for others.
    pub callers: Pool,
    /// The threads that load versions and learn what acceptance needs.
    pub doors: Pool,
    /// Requests to others.
    pub sender: Arc<Sender>,
    /// Where events for runs are sent to, if others know the engine's address.
    pub callbacks: Option<Callbacks>,
    /// What runs may use up.
    pub limits: Limits,
    /// How many runs are worked on at a time.
    pub workers: u32,
}

impl Dispatcher {
    /// A dispatcher that does nothing yet; see [`Dispatcher::start`].
    pub fn new(parts: Parts) -> Self {
        let (files, clock) = (parts.room.files.clone(), parts.clock.clone());
        let tools = Arc::new(Tools::new(parts.sender, files, clock, parts.pool, parts.callers));
        let shared = Shared {
            history: History::start(parts.store.clone()),
            paces: Paces::default(),
            store: parts.store,
            clock: parts.clock,
            catalog: parts.catalog,
            room: parts.room,
            tools,
            doors: parts.doors,
            callbacks: parts.callbacks,
            limits: parts.limits,
            owner: OwnerId::random(),
            workers: Arc::new(Semaphore::new(parts.workers as usize)),
            worker_count: parts.workers,
            requests: Arc::new(Semaphore::new(MAX_REQUESTS as usize)),
            keeping: Arc::new(Semaphore::new(weight::KEPT)),
            telling: Arc::new(Semaphore::new(weight::TOLD)),
            burden: Arc::default(),
            running: Mutex::default(),
            stopping: AtomicBool::new(false),
            working: AtomicBool::new(false),
            schedules: Notify::new(),
            stopped: Notify::new(),
            grace_over: watch::Sender::new(false),
            halt: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes the lease and begins to claim: first what an earlier process left unfinished.
    pub async fn start(&self) -> Result<(), StoreError> {
        self.shared.store.renew(self.shared.owner, LEASE).await?;
        self.shared.working.store(true, Ordering::Relaxed);
        tokio::spawn(self.clone().keep_lease());
        tokio::spawn(self.clone().claim_runs());
        tokio::spawn(self.clone().keep_schedules());
        Ok(())
    }

    /// Claims nothing more, waits for the runs at work up to `grace`, then leaves them resumable.
    pub async fn stop(&self, grace: Duration) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shared.stopped.notify_waiters();
        if tokio::time::timeout(grace, self.idle()).await.is_err() {
            self.shared.grace_over.send_replace(true);
            self.abandon_all();
            self.shared.halt.abandon();
            // What does not notice is not waited for: the process ends, and the run goes on from its last commit.
            let _ = tokio::time::timeout(NOTICE, self.idle()).await;
        }
        let _ = tokio::time::timeout(FLUSH, self.shared.history.flush()).await;
        if let Err(error) = self.shared.store.release(self.shared.owner).await {
            tracing::warn!("the lease could not be given back: {error}");
        }
    }

    /// Ready when nothing is at work.
    async fn idle(&self) {
        let _workers = self.shared.workers.acquire_many(self.shared.worker_count).await;
        let _requests = self.shared.requests.acquire_many(MAX_REQUESTS).await;
    }

    /// May runs be claimed?
    fn is_working(&self) -> bool {
        self.shared.working.load(Ordering::Relaxed) && !self.is_stopping()
    }

    /// Is it stopping?
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Relaxed)
    }

    /// Ready once the dispatcher has begun to stop.
    pub async fn stopped(&self) {
        let told = self.shared.stopped.notified();
        tokio::pin!(told);
        // Listening first: a stop between the question and the waiting must not be lost.
        told.as_mut().enable();
        if !self.is_stopping() {
            told.await;
        }
    }

    /// Ready once the dispatcher has left what was still at work.
    pub async fn grace_over(&self) {
        let mut over = self.shared.grace_over.subscribe();
        // The sender lives as long as `self`.
        let _ = over.wait_for(|over| *over).await;
    }

    /// Asks this process to end a run that it works on. A run that was claimed just now may not be at work yet.
    pub fn cancel_here(&self, run: RunId) {
        if self.cancel_running(run) {
            return;
        }
        let dispatcher = self.clone();
        tokio::spawn(async move {
            for _ in 0..CANCEL_TRIES {
                tokio::time::sleep(CANCEL_PAUSE).await;
                if dispatcher.cancel_running(run) {
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

    /// Leaves all runs as they are: others may go on with them.
    fn abandon_all(&self) {
        for host in self.running().values() {
            host.stop().abandon();
        }
    }

    /// A version, from memory or from the store.
    pub(crate) async fn version(&self, hash: VersionHash) -> Result<Arc<Workflow>, String> {
        if let Some(workflow) = self.shared.catalog.version(hash) {
            return Ok(workflow);
        }
        let text = self.shared.store.version_text(hash).await.map_err(|error| error.to_string())?;
        let library = self.shared.room.library.clone();
        let loaded = self.shared.doors.run(move || load_version(&text, &library)).await;
        let workflow = Arc::new(loaded.map_err(|_| "loading a version panicked".to_owned())??);
        self.shared.catalog.remember(&workflow);
        Ok(workflow)
    }

    /// A host for a run that goes on now and has worked for `spent`, known to [`Dispatcher::cancel_here`] until the guard is dropped.
    fn host(&self, workflow: &Workflow, run: RunId, spent: Duration) -> (Arc<RunHost>, Running) {
        self.host_with(workflow, run, spent, self.load(workflow))
    }

    /// The same for a run whose values count as `load`.
    fn host_with(&self, workflow: &Workflow, run: RunId, spent: Duration, load: Arc<Load>) -> (Arc<RunHost>, Running) {
        let host = self.new_host(workflow, run, spent, Arc::default()).loaded(load);
        let host = Arc::new(host.watched());
        self.running().insert(run, host.clone());
        (host.clone(), Running { dispatcher: self.clone(), run, host })
    }

    /// A host for a run that nobody else can stop, unless they have `stop`.
    fn new_host(&self, workflow: &Workflow, run: RunId, spent: Duration, stop: Arc<StopFlag>) -> RunHost {
        let (limits, own) = (&self.shared.limits, &workflow.limits);
        let (time, lines) = (own.run.unwrap_or(limits.run), own.log_lines.unwrap_or(limits.log_lines));
        let callbacks = self.shared.callbacks.clone();
        let calls = Calls { sender: self.shared.tools.sender().clone(), runtime: Handle::current(), run, callbacks };
        let host = RunHost::new(self.shared.clock.clone(), time.saturating_sub(spent), lines, stop, Some(calls));
        host.ending_with(self.shared.halt.clone())
    }

    /// Asked once the engine ends all that is at work, at the end of the time that a stop gives it.
    pub fn halt(&self) -> &Arc<StopFlag> {
        &self.shared.halt
    }

    /// What the runs of a workflow share, with its own limits.
    fn room(&self, workflow: &Workflow) -> Room {
        let room = &self.shared.room;
        let library = room.library.with_limits(workflow.limits.script_steps, workflow.limits.script_memory);
        Room { library, ..room.clone() }
    }

    /// How many runs of a workflow may be queued.
    pub(crate) fn queue_limit(&self, workflow: &Workflow) -> u32 {
        workflow.limits.queue.unwrap_or(self.shared.limits.queue)
    }

    /// The address that an event of a run is sent to, if others know the engine's address.
    pub(crate) fn callback_url(&self, run: RunId, name: &str) -> Option<String> {
        self.shared.callbacks.as_ref().map(|callbacks| callbacks.url(run, name))
    }

    /// A run that this process works on.
    pub(crate) fn at_work(&self, run: RunId) -> Option<Arc<RunHost>> {
        self.running().get(&run).cloned()
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<RunHost>>> {
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that this process works on.
struct Running {
    dispatcher: Dispatcher,
    run: RunId,
    host: Arc<RunHost>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.dispatcher.running();
        // A run that was left here may be at work again already.
        if running.get(&self.run).is_some_and(|host| Arc::ptr_eq(host, &self.host)) {
            running.remove(&self.run);
        }
    }
}
