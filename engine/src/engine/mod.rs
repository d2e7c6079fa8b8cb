//! The engine: one handle that the HTTP side and the command line talk to.
//!
//! What they need of the store's and the dispatcher's words is handed on from here; they know neither.

mod access;
mod evaluate;
#[cfg(test)]
mod histories;
mod loading;
mod people;
mod schedules;
mod view;
#[cfg(test)]
mod walks;

pub use crate::dispatch::{Admission, Answer, Message, Verdict};
pub use crate::run::{Progress, StepDiff, StepTrace};
pub use crate::steps::Reply;
pub use crate::store::{
    Cancel, CommitSizes, Cursor, Delivered, Event, EventPage, Failure, IdempotencyKey, KeyRecord, LaneState, LogLine,
    Role, RunId, RunQuery, RunState, RunSummary, StoreError, Timestamp, TokenRecord, Trigger, Try, WorkflowCounts,
};
pub use evaluate::{NotVariables, Tried};
pub use loading::ReloadError;
pub use people::{BulkRetry, PayloadOf};
pub use schedules::{ScheduleView, Upcoming};
pub use view::{Listed, MOST_SHOWN, RunList, RunView, StepsView};

use crate::access::TokenRing;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::dispatch::{Dispatcher, Parts};
use crate::files::Files;
use crate::keys::KeyRing;
use crate::outgoing::Sender;
use crate::pool::Pool;
use crate::project::{Catalog, Entry, Snapshot, unknown_names};
use crate::room::Held;
use crate::run::{Callbacks, Room, RunHost};
use crate::script::Library;
use crate::store::{LogPage, Retention, Store};
use crate::told;
use crate::trigger::webhook::{Request, RequestParts, input_parameters, parse_query};
use crate::workflow::history::DiagnosticsSwitch;
use crate::workflow::model::{Webhook, Workflow};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::Record;
use loading::{Loaded, ProjectProblems};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// How long runs at work may go on after a stop was asked for.
const GRACE: Duration = Duration::from_secs(10);
/// How many scripts may wait for others at a time. Tests have many engines in one process.
const CALLERS: usize = if cfg!(test) { 2 } else { 32 };
/// How long the conversion of parameters may take.
const CONVERSION: Duration = Duration::from_secs(5);
/// How often history is pruned and the use of keys is written down.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How often the store is asked whether it fails.
const WATCH_STORE: Duration = Duration::from_secs(1);
/// How many runs one slice of retention deletes.
const PRUNE_SLICE: u32 = 500;
/// How long to wait before events are followed again.
const FOLLOW_AGAIN: Duration = Duration::from_secs(2);

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    project: PathBuf,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalog: Arc<Catalog>,
    library: Library,
    sender: Arc<Sender>,
    dispatcher: Dispatcher,
    keys: KeyRing,
    tokens: TokenRing,
    /// What addresses of events are signed with.
    secret: [u8; 32],
    evaluation: evaluate::Threads,
    loading: tokio::sync::Mutex<Loaded>,
    /// Held while another snapshot is made of the one that serves; never while files are read.
    switching: tokio::sync::Mutex<()>,
    /// What is wrong with the project that belongs to no workflow.
    project_problems: Mutex<ProjectProblems>,
}

impl Engine {
    /// Loads the project and publishes it. Runs are kept, but nothing is performed before [`Engine::work`].
    pub async fn load(config: Config, project: &Path, store: Arc<dyn Store>) -> Result<Self, String> {
        Self::load_at(config, project, store, Arc::new(SystemClock::default())).await
    }

