//! Datetimes from text, by the patterns that write them.

use super::culture::Culture;
use super::names::{Form, Width};
use super::picture::{Field, Picture};
use crate::show::quoted;
use chrono::{Datelike, NaiveDate, NaiveTime};
use flowscript_lang::value::{DateTime, Zone};

/// What stands for the parts a pattern does not have.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// The date of a pattern without one; its year for a pattern without a year.
    pub today: NaiveDate,
    /// The zone of a pattern without an offset.
    pub zone: Zone,
}

/// The parts found in a text.
#[derive(Default)]
struct Parts {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
    weekday: Option<u32>,
    hour: Option<u32>,
    hour12: Option<u32>,
    afternoon: Option<bool>,
    minute: Option<u32>,
    second: Option<u32>,
    nanos: Option<u32>,
    offset: Option<i32>,
}

/// The datetime in a text that a pattern wrote: the inverse of `format_datetime`. The error says what does not fit.
///
/// Without a date it is today's, without a year this year's; other missing parts are the first of their kind.
pub fn parse_datetime(text: &str, pattern: &str, culture: &Culture, defaults: Defaults) -> Result<DateTime, String> {
    let picture = Picture::new(pattern, culture).map_err(|error| match error {
        super::FormatError::Pattern(message) => message,
        super::FormatError::TooLong => "the pattern is too long.".into(),
    })?;
    let mismatch = |rest: &str, wanted: String| {
        let at = text.chars().count() - rest.chars().count();
        format!(
            "the text {} does not fit the pattern {}: at position {at} {wanted} was expected.",
            quoted(text),
            quoted(pattern)
        )
    };
    let mut parts = Parts::default();
    let mut rest = text;
    for (at, field) in picture.fields.iter().enumerate() {
        // A point before `F` may be missing with the digits.
        let optional_point = matches!(field, Field::Literal(literal) if literal == ".")
            && matches!(picture.fields.get(at + 1), Some(Field::ShortFraction(_)));
        if optional_point && !rest.starts_with('.') {
            continue;
        }
        rest = read(field, rest, &mut parts, picture.culture).ok_or_else(|| mismatch(rest, wanted(field)))?;
    }
    if !rest.is_empty() {
        return Err(mismatch(rest, "the end".into()));
    }
    if picture.utc {
        parts.offset = Some(0);
    }
    parts.datetime(defaults).map_err(|problem| format!("the text {} is no datetime: {problem}.", quoted(text)))
}

/// Reads a field from the start of a text and gives the rest.
fn read<'a>(field: &Field, text: &'a str, parts: &mut Parts, culture: &Culture) -> Option<&'a str> {
    // One digit in the pattern takes one or two, two digits take two.
    let short = |width: usize, part: &mut Option<u32>| number(text, width, 2.max(width), part);
    match field {
        Field::Year(width @ (1 | 2)) => {
            let mut year = None;
            let rest = number(text, *width, 2, &mut year)?;
            // As .NET: 49 is 2049 and 50 is 1950.
            parts.year = year.map(|year| if year < 50 { 2000 + year } else { 1900 + year });
            Some(rest)
        }
        Field::Year(width) => number(text, *width, 4.max(*width), &mut parts.year),
        Field::Month(width) => short(*width, &mut parts.month),
        Field::Day(width) => short(*width, &mut parts.day),
        Field::Hour(width) => short(*width, &mut parts.hour),
        Field::Hour12(width) => short(*width, &mut parts.hour12),
        Field::Minute(width) => short(*width, &mut parts.minute),
        Field::Second(width) => short(*width, &mut parts.second),
        Field::MonthName(width, _) => {
            let forms = [Form::Alone, Form::BehindDay];
            let names = forms.into_iter().flat_map(|form| (1..=12).map(move |month| (month, form)));
            longest(
                text,
                names.map(|(month, form)| (month, culture.month(month, *width, form).into())),
                &mut parts.month,
            )
        }
        Field::DayName(width) => {
            longest(text, (0..7).map(|day| (day, culture.day(day, *width).into_owned())), &mut parts.weekday)
        }
        Field::Fraction(count) => fraction(text, *count, *count, parts),
        Field::ShortFraction(count) => fraction(text, 0, *count, parts),
        Field::HalfDay(width) => half_day(text, *width, parts, culture),
        Field::Offset(width) => offset(text, *width, parts),
        Field::Era => text.strip_prefix(culture.era),
        Field::Literal(literal) => text.strip_prefix(literal.as_str()),
    }
}

