//! Claims: which runs may start or continue, and the data for their worker.

use std::time::Duration;

use rusqlite::OptionalExtension;

use super::rows::{Delivery, Kept, Step};
use super::statement::{only, query, update};
use super::tx::{Tx, Workflow};
use super::{run_row, runs};
use crate::store::{
    Claim, Claimed, ClaimedRun, Fence, OwnerId, Result, Run, RunId, RunState, StepRecord, StoreError, Timestamp,
    VersionHash,
};

/// A run that may be claimed.
struct Candidate {
    /// Since when it has been due: its due instant, or its acceptance if it was due at once.
    since: Timestamp,
    seq: i64,
    workflow: i64,
}

query! {
    /// Runs of a workflow that have been due since their acceptance.
    struct AtOnce: "select" { seq: i64, id: RunId } "from runs where workflow = ?1 and due = 0 order by seq limit ?2"
}

query! {
    /// Runs of a workflow whose due instant has passed.
    struct Woken: "select" { seq: i64, due: Timestamp }
    "from runs where workflow = ?1 and due > 0 and due <= ?2 order by due, seq limit ?3"
}

query! {
    /// The claimed runs of an owner.
    struct Owned: "select" { seq: i64, id: RunId, cancel_requested: bool }
    "from runs where owner is not null and owner = ?1"
}

query! {
    /// A run before it is claimed.
    struct Unclaimed: "select" { state: RunState, set_back: Option<i64>, fence: u32 } "from runs where seq = ?1"
}

/// Claims runs that are due and whose lane and slot are free.
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
    for run in tx.all::<Owned>([owner])? {
        tx.execute("update runs set owner = null, due = 0, revision = revision + 1 where seq = ?1", [run.seq])?;
        tx.effects.touched.push(run.id);
        tx.effects.ready = true;
        if run.cancel_requested {
            runs::cancel(tx, run.id)?;
        }
    }
    tx.effects.ended_leases.push(owner);
    Ok(())
}

/// Frees all claims: their holders are dead.
pub(super) fn free_all(tx: &mut Tx<'_>) -> Result<()> {
    let cancelled: Vec<RunId> =
        tx.values("select id from runs where owner is not null and cancel_requested = 1", ())?;
    tx.execute("update runs set owner = null, due = 0, revision = revision + 1 where owner is not null", ())?;
    for run in cancelled {
        runs::cancel(tx, run)?;
    }
    Ok(())
}

/// The wall clock was set back by `millis`: runs that sleep for a duration do not sleep longer for it. Runs that sleep
/// until an instant wake early, notice it, and sleep again.
pub(super) fn set_back(tx: &mut Tx<'_>, millis: i64) -> Result<()> {
    // An instant of 0 means at once.
    let sql = "update runs set due = max(due - ?1, 1), set_back = coalesce(set_back, 0) + ?1 where due > 0";
    if tx.execute(sql, [millis])? > 0 {
        tx.effects.ready = true;
    }
    Ok(())
}

/// Workflows with runs that may become claimable, one step in the index each.
fn workflows_with_due(tx: &Tx<'_>) -> Result<Vec<i64>> {
    let mut next =
        tx.prepare("select workflow from runs where due is not null and workflow > ?1 order by workflow limit 1")?;
    let mut found = Vec::new();
    let mut last = 0_i64;
    while let Some(workflow) = next.query_row([last], only).optional()? {
        found.push(workflow);
        last = workflow;
    }
    Ok(found)
}

/// The first runs of a workflow that are due: those due since their acceptance, and those whose due instant has passed.
fn due(tx: &Tx<'_>, workflow: i64, limit: u32) -> Result<Vec<Candidate>> {
    let at_once = tx.all::<AtOnce>((workflow, limit))?.into_iter();
    let at_once = at_once.map(|run| Candidate { seq: run.seq, since: run.id.accepted_at(), workflow });
    let woken = tx.all::<Woken>((workflow, tx.now, limit))?.into_iter();
    let woken = woken.map(|run| Candidate { seq: run.seq, since: run.due, workflow });
    let mut both: Vec<Candidate> = at_once.chain(woken).collect();
    both.sort_unstable_by_key(|candidate| (candidate.since, candidate.seq));
    both.truncate(limit as usize);
    Ok(both)
}

/// When the next run of a workflow becomes due by itself.
fn first_later(tx: &Tx<'_>, workflow: i64) -> Result<Option<Timestamp>> {
    let sql = "select due from runs where workflow = ?1 and due > ?2 order by due limit 1";
    tx.value(sql, (workflow, tx.now))
}

fn take(tx: &mut Tx<'_>, candidate: &Candidate, workflow: &Workflow, owner: OwnerId) -> Result<ClaimedRun> {
    let seq = candidate.seq;
    let before = tx
        .first::<Unclaimed>([seq])?
        .ok_or_else(|| StoreError::Corrupt(format!("run number {seq} is in an index and nowhere else")))?;
    update!(
        tx,
        "runs" {
            owner: owner,
            state: RunState::Running,
            version = "coalesce(version, ?)": workflow.version,
            started_at = "coalesce(started_at, ?)": tx.now,
            try_started_at = "coalesce(try_started_at, ?)": tx.now,
        }
        "fence = fence + 1, due = null, set_back = null, awaits = null, revision = revision + 1"
        where { seq: seq }
    )?;
    let set_back = Duration::from_millis(before.set_back.unwrap_or(0).max(0) as u64);
    let claimed = read(tx, seq, before.fence + 1, set_back)?;
    tx.moved(claimed.fence.run, workflow.key, Some(before.state), RunState::Running)?;
    Ok(claimed)
}

/// The data for the worker of a run that has been claimed `number` times.
fn read(tx: &Tx<'_>, seq: i64, number: u32, set_back: Duration) -> Result<ClaimedRun> {
    let gone = || StoreError::Corrupt(format!("run number {seq} cannot be read with its version"));
    let run: Run = tx.row(&run_row::RUN_BY_SEQ, [seq], run_row::run)?.ok_or_else(gone)?;
    let version: VersionHash = run.summary.version.ok_or_else(gone)?;
    let events = tx.all::<Delivery>([seq])?.into_iter().map(|event| (event.name, event.body)).collect();
    // A run that is claimed for the first time has no stored state.
    let (mut kept, mut steps, mut log_lines) = (Vec::new(), Vec::new(), 0);
    if number > 1 {
        kept = tx.all::<Kept>(Kept::below(seq, ""))?.into_iter().map(|kept| (kept.name, kept.value)).collect();
        steps = tx.all::<Step>(Step::whole(seq))?.into_iter().map(StepRecord::from).collect();
        log_lines = tx.single("select count(*) from log where run = ?1", [seq])?;
    }
    Ok(ClaimedRun {
        fence: Fence { run: run.summary.origin.id, number },
        version,
        run,
        kept,
        steps,
        events,
        log_lines,
        set_back,
    })
}
