//! Rows of runs: the basis of every decision about runs.

use super::parts::{self, Part};
use super::run_row::New;
use super::statement::{query, update};
use super::tx::Tx;
use super::{changes, lanes, run_row};
use crate::store::statistics::Count;
use crate::store::{Cancel, Finish, Result, RunId, RunState, StoreError, Timestamp};

/// Inserts a run, with its end if it has ended before; returns its `seq`.
pub(super) fn insert(tx: &mut Tx<'_>, new: &New<'_>) -> Result<i64> {
    let id = new.run.origin.id;
    if let Err(error) = run_row::insert(tx, new) {
        return Err(match error {
            StoreError::Conflict(_) => StoreError::Conflict(format!("there is a run {id} already")),
            other => other,
        });
    }
    let seq = tx.conn.last_insert_rowid();
    parts::spill_new(tx, seq, Part::Payload, new.run.payload.as_ref())?;
    parts::spill_new(tx, seq, Part::Input, new.run.input.as_ref())?;
    parts::spill_new(tx, seq, Part::Output, new.output())?;
    parts::spill_new(tx, seq, Part::Answer, new.answer())?;
    parts::spill_new(tx, seq, Part::Trace, new.trace())?;
    tx.moved(id, new.workflow, None, new.state)?;
    tx.count(new.workflow, id.accepted_at(), Some(Count::ACCEPTED), 1);
    if let Some(finish) = new.finish {
        count_end(tx, new.workflow, finish, new.started_at);
    }
    Ok(seq)
}

/// Counts the end of a run that started.
pub(super) fn count_end(tx: &mut Tx<'_>, workflow: i64, finish: &Finish, started_at: Option<Timestamp>) {
    tx.count_end(workflow, finish.state, started_at, finish.ended_at);
    tx.count(workflow, finish.ended_at, finish.with_errors.then_some(Count::WITH_ERRORS), 1);
}

/// Whether a run may end like this.
pub(super) fn check_final(finish: &Finish) -> Result<()> {
    if finish.state.is_final() && finish.state != RunState::Skipped {
        return Ok(());
    }
    Err(StoreError::Conflict(format!("a run cannot end as '{}'", finish.state)))
}

/// How many slots of a workflow are taken.
pub(super) fn claimed(tx: &Tx<'_>, workflow: i64) -> Result<u32> {
    let sql = "select count(*) from runs where workflow = ?1 and owner is not null";
    tx.single(sql, [workflow])
}

query! {
    /// The columns of a run that decisions need.
    pub(super) struct Row: "select" {
        seq: i64,
        id: RunId,
        workflow: i64,
        state: RunState,
        claimed: bool = "owner is not null",
        lane: Option<i64>,
        in_lane: bool = "in_lane is not null",
        awaits: Option<String>,
    } "from runs where id = ?1"
}

/// The run, or [`StoreError::NotFound`].
pub(super) fn row(tx: &Tx<'_>, run: RunId) -> Result<Row> {
    tx.first([run])?.ok_or_else(|| StoreError::NotFound(format!("there is no run {run}")))
}

/// Cancels a run without a worker, or asks its worker to.
pub(super) fn cancel(tx: &mut Tx<'_>, run: RunId) -> Result<Cancel> {
    let row = row(tx, run)?;
    if row.state.is_final() {
        return Ok(Cancel::Ended(row.state));
    }
    if row.claimed || (row.state == RunState::Waiting && planted!(tx.shared.clock.as_ref(), IgnoredCancel)) {
        let sql = "update runs set cancel_requested = 1, revision = revision + 1
                   where seq = ?1 and cancel_requested = 0";
        tx.execute(sql, [row.seq])?;
        tx.effects.touched.push(run);
        return Ok(Cancel::Requested);
    }
    close(tx, &row, RunState::Cancelled)?;
    Ok(Cancel::Cancelled)
}

/// Ends a run without a worker, as skipped or cancelled.
pub(super) fn close(tx: &mut Tx<'_>, row: &Row, state: RunState) -> Result<()> {
    update!(
        tx,
        "runs" { state: state, ended_at: tx.now }
        "due = null, awaits = null, in_lane = null, cancel_requested = 0, revision = revision + 1"
        where { seq: row.seq }
    )?;
    changes::interrupt_steps(tx, row.seq, tx.now)?;
    changes::forget_kept(tx, row.seq)?;
    tx.moved(row.id, row.workflow, Some(row.state), state)?;
    tx.count_end(row.workflow, state, None, tx.now);
    row.lane.map_or(Ok(()), |lane| lanes::advance(tx, lane))
}
