//! Errors of a store, with messages for operators.

use std::fmt;

use super::RunId;

/// An error of the store. The text says what happened, where, and what to do about it.
///
/// A decision that ends with an error has changed nothing, with one exception that no store can avoid: when the
/// commit itself fails, the change may still be there after a crash. Such a change was never acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The disk, or its quota, is full. Later writes work by themselves once there is room.
    Full(String),
    /// The database cannot be written: its file, folder or file system is read-only.
    ReadOnly(String),
    /// The fence is not the run's current one: another worker holds the run, or it has ended. Stop working on it.
    Stale {
        /// The run whose claim is lost.
        run: RunId,
    },
    /// Another process holds the database, or the store is shutting down. Trying again may help.
    Busy(String),
    /// The requested entry is not in the store.
    NotFound(String),
    /// The current state does not allow this decision (for example a retry of a run that has not failed).
    Conflict(String),
    /// The file of the database was removed, replaced or truncated, or cannot be read: nothing can be stored until that
    /// is repaired.
    Lost(String),
    /// The database is damaged, or is not a FlowScript database.
    Corrupt(String),
    /// Any other error, with the message of the database.
    Other(String),
}

impl StoreError {
    /// Whether the same decision may succeed later unchanged: full disk, read-only, busy, lost.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Full(_) | Self::ReadOnly(_) | Self::Busy(_) | Self::Lost(_) => true,
            Self::Stale { .. } | Self::NotFound(_) | Self::Conflict(_) | Self::Corrupt(_) | Self::Other(_) => false,
        }
    }

    /// Whether the store can no longer write at all.
    pub fn is_of_disk(&self) -> bool {
        match self {
            Self::Full(_) | Self::ReadOnly(_) | Self::Lost(_) | Self::Corrupt(_) => true,
            Self::Stale { .. } | Self::Busy(_) | Self::NotFound(_) | Self::Conflict(_) | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { run } => {
                write!(f, "run {run} is no longer held by this claim: it has ended or another worker has taken it over")
            }
            Self::Full(text)
            | Self::ReadOnly(text)
            | Self::Busy(text)
            | Self::Lost(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Corrupt(text)
            | Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for StoreError {}

/// The result of store functions.
pub type Result<T> = std::result::Result<T, StoreError>;
