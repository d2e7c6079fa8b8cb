//! `/livez` and `/readyz`, without authentication.

use super::app::App;
use super::problem::Problem;
use crate::told;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The engine accepts requests, and can store their runs.
pub async fn ready(State(app): State<App>) -> Response {
    if app.engine.is_stopping() {
        return Problem::unavailable("The engine is stopping.").into_response();
    }
    match app.engine.can_keep().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            // The reason is for admins only.
            told::error(&format!("the store: {error}"));
            Problem::unavailable("The engine cannot store anything at the moment.").into_response()
        }
    }
}
