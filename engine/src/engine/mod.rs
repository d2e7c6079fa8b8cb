//! The engine: one handle that the HTTP side and the command line talk to.
//!
//! What they need of the store's and the dispatcher's words is handed on from here; they know neither.

mod access;
mod evaluate;
#[cfg(test)]
mod histories;
mod people;
mod schedules;
mod view;
#[cfg(test)]
mod walks;

pub use crate::dispatch::{Admission, Answer, Message, Verdict};
pub use crate::run::{Progress, Reply, StepDiff, StepTrace};
pub use crate::store::{
    Cancel, CommitSizes, Cursor, Delivered, Event, EventPage, Failure, IdempotencyKey, KeyRecord, LaneState, LogLine,
    Role, RunId, RunQuery, RunState, RunSummary, StoreError, Timestamp, TokenRecord, Trigger, Try, WorkflowCounts,
};
pub use evaluate::Tried;
pub use people::{BulkRetry, PayloadOf};
pub use schedules::{ScheduleView, Upcoming};
pub use view::{Listed, MOST_SHOWN, RunList, RunView, StepsView};

use crate::access::{Lock, TokenRing};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::dispatch::{Dispatcher, Parts};
use crate::keys::KeyRing;
use crate::outgoing::{Sender, secrets_changed};
use crate::project::{CONNECTIONS, Catalog, Entry, Folder, LoadedFile, Snapshot, Watch, load, load_version};
use crate::room::Held;
use crate::run::{Callbacks, Files, Pool, Room, RunHost};
use crate::script::Library;
use crate::store::{LoadedSchedule, LoadedWorkflow, LogPage, Publication, Retention, Store, WorkflowRecord};
use crate::trigger::schedule::Schedule;
use crate::trigger::webhook::{Request, RequestParts, input_parameters, parse_query};
use crate::workflow::history::DiagnosticsSwitch;
use crate::workflow::model::{Webhook, Workflow};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::Record;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
/// How many runs one slice of retention deletes.
const PRUNE_SLICE: u32 = 500;
/// How long to wait before a folder that could not be published is tried again.
const RELOAD_RETRY: Duration = Duration::from_secs(2);

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
    /// One thread of its own: what people try out must not hold up runs.
    evaluation: Pool,
    loading: tokio::sync::Mutex<Loaded>,
}

/// What was read of the project when it was last published.
#[derive(Default)]
struct Loaded {
    folder: Option<Folder>,
    /// Lines of the log about its files: each is written once, as long as it stays true.
    told: BTreeSet<String>,
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
            .with_callbacks(config.public_url.is_some());
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
            evaluation: Pool::new(1).map_err(started)?,
            loading: tokio::sync::Mutex::default(),
        };
        let engine = Self { shared: Arc::new(shared) };
        let told = |error: StoreError| error.to_string();
        // Events from here on are heard, so nothing between reading and following is lost.
        let events = engine.shared.store.events(None).await.map_err(told)?;
        engine.restore().await.map_err(told)?;
        engine.reload().await.map_err(told)?;
        engine.refresh_keys().await.map_err(told)?;
        tokio::spawn(engine.clone().follow_events(events.next));
        Ok(engine)
    }

    /// Takes the lease of the store and performs runs, first those that were left unfinished.
    pub async fn work(&self) -> Result<(), StoreError> {
        self.shared.dispatcher.start().await?;
        tokio::spawn(self.clone().keep_house());
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

    /// Follows changes of the project's files until the engine stops.
    pub fn watch_files(&self) -> Result<(), String> {
        let watch = Watch::new(&self.shared.project)?;
        let engine = self.clone();
        tokio::spawn(async move {
            while !engine.is_stopping() {
                watch.changed().await;
                while let Err(error) = engine.reload().await {
                    tracing::error!("the changed folder could not be published: {error}");
                    tokio::time::sleep(RELOAD_RETRY).await;
                }
            }
        });
        Ok(())
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

    /// Reads the project folder as one, and switches to it in one step; does nothing if it is as it was.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let mut last = self.shared.loading.lock().await;
        let before = self.workflows();
        let (project, library, serving) = (self.shared.project.clone(), self.shared.library.clone(), before.clone());
        let known = self.shared.sender.connections();
        let store = self.shared.config.store_file(&project).map_err(StoreError::Other)?;
        let unchanged = last.folder.clone();
        let loaded = tokio::task::spawn_blocking(move || {
            let folder = Folder::read(&project);
            if unchanged.as_ref() == Some(&folder) && !secrets_changed() {
                return None;
            }
            let (connections, problems) = folder.read_connections(&store, &known);
            let lines = problems.iter().map(|problem| problem.line(CONNECTIONS));
            let odd: BTreeSet<String> = folder.odd.iter().cloned().chain(lines).collect();
            let serving = |path: &str| serving.route(path).map(|entry| entry.id.clone());
            let files = load(&folder, &library, &connections, serving);
            Some((folder, odd, connections, files))
        });
        let loaded = loaded.await.map_err(|error| StoreError::Other(format!("loading failed: {error}")))?;
        let Some((folder, odd, connections, files)) = loaded else { return Ok(()) };
        // Until it is published, it is to be read again.
        last.folder = None;
        odd.difference(&last.told).for_each(|line| tracing::warn!("{line}"));
        last.told = odd;
        tell_problems(&before, &files);
        self.shared.sender.set_connections(Arc::new(connections));
        let published = self.shared.store.publish(publication(&before, &files)).await?;
        for id in &published.changed {
            tracing::info!("{id} has a new version");
        }
        let records = self.shared.store.workflows().await?;
        self.shared.catalog.switch(snapshot(&before, files, &records));
        self.shared.dispatcher.schedules_changed();
        last.folder = Some(folder);
        Ok(())
    }

    /// Begins with the last good versions of the store: a file that does not load now stays on its own.
    async fn restore(&self) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for record in self.shared.store.workflows().await? {
            let text = self.shared.store.version_text(record.version).await?;
            let library = self.shared.library.clone();
            let loaded = tokio::task::spawn_blocking(move || load_version(&text, &library)).await;
            let workflow = match loaded.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(workflow) => Some(Arc::new(workflow)),
                Err(reason) => {
                    tracing::warn!("{reason}");
                    None
                }
            };
            let auth = workflow.as_ref().and_then(|workflow| Some(&workflow.webhook.as_ref()?.auth));
            let lock = auth.map(|auth| Lock::of(auth, &self.shared.project).unwrap_or_default());
            entries.push(Entry {
                lock: lock.unwrap_or_default(),
                file: format!("workflows/{}.yaml", record.id.replace('.', "/")),
                id: record.id,
                present: record.present,
                workflow,
                active: record.active,
                diagnostics: switched(record.diagnostics.as_ref()),
                problems: Vec::new(),
            });
        }
        self.shared.catalog.switch(Snapshot::new(entries));
        Ok(())
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
        match self.shared.store.run(run).await {
            Ok(run) if run.summary.workflow == workflow => Ok(Some(Answer::of(&run))),
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
                    tracing::warn!("events cannot be followed: {error}");
                    tokio::time::sleep(RELOAD_RETRY).await;
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
        let _one_at_a_time = self.shared.loading.lock().await;
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
                        tracing::warn!("old runs could not be deleted: {error}");
                        break;
                    }
                }
            }
            tokio::select! { () = tokio::time::sleep(HOUSEKEEPING) => {}, () = self.stopped() => {} }
        }
    }
}

