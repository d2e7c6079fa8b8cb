//! Places in lists, at which the next page begins.

use super::{Result, StoreError};

/// A place in a list or in the stream of events. Only the part that made it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

impl Cursor {
    /// The place after this item of a list that is ordered by workflow and key.
    pub fn after(workflow: &str, key: &str) -> Self {
        Self(serde_json::json!([workflow, key]).to_string())
    }

    /// The workflow and the key of [`Cursor::after`]. `list` names the list in the error, if it is not a cursor of it.
    pub fn workflow_and_key(&self, list: &str) -> Result<(String, String)> {
        serde_json::from_str(&self.0)
            .map_err(|_| StoreError::Conflict(format!("'{}' is not a cursor of the list of {list}", self.0)))
    }
}
