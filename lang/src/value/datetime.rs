//! Datetimes: an instant with an offset, years 1 to 9999.

use super::Number;
use super::zone::{Zone, local_time, offset_at, whole_minutes};
use chrono::{DateTime as ChronoDateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

const NANOS_PER_DAY: i128 = 86_400_000_000_000;
/// The wall clock 0001-01-01T00:00:00, in seconds since 1970 as if it were UTC.
const FIRST: i64 = -62_135_596_800;
/// The wall clock 9999-12-31T23:59:59.
const LAST: i64 = 253_402_300_799;
/// The largest offset in either direction: 18:59.
pub(super) const MAX_OFFSET: i32 = 68_340;

/// An instant with the offset of the wall clock that shows it. 16 bytes.
///
/// Two datetimes are equal when their instants are (lang/README.md, Values).
#[derive(Clone, Copy)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// 0 to 999,999,999
    nanos: u32,
    /// Seconds east of UTC.
    offset: i32,
}

impl DateTime {
    /// The seconds since 1970, if it has no fraction of one.
    pub(crate) fn whole_seconds(&self) -> Option<i64> {
        (self.nanos == 0).then_some(self.seconds)
    }

    /// The instant `seconds` and `nanos` after 1970-01-01T00:00:00Z, shown at `offset` seconds east of UTC, which are
    /// rounded to minutes. `None` if the wall clock is outside the years 1 to 9999 or the offset too large.
    pub fn from_unix(seconds: i64, nanos: u32, offset: i32) -> Option<Self> {
        let local = seconds.checked_add(i64::from(offset))?;
        let fits = (FIRST..=LAST).contains(&local) && nanos < 1_000_000_000 && offset.abs() <= MAX_OFFSET;
        fits.then(|| Self::clamped(seconds, nanos, offset))
    }

    /// The instant on a zone's wall clock; one that is outside the years 1 to 9999 only there is clamped. `None` if it
    /// is outside in every zone.
    pub fn from_unix_in(seconds: i64, nanos: u32, zone: Zone) -> Option<Self> {
        let most = i64::from(MAX_OFFSET);
        let fits = (FIRST - most..=LAST + most).contains(&seconds) && nanos < 1_000_000_000;
        fits.then(|| Self::clamped(seconds, nanos, offset_at(zone, seconds)))
    }

    /// A wall clock before year 1 becomes its first second, one after year 9999 its last; the fraction stays.
    fn clamped(seconds: i64, nanos: u32, offset: i32) -> Self {
        let offset = whole_minutes(offset);
        let local = seconds.saturating_add(i64::from(offset)).clamp(FIRST, LAST);
        Self { seconds: local - i64::from(offset), nanos, offset }
    }

    /// A wall clock at a fixed offset in seconds.
    pub fn from_local(local: NaiveDateTime, offset: i32) -> Option<Self> {
        let seconds = local.and_utc().timestamp().checked_sub(i64::from(offset))?;
        Self::from_unix(seconds, local.nanosecond().min(999_999_999), offset)
    }

    /// A wall clock in a zone. A time that does not exist moves forward by the gap; of two, the first is meant.
    pub fn from_local_in(local: NaiveDateTime, zone: Zone) -> Option<Self> {
        let seconds = local_time(zone, local.and_utc().timestamp()).first();
        Self::from_unix(seconds, local.nanosecond().min(999_999_999), offset_at(zone, seconds))
    }

    /// 0001-01-01T00:00:00+00:00, the default of the type.
    pub fn minimum() -> Self {
        Self { seconds: FIRST, nanos: 0, offset: 0 }
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// The nanoseconds within the second.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// Seconds east of UTC.
    pub fn offset(self) -> i32 {
        self.offset
    }

    /// The wall clock.
    pub fn local(self) -> NaiveDateTime {
        // `from_unix` has checked the range.
        ChronoDateTime::<Utc>::from_timestamp(self.seconds + i64::from(self.offset), self.nanos)
            .map_or_else(|| NaiveDate::default().into(), |at| at.naive_utc())
    }

    /// The same instant at another offset, clamped to the years 1 to 9999.
    #[must_use]
    pub fn at_offset(self, offset: i32) -> Self {
        Self::clamped(self.seconds, self.nanos, offset)
    }

    /// The same instant on a zone's wall clock, clamped to the years 1 to 9999.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        self.at_offset(offset_at(zone, self.seconds))
    }

