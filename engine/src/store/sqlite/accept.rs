//! Acceptance: deduplicate, find the place in the lane, insert the run.

use rusqlite::params;
use sha2::{Digest, Sha256};

use super::parts::{self, Part};
use super::tx::{Tx, Workflow};
use super::{claim, lanes, progress, rows};
use crate::store::{
    Accepted, Fence, Finish, FinishedStart, IDEMPOTENCY_HOURS, IdempotencyKey, NewRun, OwnerId, Result, RunId,
    RunState, RunSummary, Start, StoreError, Timestamp, VersionHash,
};

/// What a new row of `runs` says beside what the new run says itself.
struct Entry {
    state: RunState,
    version: Option<i64>,
    owner: Option<OwnerId>,
    due: Option<i64>,
    lane: Option<lanes::Place>,
    schedule: Option<i64>,
    started_at: Option<Timestamp>,
}

/// Accepts a run; `schedule` is the key of the schedule whose occurrence it is.
pub(super) fn accept(tx: &mut Tx<'_>, new: &NewRun, schedule: Option<i64>) -> Result<Accepted> {
    let workflow = tx.workflow(&new.workflow)?;
    if let Some(key) = &new.idempotency
        && let Some(known) = known_run(tx, key)?
    {
        return Ok(known);
    }
    let accepted = match &new.start {
        Start::Finished(finished) => insert_finished(tx, new, &workflow, finished, false)?,
        Start::Queue => insert_queued(tx, new, &workflow, schedule, None)?,
        Start::Claim(owner) => insert_queued(tx, new, &workflow, schedule, Some(*owner))?,
    };
    if let Some(key) = &new.idempotency
        && !matches!(accepted, Accepted::QueueFull { .. })
    {
        remember_key(tx, key, new.id)?;
    }
    Ok(accepted)
}

/// Keeps finished runs; those that are kept already are left alone.
pub(super) fn history(tx: &mut Tx<'_>, runs: &[NewRun]) -> Result<()> {
    for new in runs {
        let Start::Finished(finished) = &new.start else {
            return Err(StoreError::Conflict(format!("run {} is not finished: it must be accepted", new.id)));
        };
        let workflow = tx.workflow(&new.workflow)?;
        insert_finished(tx, new, &workflow, finished, true)?;
    }
    Ok(())
}

fn insert_finished(
    tx: &mut Tx<'_>,
    new: &NewRun,
    workflow: &Workflow,
    start: &FinishedStart,
    may_be_there: bool,
) -> Result<Accepted> {
    let FinishedStart { version, started_at, finish } = start;
    if new.lane.is_some() {
        let text = format!("run {} stands in a lane: it cannot be finished before it was accepted", new.id);
        return Err(StoreError::Conflict(text));
    }
    check_final(finish)?;
    let entry = Entry {
        state: finish.state,
        version: Some(version_key(tx, workflow, *version)?),
        owner: None,
        due: None,
        lane: None,
        schedule: None,
        started_at: Some(*started_at),
    };
    let seq = match insert(tx, new, workflow, &entry, Some(finish)) {
        // A constraint undoes its statement only.
        Err(StoreError::Conflict(_)) if may_be_there => return Ok(Accepted::Finished),
        inserted => inserted?,
    };
    progress::write_finished(tx, new.id, seq, finish)?;
    Ok(Accepted::Finished)
}

/// Whether a run may end like this.
pub(super) fn check_final(finish: &Finish) -> Result<()> {
    if finish.state.is_final() && finish.state != RunState::Skipped {
        return Ok(());
    }
    Err(StoreError::Conflict(format!("a run cannot end as '{}'", finish.state)))
}

