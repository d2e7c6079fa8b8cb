//! `/api/v1/tokens`: admin tokens.

use super::app::App;
use super::input::{At, Given};
use super::json;
use super::keys::check_label;
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::shapes::{Token, Tokens};
use crate::access::TOKEN_PREFIX;
use crate::engine::Role;
use crate::keys::random_text;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// What it may do.
    role: RoleName,
    /// What people call it, on one line.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    label: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What a token may do.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum RoleName {
    /// Everything.
    Admin,
    /// Reading.
    Viewer,
}

/// Lists all tokens that were made, without their texts. The one of the data folder or the environment is not among
/// them.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Tokens), Refused))]
pub async fn list(State(app): State<App>) -> Result<Shown<Tokens>, Problem> {
    let tokens = app.engine.tokens().await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Tokens { tokens: tokens.iter().map(Token::of).collect() }))
}

/// Makes a token; it is shown in this answer only.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewToken, responses((status = 201, body = Token), Refused))]
pub async fn add(State(app): State<App>, Given(new): Given<NewToken>) -> Result<Shown<Token>, Problem> {
    let role = match new.role {
        RoleName::Admin => Role::Admin,
        RoleName::Viewer => Role::Viewer,
    };
    check_label(&new.label)?;
    let expires_at = json::future(&app, "expiresAt", new.expires_at.as_deref())?;
    let text = format!("{TOKEN_PREFIX}{}", random_text());
    let record = app.engine.add_token(&text, &new.label, role, expires_at).await;
    let record = record.map_err(|error| Problem::of_store(&error))?;
    let mut shown = Token::of(&record);
    shown.token = Some(text);
    Ok(Shown(StatusCode::CREATED, shown))
}

/// Removes a token: it opens nothing any more.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path,)), responses((status = 204, description = "It is gone."), Refused))]
pub async fn delete(State(app): State<App>, At(id): At<String>) -> Result<StatusCode, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::not_found(format!("There is no admin token {id}.")))?;
    app.engine.delete_token(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(StatusCode::NO_CONTENT)
}
