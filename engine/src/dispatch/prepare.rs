//! What acceptance must know of a run before it is stored: whether its input fits, its label, its lane.

use super::hosts::Hosts;
use crate::pool::{Panicked, Pool};
use crate::run::{Prepared, Work, prepare};
use crate::told;
use std::sync::Arc;
use std::time::Duration;

/// Why a run cannot be accepted.
#[derive(Debug)]
pub(super) enum Unready {
    /// The input does not fit, or it does not belong in the order.
    Refused(String),
    /// The key of its lane failed for another reason.
    Failed,
}

/// Prepares acceptance.
pub(super) struct Preparer {
    hosts: Arc<Hosts>,
    /// Threads that do not wait until scripts of runs are done.
    doors: Arc<Pool>,
}

impl Preparer {
    pub(super) fn new(hosts: Arc<Hosts>, doors: Arc<Pool>) -> Self {
        Self { hosts, doors }
    }

    /// Checks whether the input fits, and computes the label and the lane.
    pub(super) async fn prepare(&self, work: Work) -> Result<Prepared, Unready> {
        let id = work.workflow.id.clone();
        let (host, running) = self.hosts.host(&work.workflow, work.id, Duration::ZERO);
        let room = self.hosts.room(&work.workflow);
        let _caller = host.stop().cancelled_with();
        let prepared = self.doors.run(move || prepare(work, room, host)).await;
        drop(running);
        match prepared {
            Ok(Ok(prepared)) => Ok(prepared),
            Ok(Err(fault)) if fault.status == Some(400) => Err(Unready::Refused(fault.message)),
            Ok(Err(fault)) => {
                let reason = format!("a run of {id} cannot be accepted");
                told::error_of(&reason, || format!("{reason}: {}", fault.message));
                Err(Unready::Failed)
            }
            Err(Panicked) => Err(Unready::Failed),
        }
    }
}
