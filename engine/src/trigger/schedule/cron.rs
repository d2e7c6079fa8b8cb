//! Cron expressions: five fields with the meaning of Vixie's cron, six or seven with that of Quartz.
//!
//! Their fields are read here, since the two dialects differ in days; the crate `cron` walks the calendar, in local time
//! as if it were UTC.

use ::cron::Schedule as Walk;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use std::str::FromStr;

/// The allowed years.
const YEARS: (u32, u32) = (1970, 2099);

/// A cron expression.
#[derive(Clone, Debug)]
pub struct Cron {
    /// The walks whose occurrences count: more than one if either of two fields of days is enough.
    walks: Vec<Walk>,
    /// Of days of the month only the last one counts, in the walk of this number.
    last_day: Option<usize>,
    /// Has it a `*` or a step in hours or minutes?
    pattern: bool,
}

/// A field: its label, its smallest and largest number, its names from the smallest on.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// Reads an expression. The error says what is wrong and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let written = match text.to_ascii_lowercase().as_str() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            named if named.starts_with('@') => {
                return Err(format!("`{text}` is not known; there are @hourly, @daily, @weekly, @monthly and @yearly"));
            }
            _ => text,
        };
        let fields: Vec<&str> = written.split_whitespace().collect();
        match fields.as_slice() {
            [minute, hour, day, month, weekday] => Self::of("0", minute, hour, day, month, weekday, "*", true),
            [second, minute, hour, day, month, weekday] => {
                Self::of(second, minute, hour, day, month, weekday, "*", false)
            }
            [second, minute, hour, day, month, weekday, year] => {
                Self::of(second, minute, hour, day, month, weekday, year, false)
            }
            other => Err(format!(
                "`{text}` has {} fields; a cron expression has 5 (minute hour day month weekday), 6 with seconds in front, \
                 or 7 with the year at the end",
                other.len()
            )),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the fields of an expression")]
    fn of(
        second: &str,
        minute: &str,
        hour: &str,
        day: &str,
        month: &str,
        weekday: &str,
        year: &str,
        vixie: bool,
    ) -> Result<Self, String> {
        let seconds = Field { name: "seconds", low: 0, high: 59, names: &[] }.read(second)?;
        let minutes = Field { name: "minutes", low: 0, high: 59, names: &[] }.read(minute)?;
        let hours = Field { name: "hours", low: 0, high: 23, names: &[] }.read(hour)?;
        let months = Field { name: "months", low: 1, high: 12, names: MONTHS }.read(month)?;
        let years = Field { name: "years", low: YEARS.0, high: YEARS.1, names: &[] }.read(year)?;
        let day = if day == "?" { "*" } else { day };
        let weekday = if weekday == "?" { "*" } else { weekday };
        for (field, text) in [("day of the month", day), ("day of the week", weekday)] {
            refuse_special(field, text)?;
        }
        // Vixie counts Sunday as 0 or 7, Quartz as 1; the walk counts as Quartz.
        let weekdays = if vixie {
            let read = Field { name: "days of the week", low: 0, high: 7, names: DAYS }.read(weekday)?;
            let mut days: Vec<u32> = read.into_iter().map(|day| day % 7 + 1).collect();
            days.sort_unstable();
            days.dedup();
            days
        } else {
            Field { name: "days of the week", low: 1, high: 7, names: DAYS }.read(weekday)?
        };
        let (last, plain): (Vec<&str>, Vec<&str>) = day.split(',').partition(|part| part.eq_ignore_ascii_case("L"));
        let days = match plain.as_slice() {
            [] => Vec::new(),
            plain => Field { name: "days of the month", low: 1, high: 31, names: &[] }.read(&plain.join(","))?,
        };
        if !vixie && day != "*" && weekday != "*" {
            return Err("with seconds, only one of the day of the month and the day of the week can be given; write `?` for the other".into());
        }
        let walk = |days: &[u32], weekdays: &[u32]| {
            let fields = [
                (&*seconds, 60),
                (&*minutes, 60),
                (&*hours, 24),
                (days, 31),
                (&*months, 12),
                (weekdays, 7),
                (&*years, 130),
            ];
            let lists = fields.map(|(numbers, all)| list(numbers, all));
            Walk::from_str(&lists.join(" ")).map_err(|error| format!("the expression cannot be read: {error}"))
        };
        let either = vixie && !day.starts_with('*') && !weekday.starts_with('*');
        let (all_days, all_weekdays): (Vec<u32>, Vec<u32>) = ((1..=31).collect(), (1..=7).collect());
        let with_days = if either { &all_weekdays } else { &weekdays };
        let mut walks = Vec::new();
        if !last.is_empty() {
            walks.push(walk(&[28, 29, 30, 31], with_days)?);
        }
        if !days.is_empty() {
            walks.push(walk(&days, with_days)?);
        }
        if either {
            walks.push(walk(&all_days, &weekdays)?);
        }
        let pattern = [minute, hour].iter().any(|field| field.contains(['*', '/']));
        Ok(Self { walks, last_day: (!last.is_empty()).then_some(0), pattern })
    }

    /// Has it a `*` or a step in hours or minutes?
    pub(super) fn is_pattern(&self) -> bool {
        self.pattern
    }

    /// The first local time from this one on, both in seconds as if local time were UTC.
    pub(super) fn at_or_after(&self, local: i64) -> Option<i64> {
        let before = naive(local - 1)?.and_utc();
        self.walks.iter().enumerate().filter_map(|(number, walk)| self.walked(number, walk, before)).min()
    }

    fn walked(&self, number: usize, walk: &Walk, before: DateTime<Utc>) -> Option<i64> {
        let mut times = walk.after(&before);
        let found = if self.last_day == Some(number) {
            times.find(|time| time.date_naive().succ_opt().is_some_and(|next| next.month() != time.month()))
        } else {
            times.next()
        };
        found.map(|time| time.timestamp())
    }
}

