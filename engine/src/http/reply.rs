//! Answers of webhooks: values as bodies, and the outcome of a request.

use super::accept::Accept;
use super::headers::harden;
use super::json::json_response;
use super::problem::Problem;
use super::sent::{Reader, Unsent};
use super::style::Style;
use crate::engine::{Admission, Answer, Reply, RunId, Verdict};
use crate::room::Full;
use crate::script::encode_xml;
use crate::told;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::Value;
use flowscript_stdlib::charset::{is_xml, media_type};
use flowscript_stdlib::json;

/// The answer to a request to a webhook.
pub async fn of_admission(admission: Admission, style: &Style, reader: Reader<'_>) -> Response {
    match admission {
        Admission::Accepted(run) => accepted(run, style.status_url(run)),
        Admission::Answered(answer) => of_answer(answer, style, reader).await,
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
        Admission::Interrupted(run) => {
            Problem::unavailable("The engine is stopping; the run continues after its restart.")
                .with_run(run)
                .into_response()
        }
        Admission::Stopping => Problem::unavailable("The engine is stopping.").into_response(),
        Admission::Refused(message) => Problem::bad_request(message).into_response(),
        Admission::Failed => Problem::new(500, "workflow-failed", "The workflow failed")
            .with_detail("The workflow failed.")
            .into_response(),
        Admission::KeyReused => Problem::new(422, "idempotency-key-reused", "Unprocessable content")
            .with_detail(
                "This Idempotency-Key or delivery id names a run of another request; use a new one for a new request.",
            )
            .into_response(),
        Admission::QueueFull(queued) => Problem::new(429, "queue-full", "Too many requests")
            .with_detail(format!("{queued} runs of this workflow are already waiting."))
            .with_header(header::RETRY_AFTER, "5")
            .into_response(),
        Admission::Full => Problem::unavailable(
            "The values of other runs take too much memory to start this one; try again in a moment.",
        )
        .into_response(),
        Admission::Unkept(error) => Problem::of_store(&error).into_response(),
    }
}

