//! The store's clock, as a parameter so that tests can drive it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Timestamp;

/// Where a store takes the time from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock: it may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment: it never goes back. Leases of an embedded store count in it, so that a wall
    /// clock that jumps takes no claim away.
    fn elapsed(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is as good as 1970: ids and lists need some instant, not a true one.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
