//! `/api/v1/lanes`

use super::app::App;
use super::input::{Asked, At, Given};
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::runs::{page_size, told_cursor};
use super::shapes::{Lane, LanePage, Touched};
use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Which lanes a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LaneFilter {
    /// Only those of this workflow.
    workflow: Option<String>,
    /// Only those that a failed run holds.
    #[serde(default)]
    #[param(required = false)]
    held: bool,
    /// Continue after this cursor: `next` of the page before.
    cursor: Option<String>,
    /// The most rows to return, up to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
}

/// Which lane of a workflow is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LaneName {
    /// The key of its messages; empty for a webhook that is ordered as a whole.
    #[serde(default)]
    key: String,
}

/// Lists lanes that have runs in them, by workflow and key.
#[utoipa::path(get, path = "/lanes", tag = "lanes", params(LaneFilter), responses((status = 200, body = LanePage), Refused))]
pub async fn list(State(app): State<App>, Asked(filter): Asked<LaneFilter>) -> Result<Shown<LanePage>, Problem> {
    let LaneFilter { workflow, held, cursor, limit } = filter;
    let page =
        app.engine.lanes(workflow, held, cursor, page_size(limit)?).await.map_err(|error| told_cursor(&error))?;
    let next = page.next.map(|cursor| cursor.0);
    Ok(ok(LanePage { lanes: page.lanes.iter().map(Lane::of).collect(), next }))
}

/// Skips the run at the head of a lane, so that the next one starts.
#[utoipa::path(post, path = "/lanes/{workflow}/skip", tag = "lanes", params(("workflow" = String, Path,)), request_body = Option<LaneName>, responses((status = 200, body = Touched), Refused))]
pub async fn skip(
    State(app): State<App>,
    At(workflow): At<String>,
    Given(lane): Given<LaneName>,
) -> Result<Shown<Touched>, Problem> {
    let skipped = app.engine.skip_head(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Touched { run_id: skipped.to_string() }))
}

/// Opens a held lane by retrying the run at its head.
#[utoipa::path(post, path = "/lanes/{workflow}/resume", tag = "lanes", params(("workflow" = String, Path,)), request_body = Option<LaneName>, responses((status = 200, body = Touched), Refused))]
pub async fn resume(
    State(app): State<App>,
    At(workflow): At<String>,
    Given(lane): Given<LaneName>,
) -> Result<Shown<Touched>, Problem> {
    let resumed = app.engine.resume_lane(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Touched { run_id: resumed.to_string() }))
}
