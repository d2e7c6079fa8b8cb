//! Datetimes from text, by the patterns that write them.

use super::culture::Culture;
use super::names::{Form, Width};
use super::parts::{Defaults, Part, Parts};
use super::picture::{Field, Picture};
use crate::show::quoted;
use flowscript_lang::value::DateTime;

/// Why a field cannot be read.
enum Misfit {
    /// The text differs here.
    Other,
    /// It contradicts another part of the text.
    Contradiction(String),
}

impl From<String> for Misfit {
    fn from(problem: String) -> Self {
        Self::Contradiction(problem)
    }
}

/// The datetime in a text written by a pattern: the inverse of `format_datetime`. The error says what does not fit.
///
/// Without a date it is today's, without a year this year's; other missing parts are the first of their kind.
pub fn parse_datetime(text: &str, pattern: &str, culture: &Culture, defaults: Defaults) -> Result<DateTime, String> {
    super::check_length(pattern).map_err(|super::FormatError::Pattern(message)| {
        format!("the text {} does not fit the pattern: {message}", quoted(text))
    })?;
    let picture = Picture::new(pattern, culture).map_err(|super::FormatError::Pattern(message)| message)?;
    let mismatch = |rest: &str, wanted: String| {
        let at = text.chars().count() - rest.chars().count();
        format!(
            "the text {} does not fit the pattern {}: at position {at} {wanted} was expected.",
            quoted(text),
            quoted(pattern)
        )
    };
    let contradiction = |problem: String| format!("the text {} is not a datetime: {problem}.", quoted(text));
    let mut parts = Parts::default();
    let mut rest = text;
    for (at, field) in picture.fields.iter().enumerate() {
        let next = picture.fields.get(at + 1);
        // A point before `F` may be missing with the digits.
        let optional_point =
            matches!(field, Field::Literal(literal) if literal == ".") && matches!(next, Some(Field::ShortFraction(_)));
        if optional_point && !rest.starts_with('.') {
            continue;
        }
        rest = read(field, next, rest, &mut parts, picture.culture).map_err(|misfit| match misfit {
            Misfit::Other => mismatch(rest, wanted(field)),
            Misfit::Contradiction(problem) => contradiction(problem),
        })?;
    }
    if !rest.is_empty() {
        return Err(mismatch(rest, "the end".into()));
    }
    if picture.utc {
        parts.set_offset(0, true).map_err(contradiction)?;
    }
    parts.datetime(defaults).map_err(contradiction)
}

/// Reads a field from the start of a text and returns the rest. `next` is the field after it.
fn read<'a>(
    field: &Field,
    next: Option<&Field>,
    text: &'a str,
    parts: &mut Parts,
    culture: &Culture,
) -> Result<&'a str, Misfit> {
    // One digit in the pattern takes one or two, two digits take two.
    let (part, found) = match field {
        Field::Year(width @ (1 | 2)) => (Part::ShortYear, number(text, *width, 2)),
        Field::Year(width) => (Part::Year, number(text, *width, 4.max(*width))),
        Field::Month(width) => (Part::Month, number(text, *width, 2)),
        Field::Day(width) => (Part::Day, number(text, *width, 2)),
        Field::Hour(width) => (Part::Hour, number(text, *width, 2)),
        Field::Hour12(width) => (Part::Hour12, number(text, *width, 2)),
        Field::Minute(width) => (Part::Minute, number(text, *width, 2)),
        Field::Second(width) => (Part::Second, number(text, *width, 2)),
        Field::MonthName(width, _) => {
            let forms = [Form::Alone, Form::BehindDay];
            let months = forms.into_iter().flat_map(|form| (1..=12).map(move |month| (month, form)));
            let names = months.map(|(month, form)| (month, culture.month(month, *width, form).into()));
            (Part::Month, longest(text, names))
        }
        Field::DayName(width) => {
            (Part::Weekday, longest(text, (0..7).map(|day| (day, culture.day(day, *width).into_owned()))))
        }
        Field::Fraction(count) => return fraction(text, *count, *count, parts),
        Field::ShortFraction(count) => return fraction(text, 0, *count, parts),
        Field::HalfDay(width) => return half_day(text, *width, parts, culture),
        Field::Offset(width) => return offset(text, *width, next, parts),
        Field::OptionalOffset => {
            let starts_literal = matches!(next, Some(Field::Literal(literal)) if text.starts_with(literal.as_str()));
            let is_absent = !text.starts_with(['Z', 'z', '+', '-']) || starts_literal;
            return if is_absent { Ok(text) } else { offset(text, 3, next, parts) };
        }
        Field::Zulu => {
            let rest = text.strip_prefix(['Z', 'z']).ok_or(Misfit::Other)?;
            parts.set_offset(0, true)?;
            return Ok(rest);
        }
        Field::Era => return text.strip_prefix(culture.era).ok_or(Misfit::Other),
        Field::DateSeparator => return separator(text, culture.date_separator, '/'),
        Field::TimeSeparator => return separator(text, culture.time_separator, ':'),
        Field::Literal(literal) => return text.strip_prefix(literal.as_str()).ok_or(Misfit::Other),
    };
    let (value, rest) = found.ok_or(Misfit::Other)?;
    parts.set(part, value)?;
    Ok(rest)
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
        Field::Offset(_) | Field::OptionalOffset => "an offset such as +02:00".into(),
        Field::Zulu => "Z".into(),
        Field::DateSeparator => "'/' or the culture's separator of dates".into(),
        Field::TimeSeparator => "':' or the culture's separator of times".into(),
        Field::Era => "the era".into(),
        Field::Literal(literal) => quoted(literal),
    }
}

