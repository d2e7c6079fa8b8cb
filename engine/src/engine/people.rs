//! Decisions of operators about runs, lanes and workflows.

use super::bulk::{self, Bulk, Deed, Selected};
use super::loading::Publisher;
use crate::clock::Clock;
use crate::dispatch::{Dispatcher, count};
use crate::project::Catalog;
use crate::store::{
    Accepted, Admin, Cancel, Cursor, Delivered, LaneId, LaneKind, LanePage, LaneQuery, RunAgain, RunId, RunQuery,
    RunState, RunSummary, Skip, Store, StoreError, Trigger,
};
use crate::trigger::callback;
use crate::workflow::history::DiagnosticsSwitch;
use std::sync::Arc;

/// The run whose payload a run by hand takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadOf {
    /// The newest that the workflow's webhook has started.
    Last,
    /// This one.
    Run(RunId),
}

impl std::str::FromStr for PayloadOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            id => id.parse().map(Self::Run).map_err(|_| format!("`{id}` is neither `last` nor the id of a run")),
        }
    }
}

/// Carries out the decisions of operators.
pub struct Operators {
    with: Equipment,
    /// What addresses of events are signed with.
    secret: [u8; 32],
    /// The limit of queued runs for workflows that set none.
    queue: u32,
}

/// What decisions are carried out with.
pub(super) struct Equipment {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) publisher: Arc<Publisher>,
}

impl Operators {
    pub(super) fn new(with: Equipment, secret: [u8; 32], queue: u32) -> Self {
        Self { with, secret, queue }
    }

    /// Queues a failed or timed-out run again: it continues after its last successful acting step.
    pub async fn retry(&self, run: RunId) -> Result<(), StoreError> {
        self.with.store.retry(run).await
    }

