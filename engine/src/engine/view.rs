//! How the engine shows its runs: values instead of stored bytes.

use crate::dispatch::Dispatcher;
use crate::project::Catalog;
use crate::run::{StepDiff, StepTrace, decode_history, shown_steps};
use crate::script::SourcePlace;
use crate::script::encoding;
use crate::store::{
    Cursor, Found, LogLine, Preview, Recent, Run, RunId, RunQuery, RunState, RunSummary, Statistics, StatisticsQuery,
    Store, StoreError, Timestamp, Try, VersionHash, VersionRecord, cut,
};
use crate::told;
use crate::trigger::webhook::Request;
use crate::workflow::WorkflowText;
use crate::workflow::history::Redact;
use crate::workflow::model::Workflow;
use flowscript_lang::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How many log lines a run shows.
const LOG_LINES: u32 = 1000;

/// How much of an output or of a result a list shows, in bytes.
pub const MOST_SHOWN: usize = 4 << 10;
/// How much of an output is read for that, in bytes of the store: its JSON may be shorter.
const MOST_READ: usize = 4 * MOST_SHOWN;
/// How much a page of a list shows of outputs and errors, in bytes.
const MOST_LISTED: usize = 2 << 20;
/// How often a run that changes meanwhile is read again.
const READS: u32 = 5;

/// A run with everything that belongs to it.
#[derive(Debug)]
pub struct RunView {
    /// The run with its whole output.
    pub run: ShownRun,
    /// Its tries, oldest first.
    pub tries: Vec<Try>,
    /// The inputs by name.
    pub input: Option<Value>,
    /// The request that started it.
    pub payload: Option<Value>,
    /// The answer to the caller, if it differs.
    pub answer: Option<Value>,
    /// Its steps.
    pub passed: PassedSteps,
    /// Its log.
    pub log: Vec<LogLine>,
}

/// The results of the steps of a run.
#[derive(Debug)]
pub struct StepsView {
    /// The run.
    pub summary: RunSummary,
    /// The steps.
    pub passed: PassedSteps,
    /// The results of steps with a commit of their own, by position and attempt: the value, or the size of one that is
    /// too large to be shown.
    pub results: HashMap<(String, u32), Result<Value, u64>>,
}

/// The steps of a run up to now.
#[derive(Debug)]
pub struct PassedSteps {
    /// The attempts, in the order of their beginnings.
    pub steps: Vec<StepTrace>,
    /// Where it failed, innermost first.
    pub places: Vec<SourcePlace>,
    /// The changes of its variables by each step, if diagnostics kept them.
    pub diffs: Vec<StepDiff>,
}

/// A run with its output.
#[derive(Debug)]
pub struct ShownRun {
    /// The run.
    pub summary: RunSummary,
    /// Its output, or as much of it as could be read.
    pub output: Option<Value>,
    /// The size of the whole output in bytes of the store.
    pub output_size: Option<u64>,
    /// Not all of it was read.
    pub output_cut: bool,
}

/// A page of runs, newest first.
#[derive(Debug)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<ShownRun>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The search took long and ended here; the next page continues it.
    pub searched_to: Option<Timestamp>,
}

/// Reads runs for operators.
pub struct Viewer {
    store: Arc<dyn Store>,
    catalog: Arc<Catalog>,
    dispatcher: Arc<Dispatcher>,
}

impl Viewer {
    pub(super) fn new(store: Arc<dyn Store>, catalog: Arc<Catalog>, dispatcher: Arc<Dispatcher>) -> Self {
        Self { store, catalog, dispatcher }
    }

    /// The store that it reads.
    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// A run with steps and log. A running one is read again until it did not change during the reading.
    pub async fn run_view(&self, id: RunId) -> Result<RunView, StoreError> {
        for _ in 1..READS {
            let (view, seen) = self.view_once(id).await?;
            if view.run.summary.revision == seen {
                return Ok(view);
            }
        }
        Ok(self.view_once(id).await?.0)
    }

