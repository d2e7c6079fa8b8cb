//! `/api/v1/lanes`: lanes that have runs in them.

use super::input::{At, Given};
use super::output::{Shown, Touched};
use super::paging::{Listed, Page, Paged, list_failed};
use super::resource::{Call, Load, Method, Operation, Resource};
use super::runs::RunFailure;
use crate::engine::{LaneState, Role};
use crate::http::app::App;
use crate::http::json::time;
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "lanes",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/lanes",
            access: Role::Viewer,
            load: Load::Small,
            name: "list",
            summary: "Lists lanes that have runs in them, by workflow and key.",
            call: || Call::of(list),
        },
        Operation {
            method: Method::Post,
            path: "/lanes/{workflow}/skip",
            access: Role::Admin,
            load: Load::Small,
            name: "skip",
            summary: "Skips the run at the head of a lane, so that the next one starts.",
            call: || Call::of(skip),
        },
        Operation {
            method: Method::Post,
            path: "/lanes/{workflow}/resume",
            access: Role::Admin,
            load: Load::Small,
            name: "resume",
            summary: "Resumes a held lane by retrying the run at its head.",
            call: || Call::of(resume),
        },
    ],
};

/// Which lanes a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LaneFilter {
    /// Only lanes of this workflow.
    pub workflow: Option<String>,
    /// Only lanes that a failed run holds.
    #[serde(default)]
    #[param(required = false)]
    pub held: bool,
}

/// A lane of the workflow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LaneName {
    /// The key of its messages; empty for a webhook that is ordered as a whole.
    #[serde(default)]
    pub key: String,
}

pub async fn list(State(app): State<App>, Paged(filter, page): Paged<LaneFilter>) -> Result<Page<Lane>, Problem> {
    let found = app.engine.operators().lanes(filter.workflow, filter.held, page.after, page.limit).await;
    let found = found.map_err(|error| list_failed(&error))?;
    Ok(Page::new(found.lanes.iter().map(Lane::of), found.next.map(|cursor| cursor.0)))
}

pub async fn skip(
    State(app): State<App>,
    At(workflow): At<String>,
    Given(lane): Given<LaneName>,
) -> Result<Shown<Touched>, Problem> {
    let skipped =
        app.engine.operators().skip_head(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Touched::of(skipped))
}

pub async fn resume(
    State(app): State<App>,
    At(workflow): At<String>,
    Given(lane): Given<LaneName>,
) -> Result<Shown<Touched>, Problem> {
    let resumed =
        app.engine.operators().resume_lane(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Touched::of(resumed))
}

/// A lane with runs in it.
#[derive(Serialize, ToSchema)]
pub struct Lane {
    /// The workflow.
    pub workflow: String,
    /// The key of its messages; empty if the webhook is ordered as a whole.
    pub key: String,
    /// The number of runs in it.
    pub length: u32,
    /// True if a failed run holds it.
    pub held: bool,
    /// Since when the run at its head failed, else since when it runs or is queued.
    #[schema(format = DateTime)]
    pub since: String,
    /// The run at its head, which is the next to run.
    pub head: Head,
}

/// The run at the head of a lane.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The id of the run.
    pub run_id: String,
    /// The state of the run.
    pub state: &'static str,
    /// Its label.
    pub label: Option<String>,
    /// When it was accepted.
    #[schema(format = DateTime)]
    pub accepted_at: String,
    /// Why it failed.
    pub error: Option<RunFailure>,
}

impl Lane {
    /// A lane.
    pub fn of(lane: &LaneState) -> Self {
        Self {
            workflow: lane.lane.workflow.clone(),
            key: lane.lane.key.clone(),
            length: lane.length,
            held: lane.held,
            since: time(lane.since),
            head: Head {
                run_id: lane.head.to_string(),
                state: lane.head_state.as_str(),
                label: lane.head_label.clone(),
                accepted_at: time(lane.head.accepted_at()),
                error: lane.head_error.as_ref().map(RunFailure::of),
            },
        }
    }
}

impl Listed for Lane {
    const ROWS: &'static str = "lanes";
    const ORDER: &'static str = "by workflow and key";
    const SEARCHED: bool = false;
}
