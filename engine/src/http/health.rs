//! `/livez` and `/readyz`, open to everybody.

use super::app::App;
use super::problem::Problem;
use crate::told;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The engine takes requests, and keeps what it takes.
pub async fn ready(State(app): State<App>) -> Response {
    if app.engine.is_stopping() {
        return Problem::unavailable("The engine is stopping.").into_response();
    }
    match app.engine.can_keep().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            // Why is for admins only.
            told::error(&format!("the store: {error}"));
            Problem::unavailable("The engine cannot store anything at the moment.").into_response()
        }
    }
}
