//! Who may use the admin API, and for what.

use super::app::App;
use super::callers;
use super::house::Owner;
use super::problem::Problem;
use super::sent::{Reader, SMALL};
use crate::engine::Role;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Body as _;

/// Lets only requests with a valid token through; those of viewers only where nothing can change.
pub async fn want_token(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.guard.role(&app.engine, request.headers()) {
        None => Problem::unauthorized().into_response(),
        Some(Role::Viewer) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            Problem::forbidden("This token has the role viewer; a change needs the role admin.").into_response()
        }
        Some(_) => {
            let is_view = matches!(*request.method(), Method::GET | Method::HEAD) && shows_run(request.uri().path());
            let answer = if is_view {
                let caller = callers::of(request.extensions()).ok().cloned();
                app.house.view(caller.as_ref(), next.run(request)).await
            } else {
                next.run(request).await
            };
            counted(&app, answer).await
        }
    }
}

/// Does this path show what a run has got and given? Lists show little of each.
fn shows_run(path: &str) -> bool {
    path.strip_prefix("/api/v1").unwrap_or(path).starts_with("/runs/")
}

/// An answer that takes room until it is read. A stream has none: it goes on for as long as its reader likes.
async fn counted(app: &App, answer: Response) -> Response {
    if answer.body().size_hint().exact().is_none_or(|size| size <= SMALL as u64) {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await else {
        return Problem::new(500, "internal", "Internal error").into_response();
    };
    match (Reader { app, owner: Owner::Admin }).ready(body.to_bytes()) {
        Ok(body) => Response::from_parts(parts, body),
        Err(_) => {
            let detail = "Too many answers of the admin API wait for their readers; try again in a moment.";
            Problem::unavailable(detail).into_response()
        }
    }
}
