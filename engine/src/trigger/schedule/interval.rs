//! Occurrences at regular intervals.

use super::calendar;
use crate::clock::Timestamp;
use chrono::{Months, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// An interval, counted from a local time: months and days keep the wall clock, seconds are elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first occurrence.
    pub from: NaiveDateTime,
    /// Months; the day is clamped to the end of each month.
    pub months: u32,
    /// Days.
    pub days: u32,
    /// Seconds.
    pub seconds: u32,
}

impl Interval {
    /// The first occurrence after an instant.
    pub(super) fn next(&self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        let first = calendar::instant(self.from, zone);
        if first > after {
            return Some(first);
        }
        if self.months == 0 && self.days == 0 {
            let step = i64::from(self.seconds) * 1000;
            return Some(Timestamp(first.0 + ((after.0 - first.0) / step.max(1) + 1) * step));
        }
        // A little too few for any months and clock changes in between.
        let longest = i64::from(self.months) * 31 * DAY + i64::from(self.days) * DAY + i64::from(self.seconds) * 1000;
        let mut number = ((after.0 - first.0 - 2 * DAY) / longest.max(1)).max(0);
        loop {
            let at = self.nth(number, zone)?;
            if at > after {
                return Some(at);
            }
            number += 1;
        }
    }

    fn nth(&self, number: i64, zone: Tz) -> Option<Timestamp> {
        let months = Months::new(u32::try_from(i64::from(self.months).checked_mul(number)?).ok()?);
        let days = TimeDelta::try_days(i64::from(self.days).checked_mul(number)?)?;
        let local = self.from.checked_add_months(months)?.checked_add_signed(days)?;
        let elapsed = i64::from(self.seconds).checked_mul(number)?.checked_mul(1000)?;
        Some(Timestamp(calendar::instant(local, zone).0.checked_add(elapsed)?))
    }
}