fn tell(result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::warn!("a change in the store could not be followed: {error}");
    }
}

/// What the store is told of a loaded folder: a workflow that does not load stays on its last good version.
fn publication(before: &Snapshot, files: &BTreeMap<String, LoadedFile>) -> Publication {
    let mut publication = Publication::default();
    for (id, file) in files {
        match &file.workflow {
            Some(workflow) => publication.loaded.push(LoadedWorkflow {
                id: id.clone(),
                version: workflow.version,
                text: workflow.text.to_vec(),
                active: workflow.active,
                concurrency: workflow.concurrency,
                schedules: workflow.schedules.iter().map(loaded_schedule).collect(),
            }),
            None if before.entry(id).is_some_and(|entry| entry.workflow.is_some()) => publication.kept.push(id.clone()),
            None => {}
        }
    }
    publication
}

/// Diagnostics as the store has them switched; settings that cannot be read count as none.
fn switched(bytes: Option<&Vec<u8>>) -> DiagnosticsSwitch {
    let switch = bytes.map(|bytes| DiagnosticsSwitch::decode(bytes)).transpose();
    switch.inspect_err(|reason| tracing::error!("{reason}")).ok().flatten().unwrap_or_default()
}

/// A schedule as the store adopts it: its occurrences go on where they were while the key stays the same.
fn loaded_schedule(schedule: &Schedule) -> LoadedSchedule {
    LoadedSchedule { key: schedule.key.clone(), definition: schedule.key.clone().into_bytes() }
}

/// The snapshot after a publication.
fn snapshot(before: &Snapshot, files: BTreeMap<String, LoadedFile>, records: &[WorkflowRecord]) -> Snapshot {
    let record = |id: &str| records.iter().find(|record| record.id == id);
    let gone = before.entries().filter(|entry| !files.contains_key(&entry.id)).map(|entry| Entry {
        present: false,
        problems: Vec::new(),
        ..Entry::clone(entry)
    });
    let mut entries: Vec<Entry> = gone.collect();
    for (id, file) in files {
        // A version stays with the secrets that it was loaded with.
        let last_good = before.entry(&id).map(|entry| (entry.workflow.clone(), entry.lock.clone()));
        let (workflow, lock) = match file.workflow {
            Some(workflow) => (Some(workflow), file.lock),
            None => last_good.unwrap_or_default(),
        };
        entries.push(Entry {
            active: record(&id).is_some_and(|record| record.active),
            diagnostics: switched(record(&id).and_then(|record| record.diagnostics.as_ref())),
            workflow,
            lock,
            id,
            file: file.path,
            present: true,
            problems: file.problems,
        });
    }
    Snapshot::new(entries)
}

/// Each problem is told once, not at every reload.
fn tell_problems(before: &Snapshot, files: &BTreeMap<String, LoadedFile>) {
    for (id, file) in files {
        let known = before.entry(id).map(|entry| entry.problems.as_slice()).unwrap_or_default();
        for problem in file.problems.iter().filter(|problem| !known.contains(problem)) {
            let line = problem.line(&file.path);
            if problem.warning { tracing::warn!("{line}") } else { tracing::error!("{line}") }
        }
    }
}
