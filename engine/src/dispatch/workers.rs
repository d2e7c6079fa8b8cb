//! Workers: claim what is due, run it, commit its end.

use super::drive::Driver;
use super::ends::Ends;
use super::hosts::{Hosts, Running};
use super::lease::Lease;
use super::outcome::Driven;
use super::stopping::Stopping;
use super::versions::Versions;
use super::waits::{RETRY, until};
use super::weight::{Ways, apart};
use crate::clock::Clock;
use crate::run::{Given, Machine, Work};
use crate::script::encoding;
use crate::store::{Claim, Claimed, ClaimedRun, Fence, Start, Store, VersionHash};
use crate::told;
use crate::trigger::webhook::Request;
use flowscript_lang::value::{Record, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// The store is asked at least this often, in case a hint is lost.
const POLL: Duration = Duration::from_secs(5);

/// Works on claimed runs, on as many at a time as there are workers.
pub(super) struct Workers {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lease: Arc<Lease>,
    stopping: Arc<Stopping>,
    versions: Arc<Versions>,
    hosts: Arc<Hosts>,
    driver: Arc<Driver>,
    ends: Arc<Ends>,
    ways: Arc<Ways>,
    /// One permit for each run that may be worked on.
    free: Arc<Semaphore>,
    count: u32,
}

/// What workers work with.
pub(super) struct Equipment {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lease: Arc<Lease>,
    pub(super) stopping: Arc<Stopping>,
    pub(super) versions: Arc<Versions>,
    pub(super) hosts: Arc<Hosts>,
    pub(super) driver: Arc<Driver>,
    pub(super) ends: Arc<Ends>,
    pub(super) ways: Arc<Ways>,
}

impl Workers {
    /// This many workers that do not claim yet.
    pub(super) fn new(count: u32, equipment: Equipment) -> Self {
        let Equipment { store, clock, lease, stopping, versions, hosts, driver, ends, ways } = equipment;
        let free = Arc::new(Semaphore::new(count as usize));
        Self { store, clock, lease, stopping, versions, hosts, driver, ends, ways, free, count }
    }

    /// A worker that is free now.
    pub(super) fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().try_acquire_owned().ok()
    }

    /// How a new run starts that a free worker takes at once.
    pub(super) fn start(&self) -> Start {
        Start::Claim(self.lease.owner())
    }

    /// Ready when no worker works; none begins while the permit is held.
    pub(super) async fn idle(&self) -> Option<SemaphorePermit<'_>> {
        self.free.acquire_many(self.count).await.ok()
    }

    /// Claims what is due as long as workers are free, until the dispatcher stops.
    pub(super) async fn claim_runs(self: Arc<Self>) {
        loop {
            let Ok(permit) = self.free.clone().acquire_owned().await else { return };
            if self.stopping.has_begun() {
                return;
            }
            if !self.lease.may_claim() {
                drop(permit);
                tokio::time::sleep(RETRY).await;
                continue;
            }
            let mut permits = vec![permit];
            while let Ok(permit) = self.free.clone().try_acquire_owned() {
                permits.push(permit);
            }
            // Some stay free for requests that want to run at once.
            let wanted = permits.len().div_ceil(2);
            permits.truncate(wanted);
            let claim = Claim { owner: self.lease.owner(), limit: permits.len() as u32 };
            let (due, patience) = match self.store.claim(claim).await {
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
                _ = self.store.ready() => {}
                () = until(self.clock.as_ref(), due) => {}
                () = tokio::time::sleep(patience) => {}
                () = self.stopping.begun() => return,
            }
        }
    }

    /// Drives a claimed run, and then each run that its last commit has claimed.
    async fn work(self: Arc<Self>, run: ClaimedRun, permit: OwnedSemaphorePermit) {
        let mut next = Some(run);
        while let Some(run) = next {
            next = self.drive(run).await;
        }
        drop(permit);
    }

    /// Drives a run that was claimed at its acceptance, and then each run that its last commit has claimed.
    pub(super) async fn drive_accepted(&self, fence: Fence, version: VersionHash, work: Work) {
        let guard = self.ends.guard(fence);
        let mut next = match self.with_version(work, version).await {
            Ok(work) => {
                let (host, running) = self.hosts.host(&work.workflow, fence.run, Duration::ZERO);
                let machine = Machine::new(work.clone(), self.hosts.room(&work.workflow), host);
                self.drive_to_end(fence, work, machine, running).await
            }
            Err(reason) => self.ends.fail(fence, &cannot_start(&reason)).await,
        };
        guard.settle();
        while let Some(run) = next {
            next = self.drive(run).await;
        }
    }

    /// A run may have taken another version than the one that accepted it.
    async fn with_version(&self, work: Work, version: VersionHash) -> Result<Work, String> {
        if work.workflow.version == version {
            return Ok(work);
        }
        Ok(Work { workflow: self.versions.version(version).await?, ..work })
    }

    /// Runs a claimed run to its end; returns the next one that the same worker has claimed with that commit.
    async fn drive(&self, claimed: ClaimedRun) -> Option<ClaimedRun> {
        let guard = self.ends.guard(claimed.fence);
        let next = self.drive_claimed(claimed).await;
        guard.settle();
        next
    }

    async fn drive_claimed(&self, claimed: ClaimedRun) -> Option<ClaimedRun> {
        let fence = claimed.fence;
        let work = match self.work_of(&claimed).await {
            Ok(work) => work,
            Err(reason) => return self.ends.fail(fence, &cannot_start(&reason)).await,
        };
        let (host, running) = self.hosts.host(&work.workflow, fence.run, Machine::spent(&claimed));
        let bytes = claimed.kept.iter().map(|(_, bytes)| bytes.len()).sum();
        let room = self.hosts.room(&work.workflow);
        match apart(bytes, || Machine::resume(work.clone(), room, host, &claimed)) {
            Ok(machine) => self.drive_to_end(fence, work, machine, running).await,
            Err(reason) => self.ends.fail(fence, &cannot_start(&reason)).await,
        }
    }

    async fn drive_to_end(&self, fence: Fence, work: Work, machine: Machine, running: Running) -> Option<ClaimedRun> {
        let driven = self.driver.drive(Some(fence), machine).await;
        let Driven::Ended(ended, ends) = driven else { return None };
        let way = self.ways.inward(ended.weight()).await;
        let mut finish = self.ends.finish_of_kept(fence, &work, &ended).await;
        finish.changes.ends.extend(ends);
        let next = self.ends.commit_finish(fence, finish, true).await;
        drop((way, running));
        ended.count(&work.workflow.id, work.trigger, work.id);
        next
    }

    async fn work_of(&self, claimed: &ClaimedRun) -> Result<Work, String> {
        let workflow = self.versions.version(claimed.version).await?;
        let run = &claimed.run;
        let given = match (&run.payload, &run.input) {
            (Some(payload), _) => Given::Request(Arc::new(apart(payload.len(), || Request::decode(payload))?)),
            (None, Some(input)) => match apart(input.len(), || encoding::decode(input))? {
                Value::Record(fields) => Given::Fields(fields),
                other => return Err(format!("its input is a {}, not a record", other.type_name())),
            },
            (None, None) => Given::Fields(Record::from_fields([])),
        };
        let origin = &run.summary.origin;
        Ok(Work {
            id: origin.id,
            workflow,
            trigger: origin.trigger,
            scheduled_for: origin.scheduled_for,
            on_failure: origin.on_failure.clone(),
            given,
        })
    }
}

fn cannot_start(reason: &str) -> String {
    format!("The run cannot start: {reason}")
}
