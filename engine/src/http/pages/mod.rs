//! The dashboard: pages that work without script, of the data that the admin API has. A page is one file and one row of
//! [`PAGES`].

mod answers;
mod assets;
mod gate;
mod home;
mod lanes;
mod layout;
mod live;
mod page;
mod parts;
mod playground;
mod problems;
mod run;
mod runs;
mod schedules;
mod settings;
mod sign_in;
mod timeline;
mod times;
mod visit;
mod workflow;
mod workflows;

use super::app::App;
use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::map_response;
use axum::routing::{MethodRouter, post};
use page::Page;

/// The pages.
const PAGES: &[&Page] = &[
    &sign_in::PAGE,
    &home::PAGE,
    &workflows::PAGE,
    &workflow::PAGE,
    &runs::PAGE,
    &run::PAGE,
    &lanes::PAGE,
    &schedules::PAGE,
    &playground::PAGE,
    &settings::PAGE,
    &live::PAGE,
];

/// The routes of all pages, and of the files that they need.
pub fn router(_: &App) -> Router<App> {
    let mut router = Router::new().merge(sign_in::router()).route("/theme", post(sign_in::switch_theme));
    for page in PAGES {
        for operation in page.operations {
            let serve = move |state: State<App>, params: RawPathParams, request: Request| async move {
                gate::serve(operation, state, params, request).await
            };
            router = router.route(operation.path, MethodRouter::new().on(operation.method.filter(), serve));
        }
    }
    router.merge(assets::router()).layer(map_response(answers::protect))
}
