//! The completed and current steps of a run, for display: from its records, its stored entries, and its machine.

use super::host::RunHost;
use super::ledger::{self, Place};
use super::trace::{Progress, StepTrace, decode_trace, joined};
use crate::steps::{SleepKind, Step};
use crate::store::Timestamp;
use crate::workflow::model::Workflow;
use std::sync::Arc;

/// All attempts of steps in the order of their starts. `records` are in the order of their starts, `passed` is from the
/// last end of the run, `kept` from an unfinished one; `host` is present while it is running here.
pub fn shown_steps(
    workflow: Option<&Arc<Workflow>>,
    mut records: Vec<StepTrace>,
    passed: Vec<StepTrace>,
    kept: &[(String, Vec<u8>)],
    host: Option<&RunHost>,
) -> Result<Vec<StepTrace>, String> {
    let mut pieces = Vec::new();
    let mut places = Vec::new();
    for (key, bytes) in kept {
        if let Some(path) = key.strip_prefix(ledger::AT) {
            places.push((path, ledger::decode_place(bytes)?));
        } else if key.starts_with(ledger::TRACE) {
            pieces.extend(decode_trace(bytes)?);
        }
    }
    let mut traced = joined(passed, pieces);
    if let Some(host) = host {
        traced = joined(traced, host.trace().clone());
    }
    for record in &mut records {
        if let Some(step) = workflow.and_then(|workflow| workflow.step_of_run(&record.position)) {
            record.title.clone_from(&step.title);
        }
    }
    for (path, place) in &places {
        let Some(position) = place.position.as_ref().map(|position| format!("{path}{position}")) else { continue };
        let step = workflow.and_then(|workflow| workflow.step_of_run(&position));
        at_hand(&position, place, step, &mut records, &mut traced);
    }
    if let Some((position, attempt, begun)) = host.and_then(RunHost::current)
        && let Some(step) = workflow.and_then(|workflow| workflow.step_of_run(&position))
        && !records.iter().chain(&traced).any(|known| known.is(&position, attempt))
    {
        let number = traced.iter().map(|step| step.number).max().unwrap_or_default().saturating_add(1);
        traced.push(StepTrace { number, attempt, ..unfinished(position, Some(step), begun, Progress::Running) });
    }
    traced.sort_by_key(|step| (step.started_at, step.number));
    Ok(merged(records, traced))
}

/// Adds the current activity of a strand, if no step shows it yet.
fn at_hand(position: &str, place: &Place, step: Option<&Step>, records: &mut [StepTrace], traced: &mut Vec<StepTrace>) {
    let (attempt, number) = (place.attempt, place.number);
    let known = traced.iter().any(|step| step.is(position, attempt));
    let record = records.iter_mut().find(|record| record.is(position, attempt));
    match (&place.sleep, record) {
        (Some(sleep), None) if sleep.kind == SleepKind::BackOff && !known => {
            let failed = |step: &&StepTrace| step.is(position, attempt.saturating_sub(1));
            let before = records.iter().find(failed).or_else(|| traced.iter().find(failed));
            let begun = before.and_then(|step| step.ended_at).unwrap_or(place.begun);
            let error = before.and_then(|step| step.error.clone());
            let step = unfinished(position.to_owned(), step, begun, Progress::BackOff { due: sleep.due });
            traced.push(StepTrace { number, attempt, error, ..step });
        }
        (Some(sleep), Some(record)) if record.progress == Progress::Running => {
            record.progress = Progress::Waiting { event: sleep.event.clone(), due: sleep.due };
        }
        (None, None) if place.open.is_some() && !known => {
            let step = unfinished(position.to_owned(), step, place.begun, Progress::Running);
            traced.push(StepTrace { number, attempt, ..step });
        }
        _ => {}
    }
}

fn unfinished(position: String, step: Option<&Step>, begun: Timestamp, progress: Progress) -> StepTrace {
    StepTrace {
        kind: step.map(|step| step.kind().to_owned()).unwrap_or_default(),
        title: step.map_or_else(|| position.clone(), |step| step.title.clone()),
        position,
        number: 0,
        started_at: begun,
        ended_at: None,
        progress,
        attempt: 1,
        error: None,
    }
}

/// Merges two lists in the order of their starts. At the same instant, a step comes before those inside it, else the
/// one that ended first.
fn merged(records: Vec<StepTrace>, traced: Vec<StepTrace>) -> Vec<StepTrace> {
    let mut steps = Vec::with_capacity(records.len() + traced.len());
    let mut records = records.into_iter().peekable();
    for step in traced {
        let ended = |step: &StepTrace| step.ended_at.map_or(i64::MAX, |at| at.0);
        let holds = |record: &StepTrace| {
            let rest = record.position.strip_prefix(step.position.as_str());
            rest.is_some_and(|rest| rest.starts_with(['/', '[']))
        };
        while let Some(record) = records.next_if(|record| {
            record.started_at < step.started_at
                || record.started_at == step.started_at && !holds(record) && ended(record) < ended(&step)
        }) {
            steps.push(record);
        }
        steps.push(step);
    }
    steps.extend(records);
    steps
}
