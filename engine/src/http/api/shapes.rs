//! The descriptions of a handler's types in the OpenAPI document.

use crate::http::app::App;
use axum::extract::State;
use axum::http::HeaderMap;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, Responses, Schema};
use utoipa::{IntoParams, ToSchema};

/// The descriptions of a handler's types in the OpenAPI document.
#[derive(Default)]
pub struct Shapes {
    /// Parameters of the query and headers.
    pub parameters: Vec<Parameter>,
    /// The body of the request.
    pub body: Option<RequestBody>,
    /// The answers.
    pub responses: Responses,
    /// The schemas that these name.
    pub schemas: Schemas,
}

/// Named schemas.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// An input of a handler, with its description in the OpenAPI document.
pub trait Input {
    /// Adds parameters or a body.
    fn describe(shapes: &mut Shapes);
}

impl Shapes {
    /// Adds the parameters of a query.
    pub fn query<T: IntoParams>(&mut self) {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
    }

    /// Adds a header that a request may have.
    pub fn header(&mut self, name: &str, description: &str) {
        let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
        self.parameters.push(header.description(Some(description)).schema(Some(text())).build());
    }

    /// Adds a body of JSON.
    pub fn body<T: ToSchema>(&mut self, required: bool) {
        let content = ContentBuilder::new().schema(Some(self.reference::<T>())).build();
        let required = if required { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(required));
        self.body = Some(body.build());
    }

    /// Adds an answer.
    pub fn response(&mut self, status: u16, response: Response) {
        self.responses.responses.insert(status.to_string(), response.into());
    }

    /// Adds a schema under a name.
    pub fn schema(&mut self, name: String, schema: impl Into<RefOr<Schema>>) -> Ref {
        let reference = Ref::from_schema_name(&name);
        self.schemas.push((name, schema.into()));
        reference
    }

    /// A reference to the schema of a type, which is added with all that it refers to.
    pub fn reference<T: ToSchema>(&mut self) -> Ref {
        T::schemas(&mut self.schemas);
        self.schema(T::name().into_owned(), T::schema())
    }
}

/// The schema of a text.
pub fn text() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}

impl Input for State<App> {
    fn describe(_: &mut Shapes) {}
}

impl Input for HeaderMap {
    fn describe(_: &mut Shapes) {}
}
