//! Relaxed durability: runs that were answered first are stored within a second, many in one commit.

use super::weight::Way;
use crate::store::{NewRun, Store, StoreError};
use crate::told;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many answered runs may wait to be stored; answers wait when it is full.
const QUEUE: usize = 10_000;
/// The most runs of one commit.
const BATCH: usize = 1_000;
/// How long runs gather before they are stored.
const GATHER: Duration = Duration::from_millis(50);
/// How long to wait before a failed commit is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The queue to the task that stores history.
pub(super) struct Relaxed {
    sender: mpsc::Sender<Item>,
    /// The last commit failed, and its runs still wait.
    stuck: Arc<AtomicBool>,
    store: Arc<dyn Store>,
}

enum Item {
    /// A large one takes a share of the way into the store.
    Run(Box<NewRun>, Way),
    /// Notified when everything before it is stored.
    Flush(oneshot::Sender<()>),
}

impl Relaxed {
    /// Starts the task. It ends with the last [`Relaxed`].
    pub(super) fn start(store: Arc<dyn Store>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let stuck = Arc::new(AtomicBool::new(false));
        tokio::spawn(keep_all(store.clone(), receiver, stuck.clone()));
        Self { sender, stuck, store }
    }

    /// Is the store unable to write at the moment?
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed) || self.store.failing().is_some()
    }

    /// A place in the queue; `None` while it is full.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        self.sender.try_reserve().ok().map(Place)
    }

    /// Hands a finished run over; waits while the queue is full.
    pub(super) async fn keep(&self, run: NewRun, way: Way) -> Result<(), StoreError> {
        let sent = self.sender.send(Item::Run(Box::new(run), way)).await;
        sent.map_err(|_| StoreError::Other("history is no longer kept: the engine has stopped".into()))
    }

    /// Waits until everything that was handed over is stored.
    pub(super) async fn flush(&self) {
        let (done, kept) = oneshot::channel();
        if self.sender.send(Item::Flush(done)).await.is_ok() {
            let _ = kept.await;
        }
    }
}

/// A place in the queue of runs to be stored.
pub(super) struct Place<'h>(mpsc::Permit<'h, Item>);

impl Place<'_> {
    /// Hands a finished run over.
    pub(super) fn keep(self, run: NewRun) {
        self.0.send(Item::Run(Box::new(run), None));
    }
}

async fn keep_all(store: Arc<dyn Store>, mut receiver: mpsc::Receiver<Item>, stuck: Arc<AtomicBool>) {
    let mut items = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut items, BATCH).await > 0 {
        let flushing = items.iter().any(|item| matches!(item, Item::Flush(_)));
        if items.len() < BATCH && !flushing {
            tokio::time::sleep(GATHER).await;
            while items.len() < BATCH
                && let Ok(item) = receiver.try_recv()
            {
                items.push(item);
            }
        }
        let mut runs = Vec::with_capacity(items.len());
        let (mut waiting, mut ways) = (Vec::new(), Vec::new());
        for item in items.drain(..) {
            match item {
                Item::Run(run, way) => {
                    runs.push(*run);
                    ways.extend(way);
                }
                Item::Flush(done) => waiting.push(done),
            }
        }
        keep(store.as_ref(), runs.into(), &stuck).await;
        drop(ways);
        for done in waiting {
            let _ = done.send(());
        }
    }
}

/// Stores runs; while the store fails, tries again. A run that was stored already is left alone.
async fn keep(store: &dyn Store, runs: Arc<[NewRun]>, stuck: &AtomicBool) {
    while !runs.is_empty() {
        match store.history(runs.clone()).await {
            Ok(()) => {
                stuck.store(false, Ordering::Relaxed);
                return;
            }
            Err(error) if error.is_temporary() => {
                told::warn(&format!("history is held back: {error}"));
                stuck.store(true, Ordering::Relaxed);
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => {
                told::error_of(&format!("history: {error}"), || {
                    format!("{} runs could not be kept: {error}", runs.len())
                });
                return;
            }
        }
    }
}
