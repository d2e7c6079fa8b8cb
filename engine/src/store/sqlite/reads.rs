//! Reads of one run.

use rusqlite::{Connection, MAIN_DB, OptionalExtension};

use super::parts::{self, Part};
use super::rows::{Delivery, Kept, Step, failure};
use super::run_row;
use super::statement::{self, query};
use crate::store::{LogLine, LogPage, Preview, Result, Run, RunId, RunSummary, StepRecord, StoreError, Try};

/// A run with its bodies.
pub(super) fn run(conn: &Connection, run: RunId) -> Result<Run> {
    let mut statement = conn.prepare_cached(&run_row::RUN_BY_ID)?;
    statement.query_row([run], run_row::run).optional()?.ok_or_else(|| no_run(run))
}

/// At most the first `most` bytes of the outputs of these runs.
pub(super) fn previews(conn: &Connection, runs: &[RunId], most: usize) -> Result<Vec<Preview>> {
    let mut previews = Vec::with_capacity(runs.len());
    for run in runs {
        match statement::first::<Output>(conn, [run])? {
            Some(Output { short: Some(start), .. }) => {
                previews.push(Preview { run: *run, size: start.len() as u64, start });
            }
            Some(Output { seq, short: None, size: Some(size) }) => {
                let size = size.max(0) as u64;
                let mut start = vec![0; most.min(size as usize)];
                // The length is in the header of the row, and this reads only the pages of the beginning.
                let key = parts::key(seq, Part::Output);
                conn.blob_open(MAIN_DB, "parts", "bytes", key, true)?.read_at_exact(&mut start, 0)?;
                previews.push(Preview { run: *run, size, start });
            }
            Some(Output { short: None, size: None, .. }) | None => {}
        }
    }
    Ok(previews)
}

query! {
    /// The location of the output of a run: in its row if it is short, else as a part of this size.
    struct Output: "select" {
        seq: i64 = "r.seq",
        short: Option<Vec<u8>> = "r.output",
        size: Option<i64> = "(select length(bytes) from parts where key = r.seq * 8 + 2)",
    } "from runs r where r.id = ?1"
}

/// The records of steps at the end of a run.
pub(super) fn trace(conn: &Connection, run: RunId) -> Result<Option<Vec<u8>>> {
    let sql =
        "select coalesce(r.trace, (select bytes from parts where key = r.seq * 8 + 4)) from runs r where r.id = ?1";
    statement::value(conn, sql, [run])?.ok_or_else(|| no_run(run))
}

/// The tries of a run, oldest first.
pub(super) fn tries(conn: &Connection, run: RunId) -> Result<Vec<Try>> {
    statement::all(conn, [seq(conn, run)?])
}

query! {
    for Try: "with tries_of_run as (
        select number, state, started_at, ended_at, error_kind, error_message, error_status, error_position
        from tries where run = ?1
        union all
        select retries + 1, state, case when retries = 0 then started_at else try_started_at end, ended_at,
               error_kind, error_message, error_status, error_position
        from runs where seq = ?1
    ) select" {
        number,
        state,
        started_at,
        ended_at,
        error = "error_kind, error_message, error_status, error_position" => failure,
    } "from tries_of_run order by number"
}

/// A run without its bodies.
pub(super) fn summary(conn: &Connection, run: RunId) -> Result<RunSummary> {
    let mut statement = conn.prepare_cached(&run_row::SUMMARY_BY_ID)?;
    statement.query_row([run], run_row::summary).optional()?.ok_or_else(|| no_run(run))
}

/// The committed steps of a run.
pub(super) fn steps(conn: &Connection, run: RunId) -> Result<Vec<StepRecord>> {
    let steps = statement::all::<Step>(conn, Step::whole(seq(conn, run)?))?;
    Ok(steps.into_iter().map(StepRecord::from).collect())
}

/// The committed steps of a run without large results, with the sizes of all.
pub(super) fn step_list(conn: &Connection, run: RunId, most: usize) -> Result<Vec<(StepRecord, u64)>> {
    let bounds = (seq(conn, run)?, i64::try_from(most).unwrap_or(i64::MAX), false);
    let steps = statement::all::<Step>(conn, bounds)?.into_iter();
    Ok(steps
        .map(|step| {
            let size = step.size.max(0) as u64;
            (step.into(), size)
        })
        .collect())
}

/// The kept state of a run under keys that begin with `prefix`.
pub(super) fn kept_below(conn: &Connection, run: RunId, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let kept = statement::all::<Kept>(conn, Kept::below(seq(conn, run)?, prefix))?;
    Ok(kept.into_iter().map(|kept| (kept.name, kept.value)).collect())
}

/// Events that have arrived for a run.
pub(super) fn delivered(conn: &Connection, run: RunId) -> Result<Vec<(String, Vec<u8>)>> {
    let events = statement::all::<Delivery>(conn, [seq(conn, run)?])?;
    Ok(events.into_iter().map(|event| (event.name, event.body)).collect())
}

/// Lines of a run's log.
pub(super) fn log(conn: &Connection, run: RunId, first: u32, limit: u32) -> Result<LogPage> {
    Ok(LogPage { first, lines: statement::all(conn, (seq(conn, run)?, first, limit))? })
}

query! {
    for LogLine: "select" { at, level, message, position }
    "from log where run = ?1 and number >= ?2 order by number limit ?3"
}

fn seq(conn: &Connection, run: RunId) -> Result<i64> {
    statement::value(conn, "select seq from runs where id = ?1", [run])?.ok_or_else(|| no_run(run))
}

fn no_run(run: RunId) -> StoreError {
    StoreError::NotFound(format!("there is no run {run}"))
}
