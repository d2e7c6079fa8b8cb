//! Which workflows are short enough to run on the threads of requests.

use crate::metrics::script_ran;
use crate::store::VersionHash;
use crate::workflow::model::Workflow;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// A run that computes for longer does not belong on the thread of its request, which has other requests to serve.
pub(super) const SHORT: Duration = Duration::from_millis(1);

/// The versions whose last run was long.
#[derive(Debug, Default)]
pub(super) struct Paces(RwLock<HashSet<VersionHash>>);

impl Paces {
    /// A run of this workflow has computed for this time.
    pub(super) fn computed(&self, workflow: &Workflow, time: Duration) {
        script_ran(&workflow.id, time);
        self.note(workflow, time);
    }

    fn note(&self, workflow: &Workflow, time: Duration) {
        let is_long = time > SHORT;
        if is_long == self.is_long(workflow) {
            return;
        }
        let mut long = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if is_long {
            long.insert(workflow.version);
        } else {
            long.remove(&workflow.version);
        }
    }

    /// Was the last run of this version long?
    pub(super) fn is_long(&self, workflow: &Workflow) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&workflow.version)
    }
}