    /// A run, and which revision of it its steps are of.
    async fn view_once(&self, id: RunId) -> Result<(RunView, u32), StoreError> {
        let StepsView { summary: seen, passed, .. } = self.steps_view(id).await?;
        let tries = self.store.tries(id).await?;
        let log = self.store.log(id, 0, LOG_LINES).await?;
        let run: Run = self.store.run(id).await?;
        let veil = self.veil(&run.summary).await;
        let payload = run.payload.as_ref().map(|bytes| Request::decode(bytes)).transpose();
        let payload = told(id, payload).filter(|_| veil.input);
        let output = decoded(id, run.output.as_ref()).and_then(|output| veil.output(&output));
        let shown = ShownRun {
            output_size: run.output.as_ref().filter(|_| output.is_some()).map(|bytes| bytes.len() as u64),
            output,
            output_cut: false,
            summary: run.summary,
        };
        let view = RunView {
            run: shown,
            tries,
            input: decoded(id, run.input.as_ref()).filter(|_| veil.input).map(|input| veil.fields(input)),
            payload: payload.map(|request| veil.request(request).to_value()),
            answer: decoded(id, run.answer.as_ref()).and_then(|answer| veil.answer(answer)),
            passed,
            log: log.lines,
        };
        Ok((view, seen.revision))
    }

    /// The steps of a run. A running one is read again until it did not change during the reading.
    pub async fn steps_view(&self, id: RunId) -> Result<StepsView, StoreError> {
        let mut summary = self.store.summary(id).await?;
        for _ in 1..READS {
            let view = self.steps_of(summary.clone()).await?;
            let after = self.store.summary(id).await?;
            if after.revision == summary.revision {
                return Ok(view);
            }
            summary = after;
        }
        self.steps_of(summary).await
    }

    async fn steps_of(&self, summary: RunSummary) -> Result<StepsView, StoreError> {
        let (store, id) = (&self.store, summary.origin.id);
        let history = store.trace(id).await?.as_ref().map(|bytes| decode_history(bytes)).transpose();
        let history = told(id, history).unwrap_or_default();
        let host = self.dispatcher.at_work(id);
        let mut kept = Vec::new();
        if !summary.state.is_final() {
            kept = store.kept_below(id, "at:").await?;
        }
        if summary.state != RunState::Completed {
            kept.extend(store.kept_below(id, "trace:").await?);
        }
        let veil = self.veil(&summary).await;
        let mut records = Vec::new();
        let mut results = HashMap::new();
        for (record, size) in store.step_list(id, MOST_SHOWN).await? {
            records.push(StepTrace::of_record(&record));
            let result = match decoded(id, record.result.as_ref()) {
                Some(value) => Ok(veil.result(&record.position, &value)),
                None if size > MOST_SHOWN as u64 => Err(size),
                None => continue,
            };
            results.insert((record.position, record.attempt), result);
        }
        let passed = history.steps;
        let all = shown_steps(veil.workflow.as_ref(), records.clone(), passed, &kept, host.as_deref());
        let steps = told(id, all.map(Some)).unwrap_or(records);
        // A run that was queued again has not failed yet.
        let places = if summary.error.is_some() { history.places } else { Vec::new() };
        Ok(StepsView { summary, passed: PassedSteps { steps, places, diffs: history.diffs }, results })
    }

    /// A page of runs; one with much to show ends early. Only the beginning of large outputs is read.
    pub async fn run_list(&self, query: RunQuery) -> Result<RunList, StoreError> {
        let mut page = self.store.runs(query).await?;
        // One read for all: a page has up to a thousand runs.
        let ids = page.runs.iter().map(|run| run.origin.id).collect();
        let previews = self.store.previews(ids, MOST_READ).await?;
        let mut previews: HashMap<RunId, Preview> =
            previews.into_iter().map(|preview| (preview.run, preview)).collect();
        let size = |run: &RunSummary, previews: &HashMap<RunId, Preview>| {
            let error = run.error.as_ref().map_or(0, |error| error.message.len());
            error + previews.get(&run.origin.id).map_or(0, |preview| preview.start.len().min(MOST_SHOWN))
        };
        let mut bytes = 0;
        let fit = page.runs.iter().take_while(|run| {
            bytes += size(run, &previews);
            bytes <= MOST_LISTED
        });
        // The first always fits.
        let fit = fit.count().max(1);
        if let Some(next) = cut(&mut page.runs, fit, |last| Cursor::after_run(last.origin.id)) {
            page.next = Some(next);
            page.searched_to = None;
        }
        let mut runs = Vec::with_capacity(page.runs.len());
        for summary in page.runs {
            let preview = previews.remove(&summary.origin.id);
            runs.push(self.listed(summary, preview).await);
        }
        Ok(RunList { runs, next: page.next.map(|cursor| cursor.0), searched_to: page.searched_to })
    }

    /// The newest `each` runs of each workflow.
    pub async fn recent(&self, each: u32) -> Result<Vec<Recent>, StoreError> {
        self.store.recent(each).await
    }

