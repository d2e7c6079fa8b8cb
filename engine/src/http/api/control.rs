//! Operations on runs: retry, rerun, cancel, skip.

use super::input::{At, Given, run_id};
use super::output::{Queued, Shown, Touched, queued};
use super::resource::{Call, Load, Method, Operation, Resource};
use super::runs::RunFilter;
use crate::engine::{Cancel, Role, RunId};
use crate::http::app::App;
use crate::http::problem::Problem;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "runs",
    operations: &[
        Operation {
            method: Method::Post,
            path: "/runs/{id}/retry",
            access: Role::Admin,
            load: Load::Small,
            name: "retry",
            summary: "Resumes a failed or timed-out run after its last successful acting step.",
            call: || Call::of(retry),
        },
        Operation {
            method: Method::Post,
            path: "/runs/retry",
            access: Role::Admin,
            load: Load::Small,
            name: "retry_many",
            summary: "Retries several runs: the named ones, or the failed and timed-out ones that match.",
            call: || Call::of(retry_many),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/rerun",
            access: Role::Admin,
            load: Load::Small,
            name: "rerun",
            summary: "Starts a new run with the payload of an earlier one.",
            call: || Call::of(rerun),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/cancel",
            access: Role::Admin,
            load: Load::Small,
            name: "cancel",
            summary: "Cancels a run.",
            call: || Call::of(cancel),
        },
        Operation {
            method: Method::Post,
            path: "/runs/{id}/skip",
            access: Role::Admin,
            load: Load::Small,
            name: "skip",
            summary: "Skips a queued run, or releases the lane that a failed run holds.",
            call: || Call::of(skip),
        },
    ],
};

async fn retry(State(app): State<App>, At(id): At<String>) -> Result<Queued, Problem> {
    let id = run_id(&id)?;
    app.engine.operators().retry(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(queued(&app, id))
}

async fn rerun(State(app): State<App>, At(id): At<String>) -> Result<Queued, Problem> {
    let id = app.engine.operators().run_again(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(queued(&app, id))
}

async fn cancel(State(app): State<App>, At(id): At<String>) -> Result<Queued, Problem> {
    let id = run_id(&id)?;
    match app.engine.operators().cancel(id).await.map_err(|error| Problem::of_store(&error))? {
        Cancel::Ended(state) => Err(Problem::new(409, "conflict", "Conflict")
            .with_detail(format!("The run has ended already: it is {state}."))
            .with_run(id)),
        Cancel::Cancelled | Cancel::Requested => Ok(queued(&app, id)),
    }
}

async fn skip(State(app): State<App>, At(id): At<String>) -> Result<Shown<Touched>, Problem> {
    let id = app.engine.operators().skip(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Touched::of(id))
}

/// The runs to retry: either `ids`, or the failed and timed-out runs that match all other fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// The ids of these runs.
    ids: Option<Vec<String>>,
    /// Only runs of this workflow.
    workflow: Option<String>,
    /// Only runs accepted at this instant or later.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Only runs accepted before this instant.
    #[schema(format = DateTime)]
    before: Option<String>,
    /// Only runs with exactly this label.
    label: Option<String>,
    /// Only runs whose id, label, lane key or error begins with this.
    text: Option<String>,
}

async fn retry_many(State(app): State<App>, Given(wanted): Given<Bulk>) -> Result<Shown<Retried>, Problem> {
    let Bulk { ids, workflow, from, before, label, text } = wanted;
    let said = [&workflow, &from, &before, &label, &text].into_iter().any(Option::is_some);
    let done = match ids {
        Some(ids) if !said => {
            let ids: Vec<RunId> = ids.iter().map(|id| run_id(id)).collect::<Result<_, _>>()?;
            app.engine.operators().retry_all(ids).await
        }
        None if said => {
            let filter = RunFilter { workflow, from, before, label, text, ..RunFilter::default() };
            app.engine.operators().retry_found(filter.query(&app)?).await
        }
        _ => {
            let detail = "The body must say either `ids`, or at least one of workflow, from, before, label and text.";
            return Err(Problem::bad_request(detail));
        }
    };
    let done = done.map_err(|error| Problem::of_store(&error))?;
    let refused = done.refused.iter().map(|(run, reason)| Refusal { run_id: run.to_string(), detail: reason.clone() });
    Ok(Shown(Retried { retried: done.retried.iter().map(ToString::to_string).collect(), refused: refused.collect() }))
}

/// The outcome of retrying several runs.
#[derive(Serialize, ToSchema)]
pub struct Retried {
    /// The ids of the retried runs.
    pub retried: Vec<String>,
    /// The runs that were not retried.
    pub refused: Vec<Refusal>,
}

/// A run that was not retried.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The id of the run.
    pub run_id: String,
    /// The reason.
    pub detail: String,
}
