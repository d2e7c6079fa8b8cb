//! Workers: claim what is due, run it, commit its end.

use super::drive::Driven;
use super::weight::apart;
use super::{Dispatcher, LEASE, Running};
use crate::metrics::run_ended;
use crate::run::{Given, Machine, Work, encoding};
use crate::store::{Claim, Claimed, ClaimedRun, Fence, RunId, RunSummary, StoreError, Timestamp, VersionHash};
use crate::told;
use crate::trigger::webhook::Request;
use flowscript_lang::value::{Record, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// The store is asked at least this often, should a hint get lost.
const POLL: Duration = Duration::from_secs(5);
/// How long to wait before a failed commit is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(500);

impl Dispatcher {
    /// Renews the lease until the dispatcher stops. Before a lease ends that cannot be renewed, its runs are left: others
    /// may go on with them.
    pub(super) async fn keep_lease(self) {
        let mut renewed = Instant::now();
        loop {
            tokio::select! { () = tokio::time::sleep(LEASE / 6) => {}, () = self.stopped() => return }
            let asked = Instant::now();
            match self.shared.store.renew(self.shared.owner, LEASE).await {
                Ok(()) => {
                    renewed = asked;
                    if !self.shared.working.load(Ordering::Relaxed) {
                        self.take_lease_again().await;
                    }
                    self.shared.working.store(true, Ordering::Relaxed);
                }
                Err(error) => {
                    told::warn(&format!("the lease could not be renewed: {error}"));
                    if renewed.elapsed() > LEASE / 2 && self.shared.working.swap(false, Ordering::Relaxed) {
                        tracing::error!("the lease is about to end: runs at work are left to others");
                        self.abandon_all();
                    }
                }
            }
        }
    }

    /// Runs that were left while the lease could not be renewed are claimed again: their claims still stand.
    async fn take_lease_again(&self) {
        let freed = self.shared.store.release(self.shared.owner).await;
        if let Err(error) = freed.and(self.shared.store.renew(self.shared.owner, LEASE).await) {
            told::error(&format!("the lease could not be taken again: {error}"));
        }
    }

    /// Claims what is due as long as workers are free, until the dispatcher stops.
    pub(super) async fn claim_runs(self) {
        loop {
            let Ok(permit) = self.shared.workers.clone().acquire_owned().await else { return };
            if self.is_stopping() {
                return;
            }
            if !self.is_working() {
                drop(permit);
                tokio::time::sleep(RETRY).await;
                continue;
            }
            let mut permits = vec![permit];
            while let Ok(permit) = self.shared.workers.clone().try_acquire_owned() {
                permits.push(permit);
            }
            // Some stay for requests that want to run at once.
            let wanted = permits.len().div_ceil(2);
            permits.truncate(wanted);
            let claim = Claim { owner: self.shared.owner, limit: permits.len() as u32 };
            let (due, patience) = match self.shared.store.claim(claim).await {
                Ok(Claimed { runs, next_due }) => {
                    let full = runs.len() == permits.len();
                    for (run, permit) in runs.into_iter().zip(permits.drain(..)) {
                        tokio::spawn(self.clone().work(run, permit));
                    }
                    if full {
                        continue;
                    }
                    (next_due, POLL)
                }
                Err(error) => {
                    told::warn(&format!("runs could not be claimed: {error}"));
                    (None, RETRY)
                }
            };
            drop(permits);
            tokio::select! {
                _ = self.shared.store.ready() => {}
                () = self.until(due) => {}
                () = tokio::time::sleep(patience) => {}
                () = self.shared.stopped.notified() => return,
            }
        }
    }

    /// Ready when the wall clock shows an instant; never without one.
    pub(super) async fn until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.shared.clock.until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Drives a claimed run, and then whatever its last commit has claimed.
    async fn work(self, run: ClaimedRun, permit: OwnedSemaphorePermit) {
        let mut next = Some(run);
        while let Some(run) = next {
            next = self.drive(run).await;
        }
        drop(permit);
    }

    /// Drives a run that was claimed at its acceptance, and then whatever its last commit has claimed.
    pub(super) async fn drive_accepted(&self, fence: Fence, version: VersionHash, work: Work) {
        let held = self.hold(fence);
        let mut next = match self.with_version(work, version).await {
            Ok(work) => {
                let (host, running) = self.host(&work.workflow, fence.run, Duration::ZERO);
                let machine = Machine::new(work.clone(), self.room(&work.workflow), host);
                self.drive_to_end(fence, work, machine, running).await
            }
            Err(reason) => self.fail(fence, &cannot_start(&reason)).await,
        };
        held.settle();
        while let Some(run) = next {
            next = self.drive(run).await;
        }
    }

    /// A run may have taken another version than the one that accepted it.
    async fn with_version(&self, work: Work, version: VersionHash) -> Result<Work, String> {
        if work.workflow.version == version {
            return Ok(work);
        }
        Ok(Work { workflow: self.version(version).await?, ..work })
    }

    /// Runs a claimed run to its end; gives the next one that the same worker has claimed with that commit.
    async fn drive(&self, claimed: ClaimedRun) -> Option<ClaimedRun> {
        let held = self.hold(claimed.fence);
        let next = self.drive_claimed(claimed).await;
        held.settle();
        next
    }

    async fn drive_claimed(&self, claimed: ClaimedRun) -> Option<ClaimedRun> {
        let fence = claimed.fence;
        let work = match self.work_of(&claimed).await {
            Ok(work) => work,
            Err(reason) => return self.fail(fence, &cannot_start(&reason)).await,
        };
        let (host, running) = self.host(&work.workflow, fence.run, Machine::spent(&claimed));
        let bytes = claimed.kept.iter().map(|(_, bytes)| bytes.len()).sum();
        let room = self.room(&work.workflow);
        match apart(bytes, || Machine::resume(work.clone(), room, host, &claimed)) {
            Ok(machine) => self.drive_to_end(fence, work, machine, running).await,
            Err(reason) => self.fail(fence, &cannot_start(&reason)).await,
        }
    }

    async fn drive_to_end(&self, fence: Fence, work: Work, machine: Machine, running: Running) -> Option<ClaimedRun> {
        let driven = self.drive_machine(Some(fence), machine).await;
        let Driven::Ended(ended, ends) = driven else { return None };
        let way = self.way(ended.weight()).await;
        let mut finish = self.finish_of_kept(fence, &work, &ended).await;
        finish.changes.ends.extend(ends);
        let next = self.commit_finish(fence, finish, true).await;
        drop((way, running));
        ended.count(&work.workflow.id, work.trigger, work.id);
        next
    }

    /// Counts a run that has ended without a worker.
    pub(crate) async fn count_end(&self, run: RunId) {
        match self.shared.store.summary(run).await {
            Ok(summary) => count(&summary),
            Err(StoreError::NotFound(_)) => {} // it is gone
            Err(error) => told::warn_of(&format!("ends are not counted: {error}"), || {
                format!("the end of run {run} is not counted: {error}")
            }),
        }
    }

    async fn work_of(&self, claimed: &ClaimedRun) -> Result<Work, String> {
        let workflow = self.version(claimed.version).await?;
        let run = &claimed.run;
        let given = match (&run.payload, &run.input) {
            (Some(payload), _) => Given::Request(Arc::new(apart(payload.len(), || Request::decode(payload))?)),
            (None, Some(input)) => match apart(input.len(), || encoding::decode(input))? {
                Value::Record(fields) => Given::Fields(fields),
                other => return Err(format!("its input is a {}, not a record", other.type_name())),
            },
            (None, None) => Given::Fields(Record::from_fields([])),
        };
        Ok(Work {
            id: run.summary.id,
            workflow,
            trigger: run.summary.trigger,
            scheduled_for: run.summary.scheduled_for,
            on_failure: run.on_failure.clone(),
            given,
        })
    }
}

fn cannot_start(reason: &str) -> String {
    format!("The run cannot start: {reason}")
}

/// Counts the end of a run; one that goes on again has none.
pub(crate) fn count(summary: &RunSummary) {
    if let Some(ended_at) = summary.ended_at {
        run_ended(&summary.workflow, summary.trigger, summary.state, summary.id.accepted_at(), ended_at);
    }
}
