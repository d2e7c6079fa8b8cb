//! Answers of webhooks: values as bodies, and what became of a request.

use super::problem::Problem;
use crate::engine::{Admission, Answer, RunId, RunState, Verdict};
use crate::script::{encode_json, encode_xml};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowscript_lang::value::Value;
use serde_json::json;

/// How the answers of a webhook look.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// What stands in front of a run's id where the run can be asked for; nothing where it cannot.
    pub runs: Option<String>,
    /// Values as XML.
    pub xml: bool,
}

impl Style {
    /// Where a run can be asked for.
    pub fn status_url(&self, run: RunId) -> Option<String> {
        self.runs.as_ref().map(|runs| format!("{runs}{run}"))
    }
}

/// The answer to a request to a webhook.
pub fn of_admission(admission: Admission, style: &Style) -> Response {
    match admission {
        Admission::Accepted(run) => accepted(run, style.status_url(run)),
        Admission::Answered(answer) => of_answer(answer, style),
        Admission::Late(run) => {
            let problem = Problem::new(504, "timeout", "Gateway timeout").with_run(run);
            match style.status_url(run) {
                Some(url) => {
                    problem.with_detail("The workflow is still running; ask for its result later.").with_status_url(url)
                }
                None => problem.with_detail("The workflow is still running."),
            }
            .into_response()
        }
        Admission::Interrupted(run) => Problem::unavailable("The engine is stopping; the run goes on when it is back.")
            .with_run(run)
            .into_response(),
        Admission::Stopping => Problem::unavailable("The engine is stopping.").into_response(),
        Admission::Refused(message) => Problem::bad_request(message).into_response(),
        Admission::Failed => Problem::new(500, "workflow-failed", "The workflow failed")
            .with_detail("The workflow failed.")
            .into_response(),
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
pub fn accepted(run: RunId, status_url: Option<String>) -> Response {
    let mut body = json!({ "runId": run.to_string() });
    if let Some(url) = &status_url {
        body["statusUrl"] = url.as_str().into();
    }
    let mut response = json_response(StatusCode::ACCEPTED, body.to_string());
    if let Some(Ok(location)) = status_url.map(|url| HeaderValue::from_str(&url)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// What a caller who waited is told; the status route tells the same.
pub fn of_answer(answer: Answer, style: &Style) -> Response {
    let run = answer.run;
    match answer.verdict {
        Verdict::Value(value) => of_value(&value, style),
        Verdict::Reply(reply) => {
            let mut response = of_value(&reply.body, style);
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
            let status_url = style.status_url(run);
            let body = json!({ "runId": run.to_string(), "state": state.as_str(), "statusUrl": status_url });
            let mut response = json_response(StatusCode::ACCEPTED, body.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// Does a caller want XML rather than JSON? What it says equally loud is JSON.
pub fn wants_xml(headers: &HeaderMap) -> bool {
    let mut accepted: Vec<(&str, f32)> = Vec::new();
    for range in headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        accepted.push((media, quality));
    }
    // The closest range counts.
    let quality = |media: &str| accepted.iter().find(|(known, _)| known.eq_ignore_ascii_case(media)).map(|(_, q)| *q);
    let xml = quality("application/xml").or_else(|| quality("text/xml")).unwrap_or(0.0);
    let json = quality("application/json").or_else(|| quality("application/*")).or_else(|| quality("*/*"));
    xml > json.unwrap_or(0.0)
}

/// 200 with a value: texts and bytes as they are, all else as JSON or XML.
fn of_value(value: &Value, style: &Style) -> Response {
    let (content_type, body) = match value {
        Value::Text(text) => ("text/plain; charset=utf-8", Body::from(text.to_string())),
        Value::Binary(bytes) => ("application/octet-stream", Body::from(bytes.to_vec())),
        value => match written(value, style) {
            Ok((content_type, text)) => (content_type, Body::from(text)),
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

/// What XML cannot hold is JSON, whatever was asked for.
fn written(value: &Value, style: &Style) -> Result<(&'static str, String), String> {
    let xml = style.xml.then(|| encode_xml(value, "output"));
    match xml {
        Some(Ok(text)) => Ok(("application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}"))),
        _ => encode_json(value).map(|text| ("application/json", text)),
    }
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
