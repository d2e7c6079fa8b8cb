//! Large values on their way: which runs wait until others have ended, what goes into the store at a time, and what is
//! taken out of it for callers.

use super::Dispatcher;
use super::direct::Until;
use crate::burden::Load;
use crate::store::Changes;
use crate::workflow::model::Workflow;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;
use tokio::time::Instant;

/// Bytes of large values that go into the store at the same time: others wait behind them for its one thread.
pub(super) const KEPT: usize = 16 << 20;
/// Less goes there without being counted, in bytes.
const SMALL: usize = 64 << 10;
/// How many answers are taken from the store at the same time: each may be large.
pub(super) const TOLD: usize = 4;
/// How long a caller who waits for the end of a run waits until it may begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Held while something large is on its way.
pub(super) type Way = Option<OwnedSemaphorePermit>;

impl Dispatcher {
    /// What a run of this workflow counts as that has not begun.
    pub(super) fn load(&self, workflow: &Workflow) -> Arc<Load> {
        Load::new(&self.shared.burden, workflow.version)
    }

    /// Waits until a run may begin whose caller waits for its end. False where it may not in time.
    pub(super) async fn may_begin(&self, load: &Load, until: Until) -> bool {
        if load.may_grow() {
            return true;
        }
        let Until::End(deadline) = until else { return false };
        let deadline = deadline.min(Instant::now() + PATIENCE);
        tokio::select! {
            begun = tokio::time::timeout_at(deadline, load.room()) => begun.is_ok(),
            () = self.stopped() => false,
        }
    }

    /// Waits until so many bytes may go into the store.
    pub(super) async fn way(&self, bytes: usize) -> Way {
        if bytes < SMALL { None } else { permits(&self.shared.keeping, bytes.min(KEPT)).await }
    }

    /// Waits until an answer may be taken from the store.
    pub(super) async fn way_out(&self) -> Way {
        permits(&self.shared.telling, 1).await
    }
}

/// Nobody closes these semaphores.
async fn permits(of: &Arc<Semaphore>, count: usize) -> Way {
    of.clone().acquire_many_owned(count as u32).await.ok()
}

/// Encodes or decodes something of so many bytes: what is large, beside the threads that serve requests.
pub(super) fn apart<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if bytes >= SMALL && matches!(flavor, Ok(RuntimeFlavor::MultiThread)) { block_in_place(work) } else { work() }
}

/// What a commit writes, in bytes.
pub(super) fn size(changes: &Changes) -> usize {
    let Changes { input, kept, starts: _, ends, log } = changes;
    let kept = kept.iter().filter_map(|(_, bytes)| bytes.as_ref());
    let results = ends.iter().filter_map(|end| end.result.as_ref().ok()?.as_ref());
    let bytes = input.iter().chain(kept).chain(results).map(Vec::len);
    bytes.chain(log.iter().map(|line| line.message.len())).sum()
}
