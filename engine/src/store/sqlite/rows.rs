//! Fields that several tables have columns for, and rows of steps.

use super::statement::{Columns, query};
use crate::store::{Failure, StepRecord, StepState, Timestamp};

query! {
    /// The committed steps of a run by its `seq`, in the order of their starts. Of a result of more than `?2` bytes
    /// only the size is read; diagnostics are read if `?3` is 1.
    pub(super) struct Step: "select" {
        position: String,
        attempt: u32,
        kind: String,
        state: StepState,
        started_at: Timestamp,
        ended_at: Option<Timestamp>,
        error: Option<Failure> = "error_kind, error_message, error_status, error_position" => failure,
        result: Option<Vec<u8>> = "case when length(result) <= ?2 then result end",
        diagnostics: Option<Vec<u8>> = "case when ?3 then diagnostics end",
        size: i64 = "coalesce(length(result), 0)",
    } "from steps where run = ?1 order by key"
}

impl From<Step> for StepRecord {
    fn from(step: Step) -> Self {
        let Step { position, attempt, kind, state, started_at, ended_at, error, result, diagnostics, size: _ } = step;
        Self { position, attempt, kind, state, started_at, ended_at, result, error, diagnostics }
    }
}

query! {
    /// The kept state of a run under keys from `?2` on and before `?3`.
    pub(super) struct Kept: "select" { name: String, value: Vec<u8> }
    "from kept where run = ?1 and name >= ?2 and name < ?3 order by name"
}

query! {
    /// Events that have arrived for a run.
    pub(super) struct Delivery: "select" { name: String, body: Vec<u8> } "from events where run = ?1 order by name"
}

impl Step {
    /// The parameters for all parts of each step.
    pub fn whole(seq: i64) -> (i64, i64, bool) {
        (seq, i64::MAX, true)
    }
}

impl Kept {
    /// The parameters for keys that begin with `prefix`.
    pub fn below(seq: i64, prefix: &str) -> (i64, &str, String) {
        (seq, prefix, format!("{prefix}\u{10ffff}"))
    }
}

/// Reads kind, message, status and position; `None` if the kind is null.
pub(super) fn failure(columns: &mut Columns<'_>) -> rusqlite::Result<Option<Failure>> {
    let Some(kind) = columns.next()? else {
        columns.skip(3);
        return Ok(None);
    };
    Ok(Some(Failure { kind, message: columns.next()?, status: columns.next()?, position: columns.next()? }))
}
