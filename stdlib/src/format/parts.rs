//! The parts of a datetime in a text, and the datetime that they form.

use chrono::{Datelike, NaiveDate, NaiveTime};
use flowscript_lang::value::{DateTime, Zone};
use std::fmt::Display;

/// The values of the parts that a pattern does not have.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// The date of a pattern without one; its year for a pattern without a year.
    pub today: NaiveDate,
    /// The zone of a pattern without an offset.
    pub zone: Zone,
}

/// The parts found in a text. A part may come more than once, but not with two values.
#[derive(Default)]
pub(super) struct Parts {
    year: Option<u32>,
    /// The last two digits of the year.
    short_year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    weekday: Option<u32>,
    hour: Option<u32>,
    /// The hour of a clock of 12 hours.
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    /// Nanoseconds and the number of digits that are known of them.
    fraction: Option<(u32, u32)>,
    /// Seconds, and whether the minutes are known.
    offset: Option<(i32, bool)>,
}

/// A part that is a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    ShortYear,
    Month,
    Day,
    Weekday,
    Hour,
    Hour12,
    Minute,
    Second,
}

impl Parts {
    /// Keeps a part. The error says that the text gives it twice with different values.
    pub(super) fn set(&mut self, part: Part, value: u32) -> Result<(), String> {
        let (place, name) = match part {
            Part::Year => (&mut self.year, "year"),
            Part::ShortYear => (&mut self.short_year, "year"),
            Part::Month => (&mut self.month, "month"),
            Part::Day => (&mut self.day, "day"),
            Part::Weekday => (&mut self.weekday, "day of the week"),
            Part::Hour | Part::Hour12 => (if part == Part::Hour { &mut self.hour } else { &mut self.hour12 }, "hour"),
            Part::Minute => (&mut self.minute, "minute"),
            Part::Second => (&mut self.second, "second"),
        };
        match *place {
            Some(known) if known != value && part == Part::Weekday => Err("it names two days of the week".into()),
            Some(known) if known != value => Err(twice(name, known, value)),
            _ => {
                *place = Some(value);
                Ok(())
            }
        }
    }

    pub(super) fn set_afternoon(&mut self, afternoon: bool) -> Result<(), String> {
        if self.afternoon.is_some_and(|known| known != afternoon) {
            return Err("it has both AM and PM".into());
        }
        self.afternoon = Some(afternoon);
        Ok(())
    }

    /// Keeps a fraction of which `digits` digits are known; further digits of another one must not contradict.
    pub(super) fn set_fraction(&mut self, nanos: u32, digits: u32) -> Result<(), String> {
        let Some((known, known_digits)) = self.fraction else {
            self.fraction = Some((nanos, digits));
            return Ok(());
        };
        let unit = 10u32.pow(9 - digits.min(known_digits));
        if known / unit != nanos / unit {
            return Err(twice("fraction of a second", format!(".{known:09}"), format!(".{nanos:09}")));
        }
        if digits > known_digits {
            self.fraction = Some((nanos, digits));
        }
        Ok(())
    }

    /// Keeps an offset in seconds; one without minutes agrees with any of the same hours.
    pub(super) fn set_offset(&mut self, seconds: i32, has_minutes: bool) -> Result<(), String> {
        let Some((known, known_minutes)) = self.offset else {
            self.offset = Some((seconds, has_minutes));
            return Ok(());
        };
        let unit = if has_minutes && known_minutes { 1 } else { 3600 };
        if known / unit != seconds / unit {
            return Err("it has two different offsets".into());
        }
        if has_minutes {
            self.offset = Some((seconds, true));
        }
        Ok(())
    }

    /// The datetime of the parts; the error says what is wrong with them.
    pub(super) fn datetime(&self, defaults: Defaults) -> Result<DateTime, String> {
        let date = self.date(defaults.today)?;
        let time = self.time()?;
        if self.weekday.is_some_and(|day| day != date.weekday().num_days_from_sunday()) {
            return Err(format!("{date} is another day of the week"));
        }
        let local = date.and_time(time);
        let value = match self.offset {
            Some((offset, _)) => DateTime::from_local(local, offset),
            None => DateTime::from_local_in(local, defaults.zone),
        };
        value.ok_or_else(|| "it is outside the years 1 to 9999".into())
    }

    fn date(&self, today: NaiveDate) -> Result<NaiveDate, String> {
        let year = self.year()?;
        if (year, self.month, self.day) == (None, None, None) {
            return Ok(today);
        }
        let year = year.map_or(today.year(), |year| year as i32);
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| (1..=9999).contains(&year));
        date.ok_or_else(|| format!("there is no day {day} in month {month} of {year}"))
    }

    fn year(&self) -> Result<Option<u32>, String> {
        match (self.year, self.short_year) {
            (Some(year), Some(short)) if year % 100 != short => Err(twice("year", year, format!("{short:02}"))),
            // As .NET: 49 is 2049 and 50 is 1950.
            (None, Some(short)) => Ok(Some(if short < 50 { 2000 + short } else { 1900 + short })),
            (year, _) => Ok(year),
        }
    }

    fn time(&self) -> Result<NaiveTime, String> {
        let hour = self.hour()?;
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        let nanos = self.fraction.map_or(0, |(nanos, _)| nanos);
        NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)
            .filter(|_| second < 60)
            .ok_or_else(|| format!("there is no time {hour:02}:{minute:02}:{second:02}"))
    }

    /// As .NET: an hour of 12 without AM or PM is in the morning, and AM or PM must not contradict an hour of 24.
    fn hour(&self) -> Result<u32, String> {
        let Some(hour12) = self.hour12 else {
            let hour = self.hour.unwrap_or(0);
            return match self.afternoon {
                Some(true) if self.hour.is_none() => Err("it has PM and no hour".into()),
                Some(afternoon) if afternoon != (hour >= 12) => {
                    let half = if afternoon { "PM" } else { "AM" };
                    Err(format!("{half} contradicts the hour {hour} of a 24-hour clock; with {half} the pattern is h"))
                }
                _ => Ok(hour),
            };
        };
        if hour12 > 12 {
            return Err(format!("there is no hour {hour12} on a 12-hour clock; for 24 hours the pattern is H"));
        }
        let afternoon = self.afternoon.or(self.hour.map(|hour| hour >= 12)).unwrap_or(false);
        let hour = hour12 % 12 + if afternoon { 12 } else { 0 };
        match self.hour {
            Some(other) if other != hour => Err(twice("hour", hour12, other)),
            _ => Ok(hour),
        }
    }
}

fn twice(name: &str, first: impl Display, second: impl Display) -> String {
    format!("its {name} is {first} in one place and {second} in another")
}
