//! What decisions write about a run beside its own row: kept state, steps, log lines, masked bodies.

use rusqlite::params;

use super::parts::{self, Part};
use super::tx::Tx;
use crate::store::{Changes, Event, Failure, Mask, Result, RunId, StepEnd, StepStart, StoreError, Timestamp};

/// Drops what only a resume needs.
pub(super) fn forget_kept(tx: &Tx<'_>, seq: i64) -> Result<()> {
    tx.execute("delete from kept where run = ?1", [seq])?;
    Ok(())
}

/// Writes what a commit of a running run writes beside its main point.
pub(super) fn write_changes(tx: &mut Tx<'_>, run: RunId, seq: i64, changes: &Changes) -> Result<()> {
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
    tx.effects.events.push(Event::Log { run, first, count: log.len() as u32 });
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
pub(super) fn write_start(tx: &Tx<'_>, seq: i64, start: &StepStart) -> Result<()> {
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

/// The result of an attempt that has started.
pub(super) fn write_end(tx: &Tx<'_>, seq: i64, end: &StepEnd) -> Result<()> {
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

/// Puts masked bodies in place of what `redact` covers.
pub(super) fn write_mask(tx: &Tx<'_>, seq: i64, mask: &Mask) -> Result<()> {
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
