//! `/api/v1/tokens`: admin tokens.

use super::input::{At, Given};
use super::label::check_label;
use super::output::{Made, Removed, Shown};
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::access::TOKEN_PREFIX;
use crate::engine::{Role, TokenRecord};
use crate::http::app::App;
use crate::http::json::{future, time};
use crate::http::problem::Problem;
use crate::keys::random_text;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "tokens",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/tokens",
            access: Role::Viewer,
            load: Load::Small,
            name: "list",
            summary: "Lists all created tokens, without the tokens themselves. The token of the data folder or the environment is not in the list.",
            call: || Call::of(list),
        },
        Operation {
            method: Method::Post,
            path: "/tokens",
            access: Role::Admin,
            load: Load::Small,
            name: "add",
            summary: "Creates a token; it is shown only in this answer.",
            call: || Call::of(add),
        },
        Operation {
            method: Method::Delete,
            path: "/tokens/{id}",
            access: Role::Admin,
            load: Load::Small,
            name: "delete",
            summary: "Deletes a token.",
            call: || Call::of(delete),
        },
    ],
};

/// A token to create.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewToken {
    /// The role.
    pub role: RoleName,
    /// The label, on one line.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub label: String,
    /// When it expires.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// The role of a token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RoleName {
    /// May do everything.
    Admin,
    /// May read.
    Viewer,
}

pub async fn list(State(app): State<App>) -> Result<Shown<Tokens>, Problem> {
    let tokens = app.engine.access().tokens().await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Tokens { tokens: tokens.iter().map(Token::of).collect() }))
}

pub async fn add(State(app): State<App>, Given(new): Given<NewToken>) -> Result<Made<Token>, Problem> {
    let role = match new.role {
        RoleName::Admin => Role::Admin,
        RoleName::Viewer => Role::Viewer,
    };
    check_label(&new.label)?;
    let expires_at = future(&app, "expiresAt", new.expires_at.as_deref())?;
    let text = format!("{TOKEN_PREFIX}{}", random_text());
    let record = app.engine.access().add_token(&text, &new.label, role, expires_at).await;
    let record = record.map_err(|error| Problem::of_store(&error))?;
    let mut shown = Token::of(&record);
    shown.token = Some(text);
    Ok(Made(shown))
}

pub async fn delete(State(app): State<App>, At(id): At<String>) -> Result<Removed, Problem> {
    let id: Uuid = id.parse().map_err(|_| Problem::not_found(format!("There is no admin token {id}.")))?;
    app.engine.access().delete_token(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Removed)
}

/// An admin token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The id.
    pub id: String,
    /// The label.
    pub label: String,
    /// `admin` or `viewer`.
    pub role: &'static str,
    /// When it was created.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it expires.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// The token itself, only in the answer to the request that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// All created admin tokens.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The tokens, oldest first.
    pub tokens: Vec<Token>,
}

impl Token {
    /// A token, without its text.
    pub fn of(token: &TokenRecord) -> Self {
        Self {
            id: token.id.to_string(),
            label: token.label.clone(),
            role: token.role.as_str(),
            created_at: time(token.created_at),
            expires_at: token.expires_at.map(time),
            token: None,
        }
    }
}
