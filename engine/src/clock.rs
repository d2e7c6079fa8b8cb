//! The clock: the only source of the current time, and of waits for an instant. It is a parameter, so that tests pass
//! years in seconds.
//!
//! There are two kinds of time. The *wall clock* says what people mean by "at nine"; it may jump. *Elapsed* time only
//! goes forward; leases count in it, and [`Ahead`] compares the two to see by how much the wall clock was set back.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the wall clock is looked at during a wait for an instant: it may jump.
const LOOK: Duration = Duration::from_secs(10);
/// A wall clock that goes back by less than this, in milliseconds, was adjusted, not set back.
const LEAST: i64 = 1000;
/// Two looks further apart than this are not compared: the thread was delayed between them.
const HELD_UP: Duration = Duration::from_millis(100);

/// An instant in milliseconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This instant moved by `millis` milliseconds, staying in range.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Waiting for an instant.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The time source of the engine and its store.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The wall clock: it may jump.
    fn now(&self) -> Timestamp;

    /// The wall clock as seconds since 1970 and nanoseconds, as exactly as it is known.
    fn exact(&self) -> (i64, u32) {
        let now = self.now().0;
        (now.div_euclid(1000), now.rem_euclid(1000) as u32 * 1_000_000)
    }

    /// Time since some fixed moment: it never goes back. Leases of an embedded store count in it, so that a wall
    /// clock that jumps takes no claim away.
    fn elapsed(&self) -> Duration;

    /// Ready once the wall clock shows `at` or more, at most ten seconds late after a jump.
    fn until(&self, at: Timestamp) -> Waiting<'_>;

    /// Ready once [`Clock::elapsed`] is `elapsed` or more.
    fn after(&self, elapsed: Duration) -> Waiting<'_>;

    /// Has a test planted this fault in the engine of this clock?
    #[cfg(test)]
    #[allow(private_interfaces, reason = "tests of this crate alone see it")]
    fn planted(&self, _: crate::planted::Planted) -> bool {
        false
    }
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
        // A clock before 1970 counts as 1970: ids and lists need some instant, not a true one.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn exact(&self) -> (i64, u32) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn until(&self, at: Timestamp) -> Waiting<'_> {
        Box::pin(async move {
            loop {
                let left = at.0.saturating_sub(self.now().0);
                if left <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left as u64).min(LOOK)).await;
            }
        })
    }

    fn after(&self, elapsed: Duration) -> Waiting<'_> {
        let left = elapsed.saturating_sub(self.elapsed());
        Box::pin(tokio::time::sleep(left))
    }
}

/// How far the wall clock is ahead of elapsed time, as it was at the last look.
#[derive(Debug, Clone, Copy)]
pub struct Ahead(i64);

impl Ahead {
    /// A first look.
    pub fn of(clock: &dyn Clock) -> Self {
        let elapsed = clock.elapsed();
        Self(clock.now().0.saturating_sub(elapsed.as_millis() as i64))
    }

    /// By how many milliseconds the wall clock was set back since the last call; `None` if it was not.
    pub fn set_back(&mut self, clock: &dyn Clock) -> Option<i64> {
        let before = clock.elapsed();
        let now = Self::of(clock);
        if clock.elapsed().saturating_sub(before) > HELD_UP {
            return None;
        }
        let back = self.0.saturating_sub(now.0);
        *self = now;
        (back >= LEAST).then_some(back)
    }
}

/// The wall clock for irreversible actions, such as deleting old history: a jump forward counts only once it has lasted
/// for an hour, since it may be a mistake that is corrected. Going back counts at once.
#[derive(Debug, Clone, Copy)]
pub struct Trusted {
    /// How far the wall clock is ahead of elapsed time, as far as it is trusted.
    ahead: i64,
    /// A larger lead that is not trusted yet, and since when.
    doubt: Option<(i64, Duration)>,
}

impl Trusted {
    /// A jump of at most this, in milliseconds, is trusted at once, and a larger one after the same time.
    const LEAST: i64 = 3_600_000;
    /// How long an engine may have been off, in milliseconds.
    const OFF: i64 = 7 * 86_400_000;

    /// A clock that is right.
    pub fn of(clock: &dyn Clock) -> Self {
        Self { ahead: Ahead::of(clock).0, doubt: None }
    }

    /// A clock that is right unless it is far ahead of `newest`, a past instant.
    pub fn since(clock: &dyn Clock, newest: Timestamp) -> Self {
        let Ahead(ahead) = Ahead::of(clock);
        let off = clock.now().0.saturating_sub(newest.0);
        if off <= Self::OFF {
            return Self { ahead, doubt: None };
        }
        Self { ahead: ahead.saturating_sub(off), doubt: Some((ahead, clock.elapsed())) }
    }

    /// The time that is trusted. Asked for often, so that it sees how long a jump has lasted.
    pub fn now(&mut self, clock: &dyn Clock) -> Timestamp {
        let (Ahead(ahead), elapsed) = (Ahead::of(clock), clock.elapsed());
        if ahead.saturating_sub(self.ahead) <= Self::LEAST {
            *self = Self { ahead, doubt: None };
        } else {
            match self.doubt {
                Some((seen, since)) if seen.abs_diff(ahead) <= Self::LEAST as u64 => {
                    if elapsed.saturating_sub(since).as_millis() >= Self::LEAST as u128 {
                        *self = Self { ahead, doubt: None };
                    }
                }
                _ => self.doubt = Some((ahead, elapsed)),
            }
        }
        Timestamp(self.ahead.saturating_add(elapsed.as_millis() as i64))
    }
}

