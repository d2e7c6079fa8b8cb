//! `/api/v1/workflows/{id}/versions` and `/source`: the texts of a workflow, now and before, and what has changed.

use super::difference::{Line, difference};
use super::input::{Asked, At};
use super::output::Shown;
use super::resource::{Call, Load, Method, Operation, Resource};
use super::workflows::{Finding, unknown};
use crate::engine::{Role, RunState, StoreError, VersionRecord};
use crate::http::app::App;
use crate::http::json::time;
use crate::http::problem::Problem;
use crate::workflow::WorkflowText;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "workflows",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/workflows/{id}/source",
            access: Role::Viewer,
            load: Load::Small,
            name: "source",
            summary: "Shows the file of a workflow as it is now, with its problems; it may not be the version that serves.",
            call: || Call::of(source),
        },
        Operation {
            method: Method::Get,
            path: "/workflows/{id}/versions",
            access: Role::Viewer,
            load: Load::Small,
            name: "versions",
            summary: "Lists the stored versions of a workflow with the unfinished runs of each, the serving one first.",
            call: || Call::of(versions),
        },
        Operation {
            method: Method::Get,
            path: "/workflows/{id}/versions/{version}",
            access: Role::Viewer,
            load: Load::Small,
            name: "version",
            summary: "Shows the texts of a version: of its workflow, its modules, and the workflows that it calls.",
            call: || Call::of(version),
        },
        Operation {
            method: Method::Get,
            path: "/workflows/{id}/versions/{version}/difference",
            access: Role::Viewer,
            load: Load::Small,
            name: "difference",
            summary: "Shows how the texts of a version differ from those of another one.",
            call: || Call::of(show_difference),
        },
    ],
};

async fn source(State(app): State<App>, At(id): At<String>) -> Result<Shown<Source>, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).ok_or_else(|| unknown(&id))?;
    let serving = entry.workflow.as_ref();
    let served = serving.and_then(|workflow| WorkflowText::decode(&workflow.text).ok()).map(|text| text.source);
    Ok(Shown(Source {
        file: entry.file.clone(),
        text: entry.text.as_deref().map(str::to_owned),
        serving: serving.map(|workflow| workflow.version.to_string()),
        differs: served.as_deref() != entry.text.as_deref(),
        problems: entry.problems.iter().map(|problem| Finding::of(problem, &entry.file)).collect(),
    }))
}

async fn versions(State(app): State<App>, At(id): At<String>) -> Result<Shown<Versions>, Problem> {
    let found = app.engine.viewer().versions(&id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Versions { versions: found.iter().map(Version::of).collect() }))
}

async fn version(State(app): State<App>, At((id, version)): At<(String, String)>) -> Result<Shown<Texts>, Problem> {
    let texts = texts(&app, &id, &version).await?;
    let files = texts.into_iter().map(|(path, text)| File { path, text }).collect();
    Ok(Shown(Texts { version, files }))
}

/// What a version is compared with.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Compared {
    /// The other version; without it, the one that serves.
    to: Option<String>,
}

