//! `/api/v1/tokens`: admin tokens.

use super::App;
use super::input::{At, Given};
use super::json;
use super::keys::check_label;
use super::problem::Problem;
use super::reply::json_response;
use crate::access::TOKEN_PREFIX;
use crate::engine::Role;
use crate::keys::random_text;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// A token to make.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// `admin` or `viewer`.
    role: String,
    /// What people call it.
    #[serde(default)]
    label: String,
    /// When it stops working.
    expires_at: Option<String>,
}

/// All tokens that were made, without their texts. The one of the data folder or the environment is not among them.
pub async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let tokens = app.engine.tokens().await.map_err(|error| Problem::of_store(&error))?;
    let listed: Vec<_> = tokens.iter().map(json::token).collect();
    Ok(json_response(StatusCode::OK, json!({ "tokens": listed }).to_string()))
}

/// Makes a token; it is shown in this answer only.
pub async fn add(State(app): State<App>, Given(new): Given<NewToken>) -> Result<Response, Problem> {
    let role: Role = new
        .role
        .parse()
        .map_err(|_| Problem::bad_request(format!("The role is `{}`; it can be admin or viewer.", new.role)))?;
    check_label(&new.label)?;
    let expires_at = json::future(&app, "expiresAt", new.expires_at.as_deref())?;
    let text = format!("{TOKEN_PREFIX}{}", random_text());
    let record = app.engine.add_token(&text, &new.label, role, expires_at).await;
    let mut shown = json::token(&record.map_err(|error| Problem::of_store(&error))?);
    shown["token"] = text.into();
    Ok(json_response(StatusCode::CREATED, shown.to_string()))
}

/// Removes a token: it opens nothing any more.
pub async fn delete(State(app): State<App>, At(id): At<String>) -> Result<StatusCode, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::not_found(format!("There is no admin token {id}.")))?;
    app.engine.delete_token(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
