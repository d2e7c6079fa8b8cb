//! Runs, their steps and their logs.

use crate::engine::{Failure, Listed, LogLine, MOST_SHOWN, Progress, RunSummary, RunView, StepDiff, StepTrace, Try};
use crate::http::json::{Text, time};
use crate::script::SourcePlace;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// Outputs of so few bytes in the store are never too large as JSON: a byte becomes at most six.
const LEAST_MEASURED: u64 = MOST_SHOWN as u64 / 6;

/// A run as lists show it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id, a UUID of version 7.
    id: String,
    /// Its workflow.
    workflow: String,
    /// The version it has taken; nothing before its first start.
    version: Option<String>,
    /// `webhook`, `schedule`, `manual` or `failure`.
    trigger: &'static str,
    /// `queued`, `running`, `waiting`, `completed`, `failed`, `cancelled`, `timedOut` or `skipped`.
    state: &'static str,
    /// Completed, but a step failed and was allowed to.
    with_errors: bool,
    /// What the workflow's `label` made of its input.
    label: Option<String>,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// The instant that a schedule meant.
    #[schema(format = DateTime)]
    scheduled_for: Option<String>,
    /// When it started first.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Why it failed.
    error: Option<RunFailure>,
    /// How often it was retried.
    retries: u32,
    /// The key of its lane.
    lane: Option<String>,
    /// It has failed and holds its lane.
    holds_lane: bool,
    /// The run that it follows.
    cause: Option<String>,
    /// The occurrences of a schedule that it stands for, where it never started.
    skipped: Option<Stretch>,
    /// What it gave. Lists show at most 4,096 bytes of it: of a larger one, the beginning of its JSON as a text.
    #[schema(value_type = Json)]
    output: Text,
    /// The size of the whole output in bytes, as the engine keeps it.
    #[schema(minimum = 0)]
    output_size: Option<u64>,
    /// `output` is a text with the beginning only.
    output_cut: bool,
}

/// A run from its start, or from a retry, to its end.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunTry {
    /// Counted from 1.
    number: u32,
    /// How it ended; the state of the run where it is the last one.
    state: &'static str,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Why it failed.
    error: Option<RunFailure>,
}

/// Occurrences of a schedule that were skipped for one reason.
#[derive(Serialize, ToSchema)]
pub struct Stretch {
    /// Why: `overlap`, `missed`, `queue full`.
    reason: String,
    /// How many.
    count: u32,
    /// The first of them.
    #[schema(format = DateTime)]
    first: String,
    /// The last of them.
    #[schema(format = DateTime)]
    last: String,
}

/// Why a run failed.
#[derive(Serialize, ToSchema)]
pub struct RunFailure {
    /// The kind of the error.
    kind: String,
    /// What was wrong.
    message: String,
    /// The HTTP status that belongs to it.
    status: Option<u16>,
    /// The step.
    position: Option<String>,
}

/// A page of runs, newest first.
#[derive(Serialize, ToSchema)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// The cursor of the next page; nothing at the end.
    pub next: Option<String>,
}

/// A run with everything that belongs to it.
#[derive(Serialize, ToSchema)]
pub struct RunDetails {
    /// What lists show.
    #[serde(flatten)]
    run: Run,
    /// From its start to its end, and from each retry to the next end, oldest first.
    tries: Vec<RunTry>,
    /// The inputs by name.
    #[schema(value_type = Json)]
    input: Text,
    /// The request that started it.
    #[schema(value_type = Json)]
    payload: Text,
    /// What the caller got, where it is not the output.
    #[schema(value_type = Json)]
    answer: Text,
    /// Its steps in the order of their beginnings.
    steps: Vec<Step>,
    /// Where it failed: first the place of the error itself, then the calls that led there.
    places: Vec<FailurePlace>,
    /// What its steps did to its variables, as far as diagnostics kept it.
    variables: Vec<StepChanges>,
    /// Its log.
    log: Vec<Line>,
}

