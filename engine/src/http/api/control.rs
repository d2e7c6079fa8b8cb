//! Operations on one run: retry, rerun, cancel, skip.

use super::input::{At, run_id};
use super::output::{Queued, Shown, Touched, queued};
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{Cancel, Role, RunId};
use crate::http::app::App;
use crate::http::problem::Problem;
use axum::extract::State;

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

pub async fn retry(State(app): State<App>, At(id): At<String>) -> Result<Queued, Problem> {
    let id = run_id(&id)?;
    app.engine.operators().retry(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(queued(&app, id))
}

async fn rerun(State(app): State<App>, At(id): At<String>) -> Result<Queued, Problem> {
    let id = run_again(&app, &id).await?;
    Ok(queued(&app, id))
}

/// Starts a new run with the payload of an earlier one.
pub async fn run_again(app: &App, id: &str) -> Result<RunId, Problem> {
    app.engine.operators().run_again(run_id(id)?).await.map_err(|error| Problem::of_store(&error))
}

pub async fn cancel(State(app): State<App>, At(id): At<String>) -> Result<Queued, Problem> {
    let id = run_id(&id)?;
    match app.engine.operators().cancel(id).await.map_err(|error| Problem::of_store(&error))? {
        Cancel::Ended(state) => Err(Problem::new(409, "conflict", "Conflict")
            .with_detail(format!("The run has ended already: it is {state}."))
            .with_run(id)),
        Cancel::Cancelled | Cancel::Requested => Ok(queued(&app, id)),
    }
}

pub async fn skip(State(app): State<App>, At(id): At<String>) -> Result<Shown<Touched>, Problem> {
    let id = app.engine.operators().skip(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Touched::of(id))
}
