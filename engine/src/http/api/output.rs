//! Answers of handlers of the admin API, with their descriptions.

use super::shapes::Shapes;
use crate::engine::RunId;
use crate::http::app::App;
use crate::http::json::json_response;
use crate::http::problem::Problem;
use crate::http::reply::accepted;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

/// An answer that describes itself.
pub trait Answer {
    /// Adds the answer to the description of an operation.
    fn describe(shapes: &mut Shapes);
}

impl<T: Answer> Answer for Result<T, Problem> {
    fn describe(shapes: &mut Shapes) {
        T::describe(shapes);
    }
}

/// 200 with a shape.
pub struct Shown<T>(pub T);

/// 201 with the shape of what was made.
pub struct Made<T>(pub T);

/// 204 after something was removed.
pub struct Removed;

/// 202 with the run that continues, or its outcome.
pub struct Queued(pub Response);

/// 200 with a stream of events.
pub struct Stream(pub Response);

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        written(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        written(StatusCode::CREATED, &self.0)
    }
}

impl IntoResponse for Removed {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl IntoResponse for Queued {
    fn into_response(self) -> Response {
        self.0
    }
}

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        self.0
    }
}

fn written(status: StatusCode, shape: &impl Serialize) -> Response {
    match serde_json::to_string(shape) {
        Ok(body) => json_response(status, body),
        Err(error) => {
            tracing::error!("an answer cannot be written as JSON: {error}");
            Problem::new(500, "internal", "Internal error").into_response()
        }
    }
}

impl<T: ToSchema> Answer for Shown<T> {
    fn describe(shapes: &mut Shapes) {
        let reference = shapes.reference::<T>();
        shapes.response(200, in_json(reference));
    }
}

impl<T: ToSchema> Answer for Made<T> {
    fn describe(shapes: &mut Shapes) {
        let reference = shapes.reference::<T>();
        shapes.response(201, in_json(reference));
    }
}

impl Answer for Removed {
    fn describe(shapes: &mut Shapes) {
        shapes.response(204, ResponseBuilder::new().description("It was deleted.").build());
    }
}

impl Answer for Queued {
    fn describe(shapes: &mut Shapes) {
        let reference = shapes.reference::<Accepted>();
        shapes.response(202, in_json(reference));
    }
}

impl Answer for Stream {
    fn describe(shapes: &mut Shapes) {
        let content = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String).build()));
        let response = ResponseBuilder::new().description("The events, as they happen.");
        shapes.response(200, response.content("text/event-stream", content.build()).build());
    }
}

/// An answer of JSON. The document gives it the description of its schema.
pub fn in_json(reference: Ref) -> Described {
    let content = ContentBuilder::new().schema(Some(reference)).build();
    ResponseBuilder::new().content("application/json", content).build()
}

/// A run that is kept and will continue.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "described here, made by `accepted`")]
struct Accepted {
    /// The run.
    run_id: String,
    /// Where it can be requested.
    status_url: Option<String>,
}

/// The answer that names a queued run.
pub fn queued(app: &App, run: RunId) -> Queued {
    Queued(accepted(run, app.run_style().status_url(run)))
}

/// The run that was changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Touched {
    /// The run.
    run_id: String,
}

impl Touched {
    /// The answer that names this run.
    pub fn of(run: RunId) -> Shown<Self> {
        Shown(Self { run_id: run.to_string() })
    }
}

/// The errors that every operation may return.
pub fn refusals() -> impl Iterator<Item = (String, RefOr<Described>)> {
    let refusals = [
        (400, "Something in the request does not fit."),
        (401, "The token is missing or wrong."),
        (403, "The token's role is viewer."),
        (404, "There is nothing with this id or path."),
        (405, "The path does not accept the method."),
        (408, "The body came too slowly."),
        (409, "The resource is not in a state that allows this."),
        (413, "The body is too large."),
        (415, "The Content-Encoding is not known."),
        (429, "Too many runs are queued."),
        (431, "The header is too large."),
        (500, "The engine failed."),
        (503, "The engine is stopping, or its store cannot be written."),
    ];
    refusals.into_iter().map(|(status, text): (u16, &str)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(text).content("application/problem+json", content);
        (status.to_string(), response.build().into())
    })
}
