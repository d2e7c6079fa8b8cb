//! `/api/v1/workflows`: workflows, their switches, and what is wrong with their files.

use super::input::{At, Given, Raw};
use super::output::{Queued, Shown, queued};
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{PayloadOf, Role};
use crate::http::app::App;
use crate::http::body::RawBody;
use crate::http::capacity::Owner;
use crate::http::json::value as small_value;
use crate::http::problem::Problem;
use crate::http::reply;
use crate::http::sent::Reader;
use crate::project::Entry;
use crate::script::Input;
use crate::workflow::history::{Diagnostics, DiagnosticsSwitch};
use crate::workflow::model::{self, Response as When, Webhook};
use crate::yaml::problem;
use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Record, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "workflows",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/workflows",
            access: Role::Viewer,
            load: Load::Small,
            name: "list",
            summary: "Lists all workflows, by id.",
            call: || Call::of(list),
        },
        Operation {
            method: Method::Get,
            path: "/workflows/{id}",
            access: Role::Viewer,
            load: Load::Small,
            name: "show",
            summary: "Shows one workflow.",
            call: || Call::of(show),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/run",
            access: Role::Admin,
            load: Load::Small,
            name: "run",
            summary: "Starts a run: `{\"input\": {…}}`; or, with the payload of an earlier run, `{\"payloadOf\": \"last\"}` or its id.",
            call: || Call::of(run),
        },
        Operation {
            method: Method::Post,
            path: "/workflows/{id}/activate",
            access: Role::Admin,
            load: Load::Small,
            name: "activate",
            summary: "Switches the triggers of a workflow on or off: `{\"active\": true}`, `false`, or `null` to follow its file.",
            call: || Call::of(activate),
        },
        Operation {
            method: Method::Put,
            path: "/workflows/{id}/diagnostics",
            access: Role::Admin,
            load: Load::Small,
            name: "diagnostics",
            summary: "Switches diagnostics: `{\"variables\": \"on\"}`; a part that is missing or null follows the file.",
            call: || Call::of(diagnostics),
        },
    ],
};

pub async fn list(State(app): State<App>) -> Result<Shown<Workflows>, Problem> {
    let workflows = app.engine.workflows().entries().map(|entry| Workflow::of(entry)).collect();
    Ok(Shown(Workflows { workflows, problems: app.engine.publisher().project_problems() }))
}

pub async fn show(State(app): State<App>, At(id): At<String>) -> Result<Shown<Workflow>, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).ok_or_else(|| unknown(&id))?;
    Ok(Shown(Workflow::of(entry)))
}

pub async fn run(
    State(app): State<App>,
    At(id): At<String>,
    headers: HeaderMap,
    Raw(mut body, _): Raw<Start>,
) -> Result<Queued, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).filter(|entry| entry.present).ok_or_else(|| unknown(&id))?;
    let Some(workflow) = &entry.workflow else {
        let detail = format!("The workflow `{id}` has never loaded; see its problems.");
        return Err(Problem::new(409, "conflict", "Conflict").with_detail(detail));
    };
    if app.engine.is_stopping() {
        return Err(Problem::unavailable("The engine is stopping."));
    }
    let decode = |body: &mut RawBody| body.decode(&app, |problem| problem, start_of);
    let input = match body.work(&app, Owner::Admin, &headers, decode).await? {
        Taken::Input(input) => input,
        Taken::Payload(of) => {
            let started = app.engine.operators().run_with_payload(&id, of).await;
            return Ok(queued(&app, started.map_err(|error| Problem::of_store(&error))?));
        }
    };
    if let Some(name) = input.shape().names().iter().find(|name| workflow.input(name).is_none()) {
        let known: Vec<String> = workflow.inputs.iter().map(|input| format!("`{}`", input.name)).collect();
        let known = if known.is_empty() { "it has none".into() } else { format!("it has {}", known.join(", ")) };
        return Err(Problem::bad_request(format!("The workflow `{id}` has no input `{name}`; {known}.")));
    }
    let admission = app.engine.start_manually(workflow.clone(), input, body.room).await;
    let reader = Reader { app: &app, owner: Owner::Admin };
    Ok(Queued(reply::of_admission(admission, &app.run_style(), reader).await))
}

/// The input of a run.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described here; `start_of` reads it without losing digits")]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// The inputs by name.
    #[schema(value_type = Option<Object>)]
    input: Option<serde_json::Value>,
    /// `last`, or the id of an earlier run of the workflow: its payload instead of `input`.
    payload_of: Option<String>,
}

/// What a run by hand takes.
enum Taken {
    Input(Record),
    Payload(PayloadOf),
}

/// The switch for the triggers of a workflow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Null follows the file.
    pub active: Option<bool>,
}

pub async fn activate(
    State(app): State<App>,
    At(id): At<String>,
    Given(switch): Given<Switch>,
) -> Result<Shown<Workflow>, Problem> {
    app.engine.operators().switch(&id, switch.active).await.map_err(|error| Problem::of_store(&error))?;
    show(State(app), At(id)).await
}

