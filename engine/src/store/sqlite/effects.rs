//! The effects of a decision after its commit.

use super::counting::Counted;
use crate::store::{Event, OwnerId, RunId};

/// The effects of a decision after its commit.
#[derive(Default)]
pub(super) struct Effects {
    /// Events for listeners.
    pub events: Vec<Event>,
    /// Runs whose watchers must look again.
    pub touched: Vec<RunId>,
    /// Something may have become claimable.
    pub ready: bool,
    /// Owners whose claims were freed.
    pub ended_leases: Vec<OwnerId>,
    /// Workflows, switches or slots have changed.
    pub workflows_changed: bool,
    /// The changes of the queue lengths of workflows, by `workflows.key`.
    pub queued: Vec<(i64, i64)>,
    /// What is counted for the statistics.
    pub counted: Vec<Counted>,
}
