//! Rows of runs and steps as the store's types.

use rusqlite::Row;

use super::parts::BODIES;
use crate::store::{Failure, LaneTicket, Run, RunState, RunSummary, SkippedStretch, StepRecord, VersionHash};

/// The columns of a summary; [`summary`] reads them.
const SUMMARY: &str = "
    r.id, w.id, v.hash, r.trigger, r.state, r.with_errors, r.label, r.scheduled_for, r.started_at, r.ended_at, r.due,
    r.error_kind, r.error_message, r.error_status, r.error_position, l.kind, l.name, r.pause, r.in_lane, r.retries,
    r.cause, r.cancel_requested, r.responded, r.masked, r.skip_reason, r.skip_count, r.skip_first, r.skip_last,
    r.revision";

/// What a summary joins to a run `r`.
const JOINS: &str = "
    join workflows w on w.key = r.workflow
    left join versions v on v.key = r.version
    left join lanes l on l.key = r.lane";

/// A query for summaries; `index` names the index to use (`indexed by …`) or is empty, `rest` is the rest of it.
pub(super) fn select_summaries(index: &str, rest: &str) -> String {
    format!("select {SUMMARY} from runs r {index} {JOINS} {rest}")
}

/// A query for the summaries of a list: without the rest of long errors.
pub(super) fn select_list(index: &str, rest: &str) -> String {
    // `substr` ends at a character NUL, so a message with one is given whole.
    let start = "case when octet_length(r.error_message) <= 4096 or instr(cast(r.error_message as blob), x'00') > 0 \
                 then r.error_message else substr(r.error_message, 1, 4096) end";
    let columns = SUMMARY.replace("r.error_message", start);
    format!("select {columns} from runs r {index} {JOINS} {rest}")
}

/// A query for whole runs, by [`run`].
pub(super) fn select_runs(rest: &str) -> String {
    format!("select {SUMMARY}, r.on_failure, {BODIES} from runs r {JOINS} {rest}")
}

/// Reads a summary.
pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let state: RunState = row.get(4)?;
    let lane = match row.get(15)? {
        Some(kind) => Some(LaneTicket { kind, key: row.get(16)?, pause: row.get(17)? }),
        None => None,
    };
    let skipped = match row.get(24)? {
        Some(reason) => Some(SkippedStretch { reason, count: row.get(25)?, first: row.get(26)?, last: row.get(27)? }),
        None => None,
    };
    Ok(RunSummary {
        id: row.get(0)?,
        workflow: row.get(1)?,
        version: row.get::<_, Option<[u8; 32]>>(2)?.map(VersionHash),
        trigger: row.get(3)?,
        state,
        with_errors: row.get(5)?,
        label: row.get(6)?,
        scheduled_for: row.get(7)?,
        started_at: row.get(8)?,
        ended_at: row.get(9)?,
        // Due is 0 for runs that go on at once, whatever the clock says.
        due: row.get(10)?,
        error: failure(row, 11)?,
        lane,
        holds_lane: state.is_final() && row.get::<_, Option<bool>>(18)?.unwrap_or(false),
        retries: row.get(19)?,
        cause: row.get(20)?,
        cancel_requested: row.get(21)?,
        responded: row.get(22)?,
        masked: row.get(23)?,
        skipped,
        revision: row.get(28)?,
    }
    .with_plain_due())
}

impl RunSummary {
    fn with_plain_due(mut self) -> Self {
        self.due = self.due.filter(|due| self.state == RunState::Waiting && due.0 > 0);
        self
    }
}

/// Reads a whole run.
pub(super) fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        summary: summary(row)?,
        on_failure: row.get(29)?,
        payload: row.get(30)?,
        input: row.get(31)?,
        output: row.get(32)?,
        answer: row.get(33)?,
        trace: row.get(34)?,
    })
}

/// The query for the steps of a run by its `seq`; [`step`] reads them.
pub(super) const SELECT_STEPS: &str = "
    select position, attempt, kind, state, started_at, ended_at, error_kind, error_message, error_status,
           error_position, result, diagnostics
    from steps where run = ?1 order by key";

/// The same without results of more than `?2` bytes, and with the size of each.
pub(super) const SELECT_STEP_LIST: &str = "
    select position, attempt, kind, state, started_at, ended_at, error_kind, error_message, error_status,
           error_position, case when length(result) <= ?2 then result end, null, coalesce(length(result), 0)
    from steps where run = ?1 order by key";

/// Reads a step.
pub(super) fn step(row: &Row<'_>) -> rusqlite::Result<StepRecord> {
    Ok(StepRecord {
        position: row.get(0)?,
        attempt: row.get(1)?,
        kind: row.get(2)?,
        state: row.get(3)?,
        started_at: row.get(4)?,
        ended_at: row.get(5)?,
        error: failure(row, 6)?,
        result: row.get(10)?,
        diagnostics: row.get(11)?,
    })
}

/// Reads four columns: kind, message, status, position.
pub(super) fn failure(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Failure>> {
    let Some(kind) = row.get(first)? else { return Ok(None) };
    Ok(Some(Failure { kind, message: row.get(first + 1)?, status: row.get(first + 2)?, position: row.get(first + 3)? }))
}

/// Reads a name and its bytes.
pub(super) fn named_bytes(row: &Row<'_>) -> rusqlite::Result<(String, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?))
}