    /// The stored versions of a workflow, the serving one first.
    pub async fn versions(&self, workflow: &str) -> Result<Vec<VersionRecord>, StoreError> {
        self.store.versions(workflow.to_owned()).await
    }

    /// The texts of a version by its hash.
    pub async fn version_text(&self, hash: &str) -> Result<WorkflowText, StoreError> {
        let missing = || StoreError::NotFound(format!("there is no version {hash}"));
        let version: VersionHash = hash.parse().map_err(|_| missing())?;
        WorkflowText::decode(&self.store.version_text(version).await?).map_err(StoreError::Corrupt)
    }

    /// How many runs a query finds, by state and by stretches of `length` milliseconds.
    pub async fn found(&self, query: RunQuery, length: i64) -> Result<Found, StoreError> {
        self.store.found(query, length).await
    }

    /// What was counted in a stretch of time.
    pub async fn statistics(&self, query: StatisticsQuery) -> Result<Statistics, StoreError> {
        self.store.statistics(query).await
    }

    async fn listed(&self, summary: RunSummary, preview: Option<Preview>) -> ShownRun {
        let Some(Preview { size, start, .. }) = preview else {
            return ShownRun { summary, output: None, output_size: None, output_cut: false };
        };
        let output_cut = size > start.len() as u64;
        let output = if output_cut { encoding::decode_start(&start) } else { decoded(summary.origin.id, Some(&start)) };
        let veil = self.veil(&summary).await;
        let output = output.and_then(|output| veil.output(&output));
        ShownRun { output_size: Some(size).filter(|_| veil.output), output, output_cut, summary }
    }
}

/// The parts of a run that are never shown: masked by its version, or left out by diagnostics.
struct Veil {
    workflow: Option<Arc<Workflow>>,
    input: bool,
    output: bool,
}

impl Viewer {
    async fn veil(&self, run: &RunSummary) -> Veil {
        let current = || self.catalog.current().entry(&run.origin.workflow).and_then(|entry| entry.workflow.clone());
        let workflow = match run.version {
            Some(version) => self.dispatcher.version(version).await.ok(),
            None => current(),
        };
        let workflow = workflow.or_else(current);
        let diagnostics = workflow.as_ref().map(|workflow| self.dispatcher.diagnostics(workflow));
        let diagnostics = diagnostics.unwrap_or_default();
        // While a run may still fail, its parts are shown unless they are always hidden.
        let failed = run.state != RunState::Completed;
        Veil { workflow, input: diagnostics.input.keeps(failed), output: diagnostics.output.keeps(failed) }
    }
}

impl Veil {
    fn redact(&self) -> Option<&Redact> {
        self.workflow.as_ref().map(|workflow| &workflow.redact).filter(|redact| !redact.is_empty())
    }

    fn fields(&self, input: Value) -> Value {
        match (self.redact(), input) {
            (Some(redact), Value::Record(fields)) => Value::Record(redact.mask_fields(&fields)),
            (_, other) => other,
        }
    }

    fn request(&self, request: Request) -> Request {
        self.redact().map_or(request.clone(), |redact| request.masked(redact))
    }

    fn output(&self, output: &Value) -> Option<Value> {
        let masked = self.redact().map_or_else(|| output.clone(), |redact| redact.mask("output", output));
        Some(masked).filter(|_| self.output)
    }

    /// The answer for the caller holds an output that was shaped for it.
    fn answer(&self, answer: Value) -> Option<Value> {
        let answer = match answer {
            Value::Record(answer) => match answer.get("body") {
                Some(body) => Value::Record(answer.with(&"body".into(), self.output(&body)?)),
                None => Value::Record(answer),
            },
            other => other,
        };
        Some(answer).filter(|_| self.output)
    }

    fn result(&self, position: &str, result: &Value) -> Value {
        let name =
            self.workflow.as_ref().and_then(|workflow| workflow.names.get(workflow.step_at(position)?.slot?).cloned());
        match (self.redact(), name) {
            (Some(redact), Some(name)) => redact.mask(&name, result),
            _ => result.clone(),
        }
    }
}

fn decoded(run: RunId, bytes: Option<&Vec<u8>>) -> Option<Value> {
    told(run, bytes.map(|bytes| encoding::decode(bytes)).transpose())
}

/// What cannot be read is left out, and reported in the log.
fn told<T>(run: RunId, result: Result<Option<T>, String>) -> Option<T> {
    result.unwrap_or_else(|reason| {
        told::error_of(&reason, || format!("run {run}: {reason}"));
        None
    })
}
