//! Routing: webhooks under `/hooks`, the admin API under `/api/v1`, the dashboard at `/`, health.

use super::api::{self, want_token};
use super::app::App;
use super::callers::Caller;
use super::capacity::Capacity;
use super::problem::Problem;
use super::token::Guard;
use super::{callbacks, health, hooks, metrics, pages, token_contract};
use crate::engine::Engine;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;

/// The routes.
#[derive(Clone)]
pub struct Routers {
    app: App,
    /// The token contract, events, health.
    public: Router,
    /// The admin API and the dashboard.
    admin: Router,
}

/// The routes at one address.
#[derive(Clone)]
pub struct Routes {
    /// Webhooks, if they are served here. Nearly all requests are for them, and a router would cost each of them a
    /// tenth of its time.
    hooks: Option<App>,
    /// Everything else.
    router: Router,
    capacity: Arc<Capacity>,
}

impl Routers {
    /// Webhooks and the admin API at addresses of their own.
    pub fn apart(self) -> (Routes, Routes) {
        let capacity = self.app.capacity.clone();
        let public =
            Routes { hooks: Some(self.app), router: self.public.fallback(not_found), capacity: capacity.clone() };
        (public, Routes { hooks: None, router: self.admin.fallback(not_found), capacity })
    }

    /// Both at one address.
    pub fn together(self) -> Routes {
        let capacity = self.app.capacity.clone();
        Routes { hooks: Some(self.app), router: self.admin.merge(self.public).fallback(not_found), capacity }
    }
}

impl Routes {
    /// The capacity shared by all its requests.
    pub fn capacity(&self) -> &Arc<Capacity> {
        &self.capacity
    }

    /// The answer to a request of this caller.
    pub async fn answer(&self, mut request: Request<Body>, caller: &Caller) -> Response {
        match &self.hooks {
            Some(app) if hooks::is_hook(request.uri().path()) => hooks::hook(app, request, caller).await,
            _ => {
                request.extensions_mut().insert(caller.clone());
                match TowerToHyperService::new(self.router.clone()).call(request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                }
            }
        }
    }
}

/// All routes.
pub fn routers(engine: Engine, guard: Guard) -> Routers {
    let capacity = Arc::new(Capacity::new(engine.config()));
    let app = App { engine, guard: Arc::new(guard), capacity };
    let api = api::router(&app)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), want_token));
    let metrics = Router::new()
        .route("/metrics", get(metrics::show))
        .layer(middleware::from_fn_with_state(app.clone(), want_token));
    let admin = Router::new().nest("/api/v1", api).merge(metrics).merge(pages::router(&app));
    let public = Router::new()
        .route("/webhook/payload", post(token_contract::start))
        .route("/webhook/status/{id}", get(token_contract::status))
        .route("/callbacks/{run}/{name}/{mac}", get(callbacks::page).post(callbacks::deliver))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready));
    Routers { public: finished(public, &app), admin: finished(admin, &app), app }
}

/// The layers shared by all routes.
fn finished(router: Router<App>, app: &App) -> Router {
    router.method_not_allowed_fallback(method_not_allowed).with_state(app.clone())
}

async fn not_found(uri: axum::http::Uri) -> Response {
    Problem::not_found(format!("There is nothing at `{}`.", uri.path())).into_response()
}

async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Response {
    Problem::new(405, "method-not-allowed", "Method not allowed")
        .with_detail(format!("`{}` does not accept {method}.", uri.path()))
        .into_response()
}
