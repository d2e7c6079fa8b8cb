//! `/api/v1/runs`: runs, each with everything that belongs to it.

use super::input::{At, Holder, run_id};
use super::log::Line;
use super::output::Shown;
use super::paging::{Listed, Page, Paged, list_failed};
use super::resource::{Call, Load, Method, Operation, Resource};
use super::steps::{Step, StepChanges};
use crate::engine::{
    Failure, MOST_SHOWN, Role, RunQuery, RunState, RunView, ShownRun, SkippedStretch, StoreError, Trigger, Try,
};
use crate::filter;
use crate::http::app::App;
use crate::http::json::{Text, instant, time};
use crate::http::problem::Problem;
use crate::script::SourcePlace;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "runs",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/runs",
            access: Role::Viewer,
            load: Load::Small,
            name: "list",
            summary: "Lists runs, newest first, with the beginning of output and error of each.",
            call: || Call::of(list),
        },
        Operation {
            method: Method::Get,
            path: "/runs/{id}",
            access: Role::Viewer,
            load: Load::Run,
            name: "show",
            summary: "Shows one run with input, output, steps and log.",
            call: || Call::of(show),
        },
        Operation {
            method: Method::Get,
            path: "/runs/{id}/payload",
            access: Role::Viewer,
            load: Load::Run,
            name: "payload",
            summary: "Shows the request that started a run.",
            call: || Call::of(payload),
        },
    ],
};

/// Which runs a list shows.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunFilter {
    /// Only runs that this filter finds, such as `since:24h state:failed -workflow:a,b took:>2s "text"`.
    pub q: Option<String>,
    /// Only runs of this workflow.
    pub workflow: Option<String>,
    /// Only runs in one of these states, separated by commas.
    pub state: Option<String>,
    /// Only runs started by this: `webhook`, `schedule`, `manual` or `failure`.
    pub trigger: Option<String>,
    /// Only runs accepted at this instant or later.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Only runs accepted before this instant.
    #[param(format = DateTime)]
    pub before: Option<String>,
    /// Only runs with exactly this label.
    pub label: Option<String>,
    /// Only runs whose id, label, lane key or error begins with this.
    pub text: Option<String>,
}

pub async fn list(State(app): State<App>, Paged(filter, page): Paged<RunFilter>) -> Result<Page<Run>, Problem> {
    let query = RunQuery { after: page.after, limit: page.limit, ..filter.query(&app)? };
    let found = app.engine.viewer().run_list(query).await.map_err(|error| list_failed(&error))?;
    Ok(Page::searched(found.runs.iter().map(Run::listed), found.next, found.searched_to.map(time)))
}

pub async fn show(
    State(app): State<App>,
    At(id): At<String>,
    Holder(role): Holder,
) -> Result<Shown<RunDetails>, Problem> {
    let run = run_id(&id)?;
    let view = app.engine.viewer().run_view(run).await.map_err(|error| Problem::of_store(&error))?;
    // The address of an event permits sending it, which a viewer must not do.
    let address = |event: &str| app.engine.operators().callback_url(run, event).filter(|_| role == Role::Admin);
    Ok(Shown(RunDetails::of(&view, address)))
}

async fn payload(State(app): State<App>, At(id): At<String>) -> Result<Shown<Payload>, Problem> {
    let view = app.engine.viewer().run_view(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Payload { payload: Text::optional(view.payload.as_ref()) }))
}

impl RunFilter {
    /// The query of the store, for the first page of the usual size.
    pub fn query(self, app: &App) -> Result<RunQuery, Problem> {
        let unknown = |error| match error {
            StoreError::NotFound(text) => Problem::bad_request(format!("{text}.")),
            error => Problem::of_store(&error),
        };
        let filter = self.q.as_deref().map(filter::parse).transpose();
        let filter = filter.map_err(|mistake| Problem::bad_request(format!("`q`, {mistake}")))?.unwrap_or_default();
        let filter = filter.query(app.engine.now(), app.engine.config().time_zone);
        let from = self.from.as_deref().map(|text| instant("from", text)).transpose()?;
        let before = self.before.as_deref().map(|text| instant("before", text)).transpose()?;
        let states = self.state.iter().flat_map(|states| states.split(','));
        Ok(RunQuery {
            workflow: self.workflow,
            states: states.map(str::parse::<RunState>).collect::<Result<_, _>>().map_err(unknown)?,
            trigger: self.trigger.map(|trigger| trigger.parse::<Trigger>()).transpose().map_err(unknown)?,
            accepted_from: from.into_iter().chain(filter.accepted_from).max(),
            accepted_before: before.into_iter().chain(filter.accepted_before).min(),
            label: self.label,
            text: self.text,
            terms: filter.terms,
            after: None,
            limit: 0,
        })
    }
}

/// Outputs below this size in the store are never too large as JSON: a byte becomes at most six.
const LEAST_MEASURED: u64 = MOST_SHOWN as u64 / 6;

/// A run as lists show it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The id, a UUID of version 7.
    pub id: String,
    /// The workflow.
    pub workflow: String,
    /// The version of the workflow that it runs; null before its first start.
    pub version: Option<String>,
    /// `webhook`, `schedule`, `manual` or `failure`.
    pub trigger: &'static str,
    /// `queued`, `running`, `waiting`, `completed`, `failed`, `cancelled`, `timedOut` or `skipped`.
    pub state: &'static str,
    /// True if it completed although a step with `continueOnFail` failed.
    pub with_errors: bool,
    /// The label, from `label` of the workflow.
    pub label: Option<String>,
    /// When it was accepted.
    #[schema(format = DateTime)]
    pub accepted_at: String,
    /// The instant of the occurrence, for a run of a schedule.
    #[schema(format = DateTime)]
    pub scheduled_for: Option<String>,
    /// When it first started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Why it failed.
    pub error: Option<RunFailure>,
    /// The number of retries.
    pub retries: u32,
    /// The key of its lane.
    pub lane: Option<String>,
    /// True if it failed and holds its lane.
    pub holds_lane: bool,
    /// The id of the run that caused it.
    pub cause: Option<String>,
    /// The skipped occurrences of a schedule, if it never started.
    pub skipped: Option<Stretch>,
    /// The output. A list shows the beginning of its JSON as a text if it has more than 4,096 bytes.
    #[schema(value_type = Json)]
    pub output: Text,
    /// The size of the whole output in bytes, as it is stored.
    #[schema(minimum = 0)]
    pub output_size: Option<u64>,
    /// True if `output` is a text with only the beginning.
    pub output_cut: bool,
}