    /// Does its offset agree with the zone's at that instant? Such a value follows the zone (lang/README.md, Values).
    pub fn follows(self, zone: Zone) -> bool {
        offset_at(zone, self.seconds) == self.offset
    }

    /// Another wall clock for the same value: in `zone` if it follows it, else at its own offset.
    pub fn with_local(self, local: NaiveDateTime, zone: Zone) -> Option<Self> {
        if self.follows(zone) { Self::from_local_in(local, zone) } else { Self::from_local(local, self.offset) }
    }

    /// `days` later on the wall clock, fractions allowed. `None` outside the years 1 to 9999.
    pub fn add_days(self, days: Number, zone: Zone) -> Option<Self> {
        let nanos = scaled(days, NANOS_PER_DAY)?;
        let local = self.local().checked_add_signed(time_delta(nanos)?)?;
        self.with_local(local, zone)
    }

    /// `amount` units of `unit_nanos` nanoseconds later in elapsed time. `None` outside the years 1 to 9999.
    pub fn add_elapsed(self, amount: Number, unit_nanos: i128, zone: Zone) -> Option<Self> {
        let nanos = self.unix_nanos().checked_add(scaled(amount, unit_nanos)?)?;
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
        let rest = nanos.rem_euclid(1_000_000_000) as u32;
        let offset = if self.follows(zone) { offset_at(zone, seconds) } else { self.offset };
        Self::from_unix(seconds, rest, offset)
    }

    /// `months` later on the wall clock, clamped to the month's end. `None` outside the years 1 to 9999.
    pub fn add_months(self, months: i64, zone: Zone) -> Option<Self> {
        let local = self.local();
        let all = i64::from(local.year()) * 12 + i64::from(local.month0()) + months;
        let year = i32::try_from(all.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
        let month = all.rem_euclid(12) as u32 + 1;
        let last = (28..=31).rev().find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some())?;
        let date = NaiveDate::from_ymd_opt(year, month, local.day().min(last))?;
        self.with_local(date.and_time(local.time()), zone)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub fn unix_nanos(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }
}

/// The days from `from` to `to` on the wall clock of the first argument `clock` of the operation (lang/README.md,
/// Values).
pub fn days_between(clock: DateTime, from: DateTime, to: DateTime, zone: Zone) -> Option<Number> {
    let follows = clock.follows(zone);
    let wall = |value: DateTime| {
        let offset = if follows { offset_at(zone, value.seconds) } else { clock.offset };
        value.unix_nanos() + i128::from(offset) * 1_000_000_000
    };
    ratio(wall(to) - wall(from), NANOS_PER_DAY)
}

/// `numerator / denominator` as a number, exact in its 28 digits.
pub(super) fn ratio(numerator: i128, denominator: i128) -> Option<Number> {
    let number = |value: i128| Number::parse(&value.to_string());
    number(numerator)?.checked_div(number(denominator)?)
}

fn scaled(amount: Number, unit: i128) -> Option<i128> {
    let whole = amount.truncate();
    let fraction = amount.checked_sub(whole)?;
    let unit_number = Number::parse(&unit.to_string())?;
    let rest = fraction.checked_mul(unit_number)?.round(0)?.to_i64()?;
    i128::from(whole.to_i64()?).checked_mul(unit)?.checked_add(i128::from(rest))
}

fn time_delta(nanos: i128) -> Option<TimeDelta> {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    TimeDelta::new(seconds, nanos.rem_euclid(1_000_000_000) as u32)
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        (self.seconds, self.nanos) == (other.seconds, other.nanos)
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.seconds, self.nanos).hash(state);
    }
}

