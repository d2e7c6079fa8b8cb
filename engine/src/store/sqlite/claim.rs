//! Claims: who may run, and what a worker needs to go on.

use std::time::Duration;

use rusqlite::OptionalExtension;

use super::tx::{Tx, Workflow};
use super::{rows, runs};
use crate::store::{
    Claim, Claimed, ClaimedRun, Fence, OwnerId, Result, Run, RunId, RunState, StoreError, Timestamp, VersionHash,
};

/// A run that may be claimed.
struct Candidate {
    /// Since when it has been able to run: its due instant, or its acceptance if it was due at once.
    since: i64,
    seq: i64,
    workflow: i64,
}

/// Claims what is due, lane and slot being free.
pub(super) fn claim(tx: &mut Tx<'_>, claim: &Claim) -> Result<Claimed> {
    if !tx.shared.is_leased(claim.owner) {
        return Err(StoreError::Conflict("an engine without a running lease cannot claim runs: renew it".to_owned()));
    }
    for owner in tx.shared.expired() {
        free(tx, owner)?;
    }
    let mut candidates = Vec::new();
    let mut next_due: Option<Timestamp> = None;
    for workflow in workflows_with_due(tx)? {
        let name = tx.workflow_name(workflow)?;
        let slots = match tx.workflow(&name)?.concurrency {
            Some(slots) => slots.saturating_sub(runs::claimed(tx, workflow)?).min(claim.limit),
            None => claim.limit,
        };
        if slots > 0 {
            candidates.extend(due(tx, workflow, slots)?);
        }
        let later = first_later(tx, workflow)?;
        next_due = [next_due, later].into_iter().flatten().min();
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.since, candidate.seq));
    candidates.truncate(claim.limit as usize);
    let mut runs = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let name = tx.workflow_name(candidate.workflow)?;
        let workflow = tx.workflow(&name)?;
        runs.push(take(tx, &candidate, &workflow, claim.owner)?);
    }
    Ok(Claimed { runs, next_due })
}

