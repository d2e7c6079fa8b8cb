//! `/api/v1/runs`

use super::app::App;
use super::input::{Asked, At, Given};
use super::json;
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::reply::accepted;
use super::shapes::{
    Accepted, Line, LogPage, Payload, Refusal, Retried, Run, RunDetails, RunPage, Step, StepChanges, Steps, Touched,
    Variables,
};
use crate::engine::{Cancel, Cursor, Role, RunId, RunQuery, RunState, StoreError, Trigger};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Which runs a list shows.
#[derive(Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunFilter {
    /// Only those of this workflow.
    workflow: Option<String>,
    /// Only those in one of these states, separated by commas.
    state: Option<String>,
    /// Only those that this started: `webhook`, `schedule`, `manual` or `failure`.
    trigger: Option<String>,
    /// Only those accepted at this instant or later.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only those accepted before this instant.
    #[param(format = DateTime)]
    before: Option<String>,
    /// Only those with exactly this label.
    label: Option<String>,
    /// Only those whose id, label, lane key or error begins with this.
    text: Option<String>,
    /// Continue after this cursor: `next` of the page before.
    cursor: Option<String>,
    /// The most rows to return, up to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
}

/// Lists runs, newest first, with the beginnings of their outputs and of their errors.
#[utoipa::path(get, path = "/runs", tag = "runs", params(RunFilter), responses((status = 200, body = RunPage), Refused))]
pub async fn list(State(app): State<App>, Asked(filter): Asked<RunFilter>) -> Result<Shown<RunPage>, Problem> {
    let list = app.engine.run_list(store_query(filter)?).await.map_err(|error| told_cursor(&error))?;
    let runs = list.runs.iter().map(Run::listed).collect();
    Ok(ok(RunPage { runs, next: list.next }))
}

/// Shows one run with input, output, steps and log.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path,)), responses((status = 200, body = RunDetails), Refused))]
pub async fn show(
    State(app): State<App>,
    At(id): At<String>,
    headers: HeaderMap,
) -> Result<Shown<RunDetails>, Problem> {
    let run = run_id(&id)?;
    let view = app.engine.run_view(run).await.map_err(|error| Problem::of_store(&error))?;
    // Whoever has the address of an event may send it: a viewer may not.
    let is_admin = app.guard.role(&app.engine, &headers) == Some(Role::Admin);
    let address = |event: &str| app.engine.callback_url(run, event).filter(|_| is_admin);
    Ok(ok(RunDetails::of(&view, address)))
}

/// Shows the steps of a run, also while it goes on: what is over, what is at work, what waits and for what.
#[utoipa::path(get, path = "/runs/{id}/steps", tag = "runs", params(("id" = String, Path,)), responses((status = 200, body = Steps), Refused))]
pub async fn steps(State(app): State<App>, At(id): At<String>) -> Result<Shown<Steps>, Problem> {
    let view = app.engine.steps_view(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Steps { steps: view.steps.iter().map(Step::of).collect() }))
}

/// Shows what the steps of a run did to its variables, as far as diagnostics kept it.
#[utoipa::path(get, path = "/runs/{id}/variables", tag = "runs", params(("id" = String, Path,)), responses((status = 200, body = Variables), Refused))]
pub async fn variables(State(app): State<App>, At(id): At<String>) -> Result<Shown<Variables>, Problem> {
    let view = app.engine.steps_view(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Variables { variables: view.diffs.iter().map(StepChanges::of).collect() }))
}

/// Shows the request that started a run.
#[utoipa::path(get, path = "/runs/{id}/payload", tag = "runs", params(("id" = String, Path,)), responses((status = 200, body = Payload), Refused))]
pub async fn payload(State(app): State<App>, At(id): At<String>) -> Result<Shown<Payload>, Problem> {
    let view = app.engine.run_view(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Payload { payload: json::Text::optional(view.payload.as_ref()) }))
}

/// Which lines of a log are shown.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogFilter {
    /// The number of the first line, counted from 0.
    #[serde(default)]
    #[param(required = false, value_type = i64, minimum = 0, maximum = 4_294_967_295_i64)]
    first: u32,
    /// The most lines to return, up to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
}

/// Shows lines of a run's log.
#[utoipa::path(get, path = "/runs/{id}/log", tag = "runs", params(("id" = String, Path,), LogFilter), responses((status = 200, body = LogPage), Refused))]
pub async fn log(
    State(app): State<App>,
    At(id): At<String>,
    Asked(filter): Asked<LogFilter>,
) -> Result<Shown<LogPage>, Problem> {
    let limit = if filter.limit.is_some() { page_size(filter.limit)? } else { MAX_PAGE };
    let id = run_id(&id)?;
    // A log of nothing is one thing, a run that is not there another.
    app.engine.summary(id).await.map_err(|error| Problem::of_store(&error))?;
    let page = app.engine.log(id, filter.first, limit).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(LogPage { first: page.first, log: page.lines.iter().map(Line::of).collect() }))
}

