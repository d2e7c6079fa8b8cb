//! The wire: webhooks under `/hooks`, the admin API under `/api/v1`, health. One resource a file.
//!
//! Everything here talks to one [`Engine`]; errors are problems of RFC 9457.

mod access;
mod body;
mod callbacks;
mod cors;
mod describe;
mod door;
mod health;
mod hooks;
mod idempotency;
mod input;
mod json;
mod keys;
mod lanes;
mod problem;
mod reply;
mod runs;
mod server;
mod token_contract;
mod tokens;
mod workflows;

pub use access::{AdminToken, Guard};
pub use json::key as key_json;
pub use server::{Server, bind};

use crate::engine::Engine;
use access::want_token;
use axum::Router;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, patch, post};
use problem::Problem;
use reply::Style;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What every handler gets.
#[derive(Clone)]
struct App {
    engine: Engine,
    guard: Arc<Guard>,
    /// Room for bodies that are being worked on, in KiB.
    bodies: Arc<Semaphore>,
}

impl App {
    /// Where runs can be seen in the admin API: absolute only where the engine knows its address.
    fn run_style(&self) -> Style {
        let public = self.engine.config().public_url.as_deref().unwrap_or_default();
        Style { runs: Some(format!("{}/api/v1/runs/", public.trim_end_matches('/'))), xml: false }
    }
}

/// All routes.
pub fn router(engine: Engine, guard: Guard) -> Router {
    let kibibytes = engine.config().limits.bodies_in_flight >> 10;
    let bodies = Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS)));
    let app = App { engine, guard: Arc::new(guard), bodies };
    let api = Router::new()
        .route("/workflows", get(workflows::list))
        .route("/workflows/{id}", get(workflows::show))
        .route("/workflows/{id}/run", post(workflows::run))
        .route("/workflows/{id}/activate", post(workflows::activate))
        .route("/runs", get(runs::list))
        .route("/runs/retry", post(runs::retry_many))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/retry", post(runs::retry))
        .route("/runs/{id}/rerun", post(runs::rerun))
        .route("/runs/{id}/cancel", post(runs::cancel))
        .route("/runs/{id}/skip", post(runs::skip))
        .route("/lanes", get(lanes::list))
        .route("/lanes/{workflow}/skip", post(lanes::skip))
        .route("/lanes/{workflow}/resume", post(lanes::resume))
        .route("/keys", get(keys::list).post(keys::add))
        .route("/keys/{id}", patch(keys::rename).delete(keys::delete))
        .route("/keys/{id}/revoke", post(keys::revoke))
        .route("/tokens", get(tokens::list).post(tokens::add))
        .route("/tokens/{id}", delete(tokens::delete))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), want_token));
    Router::new()
        .route("/hooks/{*path}", any(hooks::hook))
        .route("/webhook/payload", post(token_contract::start))
        .route("/webhook/status/{id}", get(token_contract::status))
        .route("/callbacks/{run}/{name}/{mac}", get(callbacks::page).post(callbacks::deliver))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .nest("/api/v1", api)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(middleware::from_fn(server::limit_headers))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(panicked))
        .with_state(app)
}

async fn not_found(uri: axum::http::Uri) -> Response {
    Problem::not_found(format!("There is nothing at `{}`.", uri.path())).into_response()
}

async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Response {
    Problem::new(405, "method-not-allowed", "Method not allowed")
        .with_detail(format!("`{}` does not answer to {method}.", uri.path()))
        .into_response()
}

fn panicked(_panic: Box<dyn std::any::Any + Send>) -> Response {
    // The panic hook has written down what happened; callers are told only that it did.
    Problem::new(500, "internal", "Internal error").with_detail("The engine failed; its log says more.").into_response()
}
