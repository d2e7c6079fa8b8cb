//! Runs that wait for events.

use rusqlite::Connection;

use super::statement::{self, query};
use crate::store::{Awaiting, Result, RunId, StoreError, Timestamp};

query! {
    /// Runs that wait for events, the first accepted first.
    struct Row: "select" {
        run: RunId = "r.id",
        workflow: String = "w.id",
        label: Option<String> = "r.label",
        awaits: String = "r.awaits",
        since: Option<Timestamp> = "(select max(started_at) from steps where run = r.seq and state = 'started')",
        due: Option<Timestamp> = "case when r.due > 0 then r.due end",
    } "from runs r indexed by runs_awaits join workflows w on w.key = r.workflow
       where r.awaits <> '[]' order by r.id limit ?1"
}

/// The statement of [`awaiting`].
#[cfg(test)]
pub(super) const AWAITING: &str = <Row as super::statement::Query>::SQL;

/// At most `limit` runs that wait for events, the first accepted first.
pub(super) fn awaiting(conn: &Connection, limit: u32) -> Result<Vec<Awaiting>> {
    let read = |row: Row| {
        let Row { run, workflow, label, awaits, since, due } = row;
        let damaged =
            |error| StoreError::Corrupt(format!("the events that run {run} waits for cannot be read: {error}"));
        let events = serde_json::from_str(&awaits).map_err(damaged)?;
        Ok(Awaiting { run, workflow, label, events, since, due })
    };
    statement::all::<Row>(conn, [limit])?.into_iter().map(read).collect()
}
