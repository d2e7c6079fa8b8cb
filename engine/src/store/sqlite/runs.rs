//! Rows of runs: what every decision about runs is made of.

use rusqlite::params;

use super::parts::{self, Part};
use super::tx::{Tx, Workflow};
use super::{changes, lanes};
use crate::store::{Cancel, Finish, NewRun, OwnerId, Result, RunId, RunState, StoreError, Timestamp};

/// What a new row of `runs` says beside what the new run says itself.
pub(super) struct Entry {
    pub state: RunState,
    pub version: Option<i64>,
    pub owner: Option<OwnerId>,
    pub due: Option<i64>,
    pub lane: Option<lanes::Place>,
    pub schedule: Option<i64>,
    pub started_at: Option<Timestamp>,
}

/// Inserts a run, with its end where it has ended before; gives its `seq`.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    new: &NewRun,
    workflow: &Workflow,
    entry: &Entry,
    finish: Option<&Finish>,
) -> Result<i64> {
    let error = finish.and_then(|finish| finish.error.as_ref());
    let [output, answer, trace] = match finish {
        Some(finish) => [finish.output.as_ref(), finish.answer.as_ref(), finish.trace.as_ref()],
        None => [None; 3],
    };
    let sql = "
        insert into runs (
            id, workflow, version, trigger, state, with_errors, fence, owner, due, lane, place, pause, in_lane,
            schedule, scheduled_for, started_at, ended_at, on_failure, cause, error_kind, error_message, error_status,
            error_position, label, payload, input, output, answer, trace
        ) values (
            ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
            ?24, ?25, ?26, ?27, ?28, ?29
        )";
    let values = params![
        new.id,
        workflow.key,
        entry.version,
        new.trigger,
        entry.state,
        finish.is_some_and(|finish| finish.with_errors),
        i64::from(entry.owner.is_some()),
        entry.owner.as_ref().map(|owner| owner.as_bytes().as_slice()),
        entry.due,
        entry.lane.map(|lane| lane.key),
        entry.lane.map(|lane| lane.place),
        new.lane.as_ref().map(|ticket| ticket.pause),
        entry.lane.map(|_| 1),
        entry.schedule,
        new.scheduled_for,
        entry.started_at,
        finish.map(|finish| finish.ended_at),
        new.on_failure,
        new.cause,
        error.map(|error| &error.kind),
        error.map(|error| &error.message),
        error.and_then(|error| error.status),
        error.and_then(|error| error.position.as_ref()),
        new.label,
        parts::inline(new.payload.as_ref()),
        parts::inline(new.input.as_ref()),
        parts::inline(output),
        parts::inline(answer),
        parts::inline(trace),
    ];
    if let Err(error) = tx.execute(sql, values) {
        return Err(match error {
            StoreError::Conflict(_) => StoreError::Conflict(format!("there is a run {} already", new.id)),
            other => other,
        });
    }
    let seq = tx.conn.last_insert_rowid();
    parts::spill_new(tx, seq, Part::Payload, new.payload.as_ref())?;
    parts::spill_new(tx, seq, Part::Input, new.input.as_ref())?;
    parts::spill_new(tx, seq, Part::Output, output)?;
    parts::spill_new(tx, seq, Part::Answer, answer)?;
    parts::spill_new(tx, seq, Part::Trace, trace)?;
    tx.moved(new.id, workflow.key, None, entry.state)?;
    Ok(seq)
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
    Ok(tx.row(sql, [workflow], |row| row.get(0))?.unwrap_or(0))
}

/// What decisions need to know about a run.
pub(super) struct Row {
    pub seq: i64,
    pub run: RunId,
    pub workflow: i64,
    pub state: RunState,
    pub claimed: bool,
    pub lane: Option<i64>,
    pub in_lane: bool,
    pub awaits: Option<String>,
}

/// The run, or [`StoreError::NotFound`].
pub(super) fn row(tx: &Tx<'_>, run: RunId) -> Result<Row> {
    let sql = "select seq, workflow, state, owner is not null, lane, in_lane, awaits from runs where id = ?1";
    let found = tx.row(sql, [run], |row| {
        Ok(Row {
            seq: row.get(0)?,
            run,
            workflow: row.get(1)?,
            state: row.get(2)?,
            claimed: row.get(3)?,
            lane: row.get(4)?,
            in_lane: row.get::<_, Option<bool>>(5)?.unwrap_or(false),
            awaits: row.get(6)?,
        })
    })?;
    found.ok_or_else(|| StoreError::NotFound(format!("there is no run {run}")))
}

/// Cancels a run that nobody works on, or asks its worker to.
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

/// Ends a run that nobody works on, as skipped or cancelled.
pub(super) fn close(tx: &mut Tx<'_>, row: &Row, state: RunState) -> Result<()> {
    let sql = "
        update runs
        set state = ?2, ended_at = ?3, due = null, awaits = null, in_lane = null, cancel_requested = 0,
            revision = revision + 1
        where seq = ?1";
    tx.execute(sql, (row.seq, state, tx.now))?;
    changes::interrupt_steps(tx, row.seq, tx.now)?;
    changes::forget_kept(tx, row.seq)?;
    tx.moved(row.run, row.workflow, Some(row.state), state)?;
    row.lane.map_or(Ok(()), |lane| lanes::advance(tx, lane))
}
