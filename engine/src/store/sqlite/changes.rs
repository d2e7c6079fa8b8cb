//! Writes of decisions about a run outside its own row: kept state, steps, log lines, masked bodies.

use super::parts::{self, Part};
use super::statement::{insert, update};
use super::tx::Tx;
use crate::store::{
    Changes, Event, Failure, LogLine, Mask, Result, RunId, StepEnd, StepStart, StepState, StoreError, Timestamp,
};

/// Drops the state that only a resume needs.
pub(super) fn forget_kept(tx: &Tx<'_>, seq: i64) -> Result<()> {
    tx.execute("delete from kept where run = ?1", [seq])?;
    Ok(())
}

/// Writes the changes of a commit in addition to the decision itself.
pub(super) fn write_changes(tx: &mut Tx<'_>, run: RunId, seq: i64, changes: &Changes) -> Result<()> {
    let Changes { input, kept, starts, ends, log } = changes;
    if let Some(input) = input {
        set_input(tx, seq, Some(input))?;
    }
    for (name, value) in kept {
        match value {
            Some(value) => insert!(
                tx,
                "kept" { run: seq, name: name, value: value } "on conflict (run, name) do update set value = excluded.value"
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
    let last: Option<u32> = tx.single("select max(number) from log where run = ?1", [seq])?;
    let first = last.map_or(0, |last| last + 1);
    for (number, line) in (first..).zip(log) {
        let LogLine { at, level, message, position } = line;
        insert!(tx, "log" { run: seq, number: number, at: at, level: level, message: message, position: position })?;
    }
    tx.effects.events.push(Event::Log { run, first, count: log.len() as u32 });
    Ok(())
}

/// No step is running any more: a step without a result gets none.
pub(super) fn interrupt_steps(tx: &Tx<'_>, seq: i64, now: Timestamp) -> Result<()> {
    update!(
        tx,
        "steps" {
            state: StepState::Interrupted,
            ended_at: now,
            error_kind: Failure::INTERRUPTED,
            error_message: "The run ended while this step was at work.",
        }
        "error_position = position"
        where { run: seq } "and state = 'started'"
    )?;
    Ok(())
}

/// Each start is a row of its own: nothing overwrites an earlier attempt.
fn write_start(tx: &Tx<'_>, seq: i64, start: &StepStart) -> Result<()> {
    let StepStart { position, attempt, kind, started_at } = start;
    if planted!(tx.shared.clock.as_ref(), OverwrittenAttempt) {
        tx.execute("delete from steps where run = ?1 and position = ?2 and attempt = ?3", (seq, position, attempt))?;
    }
    let state = StepState::Started;
    let written = insert!(
        tx,
        "steps" { run: seq, position: position, attempt: attempt, kind: kind, state: state, started_at: started_at }
        "on conflict (run, position, attempt) do nothing"
    )?;
    if written == 0 {
        let text = format!("attempt {attempt} of step '{position}' has started before: it cannot start again");
        return Err(StoreError::Conflict(text));
    }
    Ok(())
}

/// The result of an attempt that has started.
pub(super) fn write_end(tx: &Tx<'_>, seq: i64, end: &StepEnd) -> Result<()> {
    let (state, result, error): (_, _, Option<&Failure>) = match &end.result {
        Ok(result) => {
            let result = result.as_ref().filter(|_| !planted!(tx.shared.clock.as_ref(), DroppedResult));
            (StepState::Completed, result, None)
        }
        Err(error) if error.kind == Failure::INTERRUPTED => (StepState::Interrupted, None, Some(error)),
        Err(error) => (StepState::Failed, None, Some(error)),
    };
    let written = update!(
        tx,
        "steps" {
            state: state,
            ended_at: end.ended_at,
            result: result,
            diagnostics: end.diagnostics,
            error_kind: error.map(|error| &error.kind),
            error_message: error.map(|error| &error.message),
            error_status: error.and_then(|error| error.status),
            error_position: error.and_then(|error| error.position.as_ref()),
        }
        where { run: seq, position: end.position, attempt: end.attempt } "and state = 'started'"
    )?;
    if written == 0 {
        let text = format!("attempt {} of step '{}' has not started: it cannot end", end.attempt, end.position);
        return Err(StoreError::Conflict(text));
    }
    Ok(())
}

/// Replaces the bodies that `redact` covers by masked ones.
pub(super) fn write_mask(tx: &Tx<'_>, seq: i64, mask: &Mask) -> Result<()> {
    update!(tx, "runs" { payload: parts::inline(mask.payload.as_ref()), masked: true } where { seq: seq })?;
    parts::spill(tx, seq, Part::Payload, mask.payload.as_ref())?;
    set_input(tx, seq, mask.input.as_ref())?;
    for (position, attempt, result) in &mask.results {
        update!(tx, "steps" { result: result } where { run: seq, position: position, attempt: attempt })?;
    }
    Ok(())
}

fn set_input(tx: &Tx<'_>, seq: i64, input: Option<&Vec<u8>>) -> Result<()> {
    update!(tx, "runs" { input: parts::inline(input) } where { seq: seq })?;
    parts::spill(tx, seq, Part::Input, input)
}
