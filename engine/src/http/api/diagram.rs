//! `/api/v1/workflows/{id}/diagram`: the steps of a workflow as a tree.

use super::input::At;
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::workflows::unknown;
use crate::engine::Role;
use crate::http::app::App;
use crate::http::problem::Problem;
use crate::workflow::outline::{Branch as Path, Outline, outline};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "workflows",
    operations: &[Operation {
        method: Method::Get,
        path: "/workflows/{id}/diagram",
        access: Role::Viewer,
        load: Load::Small,
        name: "diagram",
        summary: "Shows the steps of the serving version of a workflow as a tree, from which a diagram can be drawn.",
        call: || Call::of(diagram),
    }],
};

async fn diagram(State(app): State<App>, At(id): At<String>) -> Result<Shown<Diagram>, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).ok_or_else(|| unknown(&id))?;
    let Some(workflow) = &entry.workflow else {
        let detail = format!("The workflow `{id}` has never loaded; see its problems.");
        return Err(Problem::new(409, "conflict", "Conflict").with_detail(detail));
    };
    let steps = outline(workflow).map_err(|reason| {
        tracing::error!("the diagram of {id}: {reason}");
        Problem::new(500, "internal", "Internal error").with_detail("The text of the workflow cannot be read.")
    })?;
    Ok(Shown(Diagram {
        version: workflow.version.to_string(),
        file: entry.file.clone(),
        steps: steps.iter().map(DiagramStep::of).collect(),
    }))
}

/// The steps of a workflow.
#[derive(Serialize, ToSchema)]
pub struct Diagram {
    /// The version that they are of.
    version: String,
    /// Its file in the project.
    file: String,
    /// The steps, in their order.
    steps: Vec<DiagramStep>,
}

/// A step with the steps in it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiagramStep {
    /// Its position in a run; `[]` stands for the number of a pass.
    position: String,
    /// Its `id`.
    id: Option<String>,
    /// Its kind: `http`, `sql`, `decide` and so on.
    kind: &'static str,
    /// For people: its name, its id, or its kind.
    title: String,
    /// What it does, in the words of the file.
    summary: String,
    /// How its branches run: `step` has none; of a `choice` at most one runs; those of a `loop` run for each element of
    /// a list; those of `parallel` run at the same time; a `call` runs the steps of another workflow.
    shape: &'static str,
    /// True if it changes something outside.
    acts: bool,
    /// True if it ends the run.
    ends: bool,
    /// The condition without which it is skipped.
    when: Option<String>,
    /// How often it is tried again after a failure.
    retries: u32,
    /// True if the run continues after its failure.
    continue_on_fail: bool,
    /// The id of the workflow that it calls.
    calls: Option<String>,
    /// The line where it begins, counted from 1.
    line: u32,
    /// The column where it begins, in characters counted from 1.
    column: u32,
    /// The line of its end.
    end_line: u32,
    /// The column after its last character, or 1 of the next line.
    end_column: u32,
    /// The lists of steps in it.
    branches: Vec<DiagramBranch>,
}

/// A list of steps in a step.
#[derive(Serialize, ToSchema)]
pub struct DiagramBranch {
    /// Its name, for a branch of `parallel`.
    name: Option<String>,
    /// The condition under which it runs; null for `else`, and where all branches run.
    condition: Option<String>,
    /// Its steps.
    #[schema(no_recursion)]
    steps: Vec<DiagramStep>,
}

impl DiagramStep {
    fn of(step: &Outline) -> Self {
        Self {
            position: step.position.clone(),
            id: step.id.clone(),
            kind: step.kind,
            title: step.title.clone(),
            summary: step.summary.clone(),
            shape: step.shape.as_str(),
            acts: step.acts,
            ends: step.ends,
            when: step.when.clone(),
            retries: step.retries,
            continue_on_fail: step.continues,
            calls: step.calls.clone(),
            line: step.place.line,
            column: step.place.column,
            end_line: step.end.line,
            end_column: step.end.column,
            branches: step.branches.iter().map(DiagramBranch::of).collect(),
        }
    }
}

impl DiagramBranch {
    fn of(branch: &Path) -> Self {
        Self {
            name: branch.name.clone(),
            condition: branch.condition.clone(),
            steps: branch.steps.iter().map(DiagramStep::of).collect(),
        }
    }
}
