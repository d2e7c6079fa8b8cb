//! What the engine shows of its runs: values instead of stored bytes.

use super::Engine;
use crate::run::{StepDiff, StepTrace, decode_history, encoding};
use crate::store::{LogLine, Run, RunId, RunQuery, RunState, RunSummary, StoreError};
use crate::trigger::webhook::Request;
use crate::workflow::history::Redact;
use crate::workflow::model::Workflow;
use flowscript_lang::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How many log lines a run shows.
const LOG_LINES: u32 = 1000;

/// A run with everything that belongs to it.
#[derive(Debug)]
pub struct RunView {
    /// What lists show.
    pub summary: RunSummary,
    /// The inputs by name.
    pub input: Option<Value>,
    /// The request that started it.
    pub payload: Option<Value>,
    /// What the workflow gave.
    pub output: Option<Value>,
    /// What the caller got, where it is another.
    pub answer: Option<Value>,
    /// The steps it passed, in the order of their beginnings.
    pub steps: Vec<StepTrace>,
    /// What steps with a commit of their own gave, by position and attempt.
    pub results: HashMap<(String, u32), Value>,
    /// What its steps did to its variables, where diagnostics kept it.
    pub diffs: Vec<StepDiff>,
    /// Its log.
    pub log: Vec<LogLine>,
}

impl RunView {
    /// What a step gave, where the store keeps it.
    pub fn result(&self, step: &StepTrace) -> Option<&Value> {
        self.results.get(&(step.position.clone(), step.attempt))
    }
}

/// A page of runs with their outputs, newest first.
#[derive(Debug)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<(RunSummary, Option<Value>)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Engine {
    /// A run with steps and log.
    pub async fn run_view(&self, id: RunId) -> Result<RunView, StoreError> {
        let run: Run = self.shared.store.run(id).await?;
        let log = self.shared.store.log(id, 0, LOG_LINES).await?;
        let history = told(id, run.trace.as_ref().map(|bytes| decode_history(bytes)).transpose()).unwrap_or_default();
        let records = self.shared.store.steps(id).await?;
        let veil = self.veil(&run.summary).await;
        let mut steps: Vec<StepTrace> = records.iter().map(StepTrace::of_record).collect();
        let mut results = HashMap::new();
        for record in &records {
            if let Some(value) = decoded(id, record.result.as_ref()) {
                results.insert((record.position.clone(), record.attempt), veil.result(&record.position, &value));
            }
        }
        steps.extend(history.steps);
        steps.sort_by_key(|step| step.started_at);
        let payload = run.payload.as_ref().map(|bytes| Request::decode(bytes)).transpose();
        let payload = told(id, payload).filter(|_| veil.input);
        Ok(RunView {
            input: decoded(id, run.input.as_ref()).filter(|_| veil.input).map(|input| veil.fields(input)),
            payload: payload.map(|request| veil.request(request).to_value()),
            output: decoded(id, run.output.as_ref()).and_then(|output| veil.output(&output)),
            answer: decoded(id, run.answer.as_ref()).and_then(|answer| veil.answer(answer)),
            steps,
            results,
            diffs: history.diffs,
            log: log.lines,
            summary: run.summary,
        })
    }

    /// A page of runs.
    pub async fn run_list(&self, query: RunQuery) -> Result<RunList, StoreError> {
        let page = self.shared.store.runs(query).await?;
        // One read for all: a page has up to a thousand runs.
        let outputs = self.shared.store.outputs(page.runs.iter().map(|run| run.id).collect()).await?;
        let mut outputs: HashMap<RunId, Vec<u8>> = outputs.into_iter().collect();
        let mut runs = Vec::with_capacity(page.runs.len());
        for summary in page.runs {
            let output = decoded(summary.id, outputs.remove(&summary.id).as_ref());
            let output = match output {
                Some(output) => self.veil(&summary).await.output(&output),
                None => None,
            };
            runs.push((summary, output));
        }
        Ok(RunList { runs, next: page.next.map(|cursor| cursor.0) })
    }
}

/// What of a run nobody is shown: what its version masks, and what diagnostics leave out.
struct Veil {
    workflow: Option<Arc<Workflow>>,
    input: bool,
    output: bool,
}

impl Engine {
    async fn veil(&self, run: &RunSummary) -> Veil {
        let current = || self.workflows().entry(&run.workflow).and_then(|entry| entry.workflow.clone());
        let workflow = match run.version {
            Some(version) => self.shared.dispatcher.version(version).await.ok(),
            None => current(),
        };
        let workflow = workflow.or_else(current);
        let diagnostics = workflow.as_ref().map(|workflow| self.shared.dispatcher.diagnostics(workflow));
        let diagnostics = diagnostics.unwrap_or_default();
        // While a run may still fail, its parts are shown unless they never are.
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

/// What cannot be read is left out, and told in the log.
fn told<T>(run: RunId, result: Result<Option<T>, String>) -> Option<T> {
    result.unwrap_or_else(|reason| {
        tracing::error!("run {run}: {reason}");
        None
    })
}