/// Is this fault planted in the engine of this clock? Never outside tests.
macro_rules! planted {
    ($clock:expr, $fault:ident) => {{
        #[cfg(test)]
        let planted = $crate::clock::Clock::planted($clock, $crate::planted::Planted::$fault);
        #[cfg(not(test))]
        let planted = false;
        planted
    }};
}

#[cfg(test)]
pub(crate) use driven::TestClock;

#[cfg(test)]
mod driven {
    use super::*;
    use crate::planted::Planted;
    use tokio::sync::watch;

    /// A clock that moves when a test says so.
    #[derive(Debug)]
    pub(crate) struct TestClock {
        /// The wall clock and elapsed time, in milliseconds: both move at once.
        shown: watch::Sender<(i64, u64)>,
        planted: Option<Planted>,
    }

    impl TestClock {
        /// A clock that shows `now`.
        pub(crate) fn new(now: Timestamp) -> Self {
            Self { shown: watch::Sender::new((now.0, 0)), planted: None }
        }

        /// The same for an engine with a planted fault.
        pub(crate) fn with_planted(now: Timestamp, planted: Option<Planted>) -> Self {
            Self { planted, ..Self::new(now) }
        }

        /// Both clocks advance.
        pub(crate) fn pass(&self, millis: u64) {
            self.shown.send_modify(|(now, elapsed)| {
                *now += millis as i64;
                *elapsed += millis;
            });
        }

        /// Sets the wall clock; no time passes.
        pub(crate) fn jump(&self, millis: i64) {
            self.shown.send_modify(|(now, _)| *now += millis);
        }

        /// Sets the wall clock to an instant; no time passes.
        pub(crate) fn set(&self, at: Timestamp) {
            self.shown.send_modify(|(now, _)| *now = at.0);
        }
    }

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            Timestamp(self.shown.borrow().0)
        }

        fn elapsed(&self) -> Duration {
            Duration::from_millis(self.shown.borrow().1)
        }

        fn until(&self, at: Timestamp) -> Waiting<'_> {
            let mut shown = self.shown.subscribe();
            Box::pin(async move {
                // The sender lives as long as the clock.
                let _ = shown.wait_for(|(now, _)| *now >= at.0).await;
            })
        }

        fn after(&self, elapsed: Duration) -> Waiting<'_> {
            let mut shown = self.shown.subscribe();
            Box::pin(async move {
                let _ = shown.wait_for(|(_, passed)| Duration::from_millis(*passed) >= elapsed).await;
            })
        }

        fn planted(&self, fault: Planted) -> bool {
            self.planted == Some(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_was_set_back_is_told() {
        let clock = TestClock::new(Timestamp(1_000_000));
        let mut ahead = Ahead::of(&clock);
        clock.pass(5_000);
        assert_eq!(ahead.set_back(&clock), None);
        clock.jump(60_000);
        assert_eq!(ahead.set_back(&clock), None);
        clock.jump(-999);
        assert_eq!(ahead.set_back(&clock), None);
        clock.jump(-7_000);
        clock.pass(100);
        assert_eq!(ahead.set_back(&clock), Some(7_000));
        assert_eq!(ahead.set_back(&clock), None);
    }

    #[test]
    fn a_jump_forward_is_trusted_once_it_has_lasted() {
        const YEARS: i64 = 10 * 365 * 86_400_000;
        let clock = TestClock::new(Timestamp(1_000_000));
        let mut trusted = Trusted::of(&clock);
        clock.jump(YEARS);
        assert_eq!(trusted.now(&clock), Timestamp(1_000_000));
        clock.pass(5_000);
        assert_eq!(trusted.now(&clock), Timestamp(1_005_000));
        clock.jump(-YEARS);
        assert_eq!(trusted.now(&clock), Timestamp(1_005_000));
        clock.jump(3_600_000);
        assert_eq!(trusted.now(&clock), clock.now(), "an hour may be a change of the clock");
        clock.jump(YEARS);
        trusted.now(&clock);
        clock.pass(3_600_000);
        assert_eq!(trusted.now(&clock), clock.now());
        clock.jump(-2 * YEARS);
        assert_eq!(trusted.now(&clock), clock.now());
        // The engine was off for two days, or for ten years.
        let off = |millis: i64| clock.now().plus_millis(-millis);
        assert_eq!(Trusted::since(&clock, off(2 * 86_400_000)).now(&clock), clock.now());
        assert_eq!(Trusted::since(&clock, off(YEARS)).now(&clock), off(YEARS));
    }

    #[tokio::test]
    async fn an_instant_that_is_over_is_not_waited_for() {
        let clock = SystemClock::default();
        clock.until(clock.now()).await;
        clock.until(clock.now().plus_millis(20)).await;
        assert!(clock.elapsed() >= Duration::from_millis(19));
    }
}
