//! `/webhook/payload` and `/webhook/status/{activityId}`: workflows started and followed with a token, in the format of
//! clients of Boomerang.

use super::api::At;
use super::app::App;
use super::body::{self, RawBody};
use super::callers::{self, Caller};
use super::capacity::Owner;
use super::headers::text;
use super::idempotency;
use super::json;
use super::json::json_response;
use super::problem::Problem;
use super::reply::of_admission;
use super::sent::Reader;
use super::style::Style;
use crate::engine::{Admission, IdempotencyKey, Progress, RunId, RunState, StepTrace, StepsView, Trigger};
use crate::keys::OpenKey;
use crate::trigger::webhook::{Credential, credential};
use crate::workflow::model::Workflow;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Record, Value};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use std::fmt;
use std::sync::Arc;

/// The largest body of a status request: it contains a token.
const MAX_STATUS_BODY: usize = 16 << 10;

/// Starts the workflow of a token.
pub async fn start(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, unread) = request.into_parts();
    let caller = callers::of(&parts.extensions)?;
    let limit = app.engine.config().limits.body;
    let mut raw = body_of(&app, &parts, caller, unread, limit).await?;
    if key_in_headers(&app, &parts.headers).is_none() {
        let shown = |raw: &mut RawBody| token_in(&raw.bytes);
        let token = raw.work(&app, Owner::Stranger(caller), &parts.headers, shown).await;
        let credential = token.map(|token| Credential::of_key(&token));
        credential.and_then(|credential| app.engine.access().key_of(&credential)).ok_or_else(Problem::unauthorized)?;
        raw.know();
    }
    let decode = |raw: &mut RawBody| {
        let message = raw.decode(&app, |problem| problem, message_of);
        // The token in the body has precedence, if there is one. Problems of a body are reported only to callers with a
        // key.
        let key = key_of(&app, &parts.headers, message.as_ref().ok())?;
        Ok::<_, Problem>((key, message?))
    };
    let (key, message) = raw.work(&app, Owner::Known(caller), &parts.headers, decode).await?;
    let workflow = workflow_of(&app, &key, &message)?;
    let properties = match message.get("properties") {
        None | Some(Value::Null) => Record::from_fields([]),
        Some(Value::Record(properties)) => properties,
        Some(other) => {
            let detail = format!("`properties` must be an object, not a {}.", other.type_name());
            return Err(Problem::bad_request(detail));
        }
    };
    if app.engine.is_stopping() {
        return Err(Problem::unavailable("The engine is stopping."));
    }
    let idempotency = idempotency::key_in(&parts.headers, "Idempotency-Key")?.map(|name| IdempotencyKey {
        scope: format!("{}/{}/payload", workflow.id, key.id),
        key: name,
        request: idempotency::digest([raw.bytes.as_ref()]),
    });
    match app.engine.start_by_token(workflow, properties, idempotency, raw.room).await {
        Admission::Accepted(run) => {
            Ok(json_response(StatusCode::OK, json!({ "activityId": run.to_string() }).to_string()))
        }
        other => Ok(of_admission(other, &Style::default(), Reader { app: &app, owner: Owner::Known(caller) }).await),
    }
}

/// The state of a run that a token may see.
pub async fn status(State(app): State<App>, At(id): At<String>, request: Request) -> Result<Response, Problem> {
    let (parts, unread) = request.into_parts();
    let shown = match credential_in(&parts.headers) {
        Some(credential) => Some(credential),
        None => {
            let caller = callers::of(&parts.extensions)?;
            let raw = body_of(&app, &parts, caller, unread, MAX_STATUS_BODY).await?;
            token_in(&raw.bytes).map(|token| Credential::of_key(&token))
        }
    };
    let key = shown.and_then(|credential| app.engine.access().key_of(&credential)).ok_or_else(Problem::unauthorized)?;
    let unknown = || Problem::not_found(format!("There is no activity `{id}`."));
    let run: RunId = id.parse().map_err(|_| unknown())?;
    let view = app.engine.viewer().steps_view(run).await.map_err(|error| match Problem::of_store(&error) {
        problem if problem.status() == 404 => unknown(),
        problem => problem,
    })?;
    if !key.workflows.contains(&view.summary.origin.workflow) {
        return Err(unknown());
    }
    let shown = activity(&view, &app.engine.config().team_name, app.engine.now().0);
    Ok(json_response(StatusCode::OK, shown.to_string()))
}

/// The body, expanded. Its key is known only after it is read: until then it takes the room of strangers.
async fn body_of(app: &App, parts: &Parts, caller: &Caller, unread: Body, limit: usize) -> Result<RawBody, Problem> {
    let is_known = key_in_headers(app, &parts.headers).is_some();
    let owner = if is_known { Owner::Known(caller) } else { Owner::Stranger(caller) };
    let mut raw = body::read_whole(app, owner, &parts.headers, unread, limit).await?;
    raw.work(app, owner, &parts.headers, |raw| raw.expand(&parts.headers, limit)).await?;
    Ok(raw)
}

