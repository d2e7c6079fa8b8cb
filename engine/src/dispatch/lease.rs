//! The lease of this process, without which it claims no runs.

use super::hosts::Hosts;
use super::stopping::Stopping;
use crate::store::{OwnerId, Store, StoreError};
use crate::told;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a claim holds without being renewed.
const LEASE: Duration = Duration::from_secs(30);

/// The lease that claims need.
pub(super) struct Lease {
    store: Arc<dyn Store>,
    hosts: Arc<Hosts>,
    stopping: Arc<Stopping>,
    owner: OwnerId,
    is_held: AtomicBool,
}

impl Lease {
    /// A lease that is not taken yet.
    pub(super) fn new(store: Arc<dyn Store>, hosts: Arc<Hosts>, stopping: Arc<Stopping>) -> Self {
        Self { store, hosts, stopping, owner: OwnerId::random(), is_held: AtomicBool::new(false) }
    }

    /// Who claims.
    pub(super) fn owner(&self) -> OwnerId {
        self.owner
    }

    /// May runs be claimed?
    pub(super) fn may_claim(&self) -> bool {
        self.is_held.load(Ordering::Relaxed) && !self.stopping.has_begun()
    }

    /// Takes it.
    pub(super) async fn take(&self) -> Result<(), StoreError> {
        self.store.renew(self.owner, LEASE).await?;
        self.is_held.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Gives it back.
    pub(super) async fn release(&self) {
        if let Err(error) = self.store.release(self.owner).await {
            tracing::warn!("the lease could not be given back: {error}");
        }
    }

    /// Renews it until the engine stops. Before a lease that cannot be renewed ends, its runs are left: other processes
    /// may continue them.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut renewed = Instant::now();
        loop {
            tokio::select! { () = tokio::time::sleep(LEASE / 6) => {}, () = self.stopping.begun() => return }
            let asked = Instant::now();
            match self.store.renew(self.owner, LEASE).await {
                Ok(()) => {
                    renewed = asked;
                    if !self.is_held.load(Ordering::Relaxed) {
                        self.take_again().await;
                    }
                    self.is_held.store(true, Ordering::Relaxed);
                }
                Err(error) => {
                    told::warn(&format!("the lease could not be renewed: {error}"));
                    if renewed.elapsed() > LEASE / 2 && self.is_held.swap(false, Ordering::Relaxed) {
                        tracing::error!("the lease is about to end: runs at work are left to others");
                        self.hosts.abandon_all();
                    }
                }
            }
        }
    }

    /// Runs that were left while the lease could not be renewed are claimed again: their claims are still in the store.
    async fn take_again(&self) {
        let freed = self.store.release(self.owner).await;
        if let Err(error) = freed.and(self.store.renew(self.owner, LEASE).await) {
            told::error(&format!("the lease could not be taken again: {error}"));
        }
    }
}
