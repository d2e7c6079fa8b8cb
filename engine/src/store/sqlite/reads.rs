//! Reads of one run.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::parts::SELECT_OUTPUT;
use super::rows;
use crate::store::{LogLine, LogPage, Result, Run, RunId, RunSummary, StepRecord, StoreError};

/// A run with its bodies.
pub(super) fn run(conn: &Connection, run: RunId) -> Result<Run> {
    let mut statement = conn.prepare_cached(&rows::select_runs("where r.id = ?1"))?;
    statement.query_row([run], rows::run).optional()?.ok_or_else(|| no_run(run))
}

/// The outputs of those of the runs that have one.
pub(super) fn outputs(conn: &Connection, runs: &[RunId]) -> Result<Vec<(RunId, Vec<u8>)>> {
    let mut statement = conn.prepare_cached(SELECT_OUTPUT)?;
    let mut outputs = Vec::with_capacity(runs.len());
    for run in runs {
        let output: Option<Option<Vec<u8>>> = statement.query_row([run], |row| row.get(0)).optional()?;
        outputs.extend(output.flatten().map(|output| (*run, output)));
    }
    Ok(outputs)
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

/// What a run has kept.
pub(super) fn kept(conn: &Connection, run: RunId) -> Result<Vec<(String, Vec<u8>)>> {
    let sql = "select name, value from kept where run = ?1 order by name";
    all(conn, sql, [seq(conn, run)?], rows::named_bytes)
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
