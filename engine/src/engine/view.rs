//! What the engine shows of its runs: values instead of stored bytes.

use super::Engine;
use crate::run::{StepTrace, decode_trace, encoding};
use crate::store::{LogLine, Run, RunId, RunQuery, RunSummary, StoreError};
use crate::trigger::webhook::Request;
use flowscript_lang::value::Value;
use std::collections::HashMap;

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
        let traced = run.trace.as_ref().map(|bytes| decode_trace(bytes)).transpose();
        let records = self.shared.store.steps(id).await?;
        let mut steps: Vec<StepTrace> = records.iter().map(StepTrace::of_record).collect();
        let mut results = HashMap::new();
        for record in &records {
            if let Some(value) = decoded(id, record.result.as_ref()) {
                results.insert((record.position.clone(), record.attempt), value);
            }
        }
        steps.extend(told(id, traced).unwrap_or_default());
        steps.sort_by_key(|step| step.started_at);
        let payload = run.payload.as_ref().map(|bytes| Request::decode(bytes)).transpose();
        Ok(RunView {
            input: decoded(id, run.input.as_ref()),
            payload: told(id, payload).map(|request| request.to_value()),
            output: decoded(id, run.output.as_ref()),
            answer: decoded(id, run.answer.as_ref()),
            steps,
            results,
            log: log.lines,
            summary: run.summary,
        })
    }

    /// A page of runs.
    pub async fn run_list(&self, query: RunQuery) -> Result<RunList, StoreError> {
        let page = self.shared.store.runs(query).await?;
        let mut runs = Vec::with_capacity(page.runs.len());
        for summary in page.runs {
            // A run may be gone between the list and this.
            let output = match self.shared.store.run(summary.id).await {
                Ok(run) => decoded(summary.id, run.output.as_ref()),
                Err(StoreError::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            runs.push((summary, output));
        }
        Ok(RunList { runs, next: page.next.map(|cursor| cursor.0) })
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
