//! From local times to instants, by the rules for clock changes.
//!
//! A fixed time in a gap of the clock fires at the first instant after it, in a fold the first time. A pattern with `*`
//! or a step in hours or minutes skips a gap and fires through both halves of a fold.

use super::Cron;
use crate::clock::Timestamp;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use flowscript_lang::value::{LocalTime, local_time, offset_at};

/// Clocks do not change twice within this time, in seconds.
const STEP: i64 = 6 * 3600;
/// No occurrence of a cron expression is earlier, in seconds since 1970.
const EARLIEST: i64 = -86_400;

/// The instant of a fixed local time.
pub fn instant(local: NaiveDateTime, zone: Tz) -> Timestamp {
    let wall = local.and_utc().timestamp();
    match local_time(zone, wall) {
        LocalTime::Once(at) | LocalTime::Twice(at, _) => millis(at),
        LocalTime::Never(moved) => {
            // A gap of the clock: the change is the first instant after it, and `moved` is later.
            let mut at = moved - 2 * 86_400;
            while let Some(change) = change(zone, at, moved) {
                if change + i64::from(offset_at(zone, change)) > wall {
                    return millis(change);
                }
                at = change;
            }
            millis(moved)
        }
    }
}

/// The last instant of a local time: of two, it is the second.
pub fn last_instant(local: NaiveDateTime, zone: Tz) -> Timestamp {
    match local_time(zone, local.and_utc().timestamp()) {
        LocalTime::Twice(_, second) => millis(second),
        _ => instant(local, zone),
    }
}

/// The first occurrence of a cron expression after an instant.
pub(super) fn next(cron: &Cron, zone: Tz, after: Timestamp) -> Option<Timestamp> {
    let mut from = after.0.div_euclid(1000).saturating_add(1).max(EARLIEST);
    loop {
        // Up to the next change of the clock, local time has a fixed offset.
        let here = i64::from(offset_at(zone, from));
        let local = cron.at_or_after(from + here)?;
        let candidate = local - here;
        let Some(change) = change(zone, from, candidate) else {
            if !cron.is_pattern() && is_second_time(zone, local, candidate) {
                from = candidate + 1;
                continue;
            }
            return Some(millis(candidate));
        };
        let there = i64::from(offset_at(zone, change));
        if !cron.is_pattern() && cron.at_or_after(change + here).is_some_and(|local| local < change + there) {
            return Some(millis(change));
        }
        from = change;
    }
}

/// Is it the second of two instants with this local time?
fn is_second_time(zone: Tz, local: i64, instant: i64) -> bool {
    matches!(local_time(zone, local), LocalTime::Twice(first, _) if first < instant)
}

/// The first instant after `from`, and not after `to`, with another offset than the one before it.
fn change(zone: Tz, from: i64, to: i64) -> Option<i64> {
    let before = offset_at(zone, from);
    let mut low = from;
    while low < to {
        let high = low.saturating_add(STEP).min(to);
        if offset_at(zone, high) != before {
            let (mut low, mut high) = (low, high);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if offset_at(zone, middle) == before { low = middle } else { high = middle }
            }
            return Some(high);
        }
        low = high;
    }
    None
}

fn millis(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}
