//! How the engine stops: nothing new begins, running work gets some time, the rest is left.

use crate::run::StopFlag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Notify, watch};

/// The progress of a stop; all parts of the dispatcher share it.
pub(super) struct Stopping {
    has_begun: AtomicBool,
    /// Notified when it begins.
    begins: Notify,
    /// True once the work still running has been left.
    grace_over: watch::Sender<bool>,
    /// Asked once the work still running must end.
    halt: Arc<StopFlag>,
}

impl Stopping {
    /// No stop.
    pub(super) fn new() -> Self {
        let (has_begun, begins) = (AtomicBool::new(false), Notify::new());
        Self { has_begun, begins, grace_over: watch::Sender::new(false), halt: Arc::default() }
    }

    /// From now on nothing begins.
    pub(super) fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
        self.begins.notify_waiters();
    }

    /// The work still running is left.
    pub(super) fn end_grace(&self) {
        self.grace_over.send_replace(true);
    }

    /// Has it begun?
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Ready once it has begun.
    pub(super) async fn begun(&self) {
        let begins = self.begins.notified();
        tokio::pin!(begins);
        // Listening first: a stop between the question and the waiting must not be lost.
        begins.as_mut().enable();
        if !self.has_begun() {
            begins.await;
        }
    }

    /// Ready once the work still running has been left.
    pub(super) async fn grace_over(&self) {
        let mut over = self.grace_over.subscribe();
        // The sender lives as long as `self`.
        let _ = over.wait_for(|over| *over).await;
    }

    /// Asked once running work must end, at the end of the grace of a stop.
    pub(super) fn halt(&self) -> &Arc<StopFlag> {
        &self.halt
    }
}
