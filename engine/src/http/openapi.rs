//! The OpenAPI document of the admin API: its frame, and what all operations have in common. Paths and shapes come from
//! the handlers themselves.

use super::json::json_response;
use super::problem::Problem;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Response as Described, ResponseBuilder, Schema, Server,
};
use utoipa::{IntoResponses, ToSchema};

/// A JSON answer.
pub struct Shown<T>(pub StatusCode, pub T);

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.1) {
            Ok(body) => json_response(self.0, body),
            Err(error) => {
                tracing::error!("an answer cannot be written as JSON: {error}");
                Problem::new(500, "internal", "Internal error").into_response()
            }
        }
    }
}

/// 200 with a shape.
pub fn ok<T>(shape: T) -> Shown<T> {
    Shown(StatusCode::OK, shape)
}

/// An error of RFC 9457.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "described here, made by `Problem`")]
pub struct ProblemShape {
    /// The stable name of the kind of error.
    r#type: String,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What was wrong, with which value, and what to do.
    detail: String,
    /// The run it is about.
    #[serde(rename = "runId")]
    run_id: Option<String>,
    /// Where to ask for the run.
    #[serde(rename = "statusUrl")]
    status_url: Option<String>,
}

/// What every operation may answer instead.
pub struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let refusals = [
            (400, "Something in the request does not fit."),
            (401, "The token is missing or wrong."),
            (403, "The token's role is viewer."),
            (404, "There is no such thing."),
            (405, "The path does not answer to the method."),
            (408, "The body came too slowly."),
            (409, "The thing is not in a state for this."),
            (413, "The body is too large."),
            (415, "The Content-Encoding is not known."),
            (429, "Too many runs are queued."),
            (431, "The header is too large."),
            (500, "The engine failed."),
            (503, "The engine stops or cannot keep anything."),
        ];
        let described = refusals.into_iter().map(|(status, text): (u16, &str)| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let response = ResponseBuilder::new().description(text).content("application/problem+json", content);
            (status.to_string(), response.build().into())
        });
        described.collect()
    }
}

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// The document without its paths.
pub fn frame() -> OpenApi {
    let mut info = Info::new("FlowScript", env!("CARGO_PKG_VERSION"));
    info.description = Some("Workflows, runs, lanes, keys and tokens of an engine.".into());
    OpenApiBuilder::new().info(info).build()
}

/// The document with what concerns all its paths.
pub fn finished(mut document: OpenApi, public_url: Option<&str>) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An admin token.")).build();
    components.security_schemes.insert("token".into(), SecurityScheme::Http(bearer).into());
    let mut schemas = Vec::new();
    <ProblemShape as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.schemas.insert("Problem".into(), <ProblemShape as utoipa::PartialSchema>::schema());
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    let public = public_url.unwrap_or_default().trim_end_matches('/');
    document.servers = Some(vec![Server::new(format!("{public}/api/v1"))]);
    complete_operations(&mut document);
    document
}

/// What OpenAPI demands of each operation and the handlers do not say: an id that no other operation has, and a
/// description of each answer.
fn complete_operations(document: &mut OpenApi) {
    let schemas = document.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            // Handlers of several resources have one name; the tag is the resource.
            let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            operation.operation_id = operation.operation_id.take().map(|id| format!("{tag}_{id}"));
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = described(response, &schemas).unwrap_or_else(|| success(status).to_owned());
                }
            }
        }
    }
}

/// The description of the schema that a response refers to.
fn described(response: &Described, schemas: &Schemas) -> Option<String> {
    let RefOr::T(content) = response.content.values().next()? else { return None };
    let RefOr::Ref(reference) = content.schema.as_ref()? else { return None };
    let name = reference.ref_location.rsplit('/').next()?;
    match schemas.get(name)? {
        RefOr::T(Schema::Object(object)) => object.description.clone(),
        RefOr::T(Schema::AllOf(all)) => all.description.clone(),
        _ => None,
    }
}

fn success(status: &str) -> &'static str {
    match status {
        "201" => "It was created.",
        "202" => "The request was accepted.",
        "204" => "It was done; there is no content.",
        _ => "The request succeeded.",
    }
}