fn wanted(field: &Field) -> String {
    match field {
        Field::Year(_) => "a year".into(),
        Field::Month(_) => "a month".into(),
        Field::MonthName(..) => "the name of a month".into(),
        Field::Day(_) => "a day".into(),
        Field::DayName(_) => "the name of a day".into(),
        Field::Hour(_) | Field::Hour12(_) => "an hour".into(),
        Field::Minute(_) => "a minute".into(),
        Field::Second(_) => "a second".into(),
        Field::Fraction(_) | Field::ShortFraction(_) => "a fraction of a second".into(),
        Field::HalfDay(_) => "AM or PM".into(),
        Field::Offset(_) => "an offset such as +02:00".into(),
        Field::Era => "the era".into(),
        Field::Literal(literal) => quoted(literal),
    }
}

/// A number of `least` to `most` digits.
fn number<'a>(text: &'a str, least: usize, most: usize, part: &mut Option<u32>) -> Option<&'a str> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    *part = Some(digits.parse().ok()?);
    Some(rest)
}

/// The longest of several names at the start of a text, in any case.
fn longest<'a>(text: &'a str, names: impl Iterator<Item = (u32, String)>, part: &mut Option<u32>) -> Option<&'a str> {
    let after = |name: &str| {
        let end = text.char_indices().nth(name.chars().count()).map_or(text.len(), |(at, _)| at);
        let same = !name.is_empty() && text[..end].to_lowercase() == name.to_lowercase();
        same.then(|| &text[end..])
    };
    let (value, rest) =
        names.filter_map(|(value, name)| Some((value, after(&name)?))).min_by_key(|(_, rest)| rest.len())?;
    *part = Some(value);
    Some(rest)
}

fn fraction<'a>(text: &'a str, least: usize, most: usize, parts: &mut Parts) -> Option<&'a str> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    parts.nanos = Some(format!("{digits:0<9}").parse().ok()?);
    Some(rest)
}

fn half_day<'a>(text: &'a str, width: Width, parts: &mut Parts, culture: &Culture) -> Option<&'a str> {
    let name = |afternoon| match width {
        Width::Full => culture.half_day(afternoon).to_owned(),
        Width::Short => culture.half_day(afternoon).chars().take(1).collect(),
    };
    if name(false).is_empty() {
        return Some(text);
    }
    let mut found = None;
    let rest = longest(text, [(0, name(false)), (1, name(true))].into_iter(), &mut found)?;
    parts.afternoon = found.map(|half| half == 1);
    Some(rest)
}

fn offset<'a>(text: &'a str, width: usize, parts: &mut Parts) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']).filter(|_| width == 3) {
        parts.offset = Some(0);
        return Some(rest);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (mut hours, mut minutes) = (None, None);
    let mut rest = number(&text[1..], width.min(2), 2, &mut hours)?;
    if width == 3 {
        rest = number(rest.strip_prefix(':')?, 2, 2, &mut minutes)?;
    }
    let (hours, minutes) = (hours?, minutes.unwrap_or(0));
    parts.offset = Some(sign * (hours * 3600 + minutes * 60) as i32);
    (hours <= 18 && minutes < 60).then_some(rest)
}

impl Parts {
    fn datetime(&self, defaults: Defaults) -> Result<DateTime, String> {
        let date = self.date(defaults.today)?;
        let time = self.time()?;
        if let Some(day) = self.weekday
            && day != date.weekday().num_days_from_sunday()
        {
            return Err(format!("{date} is another day of the week"));
        }
        let local = date.and_time(time);
        let value = match self.offset {
            Some(offset) => DateTime::from_local(local, offset),
            None => DateTime::from_local_in(local, defaults.zone),
        };
        value.ok_or_else(|| "it is outside the years 1 to 9999".into())
    }

    fn date(&self, today: NaiveDate) -> Result<NaiveDate, String> {
        if (self.year, self.month, self.day) == (None, None, None) {
            return Ok(today);
        }
        let year = self.year.map_or(today.year(), |year| year as i32);
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let date = NaiveDate::from_ymd_opt(year, month, day).filter(|_| (1..=9999).contains(&year));
        date.ok_or_else(|| format!("there is no day {day} in month {month} of {year}"))
    }

    fn time(&self) -> Result<NaiveTime, String> {
        let hour = match (self.hour, self.hour12, self.afternoon) {
            (Some(hour), ..) => hour,
            (None, Some(hour @ 0..=12), Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            (None, hour, _) => hour.unwrap_or(0),
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        NaiveTime::from_hms_nano_opt(hour, minute, second, self.nanos.unwrap_or(0))
            .filter(|_| second < 60)
            .ok_or_else(|| format!("there is no time {hour:02}:{minute:02}:{second:02}"))
    }
}
