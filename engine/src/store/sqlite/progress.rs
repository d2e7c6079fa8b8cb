//! The writes of a worker under its fence.

use super::parts::{self, Part};
use super::sabotage::Sabotage;
use super::statement::{query, update};
use super::tx::Tx;
use super::{accept, changes, claim, lanes, runs};
use crate::store::{
    Changes, Claim, Claimed, Fence, Finish, Park, Result, RunState, StepEnd, StoreError, Timestamp, Trigger,
};

query! {
    /// The row of a claimed run, by id and number of the claim; `?3` disables the check of the claim.
    struct Held: "select" {
        seq: i64,
        workflow: i64,
        trigger: Trigger,
        lane: Option<i64>,
        pause: bool = "coalesce(pause, 0)",
        responded: bool,
        retries: u32,
        started_at: Option<Timestamp> = "case when retries = 0 then started_at else try_started_at end",
    } "from runs where id = ?1 and (?3 or (fence = ?2 and owner is not null))"
}

/// The claimed run of a fence, or [`StoreError::Stale`].
fn held(tx: &Tx<'_>, fence: Fence) -> Result<Held> {
    let any_claim = Sabotage::NoFence.is_on() || planted!(tx.shared.clock.as_ref(), StaleFence);
    tx.first((fence.run, fence.number, any_claim))?.ok_or(StoreError::Stale { run: fence.run })
}

/// The result of a step.
pub(super) fn step_result(tx: &mut Tx<'_>, fence: Fence, end: &StepEnd, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    changes::write_changes(tx, fence.run, held.seq, changes)?;
    changes::write_end(tx, held.seq, end)
}

/// A durable point.
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
        here |= tx.value::<i64>(sql, (held.seq, name))?.is_some();
    }
    // An instant before 1970 is as due as 0, and 0 means at once.
    let due = if here { Some(0) } else { park.due.map(|due| due.0.max(0)) };
    let awaits = serde_json::to_string(&park.events).map_err(|error| StoreError::Other(error.to_string()))?;
    update!(
        tx,
        "runs" { state: RunState::Waiting, due: due, awaits: awaits } "owner = null, revision = revision + 1"
        where { seq: held.seq }
    )?;
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
    update!(
        tx,
        "runs" { responded: true, answer: parts::inline(Some(answer)) } "revision = revision + 1"
        where { seq: held.seq }
    )?;
    parts::spill(tx, held.seq, Part::Answer, Some(answer))?;
    tx.effects.touched.push(fence.run);
    Ok(())
}

/// Ends a run, then claims what the caller wants to do next.
pub(super) fn finish(tx: &mut Tx<'_>, fence: Fence, finish: &Finish, then: Option<&Claim>) -> Result<Claimed> {
    runs::check_final(finish)?;
    let held = held(tx, fence)?;
    if finish.on_failure.is_some() && !held.trigger.facts().starts_failure_run {
        let text = format!("run {} was started by a failure: its own failure starts no further run", fence.run);
        return Err(StoreError::Conflict(text));
    }
    let holds_lane = held.lane.is_some() && held.pause && finish.state.is_retryable();
    let error = finish.error.as_ref();
    let answer = finish.answer.as_ref().filter(|_| !held.responded);
    update!(
        tx,
        "runs" {
            state: finish.state,
            with_errors: finish.with_errors,
            ended_at: finish.ended_at,
            in_lane: holds_lane.then_some(1),
            error_kind: error.map(|error| &error.kind),
            error_message: error.map(|error| &error.message),
            error_status: error.and_then(|error| error.status),
            error_position: error.and_then(|error| error.position.as_ref()),
            output: parts::inline(finish.output.as_ref()),
            answer = "case when responded = 1 then answer else ? end": parts::inline(answer),
            trace = "case when ? then ? else trace end": finish.trace.is_some(); parts::inline(finish.trace.as_ref()),
        }
        "owner = null, due = null, awaits = null, cancel_requested = 0, revision = revision + 1"
        where { seq: held.seq }
    )?;
    // Only an earlier end can have left a body to replace.
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
    runs::count_end(tx, held.workflow, finish, held.started_at);
    match then {
        // The end of a run is committed even if the next claim is refused.
        Some(then) if tx.shared.is_leased(then.owner) => claim::claim(tx, then),
        _ => Ok(Claimed::default()),
    }
}
