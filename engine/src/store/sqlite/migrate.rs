//! The tables of the database, version by version.

use rusqlite::{Connection, TransactionBehavior};

use super::statement::only;
use crate::store::{Result, StoreError, Timestamp};

/// All migrations in order; the number of a migration is its place in this list, counted from 1. A migration that
/// was released is never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("first", include_str!("migrations/0001_first.sql")),
    ("trigger_of_a_workflow", include_str!("migrations/0002_trigger_of_a_workflow.sql")),
    ("clock_set_back", include_str!("migrations/0003_clock_set_back.sql")),
    ("tries", include_str!("migrations/0004_tries.sql")),
    ("schedules_start_anew", include_str!("migrations/0005_schedules_start_anew.sql")),
    ("schedules_without_definition", include_str!("migrations/0006_schedules_without_definition.sql")),
    ("ended_sessions", include_str!("migrations/0007_ended_sessions.sql")),
    ("statistics", include_str!("migrations/0008_statistics.sql")),
    ("filters", include_str!("migrations/0009_filters.sql")),
    ("awaited_events", include_str!("migrations/0010_awaited_events.sql")),
    ("versions_of_a_workflow", include_str!("migrations/0011_versions_of_a_workflow.sql")),
];

/// Brings the database to the newest version. Each migration is a transaction of its own.
pub(super) fn migrate(conn: &mut Connection, now: Timestamp) -> Result<()> {
    conn.execute_batch(
        "create table if not exists migrations (
             version    integer primary key,
             name       text not null,
             applied_at integer not null
         ) strict",
    )?;
    let applied = applied(conn)?;
    if applied > MIGRATIONS.len() {
        return Err(StoreError::Corrupt(format!(
            "the database has version {applied}, this program knows versions up to {}: it was written by a newer \
             FlowScript; use that one, or start with an empty data folder",
            MIGRATIONS.len()
        )));
    }
    for (number, (name, sql)) in (1_i64..).zip(MIGRATIONS).skip(applied) {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.execute("insert into migrations (version, name, applied_at) values (?1, ?2, ?3)", (number, name, now.0))?;
        tx.commit()?;
    }
    Ok(())
}

/// The number of migrations applied to the database.
pub(super) fn applied(conn: &Connection) -> Result<usize> {
    let version: u32 = conn.query_row("select coalesce(max(version), 0) from migrations", (), only)?;
    Ok(version as usize)
}
