//! Answers of webhooks: values as bodies, and what became of a request.

use super::problem::Problem;
use crate::engine::{Admission, Answer, RunId, RunState, Verdict};
use crate::script::encode_json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowscript_lang::value::Value;
use serde_json::json;

/// The answer to a request to a webhook. `status_url` tells where a run can be asked for.
pub fn of_admission(admission: Admission, status_url: impl Fn(RunId) -> String) -> Response {
    match admission {
        Admission::Accepted(run) => accepted(run, &status_url(run)),
        Admission::Answered(answer) => of_answer(answer, &status_url),
        Admission::Late(run) => Problem::new(504, "timeout", "Gateway timeout")
            .with_detail("The workflow is still running; ask for its result later.")
            .with_run(run)
            .with_status_url(status_url(run))
            .into_response(),
        Admission::Interrupted(run) => Problem::unavailable("The engine is stopping; the run goes on when it is back.")
            .with_run(run)
            .into_response(),
        Admission::Stopping => Problem::unavailable("The engine is stopping.").into_response(),
        Admission::Refused(message) => Problem::bad_request(message).into_response(),
        Admission::KeyReused => Problem::new(422, "idempotency-key-reused", "Unprocessable content")
            .with_detail("This Idempotency-Key names a run of another request; use a new key for a new request.")
            .into_response(),
        Admission::QueueFull(queued) => Problem::new(429, "queue-full", "Too many requests")
            .with_detail(format!("{queued} runs of this workflow are waiting already."))
            .with_header(header::RETRY_AFTER, "5")
            .into_response(),
        Admission::Unkept(error) => Problem::of_store(&error).into_response(),
    }
}

/// 202 with the run's id and where to ask for it.
pub fn accepted(run: RunId, status_url: &str) -> Response {
    let body = json!({ "runId": run.to_string(), "statusUrl": status_url });
    let mut response = json_response(StatusCode::ACCEPTED, body.to_string());
    if let Ok(location) = HeaderValue::from_str(status_url) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// What a caller who waited is told; the status route tells the same.
pub fn of_answer(answer: Answer, status_url: &impl Fn(RunId) -> String) -> Response {
    let run = answer.run;
    match answer.verdict {
        Verdict::Value(value) => of_value(&value),
        Verdict::Reply(reply) => {
            let mut response = of_value(&reply.body);
            *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
            for (name, value) in &reply.headers {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                    response.headers_mut().insert(name, value);
                }
            }
            harden(response.headers_mut());
            response
        }
        Verdict::Failed { status, detail } => {
            let (slug, title) = match status {
                400 => ("bad-request", "Bad request"),
                404 => ("not-found", "Not found"),
                401..=499 => ("refused", "The workflow refused the request"),
                _ => ("workflow-failed", "The workflow failed"),
            };
            Problem::new(status, slug, title).with_detail(detail).with_run(run).into_response()
        }
        Verdict::Dropped(state) => {
            let word = if state == RunState::Skipped { "skipped" } else { "cancelled" };
            Problem::new(409, "dropped", "The run has no result")
                .with_detail(format!("The run was {word}."))
                .with_run(run)
                .into_response()
        }
        Verdict::Unfinished(state) => {
            let body = json!({ "runId": run.to_string(), "state": state.as_str(), "statusUrl": status_url(run) });
            let mut response = json_response(StatusCode::ACCEPTED, body.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// 200 with a value: texts and bytes as they are, all else as JSON.
fn of_value(value: &Value) -> Response {
    let (content_type, body) = match value {
        Value::Text(text) => ("text/plain; charset=utf-8", Body::from(text.to_string())),
        Value::Binary(bytes) => ("application/octet-stream", Body::from(bytes.to_vec())),
        value => match encode_json(value) {
            Ok(text) => ("application/json", Body::from(text)),
            Err(reason) => {
                tracing::error!("an output cannot be written as JSON: {reason}");
                return Problem::new(500, "internal", "Internal error")
                    .with_detail("The output cannot be written as JSON.")
                    .into_response();
            }
        },
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    harden(headers);
    response
}

/// JSON with a status.
pub fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    harden(response.headers_mut());
    response
}

/// A body of ours is never a page of ours: browsers must not run what callers put into it.
pub fn harden(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
}