/// 202 with the run's id and the address of its status.
pub fn accepted(run: RunId, status_url: Option<String>) -> Response {
    let mut body = serde_json::json!({ "runId": run.to_string() });
    if let Some(url) = &status_url {
        body["statusUrl"] = url.as_str().into();
    }
    let mut response = json_response(StatusCode::ACCEPTED, body.to_string());
    if let Some(Ok(location)) = status_url.map(|url| HeaderValue::from_str(&url)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The answer to a caller that waited; the status route gives the same.
pub async fn of_answer(answer: Answer, style: &Style, reader: Reader<'_>) -> Response {
    let Answer { run, verdict, held: _held } = answer;
    match verdict {
        Verdict::Value(value) => told(of_value(&value, Some(&style.accept), reader).await, style, run),
        Verdict::Reply(reply) => of_reply(&reply, style, run, reader).await,
        Verdict::Failed { status, detail } => {
            let (slug, title) = match status {
                400 => ("bad-request", "Bad request"),
                404 => ("not-found", "Not found"),
                401..=499 => ("refused", "The workflow refused the request"),
                _ => ("workflow-failed", "The workflow failed"),
            };
            Problem::new(status, slug, title).with_detail(detail).with_run(run).into_response()
        }
        Verdict::Dropped(state) => Problem::new(409, "dropped", "The run has no result")
            .with_detail(format!("The run was {state}."))
            .with_run(run)
            .into_response(),
        Verdict::Unfinished(state) => {
            let status_url = style.status_url(run);
            let body =
                serde_json::json!({ "runId": run.to_string(), "state": state.as_str(), "statusUrl": status_url });
            let mut response = json_response(StatusCode::ACCEPTED, body.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

/// The answer of `respond`. Its body is in the format of its own content type, if it has one, and else in a format that
/// the caller accepts.
async fn of_reply(reply: &Reply, style: &Style, run: RunId, reader: Reader<'_>) -> Response {
    let own_type = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let written = match (&reply.body, own_type) {
        (None, _) => Ok(Response::new(Body::empty())),
        (Some(body), None) => of_value(body, Some(&style.accept), reader).await,
        (Some(body), Some((_, media))) if is_xml(&media_type(media)) => in_xml(body, reader).await,
        (Some(body), Some(_)) => of_value(body, None, reader).await,
    };
    let mut response = match written {
        Ok(response) => response,
        unwritten => return told(unwritten, style, run),
    };
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    harden(response.headers_mut());
    response
}

/// Why a value could not be sent.
enum Unwritten {
    /// The formats that the caller accepts cannot hold it; the text is the message.
    NotAcceptable(String),
    /// It cannot be written in this format.
    Unfit(&'static str, String),
    NoRoom(Full),
}

impl Unwritten {
    fn of(unsent: Unsent, format: &'static str) -> Self {
        match unsent {
            Unsent::Unfit(reason) => Self::Unfit(format, reason),
            Unsent::NoRoom(full) => Self::NoRoom(full),
        }
    }
}

/// The answer with a value, or the problem that replaces it.
fn told(written: Result<Response, Unwritten>, style: &Style, run: RunId) -> Response {
    match written {
        Ok(response) => response,
        Err(Unwritten::NoRoom(full)) => Unsent::no_room(full, run, style.status_url(run)).into_response(),
        Err(Unwritten::NotAcceptable(detail)) => not_acceptable(detail).with_run(run).into_response(),
        Err(Unwritten::Unfit(format, reason)) => {
            told::error_of(&format!("outputs cannot be written as {format}"), || {
                format!("the output of run {run} cannot be written as {format}: {reason}")
            });
            Problem::new(500, "internal", "Internal error")
                .with_detail(format!("The output cannot be written as {format}."))
                .with_run(run)
                .into_response()
        }
    }
}

/// 406: the caller accepts none of the possible formats.
pub fn not_acceptable(detail: impl Into<String>) -> Problem {
    Problem::new(406, "not-acceptable", "Not acceptable").with_detail(detail).with_header(header::VARY, "Accept")
}

/// 200 with a value: texts and bytes as they are, all else as JSON, or as XML if the caller prefers it.
async fn of_value(value: &Value, accept: Option<&Accept>, reader: Reader<'_>) -> Result<Response, Unwritten> {
    let plain = |unsent| Unwritten::of(unsent, "text");
    let mut response = match value {
        Value::Text(text) => with_type("text/plain; charset=utf-8", reader.text(text).map_err(plain)?),
        Value::Binary(bytes) => with_type("application/octet-stream", reader.binary(bytes).map_err(plain)?),
        value => match accept.and_then(|accept| Some((accept, accept.xml()?))) {
            None => in_json(value, reader).await?,
            Some((accept, media)) => match xml_text(value, reader).await {
                Ok(body) => with_type(media, body),
                Err(Unsent::NoRoom(full)) => return Err(Unwritten::NoRoom(full)),
                Err(Unsent::Unfit(_)) if accept.takes_json() => in_json(value, reader).await?,
                Err(Unsent::Unfit(reason)) => {
                    let detail = format!("The output cannot be written as XML: {reason}");
                    return Err(Unwritten::NotAcceptable(detail));
                }
            },
        },
    };
    if accept.is_some() && !matches!(value, Value::Text(_) | Value::Binary(_)) {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
    }
    Ok(response)
}

async fn in_json(value: &Value, reader: Reader<'_>) -> Result<Response, Unwritten> {
    let written = reader.written(|budget| json::encode(value, budget)).await;
    Ok(with_type("application/json", written.map_err(|unsent| Unwritten::of(unsent, "JSON"))?))
}

/// Texts and bytes are XML already.
async fn in_xml(value: &Value, reader: Reader<'_>) -> Result<Response, Unwritten> {
    let plain = |unsent| Unwritten::of(unsent, "XML");
    match value {
        Value::Text(text) => Ok(with_type("text/plain; charset=utf-8", reader.text(text).map_err(plain)?)),
        Value::Binary(bytes) => Ok(with_type("application/octet-stream", reader.binary(bytes).map_err(plain)?)),
        value => Ok(with_type("application/xml", xml_text(value, reader).await.map_err(plain)?)),
    }
}

async fn xml_text(value: &Value, reader: Reader<'_>) -> Result<Body, Unsent> {
    let encode = |budget: &mut dyn Budget| {
        let mut text = encode_xml(value, "output", budget)?;
        text.insert_str(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Ok(text)
    };
    reader.written(encode).await
}

fn with_type(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    harden(response.headers_mut());
    response
}
