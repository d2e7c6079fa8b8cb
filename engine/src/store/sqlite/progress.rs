//! What a worker writes under its fence.

use rusqlite::params;

use super::parts::{self, Part};
use super::sabotage::Sabotage;
use super::tx::Tx;
use super::{accept, changes, claim, lanes, runs};
use crate::store::{
    Changes, Claim, Claimed, Fence, Finish, Park, Result, RunState, StepEnd, StepStart, StoreError, Trigger,
};

/// The row of a claimed run.
pub(super) struct Held {
    /// `runs.seq`.
    seq: i64,
    workflow: i64,
    trigger: Trigger,
    lane: Option<i64>,
    pause: bool,
    responded: bool,
    retries: u32,
}

/// The claimed run of a fence, or [`StoreError::Stale`].
fn held(tx: &Tx<'_>, fence: Fence) -> Result<Held> {
    let sql = "select seq, workflow, trigger, lane, pause, responded, retries
               from runs where id = ?1 and (?3 or (fence = ?2 and owner is not null))";
    let found = tx.row(
        sql,
        (fence.run, fence.number, Sabotage::NoFence.is_on() || planted!(tx.shared.clock.as_ref(), StaleFence)),
        |row| {
            Ok(Held {
                seq: row.get(0)?,
                workflow: row.get(1)?,
                trigger: row.get(2)?,
                lane: row.get(3)?,
                pause: row.get::<_, Option<bool>>(4)?.unwrap_or(false),
                responded: row.get(5)?,
                retries: row.get(6)?,
            })
        },
    )?;
    found.ok_or(StoreError::Stale { run: fence.run })
}

/// The start of an acting step.
pub(super) fn step_started(tx: &mut Tx<'_>, fence: Fence, start: &StepStart, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    changes::write_changes(tx, fence.run, held.seq, changes)?;
    changes::write_start(tx, held.seq, start)
}

/// The result of a step.
pub(super) fn step_result(tx: &mut Tx<'_>, fence: Fence, end: &StepEnd, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    changes::write_changes(tx, fence.run, held.seq, changes)?;
    changes::write_end(tx, held.seq, end)
}

/// A durable point without a step.
pub(super) fn checkpoint(tx: &mut Tx<'_>, fence: Fence, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    changes::write_changes(tx, fence.run, held.seq, changes)
}

/// Puts a run to sleep.
pub(super) fn park(tx: &mut Tx<'_>, fence: Fence, park: &Park) -> Result<()> {
    let held = held(tx, fence)?;
    changes::write_changes(tx, fence.run, held.seq, &park.changes)?;
    let mut here = false;
    for name in &park.events {
        let sql = "select 1 from events where run = ?1 and name = ?2";
        here |= tx.row(sql, (held.seq, name), |_| Ok(()))?.is_some();
    }
    // An instant before 1970 is as due as 0, and 0 means at once.
    let due = if here { Some(0) } else { park.due.map(|due| due.0.max(0)) };
    let awaits = serde_json::to_string(&park.events).map_err(|error| StoreError::Other(error.to_string()))?;
    let sql = "update runs set state = 'waiting', owner = null, due = ?2, awaits = ?3, revision = revision + 1
               where seq = ?1";
    tx.execute(sql, (held.seq, due, awaits))?;
    if let Some(lane) = held.lane.filter(|_| planted!(tx.shared.clock.as_ref(), FreedLane)) {
        tx.execute("update runs set in_lane = null where seq = ?1", [held.seq])?;
        lanes::advance(tx, lane)?;
    }
    tx.effects.ready = true; // a slot is free, and the dispatcher has a new instant to wait for
    tx.moved(fence.run, held.workflow, Some(RunState::Running), RunState::Waiting)
}

/// Answers a waiting caller.
pub(super) fn respond(tx: &mut Tx<'_>, fence: Fence, answer: &Vec<u8>, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    if held.responded && !planted!(tx.shared.clock.as_ref(), SecondAnswer) {
        return Err(StoreError::Conflict(format!("run {} has responded already", fence.run)));
    }
    changes::write_changes(tx, fence.run, held.seq, changes)?;
    let sql = "update runs set responded = 1, answer = ?2, revision = revision + 1 where seq = ?1";
    tx.execute(sql, (held.seq, parts::inline(Some(answer))))?;
    parts::spill(tx, held.seq, Part::Answer, Some(answer))?;
    tx.effects.touched.push(fence.run);
    Ok(())
}

/// Ends a run, then claims what the caller wants to go on with.
pub(super) fn finish(tx: &mut Tx<'_>, fence: Fence, finish: &Finish, then: Option<&Claim>) -> Result<Claimed> {
    runs::check_final(finish)?;
    let held = held(tx, fence)?;
    if held.trigger == Trigger::Failure && finish.on_failure.is_some() {
        let text = format!("run {} was started by a failure: its own failure starts no further run", fence.run);
        return Err(StoreError::Conflict(text));
    }
    let holds_lane = held.lane.is_some() && held.pause && finish.state.is_retryable();
    let error = finish.error.as_ref();
    let answer = finish.answer.as_ref().filter(|_| !held.responded);
    let sql = "
        update runs
        set state = ?2, with_errors = ?3, ended_at = ?4, owner = null, due = null, awaits = null, cancel_requested = 0,
            in_lane = ?5, error_kind = ?6, error_message = ?7, error_status = ?8, error_position = ?9, output = ?10,
            answer = case when responded = 1 then answer else ?11 end, trace = case when ?13 then ?12 else trace end, revision = revision + 1
        where seq = ?1";
    let values = params![
        held.seq,
        finish.state,
        finish.with_errors,
        finish.ended_at,
        holds_lane.then_some(1),
        error.map(|error| &error.kind),
        error.map(|error| &error.message),
        error.and_then(|error| error.status),
        error.and_then(|error| error.position.as_ref()),
        parts::inline(finish.output.as_ref()),
        parts::inline(answer),
        parts::inline(finish.trace.as_ref()),
        finish.trace.is_some(),
    ];
    tx.execute(sql, values)?;
    // Only an earlier end can have left something to replace.
    let spill = if held.retries > 0 { parts::spill } else { parts::spill_new };
    spill(tx, held.seq, Part::Output, finish.output.as_ref())?;
    if finish.trace.is_some() {
        spill(tx, held.seq, Part::Trace, finish.trace.as_ref())?;
    }
    if !held.responded {
        spill(tx, held.seq, Part::Answer, answer)?;
    }
    accept::write_finished(tx, fence.run, held.seq, finish)?;
    changes::interrupt_steps(tx, held.seq, finish.ended_at)?;
    if !finish.state.is_retryable() {
        changes::forget_kept(tx, held.seq)?;
    }
    if let Some(lane) = held.lane {
        lanes::advance(tx, lane)?;
    }
    tx.effects.ready = true; // a slot is free
    tx.moved(fence.run, held.workflow, Some(RunState::Running), finish.state)?;
    match then {
        // The end of a run stands, whatever has become of the wish for more.
        Some(then) if tx.shared.is_leased(then.owner) => claim::claim(tx, then),
        _ => Ok(Claimed::default()),
    }
}