/// A place in a file of the project.
#[derive(Serialize, ToSchema)]
pub struct FailurePlace {
    /// The path of the file in the project.
    file: String,
    /// The line, from 1.
    line: u32,
    /// The column in characters, from 1.
    column: u32,
}

/// What a step did to the variables.
#[derive(Serialize, ToSchema)]
pub struct StepChanges {
    /// The path of ids and numbers.
    position: String,
    /// The attempt, counted from 1.
    attempt: u32,
    /// The variables that it may set.
    changes: Vec<VariableChange>,
}

/// A variable before and after a step.
#[derive(Serialize, ToSchema)]
pub struct VariableChange {
    /// Its name.
    name: String,
    /// Its value before.
    #[schema(value_type = Json)]
    before: Text,
    /// Its value after.
    #[schema(value_type = Json)]
    after: Text,
}

/// What the steps of a run did to its variables.
#[derive(Serialize, ToSchema)]
pub struct Variables {
    /// In the order of the steps' ends.
    pub variables: Vec<StepChanges>,
}

impl StepChanges {
    /// What is shown of it.
    pub fn of(diff: &StepDiff) -> Self {
        let changes = diff.changes.iter().map(|change| VariableChange {
            name: change.name.to_string(),
            before: Text::optional(Some(&change.before)),
            after: Text::optional(Some(&change.after)),
        });
        Self { position: diff.position.clone(), attempt: diff.attempt, changes: changes.collect() }
    }
}

/// An attempt of a step.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The path of ids and numbers.
    position: String,
    /// What kind of step.
    kind: String,
    /// Its name.
    title: String,
    /// The attempt, counted from 1.
    attempt: u32,
    /// `running`, `waiting` (for a time or an event), `backOff` (until this attempt begins), `completed`, `failed`,
    /// `skipped`, or `interrupted`: the engine or the run ended while it was at work.
    state: &'static str,
    /// When it began.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it was over.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// The event that it waits for.
    waits_for: Option<String>,
    /// Where that event is sent to; shown for the whole run, and not to viewers, who may not send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    /// When a wait is over, or the next attempt begins.
    #[schema(format = DateTime)]
    due_at: Option<String>,
    /// Why it failed; in a back-off, why the attempt before it did.
    error: Option<String>,
}

/// The steps of a run.
#[derive(Serialize, ToSchema)]
pub struct Steps {
    /// In the order of their beginnings.
    pub steps: Vec<Step>,
}

/// A line of a run's log.
#[derive(Serialize, ToSchema)]
pub struct Line {
    /// When it was written.
    #[schema(format = DateTime)]
    at: String,
    /// `debug`, `info`, `warning` or `error`.
    level: String,
    /// The text.
    message: String,
    /// The step that wrote it.
    position: Option<String>,
}

/// A part of a run's log.
#[derive(Serialize, ToSchema)]
pub struct LogPage {
    /// The number of the first line, counted from 0.
    pub first: u32,
    /// The lines.
    pub log: Vec<Line>,
}

/// The request that started a run.
#[derive(Serialize, ToSchema)]
pub struct Payload {
    /// Method, query, headers and body; nothing for a run that no request started.
    #[schema(value_type = Json)]
    pub payload: Text,
}

/// A run that something was done to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// The run.
    pub run_id: String,
}

/// A run that is kept and will go on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The run.
    run_id: String,
    /// Where it can be seen.
    status_url: Option<String>,
}

/// What became of a bulk retry.
#[derive(Serialize, ToSchema)]
pub struct Retried {
    /// The runs that go on.
    pub retried: Vec<String>,
    /// Those that do not.
    pub refused: Vec<Refusal>,
}

/// A run that is not retried.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The run.
    pub run_id: String,
    /// Why.
    pub detail: String,
}

