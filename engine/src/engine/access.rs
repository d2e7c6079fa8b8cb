//! Keys of webhooks, admin tokens and sessions: which are valid now, and how administrators change them.

use crate::access::{Session, Sessions, TokenRing};
use crate::clock::Clock;
use crate::keys::{KeyRing, KeyText, OpenKey};
use crate::project::Catalog;
use crate::store::{Admin, KeyRecord, NewKey, NewToken, Role, Store, StoreError, Timestamp, TokenRecord};
use crate::told;
use crate::trigger::webhook::Credential;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// The current keys and tokens.
pub struct Access {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    catalog: Arc<Catalog>,
    keys: KeyRing,
    tokens: TokenRing,
    sessions: Sessions,
    /// Held while they are read again: an older reading must not replace a newer one.
    refreshing: tokio::sync::Mutex<()>,
}

impl Access {
    /// Nothing is open yet; see [`Access::refresh_keys`].
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, catalog: Arc<Catalog>, secret: [u8; 32]) -> Self {
        let (keys, tokens, sessions) = (KeyRing::default(), TokenRing::default(), Sessions::new(secret));
        Self { store, clock, catalog, keys, tokens, sessions, refreshing: tokio::sync::Mutex::default() }
    }

    /// The key that opens a workflow now, if this credential is one.
    pub fn open(&self, credential: &Credential, workflow: &str) -> Option<Uuid> {
        self.keys.open(credential, workflow, self.clock.now())
    }

    /// The current key for this credential, with all that it opens.
    pub fn key_of(&self, credential: &Credential) -> Option<OpenKey> {
        self.keys.find(credential, self.clock.now())
    }

    /// Adds a key for a workflow, or the workflow to an existing key. The error is a message for the caller.
    pub async fn add_key(
        &self,
        workflow: &str,
        label: &str,
        key: &KeyText,
        expires_at: Option<Timestamp>,
    ) -> Result<KeyRecord, StoreError> {
        if self.catalog.current().entry(workflow).is_none_or(|entry| !entry.present) {
            return Err(StoreError::NotFound(format!("there is no workflow `{workflow}`")));
        }
        let new = NewKey {
            hash: key.hash(),
            label: label.to_owned(),
            prefix: key.prefix().to_owned(),
            hint: key.hint(),
            workflow: workflow.to_owned(),
            expires_at,
        };
        let record = self.store.add_key(new).await?;
        self.refresh_keys().await?;
        Ok(record)
    }

    /// All keys, oldest first.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.write_key_use().await;
        self.store.keys().await
    }

    /// A key by its id.
    pub async fn key(&self, id: Uuid) -> Result<KeyRecord, StoreError> {
        let found = self.keys().await?.into_iter().find(|key| key.id == id);
        found.ok_or_else(|| StoreError::NotFound(format!("there is no API key {id}")))
    }

    /// Changes the label of a key.
    pub async fn rename_key(&self, id: Uuid, label: &str) -> Result<(), StoreError> {
        self.store.administer(Admin::RenameKey { id, label: label.to_owned() }).await?;
        self.refresh_keys().await
    }

    /// Ends a key; it stays in the list and never works again.
    pub async fn revoke_key(&self, id: Uuid) -> Result<(), StoreError> {
        self.store.administer(Admin::RevokeKey(id)).await?;
        self.refresh_keys().await
    }

    /// Removes a key.
    pub async fn delete_key(&self, id: Uuid) -> Result<(), StoreError> {
        self.store.administer(Admin::DeleteKey(id)).await?;
        self.refresh_keys().await
    }

    /// What an admin token that was made here permits now, if it is valid.
    pub fn role(&self, token: &str) -> Option<Role> {
        self.tokens.role(token, self.clock.now())
    }

    /// The record of an admin token that was made here, if it is valid now.
    pub fn token(&self, token: &str) -> Option<TokenRecord> {
        self.tokens.record(token, self.clock.now())
    }

    /// The record of the admin token with this id, if it is valid now.
    pub fn token_by_id(&self, id: Uuid) -> Option<TokenRecord> {
        self.tokens.by_id(id, self.clock.now())
    }

    /// A new session of the dashboard for the holder of a token.
    pub fn start_session(&self, holder: &str) -> Session {
        self.sessions.start(holder, self.clock.now())
    }

    /// The session of a signed text, if it has not ended. Whether its token is still valid is for the caller to ask.
    pub fn session(&self, text: &str) -> Option<Session> {
        self.sessions.open(text, self.clock.now())
    }

    /// Signs sessions and their forms.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Ends a session, or all sessions of the holder of a token.
    pub async fn end_sessions(&self, name: &str) -> Result<(), StoreError> {
        self.store.administer(Admin::EndSessions(name.to_owned())).await?;
        self.refresh_keys().await
    }

    /// Adds an admin token.
    pub async fn add_token(
        &self,
        token: &str,
        label: &str,
        role: Role,
        expires_at: Option<Timestamp>,
    ) -> Result<TokenRecord, StoreError> {
        let hash = Sha256::digest(token.as_bytes()).into();
        let new = NewToken { hash, label: label.to_owned(), role, expires_at };
        let record = self.store.add_token(new).await?;
        self.refresh_keys().await?;
        Ok(record)
    }

    /// All admin tokens that were made here, oldest first.
    pub async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        self.store.tokens().await
    }

    /// Removes an admin token: it is no longer valid.
    pub async fn delete_token(&self, id: Uuid) -> Result<(), StoreError> {
        self.store.administer(Admin::DeleteToken(id)).await?;
        self.refresh_keys().await
    }

    /// Reads keys, tokens and ended sessions again.
    pub(super) async fn refresh_keys(&self) -> Result<(), StoreError> {
        let _refreshing = self.refreshing.lock().await;
        self.keys.replace(self.store.keys().await?);
        self.tokens.replace(self.store.tokens().await?);
        self.sessions.replace(self.store.ended_sessions().await?);
        Ok(())
    }

    /// Stores when keys were used.
    pub(super) async fn write_key_use(&self) {
        if let Some(change) = self.keys.take_use()
            && let Err(error) = self.store.administer(change).await
        {
            told::warn(&format!("the use of keys could not be written down: {error}"));
        }
    }
}
