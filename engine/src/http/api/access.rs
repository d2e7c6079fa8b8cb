//! Authorization of the admin API.

use super::resource::Load;
use crate::engine::Role;
use crate::http::app::App;
use crate::http::callers;
use crate::http::capacity::Owner;
use crate::http::problem::Problem;
use crate::http::sent::{Reader, SMALL};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http_body_util::BodyExt;
use hyper::body::Body as _;

/// Lets only requests with a valid token through, and passes its role on to the handler.
pub async fn want_token(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(role) = app.guard.role(&app.engine, request.headers()) else {
        return Problem::unauthorized().into_response();
    };
    request.extensions_mut().insert(role);
    counted(&app, next.run(request).await).await
}

/// A route for tokens of this role or a higher one, with answers of this load.
pub fn within(route: MethodRouter<App>, app: &App, access: Role, load: Load) -> MethodRouter<App> {
    let checked = move |State(app): State<App>, request: Request, next: Next| async move {
        if access == Role::Admin && request.extensions().get() != Some(&Role::Admin) {
            let detail = "This token has the role viewer; a change needs the role admin.";
            return Problem::forbidden(detail).into_response();
        }
        match load {
            Load::Small => next.run(request).await,
            Load::Run => {
                let caller = callers::of(request.extensions()).ok().cloned();
                app.capacity.view(caller.as_ref(), next.run(request)).await
            }
        }
    };
    route.route_layer(from_fn_with_state(app.clone(), checked))
}

/// An answer that takes room until it is read. A stream takes none: its reader decides how long it continues.
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
            let detail = "Too many answers of the admin API are waiting to be read; try again in a moment.";
            Problem::unavailable(detail).into_response()
        }
    }
}
