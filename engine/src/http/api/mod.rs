//! The admin API under `/api/v1`. A resource is one file and one row of [`RESOURCES`].
#![deny(dead_code)] // a resource that is not in the table is an error

mod access;
mod attention;
pub mod bulk;
pub mod control;
mod counts;
mod diagram;
mod difference;
pub mod evaluate;
pub mod events;
pub mod input;
pub mod keys;
mod label;
pub mod lanes;
pub mod log;
mod openapi;
pub mod output;
pub mod paging;
mod recent;
pub mod resource;
pub mod runs;
pub mod schedules;
mod shapes;
mod statistics;
pub mod steps;
pub mod tokens;
mod versions;
mod webhook;
pub mod workflows;

pub use access::want_token;
pub use input::At;

use super::app::App;
use access::within;
use axum::Router;
use axum::routing::get;
use openapi::Document;
use output::Shown;
use resource::Resource;

/// The resources.
const RESOURCES: &[&Resource] = &[
    &workflows::RESOURCE,
    &diagram::RESOURCE,
    &webhook::RESOURCE,
    &versions::RESOURCE,
    &runs::RESOURCE,
    &counts::RESOURCE,
    &recent::RESOURCE,
    &steps::RESOURCE,
    &log::RESOURCE,
    &control::RESOURCE,
    &bulk::RESOURCE,
    &lanes::RESOURCE,
    &statistics::RESOURCE,
    &attention::RESOURCE,
    &schedules::RESOURCE,
    &keys::RESOURCE,
    &tokens::RESOURCE,
    &events::RESOURCE,
    &evaluate::RESOURCE,
];

/// The routes of all resources, and of the document that describes them. The caller's token has been checked before.
pub fn router(app: &App) -> Router<App> {
    let (mut router, mut document) = (Router::new(), Document::default());
    for resource in RESOURCES {
        for operation in resource.operations {
            let (route, described, schemas) = operation.parts(resource.tag);
            router = router.route(operation.path, within(route, app, operation.access, operation.load));
            document.add(operation.path, operation.method.described(), described, schemas);
        }
    }
    let document = document.finished(app.engine.config().public_url.as_deref());
    router.route("/openapi.json", get(move || std::future::ready(Shown(document.clone()))))
}

#[cfg(test)]
mod tests {
    use super::RESOURCES;
    use std::collections::BTreeMap;

    #[test]
    fn each_schema_has_a_name_of_its_own() {
        let mut known = BTreeMap::new();
        for operation in RESOURCES.iter().flat_map(|resource| resource.operations) {
            let (_, _, schemas) = operation.parts("tag");
            for (name, schema) in schemas {
                let schema = serde_json::to_string(&schema).expect("a schema is JSON");
                let other = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(*other, schema, "two schemas are named {name}: give one another with `#[schema(as = …)]`");
            }
        }
    }
}
