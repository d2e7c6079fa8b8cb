//! `/api/v1/keys`

use super::problem::Problem;
use super::reply::json_response;
use super::{App, json};
use crate::keys::KeyText;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

/// A key to add.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewKey {
    /// What it opens.
    workflow: String,
    /// What people call it.
    #[serde(default)]
    label: String,
    /// A key that the caller brings; without one it is generated.
    key: Option<String>,
    /// When it stops working.
    expires_at: Option<String>,
}

/// All keys without their texts.
pub async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.engine.keys().await.map_err(|error| Problem::of_store(&error))?;
    let listed: Vec<_> = keys.iter().map(json::key).collect();
    Ok(json_response(StatusCode::OK, json!({ "keys": listed }).to_string()))
}

/// Adds a key; a generated one is shown in this answer only.
pub async fn add(State(app): State<App>, body: Bytes) -> Result<Response, Problem> {
    let new: NewKey = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request(format!("The body is not a key to add: {error}.")))?;
    let key = match &new.key {
        None => KeyText::generate(),
        Some(text) => KeyText::pasted(text)
            .map_err(|reason| Problem::bad_request(format!("The key cannot be used: {reason}.")))?,
    };
    let expires_at = new.expires_at.map(|text| json::instant("expiresAt", &text)).transpose()?;
    let record = app.engine.add_key(&new.workflow, &new.label, &key, expires_at).await;
    let record = record.map_err(|error| Problem::of_store(&error))?;
    let mut shown = json::key(&record);
    if new.key.is_none() {
        shown["key"] = key.reveal().into();
    }
    Ok(json_response(StatusCode::CREATED, shown.to_string()))
}
