//! Inputs of handlers of the admin API: parts of the path, parameters, bodies. An input that does not fit is a problem.

use super::shapes::{Input, Shapes};
use crate::engine::{Role, RunId};
use crate::http::app::App;
use crate::http::body::{self, RawBody};
use crate::http::capacity::Owner;
use crate::http::problem::Problem;
use crate::room::Held;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use utoipa::{IntoParams, ToSchema};

/// The largest body of the admin API, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The parts of the path.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, app).await {
            Ok(Path(at)) => Ok(Self(at)),
            Err(_) => Err(Problem::not_found(format!("There is nothing at `{}`.", parts.uri.path()))),
        }
    }
}

/// The parameters of the query.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        query_of(parts.uri.query().unwrap_or_default())
    }
}

/// The parameters of a query.
pub fn query_of<T: DeserializeOwned>(query: &str) -> Result<Asked<T>, Problem> {
    let uri = Uri::try_from(format!("/?{query}")).map_err(|_| Problem::bad_request("The query cannot be read."))?;
    match Query::<T>::try_from_uri(&uri) {
        Ok(Query(asked)) => Ok(Asked(asked)),
        Err(rejection) => Err(Problem::bad_request(format!("{}.", rejection.body_text()))),
    }
}

/// A body of JSON. No body is an empty object.
pub struct Given<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        GivenWithRoom::from_request(request, app).await.map(|GivenWithRoom(given, _)| Self(given))
    }
}

/// The same with the room that the body takes until the work on it has ended.
pub struct GivenWithRoom<T>(pub T, pub Option<Held>);

impl<T: DeserializeOwned> FromRequest<App> for GivenWithRoom<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let Raw(RawBody { bytes, room }, _) = Raw::<T>::from_request(request, app).await?;
        let text = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}".as_slice() } else { &bytes };
        // A list would be read as the fields in their order.
        if text.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::bad_request("The body must be a JSON object."));
        }
        serde_json::from_slice(text)
            .map(|given| Self(given, room))
            .map_err(|error| Problem::bad_request(format!("The body does not fit: {error}.")))
    }
}

/// A body as bytes, which the handler reads as a `T`.
pub struct Raw<T>(pub RawBody, pub PhantomData<T>);

impl<T> FromRequest<App> for Raw<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, unread) = request.into_parts();
        // The token has been checked before.
        let mut raw = body::read_whole(app, Owner::Admin, &parts.headers, unread, MAX_BODY).await?;
        raw.work(app, Owner::Admin, &parts.headers, |raw| raw.expand(&parts.headers, MAX_BODY)).await?;
        Ok(Self(raw, PhantomData))
    }
}

/// The role of the token of a request.
pub struct Holder(pub Role);

impl FromRequestParts<App> for Holder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        parts.extensions.get::<Role>().copied().map(Self).ok_or_else(Problem::unauthorized)
    }
}

/// The id in a path or a body. Any other text names no run.
pub fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("There is no run {text}.")))
}

/// The path of an operation names its parts.
impl<T> Input for At<T> {
    fn describe(_: &mut Shapes) {}
}

impl<T: IntoParams> Input for Asked<T> {
    fn describe(shapes: &mut Shapes) {
        shapes.query::<T>();
    }
}

/// A body is required if an empty object is not enough.
impl<T: DeserializeOwned + ToSchema> Input for Given<T> {
    fn describe(shapes: &mut Shapes) {
        shapes.body::<T>(serde_json::from_str::<T>("{}").is_err());
    }
}

impl<T: DeserializeOwned + ToSchema> Input for GivenWithRoom<T> {
    fn describe(shapes: &mut Shapes) {
        Given::<T>::describe(shapes);
    }
}

impl<T: ToSchema> Input for Raw<T> {
    fn describe(shapes: &mut Shapes) {
        shapes.body::<T>(false);
    }
}

impl Input for Holder {
    fn describe(_: &mut Shapes) {}
}
