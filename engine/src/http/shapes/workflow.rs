//! Workflows and what is wrong with them.

use crate::http::json::value;
use crate::project::Entry;
use crate::script::Input;
use crate::workflow::history::Diagnostics;
use crate::workflow::model::{Method, Response, Webhook};
use crate::workflow::problem;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// A workflow.
#[derive(Serialize, ToSchema)]
pub struct Workflow {
    /// Its id.
    id: String,
    /// For people.
    name: String,
    /// For people.
    description: Option<String>,
    /// Its file in the project.
    file: String,
    /// Is the file there?
    present: bool,
    /// Do its triggers work?
    active: bool,
    /// Does it run when it is called?
    serving: bool,
    /// The version that new runs take.
    version: Option<String>,
    /// The parameters of its start.
    input: Option<Vec<Parameter>>,
    /// Which diagnostics are kept now.
    diagnostics: Option<Diagnostics>,
    /// Its webhook.
    webhook: Option<Hook>,
    /// What is wrong with its file.
    problems: Vec<Finding>,
}

/// All workflows.
#[derive(Serialize, ToSchema)]
pub struct Workflows {
    /// By id.
    pub workflows: Vec<Workflow>,
    /// What is wrong with the project that belongs to no workflow: files that are not loaded, folders that cannot be
    /// read. What they hold stays as it was.
    pub problems: Vec<String>,
}

/// A parameter of a workflow.
#[derive(Serialize, ToSchema)]
pub struct Parameter {
    /// Its name.
    name: String,
    /// Its type, as it was written.
    r#type: String,
    /// What it is where nothing is given.
    default: Json,
    /// For people.
    description: String,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub struct Hook {
    /// Behind `/hooks/`.
    path: String,
    /// What it answers to.
    methods: Vec<&'static str>,
    /// `apiKey`, `none`, `basic` or `signature`.
    auth: &'static str,
    /// `wait` or `accept`.
    response: &'static str,
}

/// What is wrong at a place.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A stable code.
    code: String,
    /// `error` or `warning`.
    severity: &'static str,
    /// What is wrong.
    message: String,
    /// The file.
    file: String,
    /// Counted from 1.
    line: u32,
    /// In characters, counted from 1.
    column: u32,
    /// Where it ends.
    end_line: Option<u32>,
    /// Behind its last character.
    end_column: Option<u32>,
    /// Other places that belong to it, each with what is there.
    labels: Vec<Note>,
    /// What to do about it.
    hint: Option<String>,
    /// What to write instead.
    fixes: Vec<Fix>,
}

/// A text at a place of a file: what is said of the place, or what is written there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// The text.
    text: String,
    /// Counted from 1.
    line: u32,
    /// In characters, counted from 1.
    column: u32,
    /// Where the place ends.
    end_line: u32,
    /// After its last character.
    end_column: u32,
}

/// A correction.
#[derive(Serialize, ToSchema)]
pub struct Fix {
    /// What it does.
    title: String,
    /// Only one thing can have been meant, and the result of a workflow that is right stays the same.
    safe: bool,
    /// The texts to write, each in place of what stands there.
    edits: Vec<Note>,
}

impl Note {
    fn of(note: &problem::Note) -> Self {
        Self {
            text: note.text.clone(),
            line: note.place.line,
            column: note.place.column,
            end_line: note.end.line,
            end_column: note.end.column,
        }
    }
}

impl Fix {
    fn of(fix: &problem::Fix) -> Self {
        Self { title: fix.title.clone(), safe: fix.safe, edits: fix.edits.iter().map(Note::of).collect() }
    }
}

impl Workflow {
    /// A workflow with what is wrong with it.
    pub fn of(entry: &Entry) -> Self {
        let workflow = entry.workflow.as_deref();
        Self {
            id: entry.id.clone(),
            name: workflow.map_or(&entry.id, |workflow| &workflow.name).clone(),
            description: workflow.map(|workflow| workflow.description.clone()),
            file: entry.file.clone(),
            present: entry.present,
            active: entry.active,
            serving: entry.serves() && workflow.is_some(),
            version: workflow.map(|workflow| workflow.version.to_string()),
            input: workflow.map(|workflow| workflow.inputs.iter().map(Parameter::of).collect()),
            diagnostics: workflow.map(|workflow| entry.diagnostics.over(workflow.diagnostics)),
            webhook: workflow.and_then(|workflow| workflow.webhook.as_ref()).map(Hook::of),
            problems: entry.problems.iter().map(|problem| Finding::of(problem, &entry.file)).collect(),
        }
    }
}

impl Parameter {
    fn of(input: &Input) -> Self {
        Self {
            name: input.name.to_string(),
            r#type: input.conversion.written().to_owned(),
            default: input.default.as_ref().map(value).unwrap_or_default(),
            description: input.description.clone(),
        }
    }
}

impl Hook {
    fn of(webhook: &Webhook) -> Self {
        Self {
            path: webhook.path.clone(),
            methods: webhook.methods.iter().map(|method| Method::as_str(*method)).collect(),
            auth: webhook.auth.name(),
            response: match webhook.response {
                Response::Wait => "wait",
                Response::Accept => "accept",
            },
        }
    }
}

impl Finding {
    /// A problem of a workflow's file.
    pub fn of(problem: &problem::Problem, file: &str) -> Self {
        Self {
            code: problem.code.id.to_owned(),
            severity: if problem.warning { "warning" } else { "error" },
            message: problem.message.clone(),
            file: problem.file.as_deref().unwrap_or(file).to_owned(),
            line: problem.place.line,
            column: problem.place.column,
            end_line: problem.end.map(|end| end.line),
            end_column: problem.end.map(|end| end.column),
            labels: problem.more.labels.iter().map(Note::of).collect(),
            hint: problem.hint.clone(),
            fixes: problem.more.fixes.iter().map(Fix::of).collect(),
        }
    }
}
