//! `/api/v1/lanes`

use super::input::{Asked, At, Given};
use super::problem::Problem;
use super::reply::json_response;
use super::{App, json};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

/// What a list is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    workflow: Option<String>,
    #[serde(default)]
    held: bool,
    cursor: Option<String>,
    #[serde(default)]
    limit: u32,
}

/// Which lane of a workflow is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Empty for a webhook that is ordered as a whole.
    #[serde(default)]
    key: String,
}

/// Lanes that have runs in them, by workflow and key.
pub async fn list(State(app): State<App>, Asked(query): Asked<ListQuery>) -> Result<Response, Problem> {
    let page = app.engine.lanes(query.workflow, query.held, query.cursor, query.limit).await;
    let page = page.map_err(|error| Problem::of_store(&error))?;
    let lanes: Vec<_> = page.lanes.iter().map(json::lane).collect();
    let next = page.next.map(|cursor| cursor.0);
    Ok(json_response(StatusCode::OK, json!({ "lanes": lanes, "next": next }).to_string()))
}

/// Skips the head of a lane: the next goes.
pub async fn skip(
    State(app): State<App>,
    At(workflow): At<String>,
    Given(lane): Given<Lane>,
) -> Result<Response, Problem> {
    let skipped = app.engine.skip_head(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(json_response(StatusCode::OK, json!({ "runId": skipped.to_string() }).to_string()))
}

/// Goes on with a held lane by retrying its head.
pub async fn resume(
    State(app): State<App>,
    At(workflow): At<String>,
    Given(lane): Given<Lane>,
) -> Result<Response, Problem> {
    let resumed = app.engine.resume_lane(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(json_response(StatusCode::OK, json!({ "runId": resumed.to_string() }).to_string()))
}