impl fmt::Display for DateTime {
    /// ISO 8601: `2018-03-23T11:03:01+01:00`, a fraction only when it is not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.local();
        write!(f, "{:04}-{:02}-{:02}T", local.year(), local.month(), local.day())?;
        write!(f, "{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::zone::LocalTime;
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime {
        super::super::convert::parse_datetime(text, Zone::Europe__Stockholm).expect("test datetime")
    }

    fn days(value: DateTime, days: &str) -> String {
        let days = Number::parse(days).expect("test number");
        value.add_days(days, Zone::Europe__Stockholm).map_or_else(|| "none".into(), |d| d.to_string())
    }

    #[test]
    fn gaps_move_forward_and_folds_are_the_first() {
        assert_eq!(at("2024-03-31 02:30").to_string(), "2024-03-31T03:30:00+02:00");
        assert_eq!(at("2024-10-27 02:30").to_string(), "2024-10-27T02:30:00+02:00");
    }

    #[test]
    fn days_keep_the_wall_clock_and_hours_do_not() {
        let before = at("2024-03-30 08:00");
        assert_eq!(days(before, "1"), "2024-03-31T08:00:00+02:00");
        let hours = before.add_elapsed(Number::from(24), 3_600_000_000_000, Zone::Europe__Stockholm);
        assert_eq!(hours.map(|d| d.to_string()).as_deref(), Some("2024-03-31T09:00:00+02:00"));
        assert_eq!(days(at("2024-03-30T08:00:00Z"), "1.5"), "2024-03-31T20:00:00+00:00");
        assert_eq!(days(at("9999-12-31"), "1"), "none");
    }

    #[test]
    fn months_clamp() {
        let month = |text, n| at(text).add_months(n, Zone::Europe__Stockholm).map(|d| d.to_string());
        assert_eq!(month("2024-01-31", 1).as_deref(), Some("2024-02-29T00:00:00+01:00"));
        assert_eq!(month("2024-03-31", -1).as_deref(), Some("2024-02-29T00:00:00+01:00"));
        assert_eq!(month("0001-01-01", -1), None);
    }

    #[test]
    fn both_ends_of_the_calendar_clamp() {
        let ends = ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.9999999+00:00"];
        for zone in chrono_tz::TZ_VARIANTS {
            for end in ends {
                let there = at(end).in_zone(zone);
                let years = (there.local().year(), there.at_offset(0).local().year());
                assert!(years == (1, 1) || years == (9999, 9999), "{zone} {there}");
                assert_eq!(super::super::convert::parse_datetime(&there.to_string(), zone), Some(there));
            }
        }
        let shown = |text, zone| at(text).in_zone(zone).to_string();
        assert_eq!(shown("0001-01-01", Zone::UTC), "0001-01-01T00:00:00+00:00");
        assert_eq!(shown("0001-01-01T00:00:00Z", Zone::America__New_York), "0001-01-01T00:00:00-04:56");
        assert_eq!(shown("9999-12-31T23:59:59.9999999Z", Zone::Asia__Tokyo), "9999-12-31T23:59:59.9999999+09:00");
        // Arithmetic does not clamp, and days are counted even where a wall clock would be outside.
        assert_eq!(at("0001-01-01").add_elapsed(-Number::from(1), 1, Zone::Europe__Stockholm).map(|at| at.nanos), None);
        let (first, last) = (at("0001-01-01T00:00:00+18:59"), at("9999-12-31T00:00:00-18:59"));
        let days = days_between(last, first, last, Zone::UTC).map(|days| days.round(4).map(|days| days.to_string()));
        assert_eq!(days.flatten().as_deref(), Some("3652059.5819"));
    }

    proptest! {
        #[test]
        fn every_datetime_survives_its_text(
            seconds in FIRST - 86_400..=LAST + 86_400,
            nanos in prop_oneof![Just(0), 0..1_000_000_000u32],
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
            other in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let back = |text: &str| super::super::convert::parse_datetime(text, zone);
            if let Some(value) = DateTime::from_unix_in(seconds, nanos, other) {
                let text = value.to_string();
                prop_assert_eq!(back(&text), Some(value));
                prop_assert_eq!(back(&text).map(|back| back.offset), Some(value.offset));
                prop_assert_eq!(back(&value.in_zone(zone).to_string()), Some(value.in_zone(zone)));
            }
        }

        #[test]
        fn every_local_time_is_shown_or_moved_forward(
            local in FIRST..=LAST,
            zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        ) {
            let naive = ChronoDateTime::from_timestamp(local, 0).expect("an instant").naive_utc();
            let value = DateTime::from_local_in(naive, zone).expect("a datetime");
            prop_assert!(value.follows(zone));
            match local_time(zone, local) {
                LocalTime::Never(_) => prop_assert!(value.local() > naive),
                _ => prop_assert_eq!(value.local(), naive),
            }
        }
    }
}
