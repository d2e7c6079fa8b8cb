//! Time zones: the offset at an instant, and the instants of a local time. All code that needs either asks here.
//!
//! The tables of the IANA database end in 2099. After that the last rule of a zone applies: a date gets the offset of
//! the same date, on the same day of the week, in one of the last years of the tables. A zone without a rule at their
//! end keeps its last offset (Africa/Casablanca, where the tables predict each Ramadan until 2087, stays at +01:00).

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone};
use std::ops::RangeInclusive;

/// An IANA time zone.
pub type Zone = chrono_tz::Tz;

const DAY: i64 = 86_400;
/// 2099-01-01T00:00:00Z, from which earlier years are used instead.
const LATE: i64 = 4_070_908_800;
/// Each date has each day of the week in one of these years, and no zone has exceptions to its rule in them.
const STAND_INS: RangeInclusive<i32> = 2089..=2098;

/// When a zone's wall clock shows a local time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalTime {
    /// Once.
    Once(i64),
    /// Twice, since the clock was set back.
    Twice(i64, i64),
    /// Never, since the clock was set forward. The instant is the one at which a clock that was not changed shows it.
    Never(i64),
}

impl LocalTime {
    /// The first instant; a time that the clock skips is moved forward by the gap.
    pub fn first(self) -> i64 {
        match self {
            Self::Once(at) | Self::Twice(at, _) | Self::Never(at) => at,
        }
    }
}

/// The seconds that a zone's wall clock is ahead of UTC at an instant, in whole minutes.
///
/// Local mean times, which zones have before about 1900, are rounded: no text form of a datetime has room for seconds.
pub fn offset_at(zone: Zone, seconds: i64) -> i32 {
    let known = if seconds < LATE { Some(seconds) } else { stand_in(seconds) };
    let utc = known.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    utc.map_or(0, |utc| whole_minutes(zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()))
}

/// When a zone's wall clock shows a local time, which is given in seconds as if it were UTC.
pub fn local_time(zone: Zone, local: i64) -> LocalTime {
    // No offset is a day or more, and no two changes are within two days.
    let before = local.saturating_sub(i64::from(offset_at(zone, local.saturating_sub(DAY))));
    let after = local.saturating_sub(i64::from(offset_at(zone, local.saturating_add(DAY))));
    let shows = |at: i64| at.saturating_add(i64::from(offset_at(zone, at))) == local;
    match (shows(before), shows(after)) {
        (true, true) if before < after => LocalTime::Twice(before, after),
        (true, _) => LocalTime::Once(before),
        (false, true) => LocalTime::Once(after),
        (false, false) => LocalTime::Never(before),
    }
}

/// An offset in seconds rounded to minutes, half of one away from zero.
pub(super) fn whole_minutes(offset: i32) -> i32 {
    if offset % 60 == 0 { offset } else { (offset.abs() + 30) / 60 * 60 * offset.signum() }
}

