//! `/livez` and `/readyz`, open to everybody.

use super::App;
use super::problem::Problem;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The engine takes requests.
pub async fn ready(State(app): State<App>) -> Response {
    if app.engine.is_stopping() {
        return Problem::unavailable("The engine is stopping.").into_response();
    }
    "ok\n".into_response()
}