/// Seconds as a date and time of day.
fn naive(seconds: i64) -> Option<NaiveDateTime> {
    chrono::DateTime::UNIX_EPOCH.naive_utc().checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

/// Refuses characters that only other dialects have.
fn refuse_special(field: &str, text: &str) -> Result<(), String> {
    let upper = text.to_ascii_uppercase();
    let is_plain = |part: &str| DAYS.contains(&part) || part.chars().all(|c| c.is_ascii_digit() || c == '*');
    let of_month = field.ends_with("month");
    if upper.split(',').all(|part| part.split(['-', '/']).all(is_plain) || (of_month && part == "L")) {
        return Ok(());
    }
    let hint = if upper.contains('#') || upper.ends_with('L') || upper.contains('W') {
        "`W`, `#` and a day before `L` are not available: let it fire on all possible days, and end the run in its first step on the wrong ones"
    } else {
        "write numbers, names of days, `*`, or in the day of the month `L` for the last day"
    };
    Err(format!("`{text}` cannot be the {field}; {hint}"))
}

impl Field {
    /// The numbers of a field, in order.
    fn read(&self, text: &str) -> Result<Vec<u32>, String> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    (range, Some(step.parse().ok().filter(|step| *step > 0).ok_or_else(|| self.wrong(part))?))
                }
                None => (part, None),
            };
            let (low, high) = if range == "*" {
                (self.low, self.high)
            } else if let Some((low, high)) = range.split_once('-') {
                (self.number(low, part)?, self.number(high, part)?)
            } else {
                let number = self.number(range, part)?;
                (number, if step.is_some() { self.high } else { number })
            };
            if low > high {
                return Err(format!("`{part}` of the {} goes backwards; write two ranges", self.name));
            }
            numbers.extend((low..=high).step_by(step.unwrap_or(1)));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn number(&self, text: &str, part: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|at| {
            // Names of days begin with Sunday, which is the smallest number in both dialects.
            at as u32 + self.low
        });
        let number = named.or_else(|| text.parse().ok());
        number.filter(|number| (self.low..=self.high).contains(number)).ok_or_else(|| self.wrong(part))
    }

    fn wrong(&self, part: &str) -> String {
        let names = match self.names {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!("`{part}` is not valid for {}, which go from {} to {}{names}", self.name, self.low, self.high)
    }
}

/// The numbers of a field for the walk. If it holds all possible ones it is a `*`, which takes no memory: there may be
/// very many schedules.
fn list(numbers: &[u32], all: usize) -> String {
    if numbers.len() == all {
        return "*".to_owned();
    }
    let texts: Vec<String> = numbers.iter().map(u32::to_string).collect();
    texts.join(",")
}