async fn show_difference(
    State(app): State<App>,
    At((id, from)): At<(String, String)>,
    Asked(Compared { to }): Asked<Compared>,
) -> Result<Shown<Difference>, Problem> {
    let serving = || {
        let workflows = app.engine.workflows();
        workflows.entry(&id).and_then(|entry| Some(entry.workflow.as_ref()?.version.to_string()))
    };
    let to = to.or_else(serving).ok_or_else(|| unknown(&id))?;
    let (before, after) = (texts(&app, &id, &from).await?, texts(&app, &id, &to).await?);
    let work = move || {
        let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let of = |path: &String| {
            let [before, after] = [&before, &after].map(|texts| texts.get(path).map_or("", String::as_str));
            let lines: Vec<ChangedLine> = difference(before, after).into_iter().map(ChangedLine::of).collect();
            (!lines.is_empty()).then(|| ChangedFile { path: path.clone(), lines })
        };
        paths.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    // Long files take a while.
    let files = tokio::task::spawn_blocking(work).await.unwrap_or_default();
    Ok(Shown(Difference { from, to, files }))
}

/// The texts of a version of this workflow, by their paths in the project.
async fn texts(app: &App, id: &str, version: &str) -> Result<BTreeMap<String, String>, Problem> {
    let missing = || Problem::not_found(format!("The workflow `{id}` has no version {version}."));
    let found = app.engine.viewer().version_text(version).await.map_err(|error| match error {
        StoreError::NotFound(_) => missing(),
        error => Problem::of_store(&error),
    })?;
    if found.id != id {
        return Err(missing());
    }
    let path = |id: &str| format!("workflows/{}.yaml", id.replace('.', "/"));
    let WorkflowText { source, modules, workflows, .. } = found;
    let modules = modules.into_iter().map(|(name, text)| (format!("modules/{name}.flow"), text));
    let called = workflows.into_iter().map(|(id, text)| (path(&id), text));
    Ok(modules.chain(called).chain([(path(id), source)]).collect())
}

/// The file of a workflow as it is now.
#[derive(Serialize, ToSchema)]
pub struct Source {
    /// Its path in the project.
    file: String,
    /// Its text; null if it is missing or cannot be read.
    text: Option<String>,
    /// The version that serves; null if it has never loaded.
    serving: Option<String>,
    /// True if the text is not that of the version that serves.
    differs: bool,
    /// Its problems, with their places.
    problems: Vec<Finding>,
}

/// The stored versions of a workflow.
#[derive(Serialize, ToSchema)]
pub struct Versions {
    /// The serving one first, then from the last retired on.
    versions: Vec<Version>,
}

/// A stored version. It is kept as long as a run refers to it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The hash of its texts.
    version: String,
    /// Since when it serves; null for a version that no longer does.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// When it stopped serving.
    #[schema(format = DateTime)]
    retired_at: Option<String>,
    /// Its queued runs; runs without a version yet take the serving one.
    queued: u64,
    /// Its runs at work.
    running: u64,
    /// Its runs that wait.
    waiting: u64,
}

/// The texts of a version.
#[derive(Serialize, ToSchema)]
pub struct Texts {
    /// The version.
    version: String,
    /// Its files, by their paths.
    files: Vec<File>,
}

/// A text.
#[derive(Serialize, ToSchema)]
pub struct File {
    /// Its path in the project.
    path: String,
    /// The text.
    text: String,
}

/// The difference of two versions.
#[derive(Serialize, ToSchema)]
pub struct Difference {
    /// The first version.
    from: String,
    /// The second version.
    to: String,
    /// The files that differ, by their paths.
    files: Vec<ChangedFile>,
}

/// A file that differs.
#[derive(Serialize, ToSchema)]
pub struct ChangedFile {
    /// Its path in the project.
    path: String,
    /// The lines that differ, and three lines around them.
    lines: Vec<ChangedLine>,
}

/// A line of a difference.
#[derive(Serialize, ToSchema)]
pub struct ChangedLine {
    /// `same`, `removed` or `added`.
    change: &'static str,
    /// Its number in the first version.
    from: Option<usize>,
    /// Its number in the second version.
    to: Option<usize>,
    /// The line.
    text: String,
}

impl Version {
    fn of(record: &VersionRecord) -> Self {
        let count = |state: RunState| {
            record.unfinished.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count)
        };
        Self {
            version: record.version.to_string(),
            since: record.published_at.map(time),
            retired_at: record.retired_at.map(time),
            queued: count(RunState::Queued),
            running: count(RunState::Running),
            waiting: count(RunState::Waiting),
        }
    }
}

impl ChangedLine {
    fn of(line: Line<'_>) -> Self {
        let (change, from, to, text) = match line {
            Line::Same(from, to, text) => ("same", Some(from), Some(to), text),
            Line::Removed(from, text) => ("removed", Some(from), None, text),
            Line::Added(to, text) => ("added", None, Some(to), text),
        };
        Self { change, from, to, text: text.to_owned() }
    }
}