    /// Does something with each of the selected runs, each for itself. A dry run changes nothing, and says what would be
    /// done.
    pub async fn decide(&self, deed: Deed, selected: Selected, dry_run: bool) -> Result<Bulk, StoreError> {
        let mut done = Bulk::default();
        for run in bulk::select(self.with.store.as_ref(), deed, selected, &mut done).await? {
            match self.decide_one(deed, &run, dry_run).await {
                Ok(started) => {
                    done.done.push(run.origin.id);
                    done.started.extend(started);
                    if let Some(lane) = run.origin.lane.filter(|_| run.holds_lane) {
                        done.lanes.push((run.origin.workflow, lane.key));
                    }
                }
                Err(StoreError::Conflict(reason) | StoreError::NotFound(reason)) => {
                    done.refused.push((run.origin.id, reason));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Gives the new run, if it starts one.
    async fn decide_one(&self, deed: Deed, run: &RunSummary, dry_run: bool) -> Result<Option<RunId>, StoreError> {
        if let Some(reason) = deed.refusal(run) {
            return Err(StoreError::Conflict(reason));
        }
        if dry_run {
            return Ok(None);
        }
        match deed {
            Deed::Retry => self.retry(run.origin.id).await.map(|()| None),
            Deed::Rerun => self.run_again(run.origin.id).await.map(Some),
            Deed::Skip => self.skip(run.origin.id).await.map(|_| None),
            Deed::Cancel => match self.cancel(run.origin.id).await? {
                Cancel::Cancelled | Cancel::Requested => Ok(None),
                Cancel::Ended(state) => {
                    Err(StoreError::Conflict(format!("run {} has ended already: it is {state}", run.origin.id)))
                }
            },
        }
    }

    /// A new run of `workflow` with the payload of its last message, or of an earlier run.
    pub async fn run_with_payload(&self, workflow: &str, of: PayloadOf) -> Result<RunId, StoreError> {
        let source = match of {
            PayloadOf::Run(run) => {
                let summary = self.with.store.summary(run).await?;
                if summary.origin.workflow != workflow {
                    return Err(StoreError::NotFound(format!("the workflow `{workflow}` has no run {run}")));
                }
                run
            }
            PayloadOf::Last => {
                let trigger = Some(Trigger::Webhook);
                let mut query =
                    RunQuery { workflow: Some(workflow.to_owned()), trigger, limit: 1, ..RunQuery::default() };
                let mut page = self.with.store.runs(query.clone()).await?;
                // A search that takes long gives an empty page and continues on the next.
                while page.runs.is_empty() && page.next.is_some() {
                    query.after = page.next;
                    page = self.with.store.runs(query.clone()).await?;
                }
                let last = page.runs.first().map(|run| run.origin.id);
                last.ok_or_else(|| StoreError::NotFound(format!("the webhook of `{workflow}` has had no message yet")))?
            }
        };
        self.run_again(source).await
    }

    /// A new run with the payload of an earlier one, on the current version.
    pub async fn run_again(&self, source: RunId) -> Result<RunId, StoreError> {
        let id = RunId::new(self.with.clock.now());
        let workflow = self.with.store.summary(source).await?.origin.workflow;
        let current = self.with.catalog.current().entry(&workflow).and_then(|entry| entry.workflow.clone());
        let queue = current.map_or(self.queue, |w| self.with.dispatcher.queue_limit(&w));
        match self.with.store.run_again(RunAgain { source, id, queue_limit: Some(queue) }).await? {
            Accepted::QueueFull { queued } => {
                Err(StoreError::Conflict(format!("{queued} runs of this workflow are waiting already")))
            }
            Accepted::Duplicate(summary) => Ok(summary.origin.id),
            Accepted::Queued | Accepted::Claimed { .. } | Accepted::Finished => Ok(id),
            Accepted::KeyReused => Err(StoreError::Other("a run without a key was taken for one with a key".into())),
        }
    }

    /// Ends a run, or asks its worker to.
    pub async fn cancel(&self, run: RunId) -> Result<Cancel, StoreError> {
        let cancelled = self.with.store.request_cancel(run).await?;
        match cancelled {
            Cancel::Requested => self.with.dispatcher.cancel_here(run),
            Cancel::Cancelled => self.with.dispatcher.count_end(run).await,
            Cancel::Ended(_) => {}
        }
        Ok(cancelled)
    }

    /// The address for events of a run, if the engine's public address is known.
    pub fn callback_url(&self, run: RunId, name: &str) -> Option<String> {
        self.with.dispatcher.callback_url(run, name)
    }

    /// Did this store sign the address of an event?
    pub fn is_callback(&self, run: RunId, name: &str, mac: &str) -> bool {
        callback::is_signed(&self.secret, run, name, mac)
    }

    /// Stores an event for a run.
    pub async fn deliver(&self, run: RunId, name: String, body: Vec<u8>) -> Result<Delivered, StoreError> {
        self.with.store.deliver(run, name, body).await
    }

    /// Skips a queued run, or releases a lane that a failed run holds.
    pub async fn skip(&self, run: RunId) -> Result<RunId, StoreError> {
        self.skipped(Skip::Run(run)).await
    }

    /// Lanes of webhooks that have runs in them.
    pub async fn lanes(
        &self,
        workflow: Option<String>,
        held: bool,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<LanePage, StoreError> {
        self.with.store.lanes(LaneQuery { workflow, held, after, limit }).await
    }

    /// Skips the head of a lane.
    pub async fn skip_head(&self, workflow: &str, key: &str) -> Result<RunId, StoreError> {
        self.skipped(Skip::Head(lane(workflow, key))).await
    }

    async fn skipped(&self, skip: Skip) -> Result<RunId, StoreError> {
        let run = self.with.store.skip(skip).await?;
        // A held head has ended before; it stays failed.
        if let Ok(summary) = self.with.store.summary(run).await
            && summary.state == RunState::Skipped
        {
            count(&summary);
        }
        Ok(run)
    }

    /// Resumes a held lane by retrying its head.
    pub async fn resume_lane(&self, workflow: &str, key: &str) -> Result<RunId, StoreError> {
        self.with.store.resume(lane(workflow, key)).await
    }

    /// Switches the diagnostics of a workflow; settings left out follow the file.
    pub async fn switch_diagnostics(&self, workflow: &str, switch: DiagnosticsSwitch) -> Result<(), StoreError> {
        let settings = switch.encode().map_err(StoreError::Other)?;
        self.with.store.administer(Admin::Diagnostics { workflow: workflow.to_owned(), settings }).await?;
        self.with.publisher.refresh_switches().await
    }

    /// Switches the triggers of a workflow on or off; `None` returns the switch to the file.
    pub async fn switch(&self, workflow: &str, active: Option<bool>) -> Result<(), StoreError> {
        self.with.store.administer(Admin::Switch { workflow: workflow.to_owned(), active }).await?;
        self.with.publisher.refresh_switches().await
    }
}

fn lane(workflow: &str, key: &str) -> LaneId {
    LaneId { workflow: workflow.to_owned(), kind: LaneKind::Webhook, key: key.to_owned() }
}
