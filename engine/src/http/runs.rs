//! `/api/v1/runs`

use super::problem::Problem;
use super::reply::json_response;
use super::{App, json};
use crate::engine::{Cursor, RunId, RunQuery, RunState, Trigger};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

/// What a list is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    workflow: Option<String>,
    state: Option<String>,
    trigger: Option<String>,
    from: Option<String>,
    before: Option<String>,
    label: Option<String>,
    text: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// Runs, newest first, with their outputs.
pub async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let list = app.engine.run_list(store_query(query)?).await.map_err(|error| Problem::of_store(&error))?;
    let runs = list.runs.iter().map(|(summary, output)| {
        let mut shown = json::run(summary);
        shown["output"] = json::optional(output.as_ref());
        shown
    });
    let body = json!({ "runs": runs.collect::<Vec<_>>(), "next": list.next });
    Ok(json_response(StatusCode::OK, body.to_string()))
}

/// One run with input, output, steps and log.
pub async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let id: RunId = id.parse().map_err(told)?;
    let view = app.engine.run_view(id).await.map_err(told)?;
    Ok(json_response(StatusCode::OK, json::run_view(&view).to_string()))
}

fn store_query(query: ListQuery) -> Result<RunQuery, Problem> {
    let told = |error| match error {
        crate::engine::StoreError::NotFound(text) => Problem::bad_request(format!("{text}.")),
        error => Problem::of_store(&error),
    };
    let states = query.state.iter().flat_map(|states| states.split(','));
    Ok(RunQuery {
        workflow: query.workflow,
        states: states.map(str::parse::<RunState>).collect::<Result<_, _>>().map_err(told)?,
        trigger: query.trigger.map(|trigger| trigger.parse::<Trigger>()).transpose().map_err(told)?,
        accepted_from: query.from.as_deref().map(|text| json::instant("from", text)).transpose()?,
        accepted_before: query.before.as_deref().map(|text| json::instant("before", text)).transpose()?,
        label: query.label,
        text: query.text,
        after: query.cursor.map(Cursor),
        limit: query.limit.unwrap_or(0),
    })
}
