//! `/api/v1/runs/recent`: the newest runs of each workflow.

use super::input::Asked;
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{Recent, RecentRun, Role};
use crate::http::app::App;
use crate::http::json::time;
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "runs",
    operations: &[Operation {
        method: Method::Get,
        path: "/runs/recent",
        access: Role::Viewer,
        load: Load::Small,
        name: "recent",
        summary: "Shows the newest runs of each workflow, with state and time.",
        call: || Call::of(recent),
    }],
};

/// The usual and the largest number of runs of a workflow.
const USUAL: u32 = 30;
const MOST: u32 = 100;

/// How many runs an answer shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asking {
    /// The most runs of a workflow, up to 100.
    #[param(minimum = 1, maximum = 100, default = 30)]
    each: Option<u32>,
}

async fn recent(State(app): State<App>, Asked(Asking { each }): Asked<Asking>) -> Result<Shown<AllRecent>, Problem> {
    let each = each.unwrap_or(USUAL);
    if !(1..=MOST).contains(&each) {
        return Err(Problem::bad_request(format!("`each` is {each}; it can be 1 to {MOST}.")));
    }
    let found = app.engine.viewer().recent(each).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(AllRecent { workflows: found.iter().map(OfWorkflow::of).collect() }))
}

/// The newest runs of all workflows.
#[derive(Serialize, ToSchema)]
#[schema(as = RecentRuns)]
pub struct AllRecent {
    /// The workflows that have runs, by id.
    workflows: Vec<OfWorkflow>,
}

/// The newest runs of a workflow.
#[derive(Serialize, ToSchema)]
#[schema(as = RecentOfWorkflow)]
pub struct OfWorkflow {
    /// The workflow.
    workflow: String,
    /// Its runs, newest first.
    runs: Vec<Short>,
}

/// A run in short.
#[derive(Serialize, ToSchema)]
#[schema(as = RecentRun)]
#[serde(rename_all = "camelCase")]
pub struct Short {
    /// Its id.
    id: String,
    /// Its state.
    state: &'static str,
    /// True if it completed although a step failed.
    with_errors: bool,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// The milliseconds from its first start to its end; null if it has not ended or never started.
    took: Option<i64>,
}

impl OfWorkflow {
    fn of(recent: &Recent) -> Self {
        Self { workflow: recent.workflow.clone(), runs: recent.runs.iter().map(Short::of).collect() }
    }
}

impl Short {
    fn of(run: &RecentRun) -> Self {
        Self {
            id: run.run.to_string(),
            state: run.state.as_str(),
            with_errors: run.with_errors,
            accepted_at: time(run.run.accepted_at()),
            took: run.started_at.zip(run.ended_at).map(|(started, ended)| (ended.0 - started.0).max(0)),
        }
    }
}