pub async fn diagnostics(
    State(app): State<App>,
    At(id): At<String>,
    Given(switch): Given<DiagnosticsSwitch>,
) -> Result<Shown<Workflow>, Problem> {
    app.engine.operators().switch_diagnostics(&id, switch).await.map_err(|error| Problem::of_store(&error))?;
    show(State(app), At(id)).await
}

fn start_of(body: &Bytes, budget: &mut dyn Budget) -> Result<Taken, Problem> {
    let nothing = || Ok(Taken::Input(Record::from_fields([])));
    let text = std::str::from_utf8(body).map_err(|_| Problem::bad_request("The body is not UTF-8."))?;
    if text.trim().is_empty() {
        return nothing();
    }
    let decoded = flowscript_stdlib::json::decode(text, budget)
        .map_err(|reason| Problem::bad_request(format!("The body is not JSON: {reason}")))?;
    let Value::Record(fields) = decoded else {
        return Err(Problem::bad_request("The body must be an object such as {\"input\": {\"itemId\": \"A100\"}}."));
    };
    if let Some(name) = fields.shape().names().iter().find(|name| !["input", "payloadOf"].contains(&name.as_str())) {
        let detail =
            format!("The body has the field `{name}`; `input` holds the workflow's inputs, `payloadOf` names a run.");
        return Err(Problem::bad_request(detail));
    }
    let given = |name: &str| fields.get(name).filter(|value| !matches!(value, Value::Null));
    match (given("input"), given("payloadOf")) {
        (None, None) => nothing(),
        (Some(Value::Record(input)), None) => Ok(Taken::Input(input)),
        (Some(other), None) => {
            Err(Problem::bad_request(format!("`input` must be an object, not a {}.", other.type_name())))
        }
        (None, Some(Value::Text(of))) => {
            let of = of.parse().map_err(|reason| Problem::bad_request(format!("`payloadOf`: {reason}.")))?;
            Ok(Taken::Payload(of))
        }
        (None, Some(_)) => Err(Problem::bad_request("`payloadOf` must be `last` or the id of a run.")),
        (Some(_), Some(_)) => Err(Problem::bad_request("A run takes `input` or `payloadOf`, not both.")),
    }
}

/// The workflow does not exist.
pub fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("There is no workflow `{id}`."))
}

/// A workflow.
#[derive(Serialize, ToSchema)]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// The name, for people.
    pub name: String,
    /// The description, for people.
    pub description: Option<String>,
    /// Its file in the project.
    pub file: String,
    /// True if its file exists.
    pub present: bool,
    /// True if its triggers are on.
    pub active: bool,
    /// True if it can run.
    pub serving: bool,
    /// The version of new runs.
    pub version: Option<String>,
    /// Its inputs.
    pub input: Option<Vec<Parameter>>,
    /// The diagnostics that are kept now.
    pub diagnostics: Option<Diagnostics>,
    /// Its webhook.
    pub webhook: Option<Hook>,
    /// The problems of its file.
    pub problems: Vec<Finding>,
}

/// All workflows.
#[derive(Serialize, ToSchema)]
pub struct Workflows {
    /// The workflows, by id.
    pub workflows: Vec<Workflow>,
    /// The problems of the project outside its workflows: files that are not loaded, folders that cannot be read. Their
    /// last good content stays in use.
    pub problems: Vec<String>,
}

/// A parameter of a workflow.
#[derive(Serialize, ToSchema)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The type, as it is written in the file.
    pub r#type: String,
    /// The default.
    pub default: Json,
    /// The description, for people.
    pub description: String,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
pub struct Hook {
    /// The path after `/hooks/`.
    pub path: String,
    /// The methods that it accepts.
    pub methods: Vec<&'static str>,
    /// `apiKey`, `none`, `basic` or `signature`.
    pub auth: &'static str,
    /// `wait` or `accept`.
    pub response: &'static str,
}

/// A problem at a place.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A stable code.
    pub code: String,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The message.
    pub message: String,
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// The line of its end.
    pub end_line: Option<u32>,
    /// The column after its last character.
    pub end_column: Option<u32>,
    /// Other places that belong to it, each with a text.
    pub labels: Vec<Note>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The possible corrections.
    pub fixes: Vec<Fix>,
}

/// A text at a place of a file: a remark about the place, or the new text for it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// The text.
    pub text: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// The line of its end.
    pub end_line: u32,
    /// The column after its last character.
    pub end_column: u32,
}

/// A correction.
#[derive(Serialize, ToSchema)]
pub struct Fix {
    /// What it does.
    pub title: String,
    /// True if there is only one possible meaning, and results of correct workflows do not change.
    pub safe: bool,
    /// The texts to write, each in place of the present text.
    pub edits: Vec<Note>,
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
    /// A workflow with the problems of its file.
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
            default: input.default.as_ref().map(small_value).unwrap_or_default(),
            description: input.description.clone(),
        }
    }
}

impl Hook {
    fn of(webhook: &Webhook) -> Self {
        Self {
            path: webhook.path.clone(),
            methods: webhook.methods.iter().map(|method| model::Method::as_str(*method)).collect(),
            auth: webhook.auth.name(),
            response: match webhook.response {
                When::Wait => "wait",
                When::Accept => "accept",
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
