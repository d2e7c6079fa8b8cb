//! Pages of lists: `limit` and `cursor` in the query, `next` in the answer.

use super::input::{Asked, query_of};
use super::output::{Answer, in_json};
use super::shapes::{Input, Shapes};
use crate::engine::{Cursor, StoreError};
use crate::http::app::App;
use crate::http::json::json_response;
use crate::http::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{Serializer, parse};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

/// The largest page.
pub const MAX_PAGE: u32 = 1000;
/// The size of a page if the query sets none.
const USUAL_PAGE: u32 = 50;

/// A filter, and the requested page of the rows that pass it. The filter has no fields for pages.
pub struct Paged<F>(pub F, pub PageOf);

/// The requested page.
pub struct PageOf {
    /// The cursor of the page before; `None` for the first page.
    pub after: Option<Cursor>,
    /// The most rows.
    pub limit: u32,
}

/// The parameters of pages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Paging {
    /// Continue after this cursor: `next` of the page before.
    cursor: Option<String>,
    /// The most rows to return, up to 1,000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
}

impl<F: DeserializeOwned + Send> FromRequestParts<App> for Paged<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let (mut paging, mut filter) = (Serializer::new(String::new()), Serializer::new(String::new()));
        for (name, value) in parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let part = if matches!(&*name, "cursor" | "limit") { &mut paging } else { &mut filter };
            part.append_pair(&name, &value);
        }
        let Asked(Paging { cursor, limit }) = query_of(&paging.finish())?;
        let Asked(filter) = query_of(&filter.finish())?;
        let limit = page_size(limit.unwrap_or(USUAL_PAGE))?;
        Ok(Self(filter, PageOf { after: cursor.map(Cursor), limit }))
    }
}

impl<F: IntoParams> Input for Paged<F> {
    fn describe(shapes: &mut Shapes) {
        shapes.query::<F>();
        shapes.query::<Paging>();
    }
}

/// The number of rows of a page, if it is allowed.
pub fn page_size(limit: u32) -> Result<u32, Problem> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::bad_request(format!("`limit` is {limit}; it can be 1 to {MAX_PAGE}.")))
}

/// The error of a list. A cursor that the list has never issued is a mistake of the caller.
pub fn list_failed(error: &StoreError) -> Problem {
    match error {
        StoreError::Conflict(text) => Problem::bad_request(format!("{text}.")),
        error => Problem::of_store(error),
    }
}

/// The description of the end of a search.
const SEARCHED_TO: &str =
    "The search took long and ended at runs that were accepted at this instant; the next page continues it.";

/// A type of row that pages can have.
pub trait Listed: Serialize + ToSchema {
    /// The name of the rows in the answer, such as `runs`.
    const ROWS: &'static str;
    /// The order of the rows, such as `newest first`.
    const ORDER: &'static str;
    /// Whether rows are searched for, so that a page may end before it is full.
    const SEARCHED: bool;
}

/// A page: the rows under their name, and the cursor of the next page as `next`.
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
    /// The instant at which a search ended before the page was full.
    pub searched_to: Option<String>,
}

impl<T: Listed> Page<T> {
    /// These rows, and the cursor of the next page; `None` at the end.
    pub fn new(rows: impl Iterator<Item = T>, next: Option<String>) -> Self {
        Self::searched(rows, next, None)
    }

    /// The same for a search that ended at an instant before the page was full.
    pub fn searched(rows: impl Iterator<Item = T>, next: Option<String>, to: Option<String>) -> Self {
        Self { rows: rows.collect(), next, searched_to: to }
    }

    fn body(&self) -> Result<String, serde_json::Error> {
        let (rows, next) = (serde_json::to_string(&self.rows)?, serde_json::to_string(&self.next)?);
        let to = self.searched_to.as_ref().map(serde_json::to_string).transpose()?;
        let to = to.map(|to| format!(",\"searchedTo\":{to}")).unwrap_or_default();
        Ok(format!("{{\"{}\":{rows},\"next\":{next}{to}}}", T::ROWS))
    }
}

impl<T: Listed> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.body() {
            Ok(body) => json_response(StatusCode::OK, body),
            Err(error) => {
                tracing::error!("a page cannot be written as JSON: {error}");
                Problem::new(500, "internal", "Internal error").into_response()
            }
        }
    }
}

impl<T: Listed> Answer for Page<T> {
    fn describe(shapes: &mut Shapes) {
        let rows = ArrayBuilder::new().items(shapes.reference::<T>());
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The cursor of the next page; nothing at the end."));
        let to = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(SEARCHED_TO));
        let mut page = ObjectBuilder::new()
            .description(Some(format!("A page of {}, {}.", T::ROWS, T::ORDER)))
            .property(T::ROWS, rows)
            .required(T::ROWS)
            .property("next", cursor);
        if T::SEARCHED {
            page = page.property("searchedTo", to);
        }
        let reference = shapes.schema(format!("{}Page", T::name()), page.build());
        shapes.response(200, in_json(reference));
    }
}
