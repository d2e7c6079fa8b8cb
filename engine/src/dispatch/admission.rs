//! Requests to run a workflow, and their results.

use super::answer::Answer;
use crate::room::Held;
use crate::store::{Accepted, IdempotencyKey, RunId, StoreError};
use crate::trigger::webhook::Request;
use crate::workflow::model::Workflow;
use std::sync::Arc;
use tokio::time::Instant;

/// A request to a webhook.
#[derive(Debug)]
pub struct Message {
    /// The workflow it is for; it has a webhook.
    pub workflow: Arc<Workflow>,
    /// The request.
    pub request: Arc<Request>,
    /// The key that names its run.
    pub idempotency: Option<IdempotencyKey>,
    /// When it came; callers who wait count from here.
    pub received: Instant,
    /// The room that its body takes until a run has it.
    pub room: Option<Held>,
}

/// What the caller waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// The end of the run, at most until then.
    End(Instant),
    /// The commit of its acceptance.
    Acceptance,
}

/// The result of a request to run a workflow.
#[derive(Debug)]
pub enum Admission {
    /// The run is kept and will run.
    Accepted(RunId),
    /// The run has ended; this is its answer.
    Answered(Answer),
    /// The run is kept, but was not over in time.
    Late(RunId),
    /// The run is kept, but the engine stops before it is over.
    Interrupted(RunId),
    /// The engine is stopping; nothing was kept.
    Stopping,
    /// The input does not fit; nothing was kept.
    Refused(String),
    /// The workflow failed before anything was kept.
    Failed,
    /// The idempotency key names a run of another request; nothing was kept.
    KeyReused,
    /// The workflow's queue is full; nothing was kept.
    QueueFull(u32),
    /// The values of other runs take too much memory; nothing was kept.
    Full,
    /// The store could not keep it.
    Unkept(StoreError),
}

impl Until {
    /// Does the caller wait for the end of the run?
    pub(super) fn is_end(self) -> bool {
        match self {
            Self::End(_) => true,
            Self::Acceptance => false,
        }
    }
}

impl Admission {
    /// The same; a run that was not over in time counts as accepted, where the workflow says so.
    pub(super) fn or_accepted(self, accept_on_timeout: bool) -> Self {
        match self {
            Self::Late(run) if accept_on_timeout => Self::Accepted(run),
            other => other,
        }
    }

    /// The result for the caller of an acceptance that stored nothing new. A run that existed before counts as
    /// accepted.
    pub(super) fn not_new(accepted: Accepted) -> Self {
        match accepted {
            Accepted::Duplicate(earlier) => Self::Accepted(earlier.origin.id),
            Accepted::KeyReused => Self::KeyReused,
            Accepted::QueueFull { queued } => Self::QueueFull(queued),
            Accepted::Queued | Accepted::Claimed { .. } | Accepted::Finished => {
                Self::Unkept(StoreError::Other("a new run was taken for an earlier one".into()))
            }
        }
    }

    /// The answer where a task of the acceptance panicked.
    pub(super) fn panicked() -> Self {
        Self::Unkept(StoreError::Other("the engine failed; its log says more".into()))
    }
}
