//! Whether the store can write: the results of the last transactions.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::locked::locked;
use crate::store::StoreError;

/// The age up to which a commit proves that the store works.
const FRESH: Duration = Duration::from_secs(1);

/// The known health of the store.
#[derive(Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Default)]
struct State {
    last_commit: Option<Instant>,
    failing: Option<StoreError>,
}

impl Health {
    /// A transaction was committed.
    pub fn committed(&self) {
        *locked(&self.0) = State { last_commit: Some(Instant::now()), failing: None };
    }

    /// A transaction, or a check of the file, has failed.
    pub fn failed(&self, error: &StoreError) {
        locked(&self.0).failing = Some(error.clone());
    }

    /// Why nothing can be stored, as far as that is known.
    pub fn failing(&self) -> Option<StoreError> {
        locked(&self.0).failing.clone()
    }

    /// Has it written something just now?
    pub fn is_fresh(&self) -> bool {
        let state = locked(&self.0);
        state.failing.is_none() && state.last_commit.is_some_and(|at| at.elapsed() < FRESH)
    }
}
