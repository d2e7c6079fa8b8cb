//! Background work of the engine: it follows changes in the store, prunes the history, and checks the store.

use super::access::Access;
use super::loading::Publisher;
use crate::clock::Clock;
use crate::config::Retention as Kept;
use crate::dispatch::Dispatcher;
use crate::store::{Cursor, Event, Retention, Store, StoreError};
use crate::told;
use std::sync::Arc;
use std::time::Duration;

/// How often history is pruned and the use of keys is stored.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How often the store is asked whether it fails.
const WATCH_STORE: Duration = Duration::from_secs(1);
/// How many runs one slice of retention deletes.
const PRUNE_SLICE: u32 = 500;
/// How long to wait before events are followed again.
const FOLLOW_AGAIN: Duration = Duration::from_secs(2);

/// Runs the background work until the engine stops.
pub(super) struct House {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Kept,
    pub(super) access: Arc<Access>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) dispatcher: Arc<Dispatcher>,
}

impl House {
    /// Switches and keys may also change through commands and through other engines on the same store.
    pub(super) async fn follow_events(self: Arc<Self>, mut since: Cursor) {
        loop {
            let page = tokio::select! {
                page = self.store.events(Some(since.clone())) => page,
                () = self.dispatcher.stopped() => return,
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    told::warn(&format!("events cannot be followed: {error}"));
                    tokio::time::sleep(FOLLOW_AGAIN).await;
                    continue;
                }
            };
            since = page.next;
            if page.missed || page.events.contains(&Event::Keys) {
                tell(self.access.refresh_keys().await);
            }
            if page.missed || page.events.contains(&Event::Workflows) {
                tell(self.publisher.refresh_switches().await);
                self.dispatcher.schedules_changed();
            }
        }
    }

    /// Reports when the store can no longer write, and when it can again, even without a request.
    pub(super) async fn watch_store(self: Arc<Self>) {
        let mut was_failing = false;
        while !self.dispatcher.is_stopping() {
            let failing = self.store.failing();
            match &failing {
                Some(error) => told::error(&format!("the store: {error}")),
                None if was_failing => tracing::info!("the store keeps what it is given again"),
                None => {}
            }
            was_failing = failing.is_some();
            tokio::select! { () = tokio::time::sleep(WATCH_STORE) => {}, () = self.dispatcher.stopped() => {} }
        }
    }

    /// Stores the use of keys, and prunes the history, until the engine stops.
    pub(super) async fn keep_house(self: Arc<Self>) {
        while !self.dispatcher.is_stopping() {
            self.access.write_key_use().await;
            let days = i64::from(self.retention.days);
            let retention = Retention {
                ended_before: self.clock.now().plus_millis(-days * 86_400_000),
                max_runs: self.retention.runs,
                slice: PRUNE_SLICE,
            };
            loop {
                match self.store.prune(retention.clone()).await {
                    Ok(pruned) if pruned.more && !self.dispatcher.is_stopping() => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    Ok(_) => break,
                    Err(error) => {
                        told::warn(&format!("old runs could not be deleted: {error}"));
                        break;
                    }
                }
            }
            told::tell_left_out();
            tokio::select! { () = tokio::time::sleep(HOUSEKEEPING) => {}, () = self.dispatcher.stopped() => {} }
        }
    }
}

fn tell(result: Result<(), StoreError>) {
    if let Err(error) = result {
        told::warn(&format!("a change in the store could not be followed: {error}"));
    }
}
