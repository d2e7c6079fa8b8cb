//! `/api/v1/runs/{id}/steps` and `/variables`: the attempts of the steps of a run, and what they did to its variables.

use super::input::{At, run_id};
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{Progress, Role, StepDiff, StepTrace};
use crate::http::app::App;
use crate::http::json::{Text, time};
use crate::http::problem::Problem;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "runs",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/runs/{id}/steps",
            access: Role::Viewer,
            load: Load::Run,
            name: "steps",
            summary: "Shows the attempts of the steps of a run, also while it runs: which have ended, which are running, and which wait for what.",
            call: || Call::of(steps),
        },
        Operation {
            method: Method::Get,
            path: "/runs/{id}/variables",
            access: Role::Viewer,
            load: Load::Run,
            name: "variables",
            summary: "Shows the changes of the variables of a run by its steps, if diagnostics keep them.",
            call: || Call::of(variables),
        },
    ],
};

async fn steps(State(app): State<App>, At(id): At<String>) -> Result<Shown<Steps>, Problem> {
    let view = app.engine.viewer().steps_view(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Steps { steps: view.passed.steps.iter().map(Step::of).collect() }))
}

async fn variables(State(app): State<App>, At(id): At<String>) -> Result<Shown<Variables>, Problem> {
    let view = app.engine.viewer().steps_view(run_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Variables { variables: view.passed.diffs.iter().map(StepChanges::of).collect() }))
}

/// The changes of variables by a step.
#[derive(Serialize, ToSchema)]
pub struct StepChanges {
    /// The position: a path of ids and numbers.
    pub position: String,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The variables that it may set.
    pub changes: Vec<VariableChange>,
}

/// A variable before and after a step.
#[derive(Serialize, ToSchema)]
pub struct VariableChange {
    /// Its name.
    pub name: String,
    /// Its value before.
    #[schema(value_type = Json)]
    pub before: Text,
    /// Its value after.
    #[schema(value_type = Json)]
    pub after: Text,
}

/// The changes of the variables of a run by its steps.
#[derive(Serialize, ToSchema)]
pub struct Variables {
    /// The changes, in the order in which the steps ended.
    pub variables: Vec<StepChanges>,
}

impl StepChanges {
    /// The part of it that is shown.
    pub fn of(diff: &StepDiff) -> Self {
        let changes = diff.changes.iter().map(|change| VariableChange {
            name: change.name.to_string(),
            before: Text::optional(Some(&change.before)),
            after: Text::optional(Some(&change.after)),
        });
        Self { position: diff.position.clone(), attempt: diff.attempt, changes: changes.collect() }
    }
}

/// An attempt of a step.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The position: a path of ids and numbers.
    pub position: String,
    /// The kind of step.
    pub kind: String,
    /// The name of the step.
    pub title: String,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// `running`, `waiting` (for a time or an event), `backOff` (until this attempt begins), `completed`, `failed`,
    /// `skipped`, or `interrupted`: the engine or the run ended while it was being executed.
    pub state: &'static str,
    /// When it started.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// The event that it waits for.
    pub waits_for: Option<String>,
    /// The address to send that event to; shown only with the whole run, and not to viewers, which may not send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// When a wait ends, or when this attempt starts.
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// Why it failed; in a back-off, why the previous attempt failed.
    pub error: Option<String>,
}

/// The steps of a run.
#[derive(Serialize, ToSchema)]
pub struct Steps {
    /// The attempts, in the order in which they started.
    pub steps: Vec<Step>,
}

impl Step {
    /// An attempt of a step.
    pub fn of(step: &StepTrace) -> Self {
        let (waits_for, due) = match &step.progress {
            Progress::Waiting { event, due } => (event.clone(), *due),
            Progress::BackOff { due } => (None, *due),
            Progress::Running | Progress::Completed | Progress::Failed | Progress::Skipped | Progress::Interrupted => {
                (None, None)
            }
        };
        Self {
            position: step.position.clone(),
            kind: step.kind.clone(),
            title: step.title.clone(),
            attempt: step.attempt,
            state: step.progress.as_str(),
            started_at: time(step.started_at),
            ended_at: step.ended_at.map(time),
            waits_for,
            callback_url: None,
            due_at: due.map(time),
            error: step.error.clone(),
        }
    }

    /// The same step with the address of the event that it waits for, if `address` returns one.
    pub fn with_address(self, address: impl Fn(&str) -> Option<String>) -> Self {
        Self { callback_url: self.waits_for.as_deref().and_then(address), ..self }
    }
}