/// Ends an owner's lease and frees its claims.
pub(super) fn free(tx: &mut Tx<'_>, owner: OwnerId) -> Result<()> {
    let sql = "select seq, id, cancel_requested from runs where owner is not null and owner = ?1";
    let held: Vec<(i64, RunId, bool)> =
        tx.rows(sql, [owner.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (seq, run, cancel_requested) in held {
        tx.execute("update runs set owner = null, due = 0, revision = revision + 1 where seq = ?1", [seq])?;
        tx.effects.touched.push(run);
        tx.effects.ready = true;
        if cancel_requested {
            runs::cancel(tx, run)?;
        }
    }
    tx.effects.ended_leases.push(owner);
    Ok(())
}

/// Frees all claims: whoever held them is dead.
pub(super) fn free_all(tx: &mut Tx<'_>) -> Result<()> {
    let cancelled: Vec<RunId> =
        tx.rows("select id from runs where owner is not null and cancel_requested = 1", (), |row| row.get(0))?;
    tx.execute("update runs set owner = null, due = 0, revision = revision + 1 where owner is not null", ())?;
    for run in cancelled {
        runs::cancel(tx, run)?;
    }
    Ok(())
}

/// The wall clock was set back by so many milliseconds: what sleeps for a time sleeps no longer for it. Runs that sleep
/// until an instant wake early, see that, and sleep on.
pub(super) fn set_back(tx: &mut Tx<'_>, millis: i64) -> Result<()> {
    // An instant of 0 means at once.
    let sql = "update runs set due = max(due - ?1, 1), set_back = coalesce(set_back, 0) + ?1 where due > 0";
    if tx.execute(sql, [millis])? > 0 {
        tx.effects.ready = true;
    }
    Ok(())
}

/// Workflows that have runs which may become claimable, one step in the index each.
fn workflows_with_due(tx: &Tx<'_>) -> Result<Vec<i64>> {
    let mut next =
        tx.prepare("select workflow from runs where due is not null and workflow > ?1 order by workflow limit 1")?;
    let mut found = Vec::new();
    let mut last = 0_i64;
    while let Some(workflow) = next.query_row([last], |row| row.get(0)).optional()? {
        found.push(workflow);
        last = workflow;
    }
    Ok(found)
}

/// The first runs of a workflow that are due: those that wait since their acceptance, and those whose instant came.
fn due(tx: &Tx<'_>, workflow: i64, limit: u32) -> Result<Vec<Candidate>> {
    let at_once = tx.rows(
        "select seq, id from runs where workflow = ?1 and due = 0 order by seq limit ?2",
        (workflow, limit),
        |row| Ok(Candidate { seq: row.get(0)?, since: row.get::<_, RunId>(1)?.accepted_at().0, workflow }),
    )?;
    let woken = tx.rows(
        "select seq, due from runs where workflow = ?1 and due > 0 and due <= ?2 order by due, seq limit ?3",
        (workflow, tx.now, limit),
        |row| Ok(Candidate { seq: row.get(0)?, since: row.get(1)?, workflow }),
    )?;
    let mut both: Vec<Candidate> = at_once.into_iter().chain(woken).collect();
    both.sort_unstable_by_key(|candidate| (candidate.since, candidate.seq));
    both.truncate(limit as usize);
    Ok(both)
}

/// When the next run of a workflow becomes due by itself.
fn first_later(tx: &Tx<'_>, workflow: i64) -> Result<Option<Timestamp>> {
    let sql = "select due from runs where workflow = ?1 and due > ?2 order by due limit 1";
    tx.row(sql, (workflow, tx.now), |row| row.get(0))
}

fn take(tx: &mut Tx<'_>, candidate: &Candidate, workflow: &Workflow, owner: OwnerId) -> Result<ClaimedRun> {
    let seq = candidate.seq;
    let (before, set_back): (RunState, Option<i64>) = tx
        .row("select state, set_back from runs where seq = ?1", [seq], |row| Ok((row.get(0)?, row.get(1)?)))?
        .ok_or_else(|| StoreError::Corrupt(format!("run number {seq} is in an index and nowhere else")))?;
    let sql = "
        update runs
        set owner = ?2, fence = fence + 1, due = null, set_back = null, awaits = null, state = 'running', revision = revision + 1,
            version = coalesce(version, ?3), started_at = coalesce(started_at, ?4),
            try_started_at = coalesce(try_started_at, ?4)
        where seq = ?1";
    tx.execute(sql, (seq, owner.as_bytes().as_slice(), workflow.version, tx.now))?;
    let claimed = read(tx, seq, Duration::from_millis(set_back.unwrap_or(0).max(0) as u64))?;
    tx.moved(claimed.fence.run, workflow.key, Some(before), RunState::Running)?;
    Ok(claimed)
}

fn read(tx: &Tx<'_>, seq: i64, set_back: Duration) -> Result<ClaimedRun> {
    let gone = || StoreError::Corrupt(format!("run number {seq} cannot be read with its version"));
    let run: Run = tx.row(&rows::select_runs("where r.seq = ?1"), [seq], rows::run)?.ok_or_else(gone)?;
    let number: u32 = tx.row("select fence from runs where seq = ?1", [seq], |row| row.get(0))?.ok_or_else(gone)?;
    let version: VersionHash = run.summary.version.ok_or_else(gone)?;
    let events = tx.rows("select name, body from events where run = ?1 order by name", [seq], rows::named_bytes)?;
    // A first claim has nothing behind it.
    let (kept, steps, log_lines) = if number > 1 {
        let kept = tx.rows("select name, value from kept where run = ?1 order by name", [seq], rows::named_bytes)?;
        let lines = tx.row("select count(*) from log where run = ?1", [seq], |row| row.get(0))?.unwrap_or(0);
        (kept, tx.rows(rows::SELECT_STEPS, [seq], rows::step)?, lines)
    } else {
        (Vec::new(), Vec::new(), 0)
    };
    Ok(ClaimedRun {
        fence: Fence { run: run.summary.id, number },
        version,
        run,
        kept,
        steps,
        events,
        log_lines,
        set_back,
    })
}
