//! `/api/v1/runs`

use super::input::{Asked, At, Given};
use super::problem::Problem;
use super::reply::{accepted, json_response};
use super::{App, json};
use crate::engine::{Cancel, Cursor, RunId, RunQuery, RunState, Trigger};
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
pub async fn list(State(app): State<App>, Asked(query): Asked<ListQuery>) -> Result<Response, Problem> {
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
pub async fn show(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let id: RunId = id.parse().map_err(told)?;
    let view = app.engine.run_view(id).await.map_err(told)?;
    Ok(json_response(StatusCode::OK, json::run_view(&view).to_string()))
}

/// Queues a failed or timed-out run again.
pub async fn retry(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let id: RunId = id.parse().map_err(told)?;
    app.engine.retry(id).await.map_err(told)?;
    Ok(queued(&app, id))
}

/// A new run with the payload of an earlier one.
pub async fn rerun(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let id = app.engine.run_again(id.parse().map_err(told)?).await.map_err(told)?;
    Ok(queued(&app, id))
}

/// Ends a run.
pub async fn cancel(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let id: RunId = id.parse().map_err(told)?;
    match app.engine.cancel(id).await.map_err(told)? {
        Cancel::Ended(state) => Err(Problem::new(409, "conflict", "Conflict")
            .with_detail(format!("The run has ended already: it is {state}."))
            .with_run(id)),
        Cancel::Cancelled | Cancel::Requested => Ok(queued(&app, id)),
    }
}

/// Skips a queued run, or lets the next go where a failed one holds its lane.
pub async fn skip(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let id = app.engine.skip(id.parse().map_err(told)?).await.map_err(told)?;
    Ok(json_response(StatusCode::OK, json!({ "runId": id.to_string() }).to_string()))
}

/// Retries many: `{"ids": […]}`, or all failed ones of `{"workflow", "from", "before", "label", "text"}`.
pub async fn retry_many(State(app): State<App>, Given(wanted): Given<Bulk>) -> Result<Response, Problem> {
    let told = |error| Problem::of_store(&error);
    let done = match wanted {
        Bulk::Ids { ids } => {
            let ids: Result<Vec<RunId>, _> = ids.iter().map(|id| id.parse()).collect();
            app.engine.retry_all(ids.map_err(told)?).await
        }
        Bulk::Found(query) => app.engine.retry_found(store_query(query)?).await,
    };
    let done = done.map_err(told)?;
    let refused = done.refused.iter().map(|(run, reason)| json!({ "runId": run.to_string(), "detail": reason }));
    let body = json!({
        "retried": done.retried.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
    });
    Ok(json_response(StatusCode::OK, body.to_string()))
}

/// Which runs are to be retried.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Bulk {
    Ids { ids: Vec<String> },
    Found(ListQuery),
}

fn queued(app: &App, run: RunId) -> Response {
    accepted(run, app.run_style().status_url(run))
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
