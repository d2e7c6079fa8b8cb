//! `/hooks/{path}`: requests to webhooks, and `/hooks/{path}/runs/{runId}`: what became of them.
//!
//! What is wrong is told in this order: path, method, credential, size, encoding, parameters, body. The body is not
//! read before the credential is known.

use super::App;
use super::problem::Problem;
use super::reply;
use crate::engine::{IdempotencyKey, Message, RunId};
use crate::project::Entry;
use crate::trigger::webhook::{BodyProblem, RequestParts, credential, expand};
use crate::workflow::model::{Auth, Method, Webhook, Workflow};
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// How much of a refused body is read and thrown away, in bytes and time.
const DRAIN_BYTES: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Any request below `/hooks/`.
pub async fn hook(State(app): State<App>, request: axum::extract::Request) -> Response {
    let received = Instant::now();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/hooks/").unwrap_or_default().to_owned();
    let mut body = Some(body);
    let outcome = match find(&app, &path) {
        Some((entry, None)) => receive(&app, &entry, &parts, &mut body, received).await,
        Some((entry, Some(run))) => status(&app, &entry, &parts, &run).await,
        None => Err(Problem::not_found(format!("No webhook has the path `{path}`."))),
    };
    if let Some(unread) = body.filter(|_| outcome.is_err()) {
        drain(unread).await;
    }
    outcome.unwrap_or_else(IntoResponse::into_response)
}

/// Lets a caller finish sending, within bounds: many do not look for an answer before, and would see a broken
/// connection instead of what is wrong.
async fn drain(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DRAIN_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}

/// The workflow of a path, and the id of the run that is asked for.
fn find(app: &App, path: &str) -> Option<(Arc<Entry>, Option<String>)> {
    let workflows = app.engine.workflows();
    if let Some(entry) = workflows.route(path) {
        return Some((entry.clone(), None));
    }
    let (rest, run) = path.rsplit_once('/')?;
    let entry = workflows.route(rest.strip_suffix("/runs")?)?;
    Some((entry.clone(), Some(run.to_owned())))
}

async fn receive(
    app: &App,
    entry: &Entry,
    parts: &Parts,
    body: &mut Option<Body>,
    received: Instant,
) -> Result<Response, Problem> {
    let (workflow, webhook) = webhook_of(entry)?;
    let method = parts.method.as_str();
    if !webhook.methods.iter().any(|m| m.as_str() == method) {
        let allowed: Vec<&str> = webhook.methods.iter().map(|m| Method::as_str(*m)).collect();
        return Err(not_allowed(&webhook.path, method, &allowed));
    }
    let key = check_credential(app, entry, webhook, &parts.headers)?;
    if app.engine.is_stopping() {
        return Err(Problem::unavailable("The engine is stopping."));
    }
    let (body, _room) = read_body(app, &parts.headers, body).await?;
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    let query = parts.uri.query().unwrap_or_default();
    let idempotency = idempotency_of(entry, key, parts, query, &body)?;
    let raw = RequestParts { method, headers: headers.collect(), body };
    let request = app.engine.request(webhook, query, raw).map_err(Problem::bad_request)?;
    // A caller that goes away does not take its run with it, so it lives in a task of its own.
    let engine = app.engine.clone();
    let message = Message { workflow, request: Arc::new(request), idempotency, received };
    let admitted = tokio::spawn(async move { engine.take(message).await });
    let admission = admitted.await.map_err(|_| Problem::new(500, "internal", "Internal error"))?;
    let public = app.engine.config().public_url.clone();
    Ok(reply::of_admission(admission, |run| status_url(public.as_deref(), &webhook.path, run)))
}

/// What became of a run, for those who may call the webhook.
async fn status(app: &App, entry: &Entry, parts: &Parts, run: &str) -> Result<Response, Problem> {
    let (_, webhook) = webhook_of(entry)?;
    if parts.method != axum::http::Method::GET {
        return Err(not_allowed(parts.uri.path(), parts.method.as_str(), &["GET"]));
    }
    check_credential(app, entry, webhook, &parts.headers)?;
    let unknown = || Problem::not_found(format!("The webhook `{}` has no run `{run}`.", webhook.path));
    let id: RunId = run.parse().map_err(|_| unknown())?;
    let answer = app.engine.answer(&entry.id, id).await.map_err(|error| Problem::of_store(&error))?;
    let answer = answer.ok_or_else(unknown)?;
    let public = app.engine.config().public_url.clone();
    Ok(reply::of_answer(answer, &|run| status_url(public.as_deref(), &webhook.path, run)))
}

