//! The ends of claimed runs: a run never keeps a claim without a worker, however its worker or commit ends.

use super::finish::finish_of;
use super::lease::Lease;
use super::mask;
use super::stopping::Stopping;
use super::versions::Versions;
use super::waits::RETRY;
use super::weight::apart;
use crate::clock::Clock;
use crate::metrics::run_ended;
use crate::run::{Ended, Work};
use crate::script::Fault;
use crate::store::{
    Changes, Claim, ClaimedRun, Failure, Fence, Finish, LogLine, RunId, RunState, RunSummary, Store, StoreError,
};
use crate::told;
use flowscript_lang::error::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

/// The pause before an end that the store refuses for an unknown reason is tried again.
const REFUSED: Duration = Duration::from_secs(10);

/// Guards a claimed run while this process works on it. Dropped without [`Guard::settle`], as a panic does, it ends the run.
pub(super) struct Guard {
    ends: Arc<Ends>,
    fence: Fence,
    settled: bool,
}

impl Guard {
    /// The run has ended, sleeps, or was left to other workers.
    pub(super) fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.settled || self.ends.stopping.has_begun() {
            return;
        }
        let (ends, fence) = (self.ends.clone(), self.fence);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(
                async move { ends.fail(fence, "The engine failed while it ran this; its log says more.").await },
            );
        }
    }
}

/// Commits ends.
pub(super) struct Ends {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    versions: Arc<Versions>,
    lease: Arc<Lease>,
    stopping: Arc<Stopping>,
}

impl Ends {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        versions: Arc<Versions>,
        lease: Arc<Lease>,
        stopping: Arc<Stopping>,
    ) -> Self {
        Self { store, clock, versions, lease, stopping }
    }

    /// Guards a claimed run that is worked on from now on.
    pub(super) fn guard(self: &Arc<Self>, fence: Fence) -> Guard {
        Guard { ends: self.clone(), fence, settled: false }
    }

    /// Ends a run that no machine can end.
    pub(super) async fn fail(&self, fence: Fence, reason: &str) -> Option<ClaimedRun> {
        let mut finish = Finish::new(RunState::Failed, self.clock.now());
        finish.error = Some(internal(reason));
        let next = self.commit_finish(fence, finish, true).await;
        self.count_end(fence.run).await;
        next
    }

    /// The record of the end of a run that is already stored.
    pub(super) async fn finish_of_kept(&self, fence: Fence, work: &Work, ended: &Ended) -> Finish {
        let mut finish = apart(ended.weight(), || self.finish_of(work, ended));
        if let Some(mask) = &mut finish.mask {
            mask::complete(mask, self.store.as_ref(), fence, work).await;
        }
        finish
    }

    /// The record of the end of a run, with the run that `onFailure` starts.
    pub(super) fn finish_of(&self, work: &Work, ended: &Ended) -> Finish {
        finish_of(work, ended, self.versions.diagnostics(&work.workflow), self.clock.as_ref())
    }

    /// Commits the end of a run. While the store cannot commit, it is tried again; a lost claim ends it. An end that the
    /// store refuses becomes a plainer one, so that the run has ended in any case.
    pub(super) async fn commit_finish(&self, fence: Fence, mut finish: Finish, claim_next: bool) -> Option<ClaimedRun> {
        let mut refusals = 0;
        loop {
            let then =
                (claim_next && !self.stopping.has_begun()).then_some(Claim { owner: self.lease.owner(), limit: 1 });
            match self.store.finish(fence, finish.clone(), then).await {
                Ok(claimed) => return claimed.runs.into_iter().next(),
                Err(StoreError::Stale { .. }) => {
                    tracing::info!("run {} belongs to another worker by now, or has ended", fence.run);
                    return None;
                }
                Err(StoreError::NotFound(reason)) if finish.on_failure.is_some() => {
                    told::error_of(&format!("onFailure: {reason}"), || {
                        format!("onFailure of run {} starts nothing: {reason}", fence.run)
                    });
                    finish.on_failure = None;
                }
                Err(error) if error.is_temporary() => {
                    told::warn_of(&format!("ends are held back: {error}"), || {
                        format!("the end of run {} is held back: {error}", fence.run)
                    });
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    told::error_of(&format!("ends are not kept: {error}"), || {
                        format!("the end of run {} could not be kept as it is: {error}", fence.run)
                    });
                    refusals += 1;
                    if refusals > 2 {
                        tokio::time::sleep(REFUSED).await;
                    }
                    finish = plainer(finish, refusals, &error);
                }
            }
            if self.stopping.has_begun() {
                return None;
            }
        }
    }

    /// Counts a run that has ended without a worker.
    pub(super) async fn count_end(&self, run: RunId) {
        match self.store.summary(run).await {
            Ok(summary) => count(&summary),
            Err(StoreError::NotFound(_)) => {} // it is gone
            Err(error) => told::warn_of(&format!("ends are not counted: {error}"), || {
                format!("the end of run {run} is not counted: {error}")
            }),
        }
    }
}

/// Counts the end of a run; one that was queued again has not ended.
pub(crate) fn count(summary: &RunSummary) {
    if let Some(ended_at) = summary.ended_at {
        run_ended(&summary.origin.workflow, summary.origin.trigger, summary.state, summary.accepted_at(), ended_at);
    }
}

/// An end without the parts that the store may have refused: first without steps, then with only the reason.
fn plainer(finish: Finish, refusals: u32, error: &StoreError) -> Finish {
    let message = format!("The engine could not keep the end of this run, which was {}: {error}.", finish.state);
    let mut plain = Finish::new(RunState::Failed, finish.ended_at);
    if refusals > 1 {
        plain.error = finish.error.or_else(|| Some(internal(&message)));
        return plain;
    }
    let mut log = finish.changes.log;
    if let Some(error) = &finish.error {
        let line = format!("The run had failed: {}", error.message);
        log.push(LogLine {
            at: finish.ended_at,
            level: "error".into(),
            message: line,
            position: error.position.clone(),
        });
    }
    plain.changes = Changes { log, input: finish.changes.input, ..Changes::default() };
    plain.trace = finish.trace;
    plain.error = Some(internal(&message));
    plain
}

/// A failure of the engine itself.
fn internal(message: &str) -> Failure {
    Fault::new(ErrorKind::Io, message).to_failure(None)
}
