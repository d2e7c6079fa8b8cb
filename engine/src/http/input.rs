//! What handlers of the admin API take: parts of the path, parameters, bodies. What does not fit is a problem.

use super::app::App;
use super::body::{self, RawBody};
use super::house::Owner;
use super::problem::Problem;
use crate::room::Held;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

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

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, app).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(Problem::bad_request(format!("{}.", rejection.body_text()))),
        }
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

/// The same with the room that the body takes until nobody works on it any more.
pub struct GivenWithRoom<T>(pub T, pub Option<Held>);

impl<T: DeserializeOwned> FromRequest<App> for GivenWithRoom<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let Raw(RawBody { bytes, room }) = Raw::from_request(request, app).await?;
        let text = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}".as_slice() } else { &bytes };
        // A list would be taken for the fields in their order.
        if text.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::bad_request("The body does not fit: an object is wanted."));
        }
        serde_json::from_slice(text)
            .map(|given| Self(given, room))
            .map_err(|error| Problem::bad_request(format!("The body does not fit: {error}.")))
    }
}

/// A body as bytes.
pub struct Raw(pub RawBody);

impl FromRequest<App> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, unread) = request.into_parts();
        let mut unread = Some(unread);
        // The token has been looked at before.
        let raw = body::read(app, Owner::Admin, &parts.headers, &mut unread, MAX_BODY).await;
        if let (Err(_), Some(unread)) = (&raw, unread) {
            body::drain(unread).await;
        }
        let mut raw = raw?;
        raw.work(app, Owner::Admin, &parts.headers, |raw| raw.expand(&parts.headers, MAX_BODY)).await?;
        Ok(Self(raw))
    }
}
