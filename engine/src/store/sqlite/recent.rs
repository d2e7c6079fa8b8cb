//! The newest runs of each workflow.

use rusqlite::Connection;

use super::statement::{self, query};
use crate::store::{Recent, RecentRun, Result};

query! {
    /// A workflow that was ever published.
    struct Named: "select" { key: i64, id: String } "from workflows order by id"
}

query! {
    for RecentRun: "select" { run = "id", state, with_errors, started_at, ended_at }
    "from runs indexed by runs_workflow where workflow = ?1 order by id desc limit ?2"
}

/// The newest `each` runs of each workflow that has some, newest first.
pub(super) fn recent(conn: &Connection, each: u32) -> Result<Vec<Recent>> {
    let mut found = Vec::new();
    for Named { key, id } in statement::all(conn, ())? {
        let runs = statement::all::<RecentRun>(conn, (key, each))?;
        if !runs.is_empty() {
            found.push(Recent { workflow: id, runs });
        }
    }
    Ok(found)
}
