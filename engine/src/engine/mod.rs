//! The engine: one handle for the HTTP side and the command line.
//!
//! The types of the store and the dispatcher that they need are re-exported here; they use neither.

mod access;
mod attention;
mod bulk;
#[cfg(test)]
mod clock_tests;
mod evaluate;
#[cfg(test)]
mod histories;
mod house;
mod loading;
mod people;
mod schedules;
mod view;

pub use crate::dispatch::{Admission, Answer, Message, Verdict};
pub use crate::run::{Progress, StepDiff, StepTrace};
pub use crate::steps::Reply;
pub use crate::store::{
    Awaiting, Cancel, CommitSizes, Count, Cursor, Delivered, Event, EventPage, Failure, Found, IdempotencyKey,
    KeyRecord, LaneState, LogLine, Recent, RecentRun, Role, RunId, RunQuery, RunState, RunSummary, SESSION_HOURS,
    SkippedStretch, Statistics, StatisticsQuery, StoreError, Stretch, Tally, Timestamp, TokenRecord, Trigger, Try,
    VersionRecord, WorkflowCounts,
};
pub use access::Access;
pub use attention::{Attention, FailureGroup};
pub use bulk::{Bulk, Deed, MOST as MOST_DECIDED, Selected};
pub use evaluate::{Evaluator, NotVariables, Tried};
pub use loading::{Publisher, ReloadError};
pub use people::{Operators, PayloadOf};
pub use schedules::{ScheduleView, Schedules, Upcoming};
pub use view::{MOST_SHOWN, PassedSteps, RunList, RunView, ShownRun, StepsView, Viewer};

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::dispatch::{Dispatcher, Parts};
use crate::files::Files;
use crate::outgoing::Sender;
use crate::pool::Pool;
use crate::project::{Catalog, Snapshot, unknown_names};
use crate::room::Held;
use crate::run::{Callbacks, Room, RunHost};
use crate::script::Library;
use crate::store::{LogPage, Store};
use crate::told;
use crate::trigger::webhook::{Request, RequestParts, input_parameters, parse_query};
use crate::workflow::model::{Webhook, Workflow};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::Record;
use house::House;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long running work may continue after a stop was requested.
const GRACE: Duration = Duration::from_secs(10);
/// How many scripts may wait for others at a time. Tests have many engines in one process.
const CALLERS: usize = if cfg!(test) { 2 } else { 32 };
/// How long the conversion of parameters may take.
const CONVERSION: Duration = Duration::from_secs(5);

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalog: Arc<Catalog>,
    library: Library,
    dispatcher: Arc<Dispatcher>,
    access: Arc<Access>,
    publisher: Arc<Publisher>,
    house: Arc<House>,
    operators: Operators,
    viewer: Viewer,
    schedules: Schedules,
    evaluator: Evaluator,
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
        let dispatcher = Arc::new(dispatcher);
        let evaluator = Evaluator::new(clock.clone(), library.clone(), dispatcher.halt().clone()).map_err(started)?;
        let access = Arc::new(Access::new(store.clone(), clock.clone(), catalog.clone(), secret));
        let publisher = Arc::new(Publisher::new(loading::Equipment {
            project: project.to_owned(),
            config: config.clone(),
            store: store.clone(),
            catalog: catalog.clone(),
            library: library.clone(),
            sender,
            dispatcher: dispatcher.clone(),
        }));
        let house = Arc::new(House {
            store: store.clone(),
            clock: clock.clone(),
            retention: config.retention.clone(),
            access: access.clone(),
            publisher: publisher.clone(),
            dispatcher: dispatcher.clone(),
        });
        let operators = people::Equipment {
            store: store.clone(),
            clock: clock.clone(),
            catalog: catalog.clone(),
            dispatcher: dispatcher.clone(),
            publisher: publisher.clone(),
        };
        let (time_zone, scheduler) = (config.time_zone, dispatcher.clone());
        let shared = Shared {
            operators: Operators::new(operators, secret, config.limits.queue),
            viewer: Viewer::new(store.clone(), catalog.clone(), dispatcher.clone()),
            schedules: Schedules::new(store.clone(), clock.clone(), catalog.clone(), scheduler, time_zone),
            config,
            store,
            clock,
            catalog,
            library,
            dispatcher,
            access,
            publisher,
            house,
            evaluator,
        };
        let engine = Self { shared: Arc::new(shared) };
        let shown = |error: StoreError| error.to_string();
        // Events from here on are heard, so nothing between reading and following is lost.
        let events = engine.shared.store.events(None).await.map_err(shown)?;
        engine.shared.publisher.restore().await.map_err(shown)?;
        engine.shared.publisher.reload().await.map_err(|error| error.to_string())?;
        engine.shared.access.refresh_keys().await.map_err(shown)?;
        tokio::spawn(engine.shared.house.clone().follow_events(events.next));
        Ok(engine)
    }

    /// Takes the lease of the store and performs runs, first those that were left unfinished.
    pub async fn work(&self) -> Result<(), StoreError> {
        self.shared.dispatcher.start().await?;
        tokio::spawn(self.shared.house.clone().keep_house());
        tokio::spawn(self.shared.house.clone().watch_store());
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
        self.shared.access.write_key_use().await;
    }

    /// Is the engine stopping?
    pub fn is_stopping(&self) -> bool {
        self.shared.dispatcher.is_stopping()
    }

    /// Ready once the engine has begun to stop.
    pub async fn stopped(&self) {
        self.shared.dispatcher.stopped().await;
    }

    /// Events after a cursor; waits until there is one. Without a cursor, the place where new events will start.
    pub async fn events(&self, since: Option<Cursor>) -> Result<EventPage, StoreError> {
        self.shared.store.events(since).await
    }

    /// Unfinished runs by workflow.
    pub async fn counts(&self) -> Result<Vec<WorkflowCounts>, StoreError> {
        self.shared.store.counts().await
    }

    /// Statistics on how many decisions shared a commit.
    pub fn commit_sizes(&self) -> CommitSizes {
        self.shared.store.commit_sizes()
    }

    /// Can the store write now?
    pub async fn can_keep(&self) -> Result<(), StoreError> {
        self.shared.store.try_to_keep().await
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
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

    /// A request to a webhook with its parameters converted and its body decoded, for which `budget` pays. The error is
    /// a message about what does not fit.
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

    /// Starts a run for the holder of a token: its input is the properties.
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

    /// The answer of a run of `workflow` for its caller; `None` if the workflow has no such run.
    pub async fn answer(&self, workflow: &str, run: RunId) -> Result<Option<Answer>, StoreError> {
        match self.shared.dispatcher.answer(run).await {
            Ok((run, answer)) if run.summary.origin.workflow == workflow => Ok(Some(answer)),
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

    // ---- parts -----------------------------------------------------------------------------------------------------

    /// What reads the project and publishes it.
    pub fn publisher(&self) -> &Arc<Publisher> {
        &self.shared.publisher
    }

    /// Keys of webhooks and admin tokens.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// Carries out the decisions of operators.
    pub fn operators(&self) -> &Operators {
        &self.shared.operators
    }

    /// Shows runs.
    pub fn viewer(&self) -> &Viewer {
        &self.shared.viewer
    }

    /// The schedules of workflows.
    pub fn schedules(&self) -> &Schedules {
        &self.shared.schedules
    }

    /// Evaluates FlowScript that people try out.
    pub fn evaluator(&self) -> &Evaluator {
        &self.shared.evaluator
    }
}
