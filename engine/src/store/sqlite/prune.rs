//! Retention: old history is deleted in short slices between commits, and the file gives its pages back.
//!
//! A sweep scans the runs from the oldest on. The candidates are looked up on a reading connection; the writer only
//! deletes a slice of them, after checking each run again. At the end of a sweep, texts of versions that no run refers
//! to and old idempotency keys are deleted, too.

use rusqlite::Connection;

use super::statement::{self, only, query};
use super::tx::Tx;
use crate::store::{Result, Retention, RunId, RunState, Timestamp};

/// How many rows one scan of the oldest runs reads.
const LOOK: u32 = 2000;

/// The most pages that a slice gives back to the file system.
const PAGES: i64 = 512;

/// For this long, in milliseconds, a version may be named by runs that are still on their way into the store.
const LATE_HISTORY: i64 = 3_600_000;

/// The progress of a sweep between slices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sweep {
    /// The last run that was scanned.
    after: Option<RunId>,
    /// The number of runs above the limit; counted when a sweep begins.
    excess: u64,
}

/// The result of a scan.
pub(super) struct Slice {
    /// Runs that may be deleted.
    pub victims: Vec<i64>,
    /// Versions that may be deleted at the end of the sweep.
    pub versions: Vec<i64>,
    /// The progress of the sweep; `None` at its end.
    pub sweep: Option<Sweep>,
}

query! {
    /// The oldest runs after one.
    struct Oldest: "select" {
        seq: i64,
        id: RunId,
        state: RunState,
        ended_at: Option<Timestamp>,
        in_lane: bool = "in_lane is not null",
    } "from runs where ?1 is null or id > ?1 order by id limit ?2"
}

query! {
    /// Versions that are not the current one of a workflow.
    struct Retired: "select" { key: i64, workflow: i64, retired_at: Timestamp }
    "from versions where retired_at is not null"
}

/// Looks for a slice of deletable runs.
pub(super) fn look(conn: &Connection, retention: &Retention, sweep: Option<Sweep>) -> Result<Slice> {
    let mut sweep = match sweep {
        Some(sweep) => sweep,
        None => Sweep { after: None, excess: excess(conn, retention.max_runs)? },
    };
    let mut victims = Vec::new();
    let mut through = false;
    while !through && victims.len() < retention.slice as usize {
        let rows = statement::all::<Oldest>(conn, (sweep.after, LOOK))?;
        through = rows.len() < LOOK as usize;
        for Oldest { seq, id: run, state, ended_at, in_lane } in rows {
            let is_over = state.is_final() && !in_lane;
            // Nothing that was accepted after the limit can have ended before it.
            let is_too_new = sweep.excess == 0 && run.accepted_at() >= retention.ended_before;
            if is_too_new || victims.len() >= retention.slice as usize {
                through = is_too_new;
                break;
            }
            sweep.after = Some(run);
            if is_over && (sweep.excess > 0 || ended_at.is_some_and(|ended| ended < retention.ended_before)) {
                sweep.excess = sweep.excess.saturating_sub(1);
                victims.push(seq);
            }
        }
    }
    if through && victims.is_empty() {
        return Ok(Slice { victims, versions: unused_versions(conn)?, sweep: None });
    }
    // Which versions are unused is known only after the runs are deleted.
    Ok(Slice { victims, versions: Vec::new(), sweep: Some(sweep) })
}

fn excess(conn: &Connection, max_runs: u64) -> Result<u64> {
    // Unfinished runs count as history here: they are few, and never deleted.
    let runs: i64 = statement::single(conn, "select count(*) from runs", ())?;
    Ok((runs as u64).saturating_sub(max_runs))
}

/// Versions that are not current and that no run refers to.
fn unused_versions(conn: &Connection) -> Result<Vec<i64>> {
    let mut unused = Vec::new();
    for Retired { key, workflow, retired_at } in statement::all(conn, ())? {
        // The first query is quick and negative as long as runs of that time are kept; the second is exact.
        if !older_runs(conn, workflow, retired_at)? && !is_used(conn, workflow, key)? {
            unused.push(key);
        }
    }
    Ok(unused)
}

fn older_runs(conn: &Connection, workflow: i64, retired_at: Timestamp) -> Result<bool> {
    let sql = "select id from runs where workflow = ?1 order by id limit 1";
    let oldest: Option<RunId> = statement::value(conn, sql, [workflow])?;
    Ok(oldest.is_some_and(|run| run.accepted_at() <= retired_at.plus_millis(LATE_HISTORY)))
}

fn is_used(conn: &Connection, workflow: i64, version: i64) -> Result<bool> {
    let sql = "select exists (select 1 from runs where workflow = ?1 and version = ?2)";
    statement::single(conn, sql, (workflow, version))
}

/// Deletes a slice; returns the number of runs and of versions.
pub(super) fn delete(tx: &mut Tx<'_>, slice: &Slice) -> Result<(u32, u32)> {
    let mut runs = 0;
    for seq in &slice.victims {
        let sql = "
            delete from runs
            where seq = ?1 and in_lane is null and state in ('completed', 'failed', 'cancelled', 'timedOut', 'skipped')
            returning lane";
        if let Some(lane) = tx.value::<Option<i64>>(sql, [seq])? {
            runs += 1;
            tx.execute("delete from parts where key between ?1 * 8 and ?1 * 8 + 7", [seq])?;
            if let Some(lane) = lane {
                let sql = "delete from lanes where key = ?1
                           and not exists (select 1 from runs where lane = ?1 and lane is not null)";
                tx.execute(sql, [lane])?;
            }
        }
    }
    let mut versions = 0;
    for version in &slice.versions {
        let sql = "delete from versions where key = ?1 and retired_at < ?2";
        versions += tx.execute(sql, (version, tx.trusted.plus_millis(-LATE_HISTORY)))? as u32;
    }
    Ok((runs, versions))
}

/// Deletes old idempotency keys, oldest first; returns whether there may be more.
pub(super) fn delete_keys(tx: &Tx<'_>, slice: u32) -> Result<bool> {
    // A key stays while its run is unfinished, at any age; keys are in the order of their expiry.
    let sql = "
        delete from idempotency where key in (
            select i.key from idempotency i left join runs r on r.id = i.run
            where i.expires_at <= ?1 and i.key < coalesce(
                    (select min(key) from idempotency where expires_at > ?1), 9223372036854775807)
                and (r.state is null or r.state not in ('queued', 'running', 'waiting'))
            order by i.key limit ?2)";
    Ok(tx.execute(sql, (tx.trusted, slice))? >= slice as usize)
}

/// Gives free pages back to the file system while they are more than a twentieth of the file: an engine under constant
/// load uses the pages of old runs for new ones. Returns whether there may be more.
pub(super) fn shrink(tx: &Tx<'_>) -> Result<bool> {
    let pragma = |sql: &str| tx.conn.query_row(sql, (), only::<i64>);
    let (free, all) = (pragma("pragma freelist_count")?, pragma("pragma page_count")?);
    let spare = free - (all / 20).max(16);
    if spare <= 0 {
        return Ok(false);
    }
    // Each step gives one page back.
    let mut vacuum = tx.conn.prepare(&format!("pragma incremental_vacuum({})", spare.min(PAGES)))?;
    let mut steps = vacuum.query(())?;
    while steps.next()?.is_some() {}
    Ok(spare > PAGES)
}
