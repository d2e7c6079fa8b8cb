//! What follows from a decision, once its commit has returned.

use crate::store::{Event, OwnerId, RunId};

/// What follows from a decision once it holds.
#[derive(Default)]
pub(super) struct Effects {
    /// Events for listeners.
    pub events: Vec<Event>,
    /// Runs whose watchers look again.
    pub touched: Vec<RunId>,
    /// Something may have become claimable.
    pub ready: bool,
    /// Owners whose claims were freed.
    pub ended_leases: Vec<OwnerId>,
    /// Workflows, switches or slots have changed.
    pub workflows_changed: bool,
    /// How the queues of workflows have grown or shrunk, by `workflows.key`.
    pub queued: Vec<(i64, i64)>,
}
