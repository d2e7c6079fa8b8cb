//! `/callbacks/{runId}/{name}/{mac}`: events for runs that wait for them. The address is the credential.

use super::app::App;
use super::capacity::Owner;
use super::headers::harden;
use super::json::json_response;
use super::problem::Problem;
use super::{body, callers};
use crate::engine::{Delivered, RunId};
use crate::trigger::callback;
use crate::trigger::webhook::decode_body;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flowscript_lang::budget::Budget;
use serde_json::json;

/// The page for a person who follows the address: mail scanners follow links too, so only the button sends the event.
const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
content=\"width=device-width\"><title>Continue</title><body><form method=\"post\"><p>A workflow waits for this.</p>\
<button>Continue</button></form></body></html>";

/// The path of an address: run, name, signature.
type Address = Path<(String, String, String)>;

/// Stores the event; the run gets its body.
pub async fn deliver(
    State(app): State<App>,
    Path(address): Address,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (run, name) = signed(&app, address)?;
    let limit = app.engine.config().limits.body;
    let owner = Owner::Known(callers::of(&parts.extensions)?);
    let mut raw = body::read_whole(&app, owner, &parts.headers, body, limit).await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let decode = |raw: &mut body::RawBody| {
        raw.expand(&parts.headers, limit)?;
        body::check_type(&parts.headers, &raw.bytes)?;
        let decode = |bytes: &Bytes, budget: &mut dyn Budget| decode_body(bytes, content_type, budget);
        Ok::<_, Problem>(callback::encode(&raw.decode(&app, Problem::bad_request, decode)?))
    };
    let event = raw.work(&app, owner, &parts.headers, decode).await?;
    let delivered =
        app.engine.operators().deliver(run, name.clone(), event).await.map_err(|error| Problem::of_store(&error))?;
    match delivered {
        Delivered::Kept => {
            Ok(json_response(StatusCode::ACCEPTED, json!({ "runId": run.to_string(), "event": name }).to_string()))
        }
        Delivered::Already => Err(Problem::new(409, "conflict", "Conflict")
            .with_detail(format!("The event `{name}` has already been delivered; the run has received the first one."))
            .with_run(run)),
        Delivered::Ended => Err(Problem::new(410, "gone", "Gone")
            .with_detail("The run has ended and no longer waits for the event.")
            .with_run(run)),
    }
}

/// Shows a button that sends the event without a body.
pub async fn page(State(app): State<App>, Path(address): Address) -> Result<Response, Problem> {
    signed(&app, address)?;
    let mut response = (StatusCode::OK, Body::from(PAGE)).into_response();
    let headers = response.headers_mut();
    harden(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}

/// The run and the event of an address that this store has signed.
fn signed(app: &App, (run, name, mac): (String, String, String)) -> Result<(RunId, String), Problem> {
    let unknown = || Problem::not_found("Nothing waits at this address.");
    let run: RunId = run.parse().map_err(|_| unknown())?;
    if app.engine.operators().is_callback(run, &name, &mac) { Ok((run, name)) } else { Err(unknown()) }
}
