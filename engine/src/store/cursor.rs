//! Places in lists, at which the next page begins.

use super::{Result, RunId, StoreError};

/// A place in a list or in the stream of events. Only the part that made it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// Cuts the rows of a list at `limit`, if there are more. The cursor of the next page comes from the last row that is
/// left.
pub fn cut<T>(rows: &mut Vec<T>, limit: usize, after: impl FnOnce(&T) -> Cursor) -> Option<Cursor> {
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(after)
}

impl Cursor {
    /// The place after this run of the list of runs.
    pub fn after_run(run: RunId) -> Self {
        Self(run.to_string())
    }

    /// The run of [`Cursor::after_run`].
    pub fn run(&self) -> Result<RunId> {
        self.0.parse().map_err(|_| self.not_of("runs"))
    }

    /// The place after this item of a list that is ordered by workflow and key.
    pub fn after(workflow: &str, key: &str) -> Self {
        Self(serde_json::json!([workflow, key]).to_string())
    }

    /// The workflow and the key of [`Cursor::after`]. `list` names the list in the error, if it is not a cursor of it.
    pub fn workflow_and_key(&self, list: &str) -> Result<(String, String)> {
        serde_json::from_str(&self.0).map_err(|_| self.not_of(list))
    }

    fn not_of(&self, list: &str) -> StoreError {
        StoreError::Conflict(format!("'{}' is not a cursor of the list of {list}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_cursor_if_there_are_more_rows() {
        for (rows, limit, left, next) in [(0, 2, 0, None), (2, 2, 2, None), (3, 2, 2, Some("2")), (3, 1, 1, Some("1"))]
        {
            let mut rows: Vec<u32> = (1..=rows).collect();
            let cursor = cut(&mut rows, limit, |last| Cursor(last.to_string()));
            assert_eq!((rows.len(), cursor.as_ref().map(|cursor| cursor.0.as_str())), (left, next));
        }
    }
}
