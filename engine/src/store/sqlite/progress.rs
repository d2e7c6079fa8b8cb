//! What a worker writes under its fence.

use rusqlite::params;

use super::parts::{self, Part};
use super::sabotage::Sabotage;
use super::tx::Tx;
use super::{accept, claim, lanes};
use crate::store::{
    Changes, Claim, Claimed, Failure, Fence, Finish, Mask, NewRun, Park, Result, RunId, RunState, StepEnd, StepStart,
    StoreError, Timestamp, Trigger,
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
    write_changes(tx, fence.run, held.seq, changes)?;
    write_start(tx, held.seq, start)
}

/// The result of a step.
pub(super) fn step_result(tx: &mut Tx<'_>, fence: Fence, end: &StepEnd, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    write_changes(tx, fence.run, held.seq, changes)?;
    write_end(tx, held.seq, end)
}

/// A durable point without a step.
pub(super) fn checkpoint(tx: &mut Tx<'_>, fence: Fence, changes: &Changes) -> Result<()> {
    let held = held(tx, fence)?;
    write_changes(tx, fence.run, held.seq, changes)
}

/// Puts a run to sleep.
pub(super) fn park(tx: &mut Tx<'_>, fence: Fence, park: &Park) -> Result<()> {
    let held = held(tx, fence)?;
    write_changes(tx, fence.run, held.seq, &park.changes)?;
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
    write_changes(tx, fence.run, held.seq, changes)?;
    let sql = "update runs set responded = 1, answer = ?2, revision = revision + 1 where seq = ?1";
    tx.execute(sql, (held.seq, parts::inline(Some(answer))))?;
    parts::spill(tx, held.seq, Part::Answer, Some(answer))?;
    tx.effects.touched.push(fence.run);
    Ok(())
}

