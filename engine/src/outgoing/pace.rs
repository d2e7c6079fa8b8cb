//! The rate of the body of an answer: one that never ends is dropped, however long its step may take.

use std::time::{Duration, Instant};

/// A body that is slower than this many bytes a second, over this time, is dropped.
pub(super) const LEAST_RATE: usize = 100;
const PACE_TIME: Duration = Duration::from_secs(30);

/// Measures the rate of a body at intervals.
pub(super) struct Pace {
    since: Instant,
    bytes: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), bytes: 0 }
    }

    pub(super) fn came(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// How long until the next look.
    pub(super) fn left(&self) -> Duration {
        PACE_TIME.saturating_sub(self.since.elapsed())
    }

    /// Did enough arrive since the last look?
    pub(super) fn goes_on(&mut self) -> bool {
        let enough = self.bytes >= LEAST_RATE * PACE_TIME.as_secs() as usize;
        *self = Self::new();
        enough
    }
}