fn message_of(bytes: &Bytes, budget: &mut dyn Budget) -> Result<Record, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::bad_request("The body is not UTF-8."))?;
    match flowscript_stdlib::json::decode(text, budget) {
        Ok(Value::Record(message)) => Ok(message),
        Ok(_) => {
            Err(Problem::bad_request("The body must be an object such as {\"token\": \"…\", \"properties\": {}}."))
        }
        Err(reason) => Err(Problem::bad_request(format!("The body is not JSON: {reason}"))),
    }
}

/// The text `token` of an object of JSON, found in one pass and without decoding anything else; the last one if there
/// are several.
fn token_in(bytes: &[u8]) -> Option<String> {
    struct Token(Option<String>);

    impl<'de> Deserialize<'de> for Token {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Fields)
        }
    }

    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = Token;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Token, A::Error> {
            let mut token = None;
            while let Some(name) = fields.next_key::<String>()? {
                let text: &RawValue = fields.next_value()?;
                if name == "token" {
                    token = serde_json::from_str(text.get()).ok();
                }
            }
            Ok(Token(token))
        }
    }

    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice::<Token>(bytes).ok()?.0
}

/// The key in the headers or in the field `token`.
fn key_of(app: &App, headers: &HeaderMap, message: Option<&Record>) -> Result<OpenKey, Problem> {
    let shown = match message.and_then(|message| message.get("token")) {
        Some(Value::Text(token)) => Some(Credential::of_key(&token)),
        _ => credential_in(headers),
    };
    shown.and_then(|credential| app.engine.access().key_of(&credential)).ok_or_else(Problem::unauthorized)
}

fn key_in_headers(app: &App, headers: &HeaderMap) -> Option<OpenKey> {
    credential_in(headers).and_then(|credential| app.engine.access().key_of(&credential))
}

fn credential_in(headers: &HeaderMap) -> Option<Credential> {
    credential(text(headers, "x-api-key"), text(headers, "authorization"))
}

fn workflow_of(app: &App, key: &OpenKey, message: &Record) -> Result<Arc<Workflow>, Problem> {
    let id = match (message.get("workflowId"), key.workflows.as_slice()) {
        (Some(Value::Text(id)), workflows) => workflows
            .iter()
            .find(|known| **known == id.as_str())
            .ok_or_else(|| Problem::not_found(format!("The token does not open a workflow `{id}`.")))?,
        (None | Some(Value::Null), [only]) => only,
        (None | Some(Value::Null), workflows) => {
            let detail = format!("The token opens {} workflows; name one as `workflowId`.", workflows.len());
            return Err(Problem::bad_request(detail));
        }
        (Some(_), _) => return Err(Problem::bad_request("`workflowId` must be a text.")),
    };
    let workflows = app.engine.workflows();
    let entry = workflows.entry(id).filter(|entry| entry.serves());
    let workflow = entry.and_then(|entry| entry.workflow.clone());
    workflow.ok_or_else(|| Problem::not_found(format!("The workflow `{id}` is not active.")))
}

/// A run in the format of the contract. `now` is in milliseconds since 1970.
fn activity(view: &StepsView, team: &str, now: i64) -> Json {
    let summary = &view.summary;
    let duration = summary.started_at.map_or(0, |started| summary.ended_at.map_or(now, |ended| ended.0) - started.0);
    let steps: Vec<Json> = (1..).zip(&view.passed.steps).map(|(order, step)| task(view, order, step, now)).collect();
    json!({
        "id": summary.origin.id.to_string(),
        "creationDate": json::time(summary.accepted_at()),
        "duration": duration.max(0),
        "status": word_of_run(summary.state),
        "workflowId": summary.origin.workflow,
        "workflowRevisionid": summary.version.map(|version| version.to_string()),
        "trigger": word_of_trigger(summary.origin.trigger),
        "teamName": team,
        "steps": steps,
    })
}

fn task(view: &StepsView, order: u32, step: &StepTrace, now: i64) -> Json {
    let run = view.summary.origin.id;
    let end = step.ended_at.map_or(now, |ended| ended.0);
    let status = match step.progress {
        Progress::Failed | Progress::Interrupted => "failure",
        Progress::Skipped => "skipped",
        Progress::Running | Progress::Waiting { .. } | Progress::BackOff { .. } => "inProgress",
        Progress::Completed => "completed",
    };
    let outputs = match view.results.get(&(step.position.clone(), step.attempt)) {
        Some(Ok(value)) => json::value(value),
        // A status is requested often.
        Some(Err(size)) => format!("{size} bytes: too large to be shown here").into(),
        None => Json::Null,
    };
    json!({
        "activityId": run.to_string(),
        "id": format!("{run}/{}/{}", step.position, step.attempt),
        "order": order,
        "taskId": step.position,
        "taskName": step.title,
        "flowTaskStatus": status,
        "startTime": json::time(step.started_at),
        "duration": (end - step.started_at.0).max(0),
        "outputs": outputs,
    })
}

fn word_of_run(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "notstarted",
        RunState::Running => "inProgress",
        RunState::Waiting => "waiting",
        RunState::Completed => "completed",
        RunState::Failed | RunState::TimedOut => "failure",
        RunState::Cancelled => "cancelled",
        RunState::Skipped => "skipped",
    }
}

fn word_of_trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Webhook => "webhook",
        Trigger::Schedule => "scheduler",
        // The contract has no word for a run that was started by the failure of another.
        Trigger::Manual | Trigger::Failure => "manual",
    }
}