    /// The same with a clock of the caller's.
    pub async fn load_at(
        config: Config,
        project: &Path,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let limits = &config.limits;
        let library = Library::new(config.time_zone, &config.culture, limits.script_steps, limits.script_memory)
            .with_callbacks(config.public_url.is_some())
            .with_allowed(&config.lints.allow);
        unknown_names(&config.lints.allow).iter().for_each(|warning| told::warn(warning));
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let started = |error: std::io::Error| format!("a thread for scripts cannot be started: {error}");
        let pool = Pool::new(threads).map_err(started)?;
        let callers = Pool::new(CALLERS).map_err(started)?;
        let sender = Arc::new(Sender::new(&config.http.allow, limits.fetched_body)?);
        let files = Arc::new(Files::new(project.join("files")));
        let room = Room { library: library.clone(), files, most_kept: limits.variables };
        let catalog = Arc::new(Catalog::default());
        let secret = store.secret().await.map_err(|error| error.to_string())?;
        let base = config.public_url.as_ref();
        let callbacks = base.map(|url| Callbacks { base: url.trim_end_matches('/').into(), secret });
        let dispatcher = Dispatcher::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            catalog: catalog.clone(),
            room,
            pool,
            callers,
            doors: Pool::new(threads).map_err(started)?,
            sender: sender.clone(),
            callbacks,
            limits: limits.clone(),
            workers: config.workers,
        });
        let shared = Shared {
            config,
            project: project.to_owned(),
            store,
            clock,
            catalog,
            library,
            sender,
            dispatcher,
            keys: KeyRing::default(),
            tokens: TokenRing::default(),
            secret,
            evaluation: evaluate::Threads::new().map_err(started)?,
            loading: tokio::sync::Mutex::default(),
            switching: tokio::sync::Mutex::default(),
            project_problems: Mutex::default(),
        };
        let engine = Self { shared: Arc::new(shared) };
        let shown = |error: StoreError| error.to_string();
        // Events from here on are heard, so nothing between reading and following is lost.
        let events = engine.shared.store.events(None).await.map_err(shown)?;
        engine.restore().await.map_err(shown)?;
        engine.reload().await.map_err(|error| error.to_string())?;
        engine.refresh_keys().await.map_err(shown)?;
        tokio::spawn(engine.clone().follow_events(events.next));
        Ok(engine)
    }

    /// Takes the lease of the store and performs runs, first those that were left unfinished.
    pub async fn work(&self) -> Result<(), StoreError> {
        self.shared.dispatcher.start().await?;
        tokio::spawn(self.clone().keep_house());
        tokio::spawn(self.clone().watch_store());
        Ok(())
    }

    /// Waits until nothing is queued or running.
    pub async fn drain(&self) -> Result<(), StoreError> {
        self.shared.dispatcher.fire_due().await;
        loop {
            let counts = self.shared.store.counts().await?;
            if counts.iter().all(|count| count.queued == 0 && count.running == 0) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops: nothing new starts, runs at work get some seconds, what is left stays resumable.
    pub async fn stop(&self) {
        self.shared.dispatcher.stop(GRACE).await;
        self.write_key_use().await;
    }

    /// Is the engine stopping?
    pub fn is_stopping(&self) -> bool {
        self.shared.dispatcher.is_stopping()
    }

    /// Ready once the engine has begun to stop.
    pub async fn stopped(&self) {
        self.shared.dispatcher.stopped().await;
    }

    /// Events behind a cursor; waits until there is one. Without a cursor, the place from which on they will be told.
    pub async fn events(&self, since: Option<Cursor>) -> Result<EventPage, StoreError> {
        self.shared.store.events(since).await
    }

    /// Unfinished runs by workflow.
    pub async fn counts(&self) -> Result<Vec<WorkflowCounts>, StoreError> {
        self.shared.store.counts().await
    }

    /// How many decisions commits have shared.
    pub fn commit_sizes(&self) -> CommitSizes {
        self.shared.store.commit_sizes()
    }

    /// Can the store keep something now?
    pub async fn can_keep(&self) -> Result<(), StoreError> {
        self.shared.store.try_to_keep().await
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The functions and the settings of scripts.
    pub fn library(&self) -> &Library {
        &self.shared.library
    }

    // ---- workflows -------------------------------------------------------------------------------------------------

    /// All workflows as they are now.
    pub fn workflows(&self) -> Arc<Snapshot> {
        self.shared.catalog.current()
    }

    // ---- runs ------------------------------------------------------------------------------------------------------

    /// A request to a webhook with its parameters converted and its body decoded, for which `budget` pays. The error says
    /// in words what does not fit.
    pub fn request(
        &self,
        workflow: &Workflow,
        webhook: &Webhook,
        query: &str,
        parts: RequestParts<'_>,
        budget: &mut dyn Budget,
    ) -> Result<Request, String> {
        let query = if webhook.fills_input {
            input_parameters(&workflow.inputs, query)
        } else {
            let host = RunHost::new(self.shared.clock.clone(), CONVERSION, 0, Arc::default(), None);
            let host = host.ending_with(self.shared.dispatcher.halt().clone());
            parse_query(&webhook.query, query, &self.shared.library, &host)
        };
        let request = Request::new(query.map_err(|no_fit| no_fit.message)?, parts, budget)?;
        match request.given_twice().filter(|_| webhook.fills_input) {
            Some(name) => Err(format!("`{name}` is given in the query and in the body; once is enough.")),
            None => Ok(request),
        }
    }

    /// Takes a message to a webhook: performs it and waits, or keeps it for later, as the workflow says.
    pub async fn take(&self, message: Message) -> Admission {
        self.shared.dispatcher.take(message).await
    }

    /// Starts a run for the holder of a token: its input are the properties.
    pub async fn start_by_token(
        &self,
        workflow: Arc<Workflow>,
        properties: Record,
        idempotency: Option<IdempotencyKey>,
        room: Option<Held>,
    ) -> Admission {
        self.shared.dispatcher.start_by_token(workflow, properties, idempotency, room).await
    }

    /// Starts a run by hand.
    pub async fn start_manually(&self, workflow: Arc<Workflow>, input: Record, room: Option<Held>) -> Admission {
        self.shared.dispatcher.start_manually(workflow, input, room).await
    }

    /// Waits for the end of a run, at most until `deadline`.
    pub async fn await_end(&self, run: RunId, deadline: Instant) -> Admission {
        self.shared.dispatcher.await_end(run, deadline).await
    }

    /// What a caller is told of a run of `workflow`; nothing if the workflow has no such run.
    pub async fn answer(&self, workflow: &str, run: RunId) -> Result<Option<Answer>, StoreError> {
        match self.shared.dispatcher.answer(run).await {
            Ok((run, answer)) if run.summary.workflow == workflow => Ok(Some(answer)),
            Ok(_) | Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A run as lists show it.
    pub async fn summary(&self, run: RunId) -> Result<RunSummary, StoreError> {
        self.shared.store.summary(run).await
    }

    /// Lines of a run's log.
    pub async fn log(&self, run: RunId, first: u32, limit: u32) -> Result<LogPage, StoreError> {
        self.shared.store.log(run, first, limit).await
    }

    // ---- in the background -----------------------------------------------------------------------------------------

    /// Switches and keys may change behind the engine's back: by commands, and by other engines on the same store.
    async fn follow_events(self, mut since: Cursor) {
        loop {
            let page = tokio::select! {
                page = self.shared.store.events(Some(since.clone())) => page,
                () = self.stopped() => return,
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    told::warn(&format!("events cannot be followed: {error}"));
                    tokio::time::sleep(FOLLOW_AGAIN).await;
                    continue;
                }
            };
            since = page.next;
            if page.missed || page.events.contains(&Event::Keys) {
                tell(self.refresh_keys().await);
            }
            if page.missed || page.events.contains(&Event::Workflows) {
                tell(self.refresh_switches().await);
                self.shared.dispatcher.schedules_changed();
            }
        }
    }

    pub(super) async fn refresh_switches(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.shared.switching.lock().await;
        let records = self.shared.store.workflows().await?;
        let switches: HashMap<&str, (bool, DiagnosticsSwitch)> =
            records.iter().map(|r| (r.id.as_str(), (r.active, switched(r.diagnostics.as_ref())))).collect();
        let before = self.workflows();
        let of = |entry: &Entry| switches.get(entry.id.as_str()).copied().unwrap_or((entry.active, entry.diagnostics));
        if before.entries().any(|entry| of(entry) != (entry.active, entry.diagnostics)) {
            let entries = before.entries().map(|entry| {
                let (active, diagnostics) = of(entry);
                Entry { active, diagnostics, ..Entry::clone(entry) }
            });
            self.shared.catalog.switch(Snapshot::new(entries.collect::<Vec<_>>()));
        }
        Ok(())
    }

    /// Tells when the store cannot keep anything, and when it can again, though nobody asks for anything.
    async fn watch_store(self) {
        let mut was_failing = false;
        while !self.is_stopping() {
            let failing = self.shared.store.failing();
            match &failing {
                Some(error) => told::error(&format!("the store: {error}")),
                None if was_failing => tracing::info!("the store keeps what it is given again"),
                None => {}
            }
            was_failing = failing.is_some();
            tokio::select! { () = tokio::time::sleep(WATCH_STORE) => {}, () = self.stopped() => {} }
        }
    }

    async fn keep_house(self) {
        while !self.is_stopping() {
            self.write_key_use().await;
            let days = i64::from(self.shared.config.retention.days);
            let retention = Retention {
                ended_before: self.shared.clock.now().plus_millis(-days * 86_400_000),
                max_runs: self.shared.config.retention.runs,
                slice: PRUNE_SLICE,
            };
            loop {
                match self.shared.store.prune(retention.clone()).await {
                    Ok(pruned) if pruned.more && !self.is_stopping() => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    Ok(_) => break,
                    Err(error) => {
                        told::warn(&format!("old runs could not be deleted: {error}"));
                        break;
                    }
                }
            }
            told::tell_left_out();
            tokio::select! { () = tokio::time::sleep(HOUSEKEEPING) => {}, () = self.stopped() => {} }
        }
    }
}

fn tell(result: Result<(), StoreError>) {
    if let Err(error) = result {
        told::warn(&format!("a change in the store could not be followed: {error}"));
    }
}

/// Diagnostics as the store has them switched; settings that cannot be read count as none.
fn switched(bytes: Option<&Vec<u8>>) -> DiagnosticsSwitch {
    let switch = bytes.map(|bytes| DiagnosticsSwitch::decode(bytes)).transpose();
    switch.inspect_err(|reason| tracing::error!("{reason}")).ok().flatten().unwrap_or_default()
}
