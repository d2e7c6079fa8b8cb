//! Keys, tokens and settings.

use uuid::Uuid;

use super::Timestamp;
use super::names::names;

/// A new API key, or one more workflow for an existing one. The key itself never reaches the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Its label for people.
    pub label: String,
    /// `fsk_` of a generated key, else empty.
    pub prefix: String,
    /// Four characters to recognise it by.
    pub hint: String,
    /// The workflow it opens.
    pub workflow: String,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// A stored API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name in the admin API.
    pub id: Uuid,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Its label for people.
    pub label: String,
    /// `fsk_` of a generated key, else empty.
    pub prefix: String,
    /// Four characters to recognise it by.
    pub hint: String,
    /// The workflows it opens, by id.
    pub workflows: Vec<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl KeyRecord {
    /// Whether it opens anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// The permissions of an admin token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reading.
    Viewer,
}

names! { Role, "role": Admin = "admin", Viewer = "viewer" }

/// A new admin token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Its label for people.
    pub label: String,
    /// Its role.
    pub role: Role,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// A stored admin token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its name.
    pub id: Uuid,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Its label for people.
    pub label: String,
    /// Its role.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl TokenRecord {
    /// Whether it opens anything at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// How long a session of the dashboard lasts, in hours. Ended sessions are forgotten afterwards.
pub const SESSION_HOURS: i64 = 12;

/// Sessions of the dashboard that have ended before their time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSessions {
    /// The name of a session, or of a token.
    pub name: String,
    /// The sessions of this name that were started until then.
    pub at: Timestamp,
}

/// A small change by an administrator; one transaction each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admin {
    /// The switch of a workflow; `None` returns it to the file.
    Switch {
        /// The workflow.
        workflow: String,
        /// On, off, or as in the file.
        active: Option<bool>,
    },
    /// Diagnostics settings of a workflow in the engine's encoding; `None` returns them to the file.
    Diagnostics {
        /// The workflow.
        workflow: String,
        /// The settings.
        settings: Option<Vec<u8>>,
    },
    /// Pause or resume a schedule.
    PauseSchedule {
        /// The schedule.
        schedule: super::ScheduleId,
        /// Paused or not.
        paused: bool,
    },
    /// A new label for an API key.
    RenameKey {
        /// The key.
        id: Uuid,
        /// The label.
        label: String,
    },
    /// An API key stops working and stays in the list.
    RevokeKey(Uuid),
    /// An API key is deleted.
    DeleteKey(Uuid),
    /// API keys were used; times are stored to the minute and only move forward.
    KeysUsed(Vec<(Uuid, Timestamp)>),
    /// An admin token is deleted.
    DeleteToken(Uuid),
    /// The sessions of the dashboard with this name end: a session, or a token with all its sessions.
    EndSessions(String),
}