/// The same date and time of day, on the same day of the week, in a year of the tables.
fn stand_in(seconds: i64) -> Option<i64> {
    let date = DateTime::from_timestamp(seconds, 0)?.date_naive();
    // No rule changes the clock on or about February 29.
    let date = if (date.month(), date.day()) == (2, 29) { date.pred_opt()? } else { date };
    let twin = STAND_INS
        .filter_map(|year| NaiveDate::from_ymd_opt(year, date.month(), date.day()))
        .find(|twin| twin.weekday() == date.weekday())?;
    let midnight = twin.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
    Some(midnight + seconds.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Weekday;

    fn at(year: i32, month: u32, day: u32, hour: u32) -> i64 {
        let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        date.and_hms_opt(hour, 0, 0).expect("a time").and_utc().timestamp()
    }

    fn sundays(year: i32, month: u32) -> Vec<u32> {
        let days = (1..=31).filter_map(|day| NaiveDate::from_ymd_opt(year, month, day));
        days.filter(|date| date.weekday() == Weekday::Sun).map(|date| date.day()).collect()
    }

    #[test]
    fn every_date_has_a_stand_in() {
        for year in [2100, 2104, 2111, 2400, 9999] {
            let first = at(year, 1, 1, 0);
            assert!((0..366).all(|day| stand_in(first + day * DAY).is_some()), "{year}");
        }
    }

    #[test]
    fn summer_time_goes_on_after_the_tables() {
        for year in (2090..2600).chain(9990..=9999) {
            let change = |zone, month, sunday: fn(&[u32]) -> u32, utc: i64, before: i32, after: i32| {
                let at = at(year, month, sunday(&sundays(year, month)), 0) + utc * 3600;
                let hours = (offset_at(zone, at - 1), offset_at(zone, at));
                assert_eq!(hours, (before * 3600, after * 3600), "{zone} {year}");
            };
            change(Zone::Europe__Stockholm, 3, |days| days[days.len() - 1], 1, 1, 2);
            change(Zone::Europe__Stockholm, 10, |days| days[days.len() - 1], 1, 2, 1);
            change(Zone::America__New_York, 3, |days| days[1], 7, -5, -4);
            change(Zone::America__New_York, 11, |days| days[0], 6, -4, -5);
            change(Zone::Pacific__Auckland, 4, |days| days[0], -10, 13, 12);
            change(Zone::Pacific__Auckland, 9, |days| days[days.len() - 1], -10, 12, 13);
        }
    }

    #[test]
    fn the_stand_ins_follow_one_rule_in_every_zone() {
        // Each change of a year comes again in all others, on the same day of the week and in the same week.
        let changes = |zone: Zone, year: i32| -> Vec<(u32, Weekday, i32)> {
            let first = at(year, 1, 1, 12);
            let days = (1..365).map(|day| first + day * DAY);
            days.filter(|day| offset_at(zone, *day) != offset_at(zone, day - DAY))
                .map(|day| {
                    let date = DateTime::from_timestamp(day, 0).expect("an instant").date_naive();
                    (date.month(), date.weekday(), offset_at(zone, day))
                })
                .collect()
        };
        for zone in chrono_tz::TZ_VARIANTS {
            // Southern zones begin the year in summer; each has the same changes either way.
            let wanted = changes(zone, 2090);
            assert!(wanted.len() <= 2, "{zone}: {wanted:?}");
            for year in STAND_INS {
                assert_eq!(changes(zone, year).len(), wanted.len(), "{zone} {year}");
            }
        }
    }

    #[test]
    fn a_zone_without_a_rule_keeps_its_last_offset() {
        for (year, month) in [(2090, 1), (2099, 7), (2150, 4), (9999, 12)] {
            assert_eq!(offset_at(Zone::Africa__Casablanca, at(year, month, 1, 0)), 3600);
            assert_eq!(offset_at(Zone::Asia__Tokyo, at(year, month, 1, 0)), 9 * 3600);
        }
    }

    #[test]
    fn local_times_exist_once_twice_or_never() {
        let zone = Zone::Europe__Stockholm;
        for year in [2024, 2150] {
            let spring = *sundays(year, 3).last().expect("a Sunday");
            let autumn = *sundays(year, 10).last().expect("a Sunday");
            assert_eq!(local_time(zone, at(year, 3, spring, 1)), LocalTime::Once(at(year, 3, spring, 0)));
            assert_eq!(local_time(zone, at(year, 3, spring, 2)), LocalTime::Never(at(year, 3, spring, 1)));
            assert_eq!(local_time(zone, at(year, 3, spring, 3)), LocalTime::Once(at(year, 3, spring, 1)));
            let twice = LocalTime::Twice(at(year, 10, autumn, 0), at(year, 10, autumn, 1));
            assert_eq!(local_time(zone, at(year, 10, autumn, 2)), twice);
            assert_eq!(local_time(zone, at(year, 10, autumn, 3)), LocalTime::Once(at(year, 10, autumn, 2)));
        }
    }

    #[test]
    fn offsets_are_whole_minutes() {
        for (offset, wanted) in [(4332, 4320), (-2670, -2700), (-2669, -2640), (-2671, -2700), (3600, 3600), (0, 0)] {
            assert_eq!(whole_minutes(offset), wanted, "{offset}");
        }
        assert_eq!(offset_at(Zone::Africa__Monrovia, -1), -2700);
        assert_eq!(offset_at(Zone::Europe__Stockholm, i64::MIN), 0);
    }
}
