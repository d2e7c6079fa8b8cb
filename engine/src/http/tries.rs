//! The limit on failed sign-ins of one address: some at once, then one in a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many may fail at once.
const AT_ONCE: u32 = 10;
/// How long one of them counts.
const COUNTS: Duration = Duration::from_secs(30);

/// The failed sign-ins of one address.
#[derive(Debug, Default)]
pub struct Tries {
    /// When the last of them no longer counts: each adds [`COUNTS`] to it.
    until: Mutex<Option<Instant>>,
}

impl Tries {
    /// Counts a try before its credential is checked, so that tries at the same time count too. The error is the time
    /// to wait for the next.
    pub fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let next = until.map_or(now, |until| until.max(now)) + COUNTS;
        let wait = next.saturating_duration_since(now).saturating_sub(COUNTS * AT_ONCE);
        if wait.is_zero() {
            *until = Some(next);
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// A sign-in has succeeded: the tries before it no longer count.
    pub fn forget(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Does none of them count any more?
    pub fn is_forgotten(&self, now: Instant) -> bool {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_may_fail_at_once_and_then_one_in_a_while() {
        let (tries, start) = (Tries::default(), Instant::now());
        assert!(tries.is_forgotten(start));
        assert!((0..AT_ONCE).all(|_| tries.take(start).is_ok()));
        assert_eq!(tries.take(start), Err(COUNTS));
        assert_eq!(tries.take(start + COUNTS / 2), Err(COUNTS / 2));
        assert_eq!(tries.take(start + COUNTS), Ok(()));
        assert_eq!(tries.take(start + COUNTS), Err(COUNTS));
        assert!(!tries.is_forgotten(start + COUNTS * AT_ONCE));
        assert!(tries.is_forgotten(start + COUNTS * (AT_ONCE + 1)));
        tries.forget();
        assert!(tries.is_forgotten(start + COUNTS));
    }
}
