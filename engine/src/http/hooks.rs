//! `/hooks/{path}`: requests to webhooks; `/hooks/{path}/runs/{runId}`: the status of their runs;
//! `/hooks/{path}/openapi.json`: their description.
//!
//! Problems are reported in this order: path, method, credential, size, signature, encoding, parameters, body. The body
//! is not read before the credential is known.

use super::accept::Accept;
use super::app::App;
use super::body::{self, RawBody, drain};
use super::callers::Caller;
use super::capacity::Owner;
use super::cors;
use super::door::{self, Visitor};
use super::idempotency;
use super::problem::Problem;
use super::reply;
use super::sent::Reader;
use super::style::Style;
use crate::engine::{IdempotencyKey, Message, RunId};
use crate::project::Entry;
use crate::trigger::webhook::{Request as WebhookRequest, RequestParts};
use crate::workflow::model::{Response as When, Webhook, Workflow};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Request, header};
use axum::response::{IntoResponse, Response};
use flowscript_lang::types::Type;
use std::sync::Arc;
use tokio::time::Instant;

const BASE: &str = "/hooks/";

/// Does [`hook`] serve this path?
pub fn is_hook(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| !rest.is_empty())
}

/// Any request below `/hooks/`.
pub async fn hook(app: &App, request: Request<Body>, caller: &Caller) -> Response {
    let received = Instant::now();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(BASE).unwrap_or_default().to_owned();
    let mut body = Some(body);
    let Some(place) = find(app, &path) else {
        drain_rest(app, body).await;
        return Problem::not_found(format!("No webhook has the path `{path}`.")).into_response();
    };
    let outcome = answer(app, &place, &parts, caller, &mut body, received).await;
    if outcome.is_err() {
        drain_rest(app, body).await;
    }
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    cors::allow(place.webhook(), &parts.headers, response.headers_mut());
    response
}

async fn drain_rest(app: &App, body: Option<Body>) {
    if let Some(unread) = body {
        drain(app, unread).await;
    }
}

/// The target of a path below `/hooks/`.
struct Place {
    entry: Arc<Entry>,
    workflow: Arc<Workflow>,
    what: What,
}

enum What {
    Webhook,
    Run(String),
    Description,
}

impl Place {
    fn webhook(&self) -> &Webhook {
        self.workflow.webhook.as_ref().expect("only workflows with a webhook have a place")
    }
}

fn find(app: &App, path: &str) -> Option<Place> {
    let workflows = app.engine.workflows();
    let place = |path: &str, what| {
        let entry = workflows.route(path)?.clone();
        let workflow = entry.workflow.clone().filter(|workflow| workflow.webhook.is_some())?;
        Some(Place { entry, workflow, what })
    };
    if let Some(place) = place(path, What::Webhook) {
        return Some(place);
    }
    let (rest, last) = path.rsplit_once('/')?;
    if last == "openapi.json" {
        return place(rest, What::Description);
    }
    // A caller that only signs requests cannot request a run.
    let place = place(rest.strip_suffix("/runs")?, What::Run(last.to_owned()))?;
    (!place.entry.lock.is_signature()).then_some(place)
}

async fn answer(
    app: &App,
    place: &Place,
    parts: &Parts,
    caller: &Caller,
    body: &mut Option<Body>,
    received: Instant,
) -> Result<Response, Problem> {
    let webhook = place.webhook();
    let asks = !webhook.cors.is_empty() && matches!(parts.method, Method::OPTIONS | Method::HEAD);
    if asks {
        return Ok(cors::options(webhook));
    }
    let allowed = match place.what {
        What::Webhook => cors::methods(webhook),
        What::Run(_) | What::Description => "GET".to_owned(),
    };
    if !allowed.split(", ").any(|method| method == parts.method.as_str()) {
        return Err(not_allowed(parts, &allowed));
    }
    if matches!(place.what, What::Description) && place.entry.lock.is_signature() {
        // Descriptions are not signed: people who set up senders of deliveries request them, not the senders.
        app.guard.role(&app.engine, &parts.headers).ok_or_else(Problem::unauthorized)?;
        return Ok(super::describe::endpoint(app, &place.workflow, webhook));
    }
    let visitor = door::visit(app, &place.entry, parts)?;
    match &place.what {
        What::Webhook => receive(app, place, parts, caller, &visitor, body, received).await,
        What::Run(run) => status(app, place, parts, caller, &visitor, run).await,
        What::Description => Ok(super::describe::endpoint(app, &place.workflow, webhook)),
    }
}

