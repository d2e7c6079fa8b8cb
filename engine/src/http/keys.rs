//! `/api/v1/keys`: keys of webhooks.

use super::App;
use super::input::{At, Given};
use super::json;
use super::problem::Problem;
use super::reply::json_response;
use crate::keys::KeyText;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// The longest label, in characters.
pub const MAX_LABEL: usize = 200;

/// A key to add.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
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

/// What of a key can change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyChange {
    /// What people call it.
    label: String,
}

/// All keys without their texts.
pub async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.engine.keys().await.map_err(|error| Problem::of_store(&error))?;
    let listed: Vec<_> = keys.iter().map(json::key).collect();
    Ok(json_response(StatusCode::OK, json!({ "keys": listed }).to_string()))
}

/// Adds a key, or one more workflow to a key that is pasted again. A generated key is shown in this answer only.
pub async fn add(State(app): State<App>, Given(new): Given<NewKey>) -> Result<Response, Problem> {
    let key = match &new.key {
        None => KeyText::generate(),
        Some(text) => KeyText::pasted(text)
            .map_err(|reason| Problem::bad_request(format!("The key cannot be used: {reason}.")))?,
    };
    check_label(&new.label)?;
    let expires_at = json::future(&app, "expiresAt", new.expires_at.as_deref())?;
    let record = app.engine.add_key(&new.workflow, &new.label, &key, expires_at).await;
    let record = record.map_err(|error| Problem::of_store(&error))?;
    let mut shown = json::key(&record);
    if new.key.is_none() {
        shown["key"] = key.reveal().into();
    }
    Ok(json_response(StatusCode::CREATED, shown.to_string()))
}

/// Gives a key another label.
pub async fn rename(
    State(app): State<App>,
    At(id): At<String>,
    Given(change): Given<KeyChange>,
) -> Result<Response, Problem> {
    let id = key_id(&id)?;
    check_label(&change.label)?;
    app.engine.rename_key(id, &change.label).await.map_err(|error| Problem::of_store(&error))?;
    show(&app, id).await
}

/// Ends a key for good; it stays in the list.
pub async fn revoke(State(app): State<App>, At(id): At<String>) -> Result<Response, Problem> {
    let id = key_id(&id)?;
    app.engine.revoke_key(id).await.map_err(|error| Problem::of_store(&error))?;
    show(&app, id).await
}

/// Removes a key: it opens nothing any more.
pub async fn delete(State(app): State<App>, At(id): At<String>) -> Result<StatusCode, Problem> {
    app.engine.delete_key(key_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(app: &App, id: Uuid) -> Result<Response, Problem> {
    let key = app.engine.key(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(json_response(StatusCode::OK, json::key(&key).to_string()))
}

fn key_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("There is no API key {text}.")))
}

/// Labels are shown in lists: one line, not too long.
pub fn check_label(label: &str) -> Result<(), Problem> {
    let length = label.chars().count();
    if length > MAX_LABEL {
        return Err(Problem::bad_request(format!("The label has {length} characters; {MAX_LABEL} are the most.")));
    }
    if label.chars().any(char::is_control) {
        return Err(Problem::bad_request("The label must be one line without control characters."));
    }
    Ok(())
}