/// Ends a run, then claims what the caller wants to go on with.
pub(super) fn finish(tx: &mut Tx<'_>, fence: Fence, finish: &Finish, then: Option<&Claim>) -> Result<Claimed> {
    accept::check_final(finish)?;
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
    write_finished(tx, fence.run, held.seq, finish)?;
    interrupt_steps(tx, held.seq, finish.ended_at)?;
    if !finish.state.is_retryable() {
        forget_kept(tx, held.seq)?;
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

/// What an end writes beside the run's own row, for a run that was claimed and for one that is new.
pub(super) fn write_finished(tx: &mut Tx<'_>, run: RunId, seq: i64, finish: &Finish) -> Result<()> {
    write_changes(tx, run, seq, &finish.changes)?;
    if let Some(mask) = &finish.mask {
        write_mask(tx, seq, mask)?;
    }
    if let Some(next) = &finish.on_failure {
        // A full queue is no reason to lose the news of a failure.
        accept::accept(tx, &NewRun { queue_limit: None, ..(**next).clone() }, None)?;
    }
    Ok(())
}

/// Drops what only a resume needs.
pub(super) fn forget_kept(tx: &Tx<'_>, seq: i64) -> Result<()> {
    tx.execute("delete from kept where run = ?1", [seq])?;
    Ok(())
}

fn write_changes(tx: &mut Tx<'_>, run: RunId, seq: i64, changes: &Changes) -> Result<()> {
    let Changes { input, kept, starts, ends, log } = changes;
    if let Some(input) = input {
        set_body(tx, seq, "input", Part::Input, Some(input))?;
    }
    for (name, value) in kept {
        match value {
            Some(value) => tx.execute(
                "insert into kept (run, name, value) values (?1, ?2, ?3)
                 on conflict (run, name) do update set value = excluded.value",
                (seq, name, value),
            )?,
            None => tx.execute("delete from kept where run = ?1 and name = ?2", (seq, name))?,
        };
    }
    for start in starts {
        write_start(tx, seq, start)?;
    }
    for end in ends {
        write_end(tx, seq, end)?;
    }
    if log.is_empty() {
        return Ok(());
    }
    let first: u32 = tx
        .row("select coalesce(max(number) + 1, 0) from log where run = ?1", [seq], |row| row.get(0))?
        .unwrap_or_default();
    for (number, line) in (first..).zip(log) {
        let sql = "insert into log (run, number, at, level, message, position) values (?1, ?2, ?3, ?4, ?5, ?6)";
        tx.execute(sql, (seq, number, line.at, &line.level, &line.message, &line.position))?;
    }
    tx.effects.events.push(crate::store::Event::Log { run, first, count: log.len() as u32 });
    Ok(())
}

/// No step is at work any more: what has no result by now gets none.
pub(super) fn interrupt_steps(tx: &Tx<'_>, seq: i64, now: Timestamp) -> Result<()> {
    let sql = "
        update steps
        set state = 'interrupted', ended_at = ?2, error_kind = ?3, error_message = ?4, error_position = position
        where run = ?1 and state = 'started'";
    tx.execute(sql, (seq, now, Failure::INTERRUPTED, "The run ended while this step was at work."))?;
    Ok(())
}

/// Each start is a row of its own: nothing overwrites an earlier attempt.
fn write_start(tx: &Tx<'_>, seq: i64, start: &StepStart) -> Result<()> {
    let StepStart { position, attempt, kind, started_at } = start;
    let sql = "
        insert into steps (run, position, attempt, kind, state, started_at) values (?1, ?2, ?3, ?4, 'started', ?5)
        on conflict (run, position, attempt) do nothing";
    let overwrites = planted!(tx.shared.clock.as_ref(), OverwrittenAttempt);
    let overwriting = sql.replace("do nothing", "do update set state = 'started', ended_at = null, error_kind = null");
    let sql = if overwrites { &overwriting } else { sql };
    if tx.execute(sql, (seq, position, attempt, kind, started_at))? == 0 {
        let text = format!("attempt {attempt} of step '{position}' has started before: it cannot start again");
        return Err(StoreError::Conflict(text));
    }
    Ok(())
}

fn write_end(tx: &Tx<'_>, seq: i64, end: &StepEnd) -> Result<()> {
    let (state, result, error): (_, _, Option<&Failure>) = match &end.result {
        Ok(result) => {
            let result = result.as_ref().filter(|_| !planted!(tx.shared.clock.as_ref(), DroppedResult));
            ("completed", result, None)
        }
        Err(error) if error.kind == Failure::INTERRUPTED => ("interrupted", None, Some(error)),
        Err(error) => ("failed", None, Some(error)),
    };
    let sql = "
        update steps
        set state = ?4, ended_at = ?5, result = ?6, diagnostics = ?7, error_kind = ?8, error_message = ?9,
            error_status = ?10, error_position = ?11
        where run = ?1 and position = ?2 and attempt = ?3 and state = 'started'";
    let values = params![
        seq,
        end.position,
        end.attempt,
        state,
        end.ended_at,
        result,
        end.diagnostics,
        error.map(|error| &error.kind),
        error.map(|error| &error.message),
        error.and_then(|error| error.status),
        error.and_then(|error| error.position.as_ref()),
    ];
    if tx.execute(sql, values)? == 0 {
        let text = format!("attempt {} of step '{}' has not started: it cannot end", end.attempt, end.position);
        return Err(StoreError::Conflict(text));
    }
    Ok(())
}

fn write_mask(tx: &Tx<'_>, seq: i64, mask: &Mask) -> Result<()> {
    set_body(tx, seq, "payload", Part::Payload, mask.payload.as_ref())?;
    set_body(tx, seq, "input", Part::Input, mask.input.as_ref())?;
    tx.execute("update runs set masked = 1 where seq = ?1", [seq])?;
    for (position, attempt, result) in &mask.results {
        let sql = "update steps set result = ?4 where run = ?1 and position = ?2 and attempt = ?3";
        tx.execute(sql, (seq, position, attempt, result))?;
    }
    Ok(())
}

fn set_body(tx: &Tx<'_>, seq: i64, column: &str, part: Part, body: Option<&Vec<u8>>) -> Result<()> {
    tx.execute(&format!("update runs set {column} = ?2 where seq = ?1"), (seq, parts::inline(body)))?;
    parts::spill(tx, seq, part, body)
}
