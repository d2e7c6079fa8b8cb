//! `/api/v1/keys`: keys of webhooks.

use super::input::{At, Given};
use super::label::check_label;
use super::output::{Made, Removed, Shown};
use super::resource::{Call, Load, Method, Operation, Resource};
use crate::engine::{KeyRecord, Role};
use crate::http::app::App;
use crate::http::json::{future, time};
use crate::http::problem::Problem;
use crate::keys::KeyText;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The row of this resource.
pub const RESOURCE: Resource = Resource {
    tag: "keys",
    operations: &[
        Operation {
            method: Method::Get,
            path: "/keys",
            access: Role::Viewer,
            load: Load::Small,
            name: "list",
            summary: "Lists all keys, without the keys themselves.",
            call: || Call::of(list),
        },
        Operation {
            method: Method::Post,
            path: "/keys",
            access: Role::Admin,
            load: Load::Small,
            name: "add",
            summary: "Adds a key. An existing key in `key` opens one more workflow. A generated key is shown only in this answer.",
            call: || Call::of(add),
        },
        Operation {
            method: Method::Patch,
            path: "/keys/{id}",
            access: Role::Admin,
            load: Load::Small,
            name: "rename",
            summary: "Changes the label of a key.",
            call: || Call::of(rename),
        },
        Operation {
            method: Method::Post,
            path: "/keys/{id}/revoke",
            access: Role::Admin,
            load: Load::Small,
            name: "revoke",
            summary: "Revokes a key permanently; it stays in the list.",
            call: || Call::of(revoke),
        },
        Operation {
            method: Method::Delete,
            path: "/keys/{id}",
            access: Role::Admin,
            load: Load::Small,
            name: "delete",
            summary: "Deletes a key.",
            call: || Call::of(delete),
        },
    ],
};

/// A key to add.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// The workflow that it opens.
    pub workflow: String,
    /// The label, on one line.
    #[serde(default)]
    #[schema(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub label: String,
    /// An existing key; without one a key is generated.
    #[schema(min_length = 16, max_length = 256, pattern = "^[!-~]*$")]
    pub key: Option<String>,
    /// When it expires.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// A new label for a key.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyChange {
    /// The label, on one line.
    #[schema(max_length = 200, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    pub label: String,
}

pub async fn list(State(app): State<App>) -> Result<Shown<Keys>, Problem> {
    let keys = app.engine.access().keys().await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Keys { keys: keys.iter().map(Key::of).collect() }))
}

pub async fn add(State(app): State<App>, Given(new): Given<NewKey>) -> Result<Made<Key>, Problem> {
    let key = match &new.key {
        None => KeyText::generate(),
        Some(text) => KeyText::pasted(text)
            .map_err(|reason| Problem::bad_request(format!("The key cannot be used: {reason}.")))?,
    };
    check_label(&new.label)?;
    let expires_at = future(&app, "expiresAt", new.expires_at.as_deref())?;
    let record = app.engine.access().add_key(&new.workflow, &new.label, &key, expires_at).await;
    let record = record.map_err(|error| Problem::of_store(&error))?;
    let mut shown = Key::of(&record);
    shown.key = new.key.is_none().then(|| key.reveal().to_owned());
    Ok(Made(shown))
}

async fn rename(
    State(app): State<App>,
    At(id): At<String>,
    Given(change): Given<KeyChange>,
) -> Result<Shown<Key>, Problem> {
    let id = key_id(&id)?;
    check_label(&change.label)?;
    app.engine.access().rename_key(id, &change.label).await.map_err(|error| Problem::of_store(&error))?;
    show(&app, id).await
}

pub async fn revoke(State(app): State<App>, At(id): At<String>) -> Result<Shown<Key>, Problem> {
    let id = key_id(&id)?;
    app.engine.access().revoke_key(id).await.map_err(|error| Problem::of_store(&error))?;
    show(&app, id).await
}

pub async fn delete(State(app): State<App>, At(id): At<String>) -> Result<Removed, Problem> {
    app.engine.access().delete_key(key_id(&id)?).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Removed)
}

pub async fn show(app: &App, id: Uuid) -> Result<Shown<Key>, Problem> {
    let key = app.engine.access().key(id).await.map_err(|error| Problem::of_store(&error))?;
    Ok(Shown(Key::of(&key)))
}

fn key_id(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("There is no API key {text}.")))
}

/// A key of webhooks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// The id.
    pub id: String,
    /// The label.
    pub label: String,
    /// `fsk_` if it was generated.
    pub prefix: String,
    /// Its last four characters.
    pub hint: String,
    /// The workflows that it opens.
    pub workflows: Vec<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last used, to the minute.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
    /// When it expires.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
    /// The key itself, only in the answer to the request that created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// All keys.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// The keys, oldest first.
    pub keys: Vec<Key>,
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
