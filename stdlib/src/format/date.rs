//! Datetimes as text.

use super::FormatError;
use super::culture::Culture;
use super::names::Width;
use super::picture::{Field, Picture};
use chrono::{Datelike, NaiveDateTime, Timelike};
use flowscript_lang::value::DateTime;
use std::fmt::Write;

/// A datetime as text, by a standard or custom pattern.
pub fn format_datetime(value: DateTime, pattern: &str, culture: &Culture) -> Result<String, FormatError> {
    let picture = Picture::new(pattern, culture)?;
    let shown = if picture.utc { value.at_offset(0) } else { value };
    let local = shown.local();
    let mut out = String::new();
    for field in &picture.fields {
        write_field(&mut out, field, local, shown.offset(), picture.culture);
    }
    Ok(out)
}

fn write_field(out: &mut String, field: &Field, local: NaiveDateTime, offset: i32, culture: &Culture) {
    // Writing to a String cannot fail.
    let mut padded = |number: u32, width: usize| {
        let _ = write!(out, "{number:0width$}");
    };
    let year = local.year().unsigned_abs();
    match field {
        Field::Year(width @ (1 | 2)) => padded(year % 100, *width),
        Field::Year(width) => padded(year, *width),
        Field::Month(width) => padded(local.month(), *width),
        Field::Day(width) => padded(local.day(), *width),
        Field::Hour(width) => padded(local.hour(), *width),
        Field::Hour12(width) => padded(local.hour12().1, *width),
        Field::Minute(width) => padded(local.minute(), *width),
        Field::Second(width) => padded(local.second(), *width),
        Field::MonthName(width, form) => out.push_str(culture.month(local.month(), *width, *form)),
        Field::DayName(width) => out.push_str(&culture.day(local.weekday().num_days_from_sunday(), *width)),
        Field::Fraction(count) => {
            let digits = format!("{:09}", local.nanosecond());
            out.push_str(digits.get(..*count).unwrap_or(&digits));
        }
        Field::ShortFraction(count) => {
            let digits = format!("{:09}", local.nanosecond());
            let shown = digits.get(..*count).unwrap_or(&digits).trim_end_matches('0');
            if shown.is_empty() && out.ends_with('.') {
                out.pop();
            }
            out.push_str(shown);
        }
        Field::HalfDay(width) => {
            let name = culture.half_day(local.hour() >= 12);
            match width {
                Width::Full => out.push_str(name),
                Width::Short => out.extend(name.chars().next()),
            }
        }
        Field::Offset(_) | Field::OptionalOffset => {
            let width = if let Field::Offset(width) = field { Some(width) } else { None };
            let sign = if offset < 0 { '-' } else { '+' };
            let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
            let _ = match width {
                Some(1) => write!(out, "{sign}{hours}"),
                Some(2) => write!(out, "{sign}{hours:02}"),
                _ => write!(out, "{sign}{hours:02}:{minutes:02}"),
            };
        }
        Field::Zulu => out.push('Z'),
        Field::Era => out.push_str(culture.era),
        Field::DateSeparator => out.push_str(culture.date_separator),
        Field::TimeSeparator => out.push_str(culture.time_separator),
        Field::Literal(literal) => out.push_str(literal),
    }
}
