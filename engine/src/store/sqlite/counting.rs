//! Counting for the statistics: what the decisions of a group count is added up in memory and written with their
//! commit, one row for each workflow and minute.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;

use super::statement;
use crate::store::statistics::{Count, Tally};
use crate::store::{Result, Timestamp};

/// The widths of rows, in milliseconds.
pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// How many rows are remembered between commits.
const REMEMBERED: usize = 1024;

/// Reads the row of a stretch of time.
pub(super) const READ: &str = "select tally from statistics where workflow = ?1 and width = ?2 and start = ?3";

/// Writes it.
pub(super) const WRITE: &str = "insert into statistics (workflow, width, start, tally) values (?1, ?2, ?3, ?4)
    on conflict (workflow, width, start) do update set tally = excluded.tally";

/// Something that a decision counts.
pub(super) struct Counted {
    /// `workflows.key`.
    pub workflow: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What it is.
    pub what: Count,
    /// How often.
    pub number: u64,
}

/// The tallies of workflows and minutes.
type Tallies = HashMap<(i64, i64), Tally>;

/// What the writer has counted.
#[derive(Default)]
pub(super) struct Counting {
    /// What the open transaction adds.
    added: BTreeMap<(i64, i64), Tally>,
    /// Rows as the database has them.
    known: Tallies,
}

impl Counting {
    /// Adds what a decision of the open transaction has counted.
    pub fn add(&mut self, counted: &[Counted]) {
        for Counted { workflow, at, what, number } in counted {
            let minute = at.0 - at.0.rem_euclid(MINUTE);
            self.added.entry((*workflow, minute)).or_default().add(*what, *number);
        }
    }

    /// Writes what was added; called once before each commit.
    pub fn write(&mut self, conn: &Connection) -> Result<()> {
        if self.known.len() > REMEMBERED {
            self.known.clear();
        }
        for ((workflow, minute), added) in std::mem::take(&mut self.added) {
            let mut tally = match self.known.remove(&(workflow, minute)) {
                Some(known) => known,
                None => read(conn, workflow, MINUTE, minute)?,
            };
            tally.merge(&added);
            write(conn, workflow, MINUTE, minute, &tally)?;
            self.known.insert((workflow, minute), tally);
        }
        Ok(())
    }

    /// Rows of minutes have been deleted.
    pub fn forget(&mut self) {
        self.known.clear();
    }
}

/// The tally of a stretch of time; empty if it has no row.
pub(super) fn read(conn: &Connection, workflow: i64, width: i64, start: i64) -> Result<Tally> {
    let bytes: Option<Vec<u8>> = statement::value(conn, READ, (workflow, width, start))?;
    bytes.map_or(Ok(Tally::default()), |bytes| Tally::decode(&bytes))
}

/// Writes the tally of a stretch of time.
pub(super) fn write(conn: &Connection, workflow: i64, width: i64, start: i64, tally: &Tally) -> Result<()> {
    conn.prepare_cached(WRITE)?.execute((workflow, width, start, tally.encode()))?;
    Ok(())
}
