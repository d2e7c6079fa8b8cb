//! `/api/v1/keys`: keys of webhooks.

use super::app::App;
use super::input::{At, Given};
use super::json;
use super::openapi::{Refused, Shown, ok};
use super::problem::Problem;
use super::shapes::{Key, Keys};
use crate::keys::KeyText;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest label, in characters.
pub const MAX_LABEL: usize = 200;

/// A key to add.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// What it opens.
    workflow: String,
    /// What people call it, on one line.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    label: String,
    /// A key that the caller brings; without one it is generated.
    #[schema(min_length = 16, max_length = 256, pattern = "^[!-~]*$")]
    key: Option<String>,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What of a key can change.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyChange {
    /// What people call it, on one line.
    #[schema(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    label: String,
}

/// Lists all keys without their texts.
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = Keys), Refused))]
pub async fn list(State(app): State<App>) -> Result<Shown<Keys>, Problem> {
    let keys = app.engine.keys().await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Keys { keys: keys.iter().map(Key::of).collect() }))
}

/// Adds a key, or one more workflow to a key that is pasted again. A generated key is shown in this answer only.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = NewKey, responses((status = 201, body = Key), Refused))]
pub async fn add(State(app): State<App>, Given(new): Given<NewKey>) -> Result<Shown<Key>, Problem> {
    let key = match &new.key {
        None => KeyText::generate(),
        Some(text) => KeyText::pasted(text)
            .map_err(|reason| Problem::bad_request(format!("The key cannot be used: {reason}.")))?,
    };
    check_label(&new.label)?;
    let expires_at = json::future(&app, "expiresAt", new.expires_at.as_deref())?;
    let record = app.engine.add_key(&new.workflow, &new.label, &key, expires_at).await;
    let record = record.map_err(|error| Problem::of_store(&error))?;
    let mut shown = Key::of(&record);
    shown.key = new.key.is_none().then(|| key.reveal().to_owned());
    Ok(Shown(StatusCode::CREATED, shown))
}

/// Gives a key another label.
#[utoipa::path(patch, path = "/keys/{id}", tag = "keys", params(("id" = String, Path,)), request_body = KeyChange, responses((status = 200, body = Key), Refused))]
pub async fn rename(
    State(app): State<App>,
    At(id): At<String>,
    Given(change): Given<KeyChange>,
) -> Result<Shown<Key>, Problem> {
    let id = key_id(&id)?;
    check_label(&change.label)?;
    app.engine.rename_key(id, &change.label).await.map_err(|error| Problem::of_store(&error))?;
    show(&app, id).await
}

/// Ends a key for good; it stays in the list.
#[utoipa::path(post, path = "/keys/{id}/revoke", tag = "keys", params(("id" = String, Path,)), responses((status = 200, body = Key), Refused))]
pub async fn revoke(State(app): State<App>, At(id): At<String>) -> Result<Shown<Key>, Problem> {
    let id = key_id(&id)?;
    app.engine.revoke_key(id).await.map_err(|error| Problem::of_store(&error))?;
    show(&app, id).await
}

/// Removes a key: it opens nothing any more.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", params(("id" = String, Path,)), responses((status = 204, description = "It is gone."), Refused))]
pub async fn delete(State(app): State<App>, At(id): At<String>) -> Result<StatusCode, Problem> {
    app.engine.delete_key(key_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(app: &App, id: Uuid) -> Result<Shown<Key>, Problem> {
    let key = app.engine.key(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(ok(Key::of(&key)))
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
