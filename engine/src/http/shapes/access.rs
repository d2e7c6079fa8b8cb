//! Keys and tokens.

use crate::engine::{KeyRecord, TokenRecord};
use crate::http::json::time;
use serde::Serialize;
use utoipa::ToSchema;

/// A key of webhooks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Its id.
    id: String,
    /// What people call it.
    label: String,
    /// `fsk_` where it was generated.
    prefix: String,
    /// Its last four characters.
    hint: String,
    /// What it opens.
    workflows: Vec<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was used last, to the minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// The key itself, only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// All keys.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// Oldest first.
    pub keys: Vec<Key>,
}

/// An admin token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id.
    id: String,
    /// What people call it.
    label: String,
    /// `admin` or `viewer`.
    role: &'static str,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The token itself, only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// All admin tokens that were made.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// Oldest first.
    pub tokens: Vec<Token>,
}

impl Key {
    /// A key, without its text.
    pub fn of(key: &KeyRecord) -> Self {
        Self {
            id: key.id.to_string(),
            label: key.label.clone(),
            prefix: key.prefix.clone(),
            hint: key.hint.clone(),
            workflows: key.workflows.clone(),
            created_at: time(key.created_at),
            last_used_at: key.last_used_at.map(time),
            expires_at: key.expires_at.map(time),
            revoked_at: key.revoked_at.map(time),
            key: None,
        }
    }
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
