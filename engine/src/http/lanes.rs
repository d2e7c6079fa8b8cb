//! `/api/v1/lanes`

use super::problem::Problem;
use super::reply::json_response;
use super::{App, json};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
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
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lane {
    /// Empty for a webhook that is ordered as a whole.
    #[serde(default)]
    key: String,
}

/// Lanes that have runs in them, by workflow and key.
pub async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let page = app.engine.lanes(query.workflow, query.held, query.cursor, query.limit).await;
    let page = page.map_err(|error| Problem::of_store(&error))?;
    let lanes: Vec<_> = page.lanes.iter().map(json::lane).collect();
    let next = page.next.map(|cursor| cursor.0);
    Ok(json_response(StatusCode::OK, json!({ "lanes": lanes, "next": next }).to_string()))
}

/// Skips the head of a lane: the next goes.
pub async fn skip(State(app): State<App>, Path(workflow): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let lane = lane_of(&body)?;
    let skipped = app.engine.skip_head(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(json_response(StatusCode::OK, json!({ "runId": skipped.to_string() }).to_string()))
}

/// Goes on with a held lane by retrying its head.
pub async fn resume(State(app): State<App>, Path(workflow): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let lane = lane_of(&body)?;
    let resumed = app.engine.resume_lane(&workflow, &lane.key).await.map_err(|error| Problem::of_store(&error))?;
    Ok(json_response(StatusCode::OK, json!({ "runId": resumed.to_string() }).to_string()))
}

fn lane_of(body: &Bytes) -> Result<Lane, Problem> {
    if body.is_empty() {
        return Ok(Lane::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(format!("The body must be {{\"key\": \"…\"}}: {error}.")))
}