fn insert_queued(
    tx: &mut Tx<'_>,
    new: &NewRun,
    workflow: &Workflow,
    schedule: Option<i64>,
    claimer: Option<OwnerId>,
) -> Result<Accepted> {
    let lane = match &new.lane {
        Some(ticket) => lanes::look(tx, workflow.key, ticket)?,
        None => None,
    };
    let is_head = lane.as_ref().is_none_or(|lane| lane.empty);
    let later = new.due.filter(|due| *due > tx.now);
    let owner = match claimer {
        Some(owner) if is_head && later.is_none() && may_start(tx, workflow, owner)? => Some(owner),
        _ => None,
    };
    if owner.is_none()
        && let Some(limit) = new.queue_limit
    {
        let queued = tx.queued(workflow.key)?;
        if queued >= limit {
            return Ok(Accepted::QueueFull { queued });
        }
    }
    let entry = Entry {
        state: if owner.is_some() { RunState::Running } else { RunState::Queued },
        version: owner.map(|_| workflow.version),
        owner,
        due: (owner.is_none() && is_head).then(|| later.map_or(0, |due| due.0)),
        lane: match &new.lane {
            Some(ticket) => Some(lanes::join(tx, workflow.key, ticket)?),
            None => None,
        },
        schedule,
        started_at: owner.map(|_| tx.now),
    };
    insert(tx, new, workflow, &entry, None)?;
    tx.effects.ready |= entry.due.is_some();
    Ok(match owner {
        Some(_) => Accepted::Claimed { fence: Fence { run: new.id, number: 1 }, version: workflow.hash },
        None => Accepted::Queued,
    })
}

/// Whether a run of the workflow that has just come may start before all others: its owner is alive, a slot is free,
/// and where slots are few nobody else waits for one.
fn may_start(tx: &mut Tx<'_>, workflow: &Workflow, owner: OwnerId) -> Result<bool> {
    if !tx.shared.is_leased(owner) {
        return Ok(false);
    }
    match workflow.concurrency {
        None => Ok(true),
        Some(slots) => Ok(tx.queued(workflow.key)? == 0 && claim::claimed(tx, workflow.key)? < slots),
    }
}

fn insert(tx: &mut Tx<'_>, new: &NewRun, workflow: &Workflow, entry: &Entry, finish: Option<&Finish>) -> Result<i64> {
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

/// The key of a version that the accepting engine names.
fn version_key(tx: &Tx<'_>, workflow: &Workflow, hash: VersionHash) -> Result<i64> {
    if hash == workflow.hash {
        return Ok(workflow.version);
    }
    let sql = "select key from versions where hash = ?1 and workflow = ?2";
    tx.row(sql, (hash.0, workflow.key), |row| row.get(0))?
        .ok_or_else(|| StoreError::NotFound(format!("version {hash} was not published")))
}

/// What an idempotency key names, if it still names a run.
fn known_run(tx: &Tx<'_>, key: &IdempotencyKey) -> Result<Option<Accepted>> {
    let digest = digest(key);
    let sql = "select request, run, expires_at from idempotency where digest = ?1";
    let found = tx.row(sql, [digest], |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, RunId>(1)?, row.get::<_, Timestamp>(2)?))
    })?;
    let Some((request, run, expires_at)) = found else { return Ok(None) };
    let summary: Option<RunSummary> = tx.row(&rows::select_summaries("", "where r.id = ?1"), [run], rows::summary)?;
    match summary {
        // The key lives 24 hours, longer while its run is unfinished, and never without its run.
        Some(summary) if tx.trusted < expires_at || !summary.state.is_final() => {
            Ok(Some(if request == key.request { Accepted::Duplicate(Box::new(summary)) } else { Accepted::KeyReused }))
        }
        _ => {
            tx.execute("delete from idempotency where digest = ?1", [digest])?;
            Ok(None)
        }
    }
}

fn remember_key(tx: &Tx<'_>, key: &IdempotencyKey, run: RunId) -> Result<()> {
    let expires_at = tx.now.plus_millis(IDEMPOTENCY_HOURS * 3_600_000);
    let sql = "insert into idempotency (digest, request, run, expires_at) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, (digest(key), key.request, run, expires_at))?;
    Ok(())
}

fn digest(key: &IdempotencyKey) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((key.scope.len() as u64).to_be_bytes());
    hash.update(&key.scope);
    hash.update(&key.key);
    hash.finalize().into()
}