fn webhook_of(entry: &Entry) -> Result<(Arc<Workflow>, &Webhook), Problem> {
    let found = entry.workflow.as_ref().and_then(|workflow| Some((workflow.clone(), workflow.webhook.as_ref()?)));
    // A route leads to workflows with a webhook only.
    found.ok_or_else(|| Problem::not_found("This workflow has no webhook."))
}

fn not_allowed(path: &str, method: &str, allowed: &[&str]) -> Problem {
    Problem::new(405, "method-not-allowed", "Method not allowed")
        .with_detail(format!("`{path}` does not answer to {method}; use {}.", allowed.join(" or ")))
        .with_header(header::ALLOW, allowed.join(", "))
}

/// The key that opened the webhook, where it wants one.
fn check_credential(app: &App, entry: &Entry, webhook: &Webhook, headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match webhook.auth {
        Auth::None => Ok(None),
        Auth::ApiKey => credential(text("x-api-key"), text("authorization"))
            .and_then(|credential| app.engine.open(&credential, &entry.id))
            .map(Some)
            .ok_or_else(Problem::unauthorized),
    }
}

/// The longest idempotency key, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// The key of `Idempotency-Key`, for this workflow and API key, with what must be the same when it comes again.
fn idempotency_of(
    entry: &Entry,
    api_key: Option<Uuid>,
    parts: &Parts,
    query: &str,
    body: &Bytes,
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(key) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY {
        let detail = format!("The Idempotency-Key must have 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters.");
        return Err(Problem::bad_request(detail));
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), query.as_bytes(), content_type, body.as_ref()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let scope = format!("{}/{}", entry.id, api_key.map(|id| id.to_string()).unwrap_or_default());
    Ok(Some(IdempotencyKey { scope, key: key.to_owned(), request: hash.finalize().into() }))
}

/// Reads the body within the limits of size, time and room, and expands it.
async fn read_body(
    app: &App,
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Problem> {
    let limit = app.engine.config().limits.body;
    let too_large = || {
        Problem::new(413, "body-too-large", "Content too large")
            .with_detail(format!("The body is larger than {limit} bytes, which are the most."))
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(too_large());
    }
    if declared == Some(0) || (declared.is_none() && !headers.contains_key(header::TRANSFER_ENCODING)) {
        return Ok((Bytes::new(), None));
    }
    let packed = headers.contains_key(header::CONTENT_ENCODING);
    let kibibytes = declared.filter(|_| !packed).unwrap_or(limit).div_ceil(1024) as u32;
    let room = app.bodies.clone().try_acquire_many_owned(kibibytes).map_err(|_| {
        Problem::unavailable("The engine is working on too many large requests; try again in a moment.")
    })?;
    let mut body = body.take().unwrap_or_default();
    let raw = match tokio::time::timeout(BODY_TIME, Limited::new(&mut body, limit).collect()).await {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            drain(body).await;
            return Err(too_large());
        }
        Ok(Err(error)) => return Err(Problem::bad_request(format!("The body broke off: {error}."))),
        Err(_) => {
            return Err(Problem::new(408, "body-too-slow", "Request timeout")
                .with_detail(format!("The body did not come within {} seconds.", BODY_TIME.as_secs()))
                .with_header(header::CONNECTION, "close"));
        }
    };
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let body = expand(raw, encoding, limit).map_err(|problem| match problem {
        BodyProblem::TooLarge { .. } => too_large(),
        BodyProblem::Undecodable(reason) => Problem::bad_request(reason),
        BodyProblem::UnknownEncoding(name) => Problem::new(415, "unknown-encoding", "Unsupported media type")
            .with_detail(format!("The Content-Encoding `{name}` is not known; send the body as it is, or as gzip."))
            .with_header(header::ACCEPT_ENCODING, "gzip, identity"),
    })?;
    Ok((body, Some(room)))
}

/// Where a run of a webhook can be asked for: absolute only where the engine knows its address.
fn status_url(public: Option<&str>, path: &str, run: RunId) -> String {
    format!("{}/hooks/{path}/runs/{run}", public.unwrap_or_default().trim_end_matches('/'))
}