async fn receive(
    app: &App,
    place: &Place,
    parts: &Parts,
    caller: &Caller,
    visitor: &Visitor<'_>,
    body: &mut Option<Body>,
    received: Instant,
) -> Result<Response, Problem> {
    let webhook = place.webhook();
    let style = style(app, place, parts);
    check_accept(&place.workflow, webhook, &style.accept)?;
    if app.engine.is_stopping() {
        return Err(Problem::unavailable("The engine is stopping."));
    }
    let limit = app.engine.config().limits.body;
    let mut owner = visitor.owner(caller);
    let mut raw = body::read(app, owner, &parts.headers, body, limit).await?;
    if visitor.is_signed() {
        raw.work(app, owner, &parts.headers, |raw| visitor.check_body(&raw.bytes)).await?;
        raw.know();
        owner = Owner::Known(caller);
    }
    let decode = |raw: &mut RawBody| decode(app, place, parts, visitor, raw, limit);
    let (request, idempotency) = raw.work(app, owner, &parts.headers, decode).await?;
    let (workflow, request) = (place.workflow.clone(), Arc::new(request));
    let message = Message { workflow, request, idempotency, received, room: raw.room };
    Ok(reply::of_admission(app.engine.take(message).await, &style, Reader { app, owner }).await)
}

/// The request with its decoded body, and the key that names its run.
fn decode(
    app: &App,
    place: &Place,
    parts: &Parts,
    visitor: &Visitor<'_>,
    raw: &mut RawBody,
    limit: usize,
) -> Result<(WebhookRequest, Option<IdempotencyKey>), Problem> {
    raw.expand(&parts.headers, limit)?;
    body::check_type(&parts.headers, &raw.bytes)?;
    let shown = parts.headers.iter().filter(|(name, _)| Some(name.as_str()) != visitor.signature_header());
    let headers = shown.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())).collect();
    let (workflow, webhook) = (&place.workflow, place.webhook());
    let request = raw.decode(app, Problem::bad_request, |bytes, budget| {
        let request_parts = RequestParts { method: parts.method.as_str(), headers, body: bytes.clone() };
        app.engine.request(workflow, webhook, &visitor.query, request_parts, budget)
    })?;
    let idempotency = idempotency::of_message(&place.entry.id, visitor, parts, &raw.bytes, &request)?;
    Ok((request, idempotency))
}

/// Refuses a caller that accepts none of the possible formats of the answer. The content of `respond` is not known
/// here.
fn check_accept(workflow: &Workflow, webhook: &Webhook, accept: &Accept) -> Result<(), Problem> {
    let may_be = |ty: &Type| webhook.answer == Type::Any || webhook.answer.without_null() == ty;
    let fits = webhook.response == When::Accept
        || accept.takes_json()
        || accept.xml().is_some()
        || (may_be(&Type::Text) && accept.takes("text/plain"))
        || (may_be(&Type::Binary) && accept.takes("application/octet-stream"))
        || workflow.responds();
    if fits { Ok(()) } else { Err(reply::not_acceptable("The answer is JSON or XML; `Accept` allows neither.")) }
}

/// The state of a run, for callers that may call the webhook.
async fn status(
    app: &App,
    place: &Place,
    parts: &Parts,
    caller: &Caller,
    visitor: &Visitor<'_>,
    run: &str,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found(format!("The webhook `{}` has no run `{run}`.", place.webhook().path));
    let id: RunId = run.parse().map_err(|_| unknown())?;
    let answer = app.engine.answer(&place.entry.id, id).await.map_err(|error| Problem::of_store(&error))?;
    let owner = visitor.owner(caller);
    Ok(reply::of_answer(answer.ok_or_else(unknown)?, &style(app, place, parts), Reader { app, owner }).await)
}

/// The style of answers. A caller that only signs cannot request a run later.
fn style(app: &App, place: &Place, parts: &Parts) -> Style {
    let public = app.engine.config().public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let signed = place.entry.lock.is_signature();
    let runs = (!signed).then(|| format!("{public}/hooks/{}/runs/", place.webhook().path));
    Style { runs, accept: Accept::of(&parts.headers) }
}

fn not_allowed(parts: &Parts, allowed: &str) -> Problem {
    let words = allowed.replace(", ", " or ");
    Problem::new(405, "method-not-allowed", "Method not allowed")
        .with_detail(format!("`{}` does not accept {}; use {words}.", parts.uri.path(), parts.method))
        .with_header(header::ALLOW, allowed)
}
