//! Reads of one run.

use rusqlite::{Connection, MAIN_DB, OptionalExtension, Params, Row};

use super::parts::{self, Part, SELECT_OUTPUT, SELECT_TRACE};
use super::rows;
use crate::store::{LogLine, LogPage, Preview, Result, Run, RunId, RunSummary, StepRecord, StoreError, Try};

/// A run with its bodies.
pub(super) fn run(conn: &Connection, run: RunId) -> Result<Run> {
    let mut statement = conn.prepare_cached(&rows::select_runs("where r.id = ?1"))?;
    statement.query_row([run], rows::run).optional()?.ok_or_else(|| no_run(run))
}

/// The outputs of those of the runs that have one, at most the first `most` bytes of each.
pub(super) fn previews(conn: &Connection, runs: &[RunId], most: usize) -> Result<Vec<Preview>> {
    let mut statement = conn.prepare_cached(SELECT_OUTPUT)?;
    let mut previews = Vec::with_capacity(runs.len());
    for run in runs {
        let found = statement.query_row([run], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, Option<i64>>(2)?))
        });
        match found.optional()? {
            Some((_, Some(start), _)) => previews.push(Preview { run: *run, size: start.len() as u64, start }),
            Some((seq, None, Some(size))) => {
                let size = size.max(0) as u64;
                let mut start = vec![0; most.min(size as usize)];
                // A length is in the header of the row, and this reads the pages of the beginning only.
                let key = parts::key(seq, Part::Output);
                conn.blob_open(MAIN_DB, "parts", "bytes", key, true)?.read_at_exact(&mut start, 0)?;
                previews.push(Preview { run: *run, size, start });
            }
            _ => {}
        }
    }
    Ok(previews)
}

/// What the end of a run has kept of its steps.
pub(super) fn trace(conn: &Connection, run: RunId) -> Result<Option<Vec<u8>>> {
    let mut statement = conn.prepare_cached(SELECT_TRACE)?;
    statement.query_row([run], |row| row.get(0)).optional()?.ok_or_else(|| no_run(run))
}

/// The tries of a run, oldest first.
pub(super) fn tries(conn: &Connection, run: RunId) -> Result<Vec<Try>> {
    let sql = "
        select number, state, started_at, ended_at, error_kind, error_message, error_status, error_position
        from tries where run = ?1
        union all
        select retries + 1, state, coalesce(try_started_at, case when retries = 0 then started_at end), ended_at,
               error_kind, error_message, error_status, error_position
        from runs where seq = ?1
        order by 1";
    all(conn, sql, [seq(conn, run)?], |row| {
        Ok(Try {
            number: row.get(0)?,
            state: row.get(1)?,
            started_at: row.get(2)?,
            ended_at: row.get(3)?,
            error: rows::failure(row, 4)?,
        })
    })
}

/// A run without its bodies.
pub(super) fn summary(conn: &Connection, run: RunId) -> Result<RunSummary> {
    let mut statement = conn.prepare_cached(&rows::select_summaries("", "where r.id = ?1"))?;
    statement.query_row([run], rows::summary).optional()?.ok_or_else(|| no_run(run))
}

/// The committed steps of a run.
pub(super) fn steps(conn: &Connection, run: RunId) -> Result<Vec<StepRecord>> {
    all(conn, rows::SELECT_STEPS, [seq(conn, run)?], rows::step)
}

/// The committed steps of a run without large results, with the sizes of all.
pub(super) fn step_list(conn: &Connection, run: RunId, most: usize) -> Result<Vec<(StepRecord, u64)>> {
    let bounds = (seq(conn, run)?, i64::try_from(most).unwrap_or(i64::MAX));
    all(conn, rows::SELECT_STEP_LIST, bounds, |row| Ok((rows::step(row)?, row.get::<_, i64>(12)?.max(0) as u64)))
}

/// What a run has kept under keys that begin with `prefix`.
pub(super) fn kept_below(conn: &Connection, run: RunId, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let sql = "select name, value from kept where run = ?1 and name >= ?2 and name < ?3 order by name";
    all(conn, sql, (seq(conn, run)?, prefix, format!("{prefix}\u{10ffff}")), rows::named_bytes)
}

/// Events that have come for a run.
pub(super) fn delivered(conn: &Connection, run: RunId) -> Result<Vec<(String, Vec<u8>)>> {
    all(conn, "select name, body from events where run = ?1 order by name", [seq(conn, run)?], rows::named_bytes)
}

/// Lines of a run's log.
pub(super) fn log(conn: &Connection, run: RunId, first: u32, limit: u32) -> Result<LogPage> {
    let sql = "select at, level, message, position from log where run = ?1 and number >= ?2 order by number limit ?3";
    let lines = all(conn, sql, (seq(conn, run)?, first, limit), |row| {
        Ok(LogLine { at: row.get(0)?, level: row.get(1)?, message: row.get(2)?, position: row.get(3)? })
    })?;
    Ok(LogPage { first, lines })
}

fn seq(conn: &Connection, run: RunId) -> Result<i64> {
    let mut statement = conn.prepare_cached("select seq from runs where id = ?1")?;
    statement.query_row([run], |row| row.get(0)).optional()?.ok_or_else(|| no_run(run))
}

fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn no_run(run: RunId) -> StoreError {
    StoreError::NotFound(format!("there is no run {run}"))
}
