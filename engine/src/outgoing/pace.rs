//! How fast the body of an answer comes: one that never ends is not waited for, however long its step may take.

use std::time::{Duration, Instant};

/// A body that comes more slowly than this many bytes a second, over this time, is not waited for.
pub(super) const LEAST_RATE: usize = 100;
const PACE_TIME: Duration = Duration::from_secs(30);

/// How fast a body comes, looked at now and then.
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

    /// Did enough come since the last look?
    pub(super) fn goes_on(&mut self) -> bool {
        let enough = self.bytes >= LEAST_RATE * PACE_TIME.as_secs() as usize;
        *self = Self::new();
        enough
    }
}