/// A try: a run from its start, or from a retry, to its end.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunTry {
    /// Counted from 1.
    pub number: u32,
    /// How it ended; for the last try, the state of the run.
    pub state: &'static str,
    /// When it started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Why it failed.
    pub error: Option<RunFailure>,
}

/// Occurrences of a schedule that were skipped for one reason.
#[derive(Serialize, ToSchema)]
pub struct Stretch {
    /// The reason: `overlap`, `missed`, `queue full`.
    pub reason: String,
    /// The number of occurrences.
    pub count: u32,
    /// The first of them.
    #[schema(format = DateTime)]
    pub first: String,
    /// The last of them.
    #[schema(format = DateTime)]
    pub last: String,
}

/// Why a run failed.
#[derive(Serialize, ToSchema)]
pub struct RunFailure {
    /// The kind of the error.
    pub kind: String,
    /// The message.
    pub message: String,
    /// The HTTP status that belongs to it.
    pub status: Option<u16>,
    /// The position of the step.
    pub position: Option<String>,
}

/// A run with everything that belongs to it.
#[derive(Serialize, ToSchema)]
pub struct RunDetails {
    /// The fields that lists show.
    #[serde(flatten)]
    pub run: Run,
    /// The tries, oldest first: the first start, then each retry.
    pub tries: Vec<RunTry>,
    /// The inputs by name.
    #[schema(value_type = Json)]
    pub input: Text,
    /// The request that started it.
    #[schema(value_type = Json)]
    pub payload: Text,
    /// The answer to the caller, if it is not the output.
    #[schema(value_type = Json)]
    pub answer: Text,
    /// The attempts of its steps, in the order in which they started.
    pub steps: Vec<Step>,
    /// The place of its error, then the places of the calls that led to it.
    pub places: Vec<FailurePlace>,
    /// The changes of its variables by its steps, if diagnostics keep them.
    pub variables: Vec<StepChanges>,
    /// The lines of its log.
    pub log: Vec<Line>,
}

/// A place in a file of the project.
#[derive(Serialize, ToSchema)]
pub struct FailurePlace {
    /// The path of the file in the project.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// The request that started a run.
#[derive(Serialize, ToSchema)]
pub struct Payload {
    /// Method, query, headers and body; null for a run that no request started.
    #[schema(value_type = Json)]
    pub payload: Text,
}

impl Run {
    /// A run as lists show it.
    pub fn listed(run: &ShownRun) -> Self {
        let mut shown = Self::of(run);
        // Most are small: only outputs that may be too large are written out to be measured.
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

    /// A run with all of its output that was read.
    fn of(shown: &ShownRun) -> Self {
        let run = &shown.summary;
        let origin = &run.origin;
        Self {
            id: origin.id.to_string(),
            workflow: origin.workflow.clone(),
            version: run.version.map(|version| version.to_string()),
            trigger: origin.trigger.as_str(),
            state: run.state.as_str(),
            with_errors: run.with_errors,
            label: origin.label.clone(),
            accepted_at: time(run.accepted_at()),
            scheduled_for: origin.scheduled_for.map(time),
            started_at: run.started_at.map(time),
            ended_at: run.ended_at.map(time),
            error: run.error.as_ref().map(RunFailure::of),
            retries: run.retries,
            lane: origin.lane.as_ref().map(|lane| lane.key.clone()),
            holds_lane: run.holds_lane,
            cause: origin.cause.map(|cause| cause.to_string()),
            skipped: run.skipped.as_ref().map(Stretch::of),
            output: Text::optional(shown.output.as_ref()),
            output_size: shown.output_size,
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

impl Stretch {
    /// Skipped occurrences.
    pub fn of(stretch: &SkippedStretch) -> Self {
        Self {
            reason: stretch.reason.clone(),
            count: stretch.count,
            first: time(stretch.first),
            last: time(stretch.last),
        }
    }
}

impl RunFailure {
    /// A failure.
    pub fn of(failure: &Failure) -> Self {
        Self {
            kind: failure.kind.clone(),
            message: failure.message.clone(),
            status: failure.status,
            position: failure.position.clone(),
        }
    }
}

impl RunDetails {
    /// A run with everything that belongs to it. `address` gives the address of an event, if it may be shown.
    pub fn of(view: &RunView, address: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            run: Run::of(&view.run),
            tries: view.tries.iter().map(RunTry::of).collect(),
            input: Text::optional(view.input.as_ref()),
            payload: Text::optional(view.payload.as_ref()),
            answer: Text::optional(view.answer.as_ref()),
            steps: view.passed.steps.iter().map(|step| Step::of(step).with_address(&address)).collect(),
            places: view.passed.places.iter().map(FailurePlace::of).collect(),
            variables: view.passed.diffs.iter().map(StepChanges::of).collect(),
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

impl Listed for Run {
    const ROWS: &'static str = "runs";
    const ORDER: &'static str = "newest first";
    const SEARCHED: bool = true;
}
