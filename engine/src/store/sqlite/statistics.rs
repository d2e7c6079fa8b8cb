//! Statistics: rows of minutes become rows of hours after a day, and those are deleted with the history of their time.
//!
//! An answer reads the rows of its stretch of time, at most 1,440 minutes and the hours of the retention for each
//! workflow, however many runs they count.

use rusqlite::Connection;

use super::counting::{self, HOUR, MINUTE};
use super::statement::{self, query};
use super::tx::Tx;
use crate::store::statistics::{Statistics, StatisticsQuery, Tally};
use crate::store::{Result, Timestamp};

/// For this long, in milliseconds, minutes have rows of their own.
const MINUTES_LAST: i64 = 24 * HOUR;

/// The most hours that are made, and the most workflows whose old hours are deleted, in one slice of retention.
const SLICE: usize = 64;

/// The first row of a workflow.
pub(super) const OLDEST: &str = "select min(start) from statistics where workflow = ?1 and width = ?2";

/// The statement of [`Row`].
#[cfg(test)]
pub(super) const ROWS: &str = <Row as super::statement::Query>::SQL;

query! {
    /// A workflow that was ever published.
    struct Named: "select" { key: i64, id: String } "from workflows where ?1 is null or id = ?1 order by id"
}

query! {
    /// The rows of a workflow in a stretch of time.
    struct Row: "select" { start: i64, tally: Vec<u8> }
    "from statistics where workflow = ?1 and width = ?2 and start >= ?3 and start < ?4 order by start"
}

/// Statistics over a stretch of time.
pub(super) fn statistics(conn: &Connection, query: &StatisticsQuery) -> Result<Statistics> {
    let mut buckets = vec![Tally::default(); query.buckets()?];
    let mut workflows = Vec::new();
    for Named { key, id } in statement::all(conn, [&query.workflow])? {
        let mut whole = Tally::default();
        for width in [HOUR, MINUTE] {
            for Row { start, tally } in statement::all(conn, (key, width, query.from, query.before))? {
                let tally = Tally::decode(&tally)?;
                whole.merge(&tally);
                let at = (start - query.from.0) / query.bucket;
                if let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) {
                    bucket.merge(&tally);
                }
            }
        }
        if !whole.is_empty() {
            workflows.push((id, whole));
        }
    }
    let sql = "select applied_at from migrations where name = 'statistics'";
    Ok(Statistics { counted_since: statement::single(conn, sql, ())?, buckets, workflows })
}

/// Rows that are due to become others, or to go.
#[derive(Default)]
pub(super) struct Due {
    /// Workflows and hours whose minutes become one row.
    hours: Vec<(i64, i64)>,
    /// Workflows with hours that are deleted.
    old: Vec<i64>,
    /// Hours from here on stay.
    keep_from: i64,
}

impl Due {
    /// Whether there may be more than these.
    pub fn is_full(&self) -> bool {
        self.hours.len() >= SLICE || self.old.len() >= SLICE
    }
}

/// Looks for rows that are due: minutes before yesterday, hours before `keep_from`. One step in the index for each
/// workflow.
pub(super) fn look(conn: &Connection, now: Timestamp, keep_from: Timestamp) -> Result<Due> {
    let until = now.0 - MINUTES_LAST;
    let until = until - until.rem_euclid(HOUR);
    let mut due = Due { keep_from: keep_from.0, ..Due::default() };
    let mut last = 0_i64;
    let next = "select workflow from statistics where workflow > ?1 order by workflow limit 1";
    while let Some(workflow) = statement::value::<i64>(conn, next, [last])? {
        last = workflow;
        let of = |width| statement::single::<Option<i64>>(conn, OLDEST, (workflow, width));
        if of(HOUR)?.is_some_and(|oldest| oldest < keep_from.0) {
            due.old.push(workflow);
        }
        if of(MINUTE)?.is_some_and(|oldest| oldest < until) {
            let sql = "select distinct start - start % ?2 from statistics
                       where workflow = ?1 and width = ?3 and start < ?4 limit ?5";
            let hours = statement::values::<i64>(conn, sql, (workflow, HOUR, MINUTE, until, SLICE as i64))?;
            due.hours.extend(hours.into_iter().map(|hour| (workflow, hour)));
        }
        if due.is_full() {
            break;
        }
    }
    due.hours.truncate(SLICE);
    Ok(due)
}

/// Makes hours of minutes, and deletes old hours.
pub(super) fn settle(tx: &mut Tx<'_>, due: &Due) -> Result<()> {
    for (workflow, hour) in &due.hours {
        let mut tally = counting::read(tx.conn, *workflow, HOUR, *hour)?;
        for row in tx.all::<Row>((workflow, MINUTE, hour, hour + HOUR))? {
            tally.merge(&Tally::decode(&row.tally)?);
        }
        counting::write(tx.conn, *workflow, HOUR, *hour, &tally)?;
        let sql = "delete from statistics where workflow = ?1 and width = ?2 and start >= ?3 and start < ?4";
        tx.execute(sql, (workflow, MINUTE, hour, hour + HOUR))?;
    }
    for workflow in &due.old {
        let sql = "delete from statistics where workflow = ?1 and width = ?2 and start < ?3";
        tx.execute(sql, (workflow, HOUR, due.keep_from))?;
    }
    if !due.hours.is_empty() {
        tx.forget_counted();
    }
    Ok(())
}
