//! `/api/v1/attention`: what needs somebody, in one answer.

use super::input::{Asked, Holder};
use super::lanes::Lane;
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::runs::{RunFailure, Stretch};
use super::workflows::Finding;
use crate::engine::{Attention as Found, Awaiting, FailureGroup, Role, RunSummary};
use crate::http::app::App;
use crate::http::json::{instant, time};
use crate::http::problem::Problem;
use crate::project::Entry;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "attention",
    operations: &[Operation {
        method: Method::Get,
        path: "/attention",
        access: Role::Viewer,
        load: Load::Small,
        name: "show",
        summary: "Shows what needs somebody: failures by error, held lanes, waits for events, files with errors, skipped occurrences.",
        call: || Call::of(show),
    }],
};

/// How far back failures and skipped occurrences are shown if the query does not say it, in milliseconds.
const USUAL: i64 = 24 * 3_600_000;

/// The lines of an excerpt before and after the place of a problem.
const LINES_AROUND: usize = 2;
/// The longest line of an excerpt, in characters.
const LONGEST_LINE: usize = 240;

/// What an answer shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Failures and skipped occurrences since this instant; without it, of the last 24 hours.
    #[param(format = DateTime)]
    since: Option<String>,
}

async fn show(
    State(app): State<App>,
    Asked(Since { since }): Asked<Since>,
    Holder(role): Holder,
) -> Result<Shown<Attention>, Problem> {
    let since = since.as_deref().map(|text| instant("since", text)).transpose()?;
    let since = since.unwrap_or_else(|| app.engine.now().plus_millis(-USUAL));
    let found = app.engine.viewer().attention(since).await.map_err(|error| Problem::of_store(&error))?;
    // The address of an event permits sending it, which a viewer must not do.
    let address = |wait: &Awaiting, event: &str| {
        app.engine.operators().callback_url(wait.run, event).filter(|_| role == Role::Admin)
    };
    let workflows = app.engine.workflows();
    let broken = workflows.entries().filter_map(|entry| Broken::of(entry)).collect();
    Ok(Shown(Attention::of(&found, broken, app.engine.publisher().project_problems(), address)))
}

/// What needs somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// Failed and timed-out runs that hold no lane, by workflow, version and error; the group with the newest first, at
    /// most 100 groups.
    failures: Vec<Failures>,
    /// There are more failures: those accepted before this instant are not in the groups.
    #[schema(format = DateTime)]
    searched_to: Option<String>,
    /// Lanes that a failed run holds, at most 100.
    lanes: Vec<Lane>,
    /// Runs that wait for events, the longest waiting first, at most 100.
    waits: Vec<Wait>,
    /// Workflows whose file has an error.
    workflows: Vec<Broken>,
    /// Problems of the project outside its workflows.
    problems: Vec<String>,
    /// Occurrences of schedules that were skipped or missed, newest first, at most 100 rows.
    skipped: Vec<Skipped>,
}

/// Failed runs of one workflow, version and error.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    /// The workflow.
    workflow: String,
    /// The version that failed; null if the runs never started.
    version: Option<String>,
    /// The error.
    error: RunFailure,
    /// The number of runs.
    count: u64,
    /// When the first of them was accepted.
    #[schema(format = DateTime)]
    first: String,
    /// When the last of them was accepted.
    #[schema(format = DateTime)]
    last: String,
    /// The last of them.
    run_id: String,
    /// The filter that finds them, for the list of runs and for a retry.
    q: String,
}

/// A run that waits for events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The run.
    run_id: String,
    /// Its workflow.
    workflow: String,
    /// Its label.
    label: Option<String>,
    /// The events, one of which continues the run.
    events: Vec<Event>,
    /// Since when it waits.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// When it continues or fails by itself.
    #[schema(format = DateTime)]
    due_at: Option<String>,
}

/// An event that a run waits for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its name.
    name: String,
    /// Where it is sent to; only for admins, and only if the address of the engine is known.
    callback_url: Option<String>,
}

/// A workflow whose file has an error.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// The workflow.
    workflow: String,
    /// The version that serves meanwhile; null if it has never loaded.
    version: Option<String>,
    /// The number of errors.
    errors: usize,
    /// The first of them.
    error: Finding,
    /// The lines around it; null if the file cannot be read, or if it is in another file.
    excerpt: Option<Excerpt>,
}

/// Lines of a file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Excerpt {
    /// The number of the first line, counted from 1.
    first_line: usize,
    /// The lines, each cut after 240 characters.
    lines: Vec<String>,
}

/// Occurrences of a schedule that were skipped for one reason.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// The row of the history.
    run_id: String,
    /// The workflow.
    workflow: String,
    /// The occurrences.
    #[serde(flatten)]
    stretch: Stretch,
}

impl Attention {
    fn of(
        found: &Found,
        workflows: Vec<Broken>,
        problems: Vec<String>,
        address: impl Fn(&Awaiting, &str) -> Option<String>,
    ) -> Self {
        Self {
            failures: found.failures.iter().map(Failures::of).collect(),
            searched_to: found.searched_to.map(time),
            lanes: found.lanes.iter().map(Lane::of).collect(),
            waits: found.waits.iter().map(|wait| Wait::of(wait, |event| address(wait, event))).collect(),
            workflows,
            problems,
            skipped: found.skipped.iter().filter_map(Skipped::of).collect(),
        }
    }
}

impl Failures {
    fn of(group: &FailureGroup) -> Self {
        Self {
            workflow: group.workflow.clone(),
            version: group.version.map(|version| version.to_string()),
            error: RunFailure::of(&group.error),
            count: group.count,
            first: time(group.first),
            last: time(group.last),
            run_id: group.newest.to_string(),
            q: group.filter.to_string(),
        }
    }
}

impl Wait {
    fn of(wait: &Awaiting, address: impl Fn(&str) -> Option<String>) -> Self {
        let event = |name: &String| Event { name: name.clone(), callback_url: address(name) };
        Self {
            run_id: wait.run.to_string(),
            workflow: wait.workflow.clone(),
            label: wait.label.clone(),
            events: wait.events.iter().map(event).collect(),
            since: wait.since.map(time),
            due_at: wait.due.map(time),
        }
    }
}

impl Broken {
    fn of(entry: &Entry) -> Option<Self> {
        let errors = || entry.problems.iter().filter(|problem| !problem.warning);
        let first = errors().next().filter(|_| entry.present)?;
        let text = entry.text.as_deref().filter(|_| first.file.is_none());
        Some(Self {
            workflow: entry.id.clone(),
            version: entry.workflow.as_ref().map(|workflow| workflow.version.to_string()),
            errors: errors().count(),
            error: Finding::of(first, &entry.file),
            excerpt: text.map(|text| Excerpt::around(text, first.place.line as usize)),
        })
    }
}

impl Excerpt {
    fn around(text: &str, line: usize) -> Self {
        let first_line = line.saturating_sub(LINES_AROUND).max(1);
        let lines = text.lines().skip(first_line - 1).take(line + LINES_AROUND + 1 - first_line);
        Self { first_line, lines: lines.map(|line| line.chars().take(LONGEST_LINE).collect()).collect() }
    }
}

impl Skipped {
    fn of(run: &RunSummary) -> Option<Self> {
        let stretch = Stretch::of(run.skipped.as_ref()?);
        Some(Self { run_id: run.origin.id.to_string(), workflow: run.origin.workflow.clone(), stretch })
    }
}
