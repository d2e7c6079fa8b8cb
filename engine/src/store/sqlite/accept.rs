//! Acceptance: deduplicate, find the place in the lane, insert the run.

use sha2::{Digest, Sha256};

use super::run_row::{self, New};
use super::statement::{insert, query};
use super::tx::{Tx, Workflow};
use super::{changes, lanes, runs};
use crate::store::{
    Accepted, Fence, Finish, FinishedStart, IDEMPOTENCY_HOURS, IdempotencyKey, NewRun, OwnerId, Result, RunId,
    RunState, Start, StoreError, Timestamp, VersionHash,
};

/// Accepts a run; `schedule` is the key of the schedule whose occurrence it is.
pub(super) fn accept(tx: &mut Tx<'_>, new: &NewRun, schedule: Option<i64>) -> Result<Accepted> {
    let workflow = tx.workflow(&new.origin.workflow)?;
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
    match (&accepted, &new.idempotency) {
        (Accepted::Queued | Accepted::Claimed { .. } | Accepted::Finished, Some(key)) => {
            remember_key(tx, key, new.origin.id)?;
        }
        (Accepted::Queued | Accepted::Claimed { .. } | Accepted::Finished, None)
        | (Accepted::QueueFull { .. } | Accepted::Duplicate(_) | Accepted::KeyReused, _) => {}
    }
    Ok(accepted)
}

/// Stores finished runs; those already stored are left alone.
pub(super) fn history(tx: &mut Tx<'_>, runs: &[NewRun]) -> Result<()> {
    for new in runs {
        let Start::Finished(finished) = &new.start else {
            return Err(StoreError::Conflict(format!("run {} is not finished: it must be accepted", new.origin.id)));
        };
        let workflow = tx.workflow(&new.origin.workflow)?;
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
    if new.origin.lane.is_some() {
        let text = format!("run {} is in a lane: it cannot be finished before it was accepted", new.origin.id);
        return Err(StoreError::Conflict(text));
    }
    runs::check_final(finish)?;
    let row = New {
        run: new,
        workflow: workflow.key,
        state: finish.state,
        version: Some(version_key(tx, workflow, *version)?),
        owner: None,
        due: None,
        lane: None,
        schedule: None,
        started_at: Some(*started_at),
        finish: Some(finish),
    };
    let seq = match runs::insert(tx, &row) {
        // A constraint undoes only its statement.
        Err(StoreError::Conflict(_)) if may_be_there => return Ok(Accepted::Finished),
        inserted => inserted?,
    };
    write_finished(tx, new.origin.id, seq, finish)?;
    Ok(Accepted::Finished)
}

/// The writes of an end outside the run's own row, for a claimed run and for a new one.
pub(super) fn write_finished(tx: &mut Tx<'_>, run: RunId, seq: i64, finish: &Finish) -> Result<()> {
    changes::write_changes(tx, run, seq, &finish.changes)?;
    if let Some(mask) = &finish.mask {
        changes::write_mask(tx, seq, mask)?;
    }
    if let Some(next) = &finish.on_failure {
        // A failure is reported even if the queue is full.
        accept(tx, &NewRun { queue_limit: None, ..(**next).clone() }, None)?;
    }
    Ok(())
}

fn insert_queued(
    tx: &mut Tx<'_>,
    new: &NewRun,
    workflow: &Workflow,
    schedule: Option<i64>,
    claimer: Option<OwnerId>,
) -> Result<Accepted> {
    let is_head = match &new.origin.lane {
        Some(ticket) => lanes::is_empty(tx, workflow.key, ticket)?,
        None => true,
    };
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
    let row = New {
        run: new,
        workflow: workflow.key,
        state: if owner.is_some() { RunState::Running } else { RunState::Queued },
        version: owner.map(|_| workflow.version),
        owner,
        due: (owner.is_none() && is_head).then(|| later.map_or(0, |due| due.0)),
        lane: match &new.origin.lane {
            Some(ticket) => Some(lanes::join(tx, workflow.key, ticket)?),
            None => None,
        },
        schedule,
        started_at: owner.map(|_| tx.now),
        finish: None,
    };
    runs::insert(tx, &row)?;
    tx.effects.ready |= row.due.is_some();
    Ok(match owner {
        Some(_) => Accepted::Claimed { fence: Fence { run: new.origin.id, number: 1 }, version: workflow.hash },
        None => Accepted::Queued,
    })
}

/// Whether a new run of the workflow may start before all others: its owner is alive, a slot is free, and if slots are
/// limited no other run waits for one.
fn may_start(tx: &mut Tx<'_>, workflow: &Workflow, owner: OwnerId) -> Result<bool> {
    if !tx.shared.is_leased(owner) {
        return Ok(false);
    }
    match workflow.concurrency {
        None => Ok(true),
        Some(slots) => Ok(tx.queued(workflow.key)? == 0 && runs::claimed(tx, workflow.key)? < slots),
    }
}

/// The key of a version named by the accepting engine.
fn version_key(tx: &Tx<'_>, workflow: &Workflow, hash: VersionHash) -> Result<i64> {
    if hash == workflow.hash {
        return Ok(workflow.version);
    }
    let sql = "select key from versions where hash = ?1 and workflow = ?2";
    tx.value(sql, (hash, workflow.key))?
        .ok_or_else(|| StoreError::NotFound(format!("version {hash} was not published")))
}

query! {
    /// The run of an idempotency key.
    struct Known: "select" { request: [u8; 32], run: RunId, expires_at: Timestamp } "from idempotency where digest = ?1"
}

/// The run of an idempotency key, if it still exists.
fn known_run(tx: &Tx<'_>, key: &IdempotencyKey) -> Result<Option<Accepted>> {
    let digest = digest(key);
    let Some(known) = tx.first::<Known>([digest])? else { return Ok(None) };
    match tx.row(&run_row::SUMMARY_BY_ID, [known.run], run_row::summary)? {
        // The key lives 24 hours, longer while its run is unfinished, and never without its run.
        Some(summary) if tx.trusted < known.expires_at || !summary.state.is_final() => {
            Ok(Some(if known.request == key.request {
                Accepted::Duplicate(Box::new(summary))
            } else {
                Accepted::KeyReused
            }))
        }
        _ => {
            tx.execute("delete from idempotency where digest = ?1", [digest])?;
            Ok(None)
        }
    }
}

fn remember_key(tx: &Tx<'_>, key: &IdempotencyKey, run: RunId) -> Result<()> {
    let expires_at = tx.now.plus_millis(IDEMPOTENCY_HOURS * 3_600_000);
    insert!(tx, "idempotency" { digest: digest(key), request: key.request, run: run, expires_at: expires_at })?;
    Ok(())
}

fn digest(key: &IdempotencyKey) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((key.scope.len() as u64).to_be_bytes());
    hash.update(&key.scope);
    hash.update(&key.key);
    hash.finalize().into()
}
