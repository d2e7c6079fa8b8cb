//! `/api/v1/workflows`

use super::app::App;
use super::body::RawBody;
use super::house::Owner;
use super::input::{At, Given, Raw};
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::reply;
use super::runs::queued;
use super::sent::Reader;
use super::shapes::{Accepted, Workflow, Workflows};
use crate::engine::PayloadOf;
use crate::workflow::history::DiagnosticsSwitch;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Record, Value};
use serde::Deserialize;
use utoipa::ToSchema;

/// Lists all workflows, by id.
#[utoipa::path(get, path = "/workflows", tag = "workflows", responses((status = 200, body = Workflows), Refused))]
pub async fn list(State(app): State<App>) -> Shown<Workflows> {
    let workflows = app.engine.workflows().entries().map(|entry| Workflow::of(entry)).collect();
    ok(Workflows { workflows, problems: app.engine.project_problems() })
}

/// Shows one workflow.
#[utoipa::path(get, path = "/workflows/{id}", tag = "workflows", params(("id" = String, Path,)), responses((status = 200, body = Workflow), Refused))]
pub async fn show(State(app): State<App>, At(id): At<String>) -> Result<Shown<Workflow>, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).ok_or_else(|| unknown(&id))?;
    Ok(ok(Workflow::of(entry)))
}

/// Starts a run by hand: `{"input": {…}}`, or `{"payloadOf": "last"}` or the id of an earlier run, with its payload.
#[utoipa::path(post, path = "/workflows/{id}/run", tag = "workflows", params(("id" = String, Path,)), request_body = Option<Start>, responses((status = 202, body = Accepted), Refused))]
pub async fn run(
    State(app): State<App>,
    At(id): At<String>,
    headers: HeaderMap,
    Raw(mut body): Raw,
) -> Result<Response, Problem> {
    let workflows = app.engine.workflows();
    let entry = workflows.entry(&id).filter(|entry| entry.present).ok_or_else(|| unknown(&id))?;
    let Some(workflow) = &entry.workflow else {
        let detail = format!("The workflow `{id}` has never loaded; look at its problems.");
        return Err(Problem::new(409, "conflict", "Conflict").with_detail(detail));
    };
    if app.engine.is_stopping() {
        return Err(Problem::unavailable("The engine is stopping."));
    }
    let decode = |body: &mut RawBody| body.decode(&app, |problem| problem, start_of);
    let input = match body.work(&app, Owner::Admin, &headers, decode).await? {
        Taken::Input(input) => input,
        Taken::Payload(of) => {
            let started = app.engine.run_with_payload(&id, of).await;
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
    Ok(reply::of_admission(admission, &app.run_style(), reader).await)
}

/// What a run by hand is started with.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described here; `start_of` reads it without losing digits")]
#[serde(rename_all = "camelCase")]
struct Start {
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

/// What a switch is set to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Nothing gives the switch back to the file.
    active: Option<bool>,
}

/// Switches the triggers of a workflow: `{"active": true}`, `false`, or `null` for what the file says.
#[utoipa::path(post, path = "/workflows/{id}/activate", tag = "workflows", params(("id" = String, Path,)), request_body = Option<Switch>, responses((status = 200, body = Workflow), Refused))]
pub async fn activate(
    State(app): State<App>,
    At(id): At<String>,
    Given(switch): Given<Switch>,
) -> Result<Shown<Workflow>, Problem> {
    app.engine.switch(&id, switch.active).await.map_err(|error| Problem::of_store(&error))?;
    show(State(app), At(id)).await
}

/// Switches diagnostics: `{"variables": "on"}`; what is not given, or null, is as the file says.
#[utoipa::path(put, path = "/workflows/{id}/diagnostics", tag = "workflows", params(("id" = String, Path,)), request_body = Option<DiagnosticsSwitch>, responses((status = 200, body = Workflow), Refused))]
pub async fn diagnostics(
    State(app): State<App>,
    At(id): At<String>,
    Given(switch): Given<DiagnosticsSwitch>,
) -> Result<Shown<Workflow>, Problem> {
    app.engine.switch_diagnostics(&id, switch).await.map_err(|error| Problem::of_store(&error))?;
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

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("There is no workflow `{id}`."))
}
