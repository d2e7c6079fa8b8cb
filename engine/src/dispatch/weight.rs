//! Large values in transit: how much goes into the store at a time, and how much is read from it for callers.

use crate::store::Changes;
use std::sync::Arc;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::block_in_place;

/// Bytes of large values on their way into the store at the same time: others wait for its one thread.
const KEPT: usize = 16 << 20;
/// Smaller values are not counted, in bytes.
const SMALL: usize = 64 << 10;
/// How many answers are read from the store at the same time: each may be large.
const TOLD: usize = 4;
/// Held while a large value is in transit.
pub(super) type Way = Option<OwnedSemaphorePermit>;

/// Shares the way into the store, and out of it, among large values.
pub(super) struct Ways {
    /// One permit for each byte of large values on their way into the store.
    keeping: Arc<Semaphore>,
    /// One permit for each answer that is taken from the store.
    telling: Arc<Semaphore>,
}

impl Ways {
    /// All ways are free.
    pub(super) fn new() -> Self {
        Self { keeping: Arc::new(Semaphore::new(KEPT)), telling: Arc::new(Semaphore::new(TOLD)) }
    }

    /// Waits until this many bytes may go into the store.
    pub(super) async fn inward(&self, bytes: usize) -> Way {
        if bytes < SMALL { None } else { permits(&self.keeping, bytes.min(KEPT)).await }
    }

    /// Waits until an answer may be taken from the store.
    pub(super) async fn outward(&self) -> Way {
        permits(&self.telling, 1).await
    }
}

/// These semaphores are never closed.
async fn permits(of: &Arc<Semaphore>, count: usize) -> Way {
    of.clone().acquire_many_owned(count as u32).await.ok()
}

/// Encodes or decodes this many bytes; large values on a thread that serves no requests.
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