/// The separator of a culture, or the one that means it in patterns.
fn separator<'a>(text: &'a str, own: &str, written: char) -> Result<&'a str, Misfit> {
    text.strip_prefix(own).or_else(|| text.strip_prefix(written)).ok_or(Misfit::Other)
}

/// A number of `least` to `most` digits, and what follows it.
fn number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count).filter(|_| count >= least)?;
    Some((digits.parse().ok()?, rest))
}

/// The longest of several names at the start of a text, in any case, and what follows it.
fn longest(text: &str, names: impl Iterator<Item = (u32, String)>) -> Option<(u32, &str)> {
    let after = |name: &str| {
        let end = text.char_indices().nth(name.chars().count()).map_or(text.len(), |(at, _)| at);
        let same = !name.is_empty() && text[..end].to_lowercase() == name.to_lowercase();
        same.then(|| &text[end..])
    };
    names.filter_map(|(value, name)| Some((value, after(&name)?))).min_by_key(|(_, rest)| rest.len())
}

fn fraction<'a>(text: &'a str, least: usize, most: usize, parts: &mut Parts) -> Result<&'a str, Misfit> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(count).filter(|_| count >= least).ok_or(Misfit::Other)?;
    let nanos = format!("{digits:0<9}").parse().map_err(|_| Misfit::Other)?;
    parts.set_fraction(nanos, most as u32)?;
    Ok(rest)
}

fn half_day<'a>(text: &'a str, width: Width, parts: &mut Parts, culture: &Culture) -> Result<&'a str, Misfit> {
    let name = |afternoon| match width {
        Width::Full => culture.half_day(afternoon).to_owned(),
        Width::Short => culture.half_day(afternoon).chars().take(1).collect(),
    };
    let (morning, afternoon) = (name(false), name(true));
    if morning.is_empty() {
        return Ok(text);
    }
    // If both begin with the same character, that character decides nothing.
    let says_nothing = morning == afternoon;
    let (half, rest) = longest(text, [(0, morning), (1, afternoon)].into_iter()).ok_or(Misfit::Other)?;
    if !says_nothing {
        parts.set_afternoon(half == 1)?;
    }
    Ok(rest)
}

/// `Z`, `±h`, `±hh`, `±hh:mm` or `±hhmm`. After a field of hours alone (`z`, `zz`) minutes are read only if no field
/// follows that they could belong to.
fn offset<'a>(text: &'a str, width: usize, next: Option<&Field>, parts: &mut Parts) -> Result<&'a str, Misfit> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        parts.set_offset(0, true)?;
        return Ok(rest);
    }
    let sign = match text.bytes().next() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Misfit::Other),
    };
    let (hours, rest) = number(&text[1..], width.min(2), 2).ok_or(Misfit::Other)?;
    let may_have_minutes = width == 3
        || match next {
            None => true,
            Some(Field::Literal(literal)) => !literal.starts_with(|c: char| c == ':' || c.is_ascii_digit()),
            Some(Field::DateSeparator | Field::HalfDay(_)) => true,
            Some(_) => false,
        };
    let minutes = may_have_minutes.then(|| number(rest.strip_prefix(':').unwrap_or(rest), 2, 2)).flatten();
    let (minutes, rest) = minutes.map_or((None, rest), |(minutes, rest)| (Some(minutes), rest));
    let in_minutes = hours * 60 + minutes.unwrap_or(0);
    if minutes.is_some_and(|minutes| minutes >= 60) || in_minutes > 18 * 60 + 59 {
        return Err(Misfit::Other);
    }
    parts.set_offset(sign * (in_minutes * 60) as i32, width == 3 || minutes.is_some())?;
    Ok(rest)
}
