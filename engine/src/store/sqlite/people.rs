//! Decisions of operators and peers about runs: retry, run again, skip, resume, cancel, events.

use super::runs::Row;
use super::statement::{insert, update};
use super::tx::Tx;
use super::{accept, lanes, run_row, runs};
use crate::store::{
    Accepted, Delivered, LaneId, LaneKind, NewRun, Origin, Result, Run, RunAgain, RunId, RunState, Skip, Start,
    StoreError,
};

/// Queues a failed or timed-out run again.
pub(super) fn retry(tx: &mut Tx<'_>, run: RunId) -> Result<()> {
    let row = runs::row(tx, run)?;
    if !row.state.is_retryable() {
        let text = format!("run {run} is {}: only failed and timed-out runs can be retried", row.state);
        return Err(StoreError::Conflict(text));
    }
    requeue(tx, &row)
}

fn requeue(tx: &mut Tx<'_>, row: &Row) -> Result<()> {
    let sql = "
        insert into tries
            (run, number, state, started_at, ended_at, error_kind, error_message, error_status, error_position)
        select seq, retries + 1, state, case when retries = 0 then started_at else try_started_at end, ended_at,
               error_kind, error_message, error_status, error_position
        from runs where seq = ?1";
    tx.execute(sql, [row.seq])?;
    update!(
        tx,
        "runs" { state: RunState::Queued, due: if row.lane.is_none() { Some(0) } else { None } }
        "with_errors = 0, ended_at = null, error_kind = null, error_message = null, error_status = null, \
         error_position = null, try_started_at = null, retries = retries + 1, revision = revision + 1"
        where { seq: row.seq }
    )?;
    match row.lane {
        None => tx.effects.ready = true,
        Some(lane) => {
            if !row.in_lane {
                let tail = lanes::rejoin(tx, lane)?;
                update!(tx, "runs" { in_lane: 1, place: tail } where { seq: row.seq })?;
            }
            lanes::advance(tx, lane)?;
        }
    }
    tx.moved(row.id, row.workflow, Some(row.state), RunState::Queued)
}

/// Resumes a held lane by retrying its head.
pub(super) fn resume(tx: &mut Tx<'_>, lane: &LaneId) -> Result<RunId> {
    let key = lanes::key(tx, lane)?;
    let head = lanes::head(tx, key)?.ok_or_else(|| lanes::no_lane(lane))?;
    if !head.state.is_final() {
        let text = format!("the lane is not held: its head, run {}, is {}", head.id, head.state);
        return Err(StoreError::Conflict(text));
    }
    let row = runs::row(tx, head.id)?;
    requeue(tx, &row)?;
    Ok(head.id)
}

/// A new run with the same payload.
pub(super) fn run_again(tx: &mut Tx<'_>, again: &RunAgain) -> Result<Accepted> {
    let row = runs::row(tx, again.source)?;
    let source: Run = tx
        .row(&run_row::RUN_BY_SEQ, [row.seq], run_row::run)?
        .ok_or_else(|| StoreError::NotFound(format!("there is no run {}", again.source)))?;
    let Run { summary, payload, input, .. } = source;
    if summary.masked {
        let text = format!("run {} cannot run again: its payload has been masked", again.source);
        return Err(StoreError::Conflict(text));
    }
    if summary.skipped.is_some() {
        let text = format!("run {} is a row for skipped occurrences of a schedule: it has no payload", again.source);
        return Err(StoreError::Conflict(text));
    }
    // Only messages of an ordered webhook enter their lane again.
    let lane = summary.origin.lane.filter(|lane| lane.kind == LaneKind::Webhook);
    let held = row.in_lane && row.state.is_final();
    let new = NewRun {
        origin: Origin { id: again.id, lane, cause: Some(again.source), ..summary.origin },
        input: input.filter(|_| payload.is_none()),
        payload,
        idempotency: None,
        due: None,
        // A held head is not an additional entry of the queue: it must be possible to release a full lane.
        queue_limit: again.queue_limit.filter(|_| !held),
        start: Start::Queue,
    };
    let accepted = accept::accept(tx, &new, None)?;
    if held && accepted == Accepted::Queued {
        take_place(tx, &row, again.id)?;
    }
    Ok(accepted)
}

/// Gives the place of a held head to a run at the tail.
fn take_place(tx: &mut Tx<'_>, head: &Row, heir: RunId) -> Result<()> {
    tx.execute("update runs set in_lane = null, revision = revision + 1 where seq = ?1", [head.seq])?;
    let sql = "update runs set place = (select place from runs where seq = ?2) where id = ?1";
    tx.execute(sql, (heir, head.seq))?;
    tx.effects.touched.push(head.id);
    head.lane.map_or(Ok(()), |lane| lanes::advance(tx, lane))
}

/// Skips a queued run or a held head.
pub(super) fn skip(tx: &mut Tx<'_>, skip: &Skip) -> Result<RunId> {
    let run = match skip {
        Skip::Run(run) => *run,
        Skip::Head(lane) => {
            let key = lanes::key(tx, lane)?;
            lanes::head(tx, key)?.ok_or_else(|| lanes::no_lane(lane))?.id
        }
    };
    let row = runs::row(tx, run)?;
    if row.state == RunState::Queued {
        runs::close(tx, &row, RunState::Skipped)?;
    } else if row.in_lane && row.state.is_final() {
        tx.execute("update runs set in_lane = null, revision = revision + 1 where seq = ?1", [row.seq])?;
        tx.moved(run, row.workflow, Some(row.state), row.state)?;
        if let Some(lane) = row.lane {
            lanes::advance(tx, lane)?;
        }
    } else {
        let hint = if row.state.is_final() { "there is nothing to skip" } else { "cancel it instead" };
        return Err(StoreError::Conflict(format!("run {run} is {}: {hint}", row.state)));
    }
    Ok(run)
}

/// Stores an event; a run that waits for it becomes due.
pub(super) fn deliver(tx: &mut Tx<'_>, run: RunId, name: &str, body: &[u8]) -> Result<Delivered> {
    let row = runs::row(tx, run)?;
    if row.state.is_final() {
        return Ok(Delivered::Ended);
    }
    let kept = insert!(tx, "events" { run: row.seq, name: name, body: body } "on conflict do nothing")?;
    if kept == 0 && !planted!(tx.shared.clock.as_ref(), SecondEvent) {
        return Ok(Delivered::Already);
    }
    tx.execute("update runs set revision = revision + 1 where seq = ?1", [row.seq])?;
    let damaged = |error| StoreError::Corrupt(format!("the events that run {run} waits for cannot be read: {error}"));
    let awaits: Option<Vec<String>> = row.awaits.as_deref().map(serde_json::from_str).transpose().map_err(damaged)?;
    let wakes = row.state == RunState::Waiting && !planted!(tx.shared.clock.as_ref(), LostWake);
    if wakes && awaits.is_some_and(|awaits| awaits.iter().any(|awaited| awaited == name)) {
        tx.execute("update runs set due = 0 where seq = ?1", [row.seq])?;
        tx.effects.ready = true;
    }
    tx.effects.touched.push(run);
    Ok(Delivered::Kept)
}
