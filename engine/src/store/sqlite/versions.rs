//! The versions of a workflow, and the unfinished runs of each.

use rusqlite::Connection;

use super::statement::{self, query};
use crate::store::{Result, RunState, StoreError, Timestamp, VersionHash, VersionRecord};

query! {
    /// The versions of a workflow by its key, the current one first.
    struct Row: "select" {
        key: i64 = "v.key",
        hash: VersionHash = "v.hash",
        retired_at: Option<Timestamp> = "v.retired_at",
        current: bool = "v.key = w.version",
        published_at: Timestamp = "w.published_at",
    } "from versions v indexed by versions_workflow join workflows w on w.key = v.workflow
       where v.workflow = ?1 order by v.key = w.version desc, v.retired_at desc, v.key desc"
}

query! {
    /// The unfinished runs of a workflow by version and state.
    struct Unfinished: "select" { version: Option<i64>, state: RunState, count: u32 = "count(*)" }
    "from runs indexed by runs_workflow_state
     where workflow = ?1 and state in ('queued', 'running', 'waiting') and state <> 'completed' group by 1, 2"
}

/// The statements of [`versions`].
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 2] =
    [<Row as super::statement::Query>::SQL, <Unfinished as super::statement::Query>::SQL];

/// The versions of a workflow, the current one first, then the others from the last retired on.
pub(super) fn versions(conn: &Connection, workflow: &str) -> Result<Vec<VersionRecord>> {
    let key: Option<i64> = statement::value(conn, "select key from workflows where id = ?1", [workflow])?;
    let key = key.ok_or_else(|| StoreError::NotFound(format!("there is no workflow '{workflow}'")))?;
    let unfinished = statement::all::<Unfinished>(conn, [key])?;
    let read = |row: Row| {
        // A run that has not started takes the version that is current then.
        let is_of = |version: Option<i64>| version == Some(row.key) || (version.is_none() && row.current);
        let mut runs: Vec<(RunState, u64)> = Vec::new();
        for Unfinished { state, count, .. } in unfinished.iter().filter(|runs| is_of(runs.version)) {
            match runs.iter_mut().find(|(known, _)| known == state) {
                Some((_, number)) => *number += u64::from(*count),
                None => runs.push((*state, u64::from(*count))),
            }
        }
        VersionRecord {
            version: row.hash,
            published_at: row.current.then_some(row.published_at),
            retired_at: row.retired_at.filter(|_| !row.current),
            unfinished: runs,
        }
    };
    Ok(statement::all::<Row>(conn, [key])?.into_iter().map(read).collect())
}
