//! Datetimes: an instant with an offset, years 1 to 9999.

use super::Number;
use chrono::{
    DateTime as ChronoDateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone,
    Timelike, Utc,
};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// An IANA time zone.
pub type Zone = chrono_tz::Tz;

const NANOS_PER_DAY: i128 = 86_400_000_000_000;

/// An instant with the offset of the wall clock that shows it. 16 bytes.
///
/// Two datetimes are equal when their instants are (language.md §1).
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
    /// The seconds since 1970, where it has no fraction of one.
    pub(crate) fn whole_seconds(&self) -> Option<i64> {
        (self.nanos == 0).then_some(self.seconds)
    }

    /// The instant `seconds` and `nanos` after 1970-01-01T00:00:00Z, shown at `offset` seconds east of UTC.
    /// `None` where the wall clock is outside the years 1 to 9999 or the offset a day or more.
    pub fn from_unix(seconds: i64, nanos: u32, offset: i32) -> Option<Self> {
        let local = ChronoDateTime::from_timestamp(seconds.checked_add(i64::from(offset))?, nanos)?;
        ((1..=9999).contains(&local.year()) && nanos < 1_000_000_000 && offset.abs() < 86_400).then_some(Self {
            seconds,
            nanos,
            offset,
        })
    }

    /// The instant as a zone's wall clock shows it.
    pub fn from_unix_in(seconds: i64, nanos: u32, zone: Zone) -> Option<Self> {
        let utc = ChronoDateTime::from_timestamp(seconds, nanos)?.naive_utc();
        Self::from_unix(seconds, nanos, offset_at(zone, utc))
    }

    /// A wall clock at a fixed offset in seconds.
    pub fn from_local(local: NaiveDateTime, offset: i32) -> Option<Self> {
        let seconds = local.and_utc().timestamp().checked_sub(i64::from(offset))?;
        Self::from_unix(seconds, local.nanosecond().min(999_999_999), offset)
    }

    /// A wall clock in a zone. A time that does not exist moves forward by the gap; of two, it is the first.
    pub fn from_local_in(local: NaiveDateTime, zone: Zone) -> Option<Self> {
        match zone.offset_from_local_datetime(&local) {
            MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
                Self::from_local(local, offset.fix().local_minus_utc())
            }
            MappedLocalTime::None => {
                // The offset before the gap applied to a time inside it lands behind the gap.
                let before = local.checked_sub_signed(TimeDelta::days(1))?;
                let offset = match zone.offset_from_local_datetime(&before) {
                    MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => offset,
                    MappedLocalTime::None => return None,
                };
                let instant =
                    local.checked_sub_signed(TimeDelta::seconds(i64::from(offset.fix().local_minus_utc())))?;
                Self::from_unix_in(instant.and_utc().timestamp(), local.nanosecond().min(999_999_999), zone)
            }
        }
    }

    /// 0001-01-01T00:00:00+00:00, the default of the type.
    pub fn minimum() -> Self {
        Self { seconds: -62_135_596_800, nanos: 0, offset: 0 }
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

    /// The same instant at another offset.
    pub fn at_offset(self, offset: i32) -> Option<Self> {
        Self::from_unix(self.seconds, self.nanos, offset)
    }

    /// The same instant on a zone's wall clock.
    pub fn in_zone(self, zone: Zone) -> Option<Self> {
        Self::from_unix_in(self.seconds, self.nanos, zone)
    }

    /// Does its offset agree with the zone's at that instant? Such a value follows the zone (language.md §1).
    pub fn follows(self, zone: Zone) -> bool {
        self.in_zone(zone).is_some_and(|there| there.offset == self.offset)
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
        if self.follows(zone) {
            Self::from_unix_in(seconds, rest, zone)
        } else {
            Self::from_unix(seconds, rest, self.offset)
        }
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

/// The days from `from` to `to` on the wall clock of the first argument `clock` of the operation (language.md §1).
pub fn days_between(clock: DateTime, from: DateTime, to: DateTime, zone: Zone) -> Option<Number> {
    let local = |value: DateTime| {
        if clock.follows(zone) { value.in_zone(zone) } else { value.at_offset(clock.offset) }.map(DateTime::local)
    };
    let (from, to) = (local(from)?, local(to)?);
    let nanos = |at: NaiveDateTime| i128::from(at.and_utc().timestamp()) * 1_000_000_000 + i128::from(at.nanosecond());
    ratio(nanos(to) - nanos(from), NANOS_PER_DAY)
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

fn offset_at(zone: Zone, utc: NaiveDateTime) -> i32 {
    zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()
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
    use super::*;

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
}