impl Run {
    /// A run as lists show it.
    pub fn listed(run: &Listed) -> Self {
        let mut shown = Self::of(&run.summary, Text::optional(run.output.as_ref()), run.output_size);
        // Most are small: only what may be too large is written out to be measured.
        if run.output_size.is_some_and(|size| size > LEAST_MEASURED) {
            let text = shown.output.get();
            if run.output_cut || text.len() > MOST_SHOWN {
                let end = (0..=MOST_SHOWN.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
                let beginning = Text::of_text(text.get(..end.unwrap_or(0)).unwrap_or_default());
                (shown.output, shown.output_cut) = (beginning, true);
            }
        }
        shown
    }

    fn of(run: &RunSummary, output: Text, output_size: Option<u64>) -> Self {
        Self {
            id: run.id.to_string(),
            workflow: run.workflow.clone(),
            version: run.version.map(|version| version.to_string()),
            trigger: run.trigger.as_str(),
            state: run.state.as_str(),
            with_errors: run.with_errors,
            label: run.label.clone(),
            accepted_at: time(run.accepted_at()),
            scheduled_for: run.scheduled_for.map(time),
            started_at: run.started_at.map(time),
            ended_at: run.ended_at.map(time),
            error: run.error.as_ref().map(RunFailure::of),
            retries: run.retries,
            lane: run.lane.as_ref().map(|lane| lane.key.clone()),
            holds_lane: run.holds_lane,
            cause: run.cause.map(|cause| cause.to_string()),
            skipped: run.skipped.as_ref().map(|stretch| Stretch {
                reason: stretch.reason.clone(),
                count: stretch.count,
                first: time(stretch.first),
                last: time(stretch.last),
            }),
            output,
            output_size,
            output_cut: false,
        }
    }
}

impl RunTry {
    fn of(one: &Try) -> Self {
        Self {
            number: one.number,
            state: one.state.as_str(),
            started_at: one.started_at.map(time),
            ended_at: one.ended_at.map(time),
            error: one.error.as_ref().map(RunFailure::of),
        }
    }
}

impl RunFailure {
    fn of(failure: &Failure) -> Self {
        Self {
            kind: failure.kind.clone(),
            message: failure.message.clone(),
            status: failure.status,
            position: failure.position.clone(),
        }
    }
}

impl RunDetails {
    /// A run with everything that belongs to it.
    /// `address` gives the address of an event, where it may be shown.
    pub fn of(view: &RunView, address: impl Fn(&str) -> Option<String>) -> Self {
        let step = |step: &StepTrace| {
            let shown = Step::of(step);
            Step { callback_url: shown.waits_for.as_deref().and_then(&address), ..shown }
        };
        Self {
            run: Run::of(&view.summary, Text::optional(view.output.as_ref()), view.output_size),
            tries: view.tries.iter().map(RunTry::of).collect(),
            input: Text::optional(view.input.as_ref()),
            payload: Text::optional(view.payload.as_ref()),
            answer: Text::optional(view.answer.as_ref()),
            steps: view.steps.iter().map(step).collect(),
            places: view.places.iter().map(FailurePlace::of).collect(),
            variables: view.diffs.iter().map(StepChanges::of).collect(),
            log: view.log.iter().map(Line::of).collect(),
        }
    }
}

impl FailurePlace {
    /// A place in a file.
    fn of(at: &SourcePlace) -> Self {
        Self { file: at.file.clone().unwrap_or_default(), line: at.place.line, column: at.place.column }
    }
}

impl Step {
    /// An attempt of a step.
    pub fn of(step: &StepTrace) -> Self {
        let (waits_for, due) = match &step.progress {
            Progress::Waiting { event, due } => (event.clone(), *due),
            Progress::BackOff { due } => (None, *due),
            _ => (None, None),
        };
        Self {
            position: step.position.clone(),
            kind: step.kind.clone(),
            title: step.title.clone(),
            attempt: step.attempt,
            state: step.progress.as_str(),
            started_at: time(step.started_at),
            ended_at: step.ended_at.map(time),
            waits_for,
            callback_url: None,
            due_at: due.map(time),
            error: step.error.clone(),
        }
    }
}

impl Line {
    /// A line of a log.
    pub fn of(line: &LogLine) -> Self {
        Self {
            at: time(line.at),
            level: line.level.clone(),
            message: line.message.clone(),
            position: line.position.clone(),
        }
    }
}