/// Resumes a failed or timed-out run after its last successful acting step.
#[utoipa::path(post, path = "/runs/{id}/retry", tag = "runs", params(("id" = String, Path,)), responses((status = 202, body = Accepted), Refused))]
pub async fn retry(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    app.engine.retry(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(queued(&app, id))
}

/// Starts a new run with the payload of an earlier one.
#[utoipa::path(post, path = "/runs/{id}/rerun", tag = "runs", params(("id" = String, Path,)), responses((status = 202, body = Accepted), Refused))]
pub async fn rerun(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let id = app.engine.run_again(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(queued(&app, id))
}

/// Ends a run.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(("id" = String, Path,)), responses((status = 202, body = Accepted), Refused))]
pub async fn cancel(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    match app.engine.cancel(id).await.map_err(|error| Problem::of_store(&error))? {
        Cancel::Ended(state) => Err(Problem::new(409, "conflict", "Conflict")
            .with_detail(format!("The run has ended already: it is {state}."))
            .with_run(id)),
        Cancel::Cancelled | Cancel::Requested => Ok(queued(&app, id)),
    }
}

/// Skips a queued run, or opens the lane that a failed run holds.
#[utoipa::path(post, path = "/runs/{id}/skip", tag = "runs", params(("id" = String, Path,)), responses((status = 200, body = Touched), Refused))]
pub async fn skip(State(app): State<App>, At(id): At<String>) -> Result<Shown<Touched>, Problem> {
    let id = app.engine.skip(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Touched { run_id: id.to_string() }))
}

/// Which runs are to be retried: these, or the failed and timed-out ones that fit all that is said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// These runs.
    ids: Option<Vec<String>>,
    /// Only those of this workflow.
    workflow: Option<String>,
    /// Only those accepted at this instant or later.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Only those accepted before this instant.
    #[schema(format = DateTime)]
    before: Option<String>,
    /// Only those with exactly this label.
    label: Option<String>,
    /// Only those whose id, label, lane key or error begins with this.
    text: Option<String>,
}

/// Retries many runs.
#[utoipa::path(post, path = "/runs/retry", tag = "runs", request_body = Bulk, responses((status = 200, body = Retried), Refused))]
pub async fn retry_many(State(app): State<App>, Given(wanted): Given<Bulk>) -> Result<Shown<Retried>, Problem> {
    let Bulk { ids, workflow, from, before, label, text } = wanted;
    let said = [&workflow, &from, &before, &label, &text].into_iter().any(Option::is_some);
    let done = match ids {
        Some(ids) if !said => {
            let ids: Vec<RunId> = ids.iter().map(|id| run_id(id)).collect::<Result<_, _>>()?;
            app.engine.retry_all(ids).await
        }
        None if said => {
            let filter = RunFilter {
                workflow,
                from,
                before,
                label,
                text,
                state: None,
                trigger: None,
                cursor: None,
                limit: None,
            };
            app.engine.retry_found(store_query(filter)?).await
        }
        _ => {
            let detail = "The body must say either `ids`, or at least one of workflow, from, before, label and text.";
            return Err(Problem::bad_request(detail));
        }
    };
    let done = done.map_err(|error| Problem::of_store(&error))?;
    let refused = done.refused.iter().map(|(run, reason)| Refusal { run_id: run.to_string(), detail: reason.clone() });
    Ok(ok(Retried { retried: done.retried.iter().map(ToString::to_string).collect(), refused: refused.collect() }))
}

/// The answer that names a queued run.
pub fn queued(app: &App, run: RunId) -> Response {
    accepted(run, app.run_style().status_url(run))
}

/// The id in a path or a body; what is no id names no run.
pub fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("There is no run {text}.")))
}

/// The largest page.
const MAX_PAGE: u32 = 1000;

/// How many a page is to have at most; 0 stands for the usual number.
pub fn page_size(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(0),
        Some(limit) if (1..=MAX_PAGE).contains(&limit) => Ok(limit),
        Some(limit) => Err(Problem::bad_request(format!("`limit` is {limit}; it can be 1 to {MAX_PAGE}."))),
    }
}

/// A cursor that is none is the caller's mistake.
pub fn told_cursor(error: &StoreError) -> Problem {
    match error {
        StoreError::Conflict(text) => Problem::bad_request(format!("{text}.")),
        error => Problem::of_store(error),
    }
}

fn store_query(query: RunFilter) -> Result<RunQuery, Problem> {
    let told = |error| match error {
        StoreError::NotFound(text) => Problem::bad_request(format!("{text}.")),
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
        limit: page_size(query.limit)?,
    })
}
