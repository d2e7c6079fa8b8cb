//! What the admin API shows of things, as JSON.

use crate::engine::{Failure, KeyRecord, LaneState, LogLine, RunSummary, RunView, StepTrace, Timestamp, TokenRecord};
use crate::project::Entry;
use crate::script::encode_json;
use crate::workflow::model::{Method, Response, Workflow};
use crate::workflow::problem::Problem;
use chrono::{DateTime, SecondsFormat};
use flowscript_lang::value::Value;
use serde_json::{Value as Json, json};

/// An instant as RFC 3339, in UTC with milliseconds.
pub fn time(at: Timestamp) -> Json {
    DateTime::from_timestamp_millis(at.0)
        .map_or(Json::Null, |at| at.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}

/// The instant that a parameter or field `name` holds.
pub fn instant(name: &str, text: &str) -> Result<Timestamp, super::problem::Problem> {
    DateTime::parse_from_rfc3339(text).map(|at| Timestamp(at.timestamp_millis())).map_err(|_| {
        let detail = format!("`{name}` is `{text}`; a time such as 2026-01-31T12:00:00Z is wanted.");
        super::problem::Problem::bad_request(detail)
    })
}

/// The instant of an optional field that must lie ahead.
pub fn future(app: &super::App, name: &str, text: Option<&str>) -> Result<Option<Timestamp>, super::problem::Problem> {
    let at = text.map(|text| instant(name, text)).transpose()?;
    if let (Some(at), Some(text)) = (at, text)
        && at <= app.engine.now()
    {
        let detail = format!("`{name}` is {text}, which is over; a time to come is wanted.");
        return Err(super::problem::Problem::bad_request(detail));
    }
    Ok(at)
}

/// A value of the language.
pub fn value(value: &Value) -> Json {
    encode_json(value).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// A run as lists show it.
pub fn run(run: &RunSummary) -> Json {
    json!({
        "id": run.id.to_string(),
        "workflow": run.workflow,
        "version": run.version.map(|version| version.to_string()),
        "trigger": run.trigger.as_str(),
        "state": run.state.as_str(),
        "withErrors": run.with_errors,
        "label": run.label,
        "acceptedAt": time(run.accepted_at()),
        "startedAt": run.started_at.map(time),
        "endedAt": run.ended_at.map(time),
        "error": run.error.as_ref().map(failure),
        "retries": run.retries,
        "lane": run.lane.as_ref().map(|lane| lane.key.as_str()),
        "holdsLane": run.holds_lane,
        "cause": run.cause.map(|cause| cause.to_string()),
    })
}

/// A lane.
pub fn lane(lane: &LaneState) -> Json {
    json!({
        "workflow": lane.lane.workflow,
        "key": lane.lane.key,
        "length": lane.length,
        "held": lane.held,
        "head": { "runId": lane.head.to_string(), "state": lane.head_state.as_str() },
    })
}

/// A run with everything that belongs to it.
pub fn run_view(view: &RunView) -> Json {
    let mut shown = run(&view.summary);
    shown["input"] = optional(view.input.as_ref());
    shown["payload"] = optional(view.payload.as_ref());
    shown["output"] = optional(view.output.as_ref());
    shown["answer"] = optional(view.answer.as_ref());
    shown["steps"] = view.steps.iter().map(step).collect();
    shown["log"] = view.log.iter().map(log_line).collect();
    shown
}

/// A value that may not be there.
pub fn optional(given: Option<&Value>) -> Json {
    given.map(value).unwrap_or_default()
}

fn failure(failure: &Failure) -> Json {
    json!({
        "kind": failure.kind,
        "message": failure.message,
        "status": failure.status,
        "position": failure.position,
    })
}

fn step(step: &StepTrace) -> Json {
    let state = match (&step.error, step.skipped) {
        (Some(_), _) => "failed",
        (None, true) => "skipped",
        (None, false) if step.running => "running",
        (None, false) => "completed",
    };
    json!({
        "position": step.position,
        "kind": step.kind,
        "title": step.title,
        "attempt": step.attempt,
        "state": state,
        "startedAt": time(step.started_at),
        "endedAt": time(step.ended_at),
        "error": step.error,
    })
}

fn log_line(line: &LogLine) -> Json {
    json!({ "at": time(line.at), "level": line.level, "message": line.message, "position": line.position })
}

/// A workflow.
pub fn workflow(entry: &Entry) -> Json {
    let workflow = entry.workflow.as_deref();
    json!({
        "id": entry.id,
        "name": workflow.map_or(entry.id.as_str(), |workflow| &workflow.name),
        "description": workflow.map(|workflow| workflow.description.as_str()),
        "file": entry.file,
        "present": entry.present,
        "active": entry.active,
        "serving": entry.serves() && workflow.is_some(),
        "version": workflow.map(|workflow| workflow.version.to_string()),
        "input": workflow.map(inputs),
        "webhook": workflow.and_then(webhook),
        "problems": entry.problems.iter().map(|problem| self::problem(problem, &entry.file)).collect::<Vec<_>>(),
    })
}

fn inputs(workflow: &Workflow) -> Json {
    let input = |input: &crate::workflow::model::Input| {
        json!({
            "name": input.name.as_str(),
            "type": input.conversion.written(),
            "default": input.default.as_ref().map(value),
            "description": input.description,
        })
    };
    workflow.inputs.iter().map(input).collect()
}

fn webhook(workflow: &Workflow) -> Option<Json> {
    let webhook = workflow.webhook.as_ref()?;
    Some(json!({
        "path": webhook.path,
        "methods": webhook.methods.iter().map(|method| Method::as_str(*method)).collect::<Vec<_>>(),
        "auth": webhook.auth.name(),
        "response": match webhook.response { Response::Wait => "wait", Response::Accept => "accept" },
    }))
}

/// What is wrong with a workflow's file.
fn problem(problem: &Problem, file: &str) -> Json {
    json!({
        "code": problem.code,
        "severity": if problem.warning { "warning" } else { "error" },
        "message": problem.message,
        "file": problem.file.as_deref().unwrap_or(file),
        "line": problem.place.line,
        "column": problem.place.column,
        "endLine": problem.end.map(|end| end.line),
        "endColumn": problem.end.map(|end| end.column),
        "hint": problem.hint,
    })
}

/// An API key, without the key.
pub fn key(key: &KeyRecord) -> Json {
    json!({
        "id": key.id.to_string(),
        "label": key.label,
        "prefix": key.prefix,
        "hint": key.hint,
        "workflows": key.workflows,
        "createdAt": time(key.created_at),
        "lastUsedAt": key.last_used_at.map(time),
        "expiresAt": key.expires_at.map(time),
        "revokedAt": key.revoked_at.map(time),
    })
}

/// An admin token, without the token.
pub fn token(token: &TokenRecord) -> Json {
    json!({
        "id": token.id.to_string(),
        "label": token.label,
        "role": token.role.as_str(),
        "createdAt": time(token.created_at),
        "expiresAt": token.expires_at.map(time),
    })
}
