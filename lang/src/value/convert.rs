//! Conversions between simple values, and truth (lang/README.md, Values): there are no others.

use super::datetime::MAX_OFFSET;
use super::{DateTime, Number, Value, Zone};
use chrono::{NaiveDate, NaiveTime};
use ecow::EcoString;
use std::fmt;

/// A value that does not convert, and the wanted type.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvertError {
    /// The value as a literal, shortened.
    pub value: String,
    /// Its type.
    pub from: &'static str,
    /// The wanted type.
    pub to: &'static str,
}

impl ConvertError {
    /// `value` could not become a `to`.
    pub fn new(value: &Value, to: &'static str) -> Self {
        Self { value: value.to_literal(60), from: value.type_name(), to }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == "null" {
            return write!(f, "The value null could not be converted to {}.", self.to);
        }
        write!(f, "The value {} of type {} could not be converted to {}.", self.value, self.from, self.to)
    }
}

impl std::error::Error for ConvertError {}

/// False are `false`, `0`, `''`, `'0'`, `'false'` in any case, `null`, an empty list or table.
#[inline]
pub fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Null => false,
        Value::Number(number) => !number.is_zero(),
        Value::Text(text) => text_truth(text),
        Value::List(list) => !list.items().is_empty(),
        Value::Table(table) => !table.is_empty(),
        Value::DateTime(_) | Value::Binary(_) | Value::Record(_) | Value::Function(_) => true,
    }
}

/// The truth of a text.
pub(super) fn text_truth(text: &str) -> bool {
    !(text.is_empty() || text == "0" || text.eq_ignore_ascii_case("false"))
}

/// To number: numbers and texts of numbers.
pub fn to_number(value: &Value) -> Result<Number, ConvertError> {
    match value {
        Value::Number(number) => Ok(*number),
        Value::Text(text) => parse_number(text).ok_or_else(|| ConvertError::new(value, "number")),
        _ => Err(ConvertError::new(value, "number")),
    }
}

/// To boolean: booleans, `0` and `1`, and the texts `true` and `false` in any case.
pub fn to_boolean(value: &Value) -> Result<bool, ConvertError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::Number(number) if *number == Number::ZERO => Ok(false),
        Value::Number(number) if *number == Number::ONE => Ok(true),
        Value::Text(text) => parse_boolean(text).ok_or_else(|| ConvertError::new(value, "boolean")),
        _ => Err(ConvertError::new(value, "boolean")),
    }
}

/// To text: the text form of simple values, `null` as the empty text.
pub fn to_text(value: &Value) -> Result<EcoString, ConvertError> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Null => Ok(EcoString::new()),
        Value::Bool(true) => Ok("true".into()),
        Value::Bool(false) => Ok("false".into()),
        Value::Number(number) => Ok(ecow::eco_format!("{number}")),
        Value::DateTime(datetime) => Ok(ecow::eco_format!("{datetime}")),
        _ => Err(ConvertError::new(value, "text")),
    }
}

/// To datetime: datetimes and ISO texts; one without an offset is in `zone`.
pub fn to_datetime(value: &Value, zone: Zone) -> Result<DateTime, ConvertError> {
    match value {
        Value::DateTime(datetime) => Ok(*datetime),
        Value::Text(text) => parse_datetime(text, zone).ok_or_else(|| ConvertError::new(value, "datetime")),
        _ => Err(ConvertError::new(value, "datetime")),
    }
}

/// `true` or `false` in any case.
pub fn parse_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Longer texts, blanks included, are not converted to a number or datetime: millions of blanks are not searched for
/// one.
const LONGEST_CONVERTED: usize = 4_096;

/// Surrounding blanks, sign, digits, at most one `.` or `,`, optional exponent.
pub fn parse_number(text: &str) -> Option<Number> {
    if text.len() > LONGEST_CONVERTED {
        return None;
    }
    let trimmed = text.trim();
    if trimmed.len() > 400 {
        return None;
    }
    if !trimmed.contains(',') {
        return Number::parse(trimmed);
    }
    if trimmed.contains('.') || trimmed.matches(',').count() > 1 {
        return None;
    }
    Number::parse(&trimmed.replace(',', "."))
}

/// `yyyy-MM-dd`, `yyyy-MM-dd HH:mm[:ss[.f…]]`, the same with `T`, each with optional `Z` or offset.
pub fn parse_datetime(text: &str, zone: Zone) -> Option<DateTime> {
    if text.len() > LONGEST_CONVERTED {
        return None;
    }
    let text = text.trim();
    let date = parse_date(text.get(..10)?)?;
    let (time, rest) = match text.as_bytes().get(10) {
        Some(b'T' | b't' | b' ') if text.as_bytes().get(11).is_some_and(u8::is_ascii_digit) => {
            parse_time(text.get(11..)?)?
        }
        _ => (NaiveTime::MIN, text.get(10..)?),
    };
    let local = date.and_time(time);
    match rest.trim_ascii_start().trim_start() {
        "" => DateTime::from_local_in(local, zone),
        "Z" | "z" => DateTime::from_local(local, 0),
        offset => DateTime::from_local(local, parse_offset(offset)?),
    }
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = digits(&bytes[..4])?;
    (year >= 1).then_some(())?;
    NaiveDate::from_ymd_opt(year as i32, digits(&bytes[5..7])?, digits(&bytes[8..])?)
}

/// `HH:mm[:ss[.f…]]` and the rest after it.
fn parse_time(text: &str) -> Option<(NaiveTime, &str)> {
    let two = |at: usize| text.as_bytes().get(at..at + 2).and_then(digits);
    (text.as_bytes().get(2) == Some(&b':')).then_some(())?;
    let (hour, minute) = (two(0)?, two(3)?);
    if text.as_bytes().get(5) != Some(&b':') {
        return Some((NaiveTime::from_hms_opt(hour, minute, 0)?, &text[5..]));
    }
    let second = two(6)?;
    let rest = &text[8..];
    let Some(fraction) = rest.strip_prefix(['.', ',']) else {
        return Some((NaiveTime::from_hms_opt(hour, minute, second)?, rest));
    };
    let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let nanos = digits(&fraction.as_bytes()[..count])? * 10u32.pow(9 - count as u32);
    Some((NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?, &fraction[count..]))
}

/// `±hh:mm`, `±hhmm` or `±hh` in seconds; `±hh:mm:ss` and `±hhmmss`, which databases write for old times, too.
fn parse_offset(text: &str) -> Option<i32> {
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let text = &text[1..];
    let (hours, minutes, seconds) = match text.len() {
        8 | 5 if text.bytes().skip(2).step_by(3).all(|byte| byte == b':') => {
            (text.get(..2)?, text.get(3..5)?, text.get(6..).unwrap_or("00"))
        }
        2 => (text, "00", "00"),
        4 => (text.get(..2)?, text.get(2..)?, "00"),
        6 => (text.get(..2)?, text.get(2..4)?, text.get(4..)?),
        _ => return None,
    };
    let [hours, minutes, seconds] = [hours, minutes, seconds].map(|part| digits(part.as_bytes()));
    let (minutes, seconds) = (minutes.filter(|minutes| *minutes < 60)?, seconds.filter(|seconds| *seconds < 60)?);
    let offset = (hours? * 3600 + minutes * 60 + seconds) as i32;
    (offset <= MAX_OFFSET).then_some(sign * offset)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().all(u8::is_ascii_digit).then_some(())?;
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_texts() {
        let shown = |text| parse_number(text).map(|n| n.to_string());
        for (text, wanted) in [("3,2", "3.2"), (" 12.5 ", "12.5"), (" -1.5e2 ", "-150"), ("+7", "7"), ("1e3", "1000")] {
            assert_eq!(shown(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", " ", "1.234,5", "1,2,3", "1.2.3", "hello", "1 000", "- 1", "0x10", "NaN", ","] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn datetimes_in_texts() {
        let shown = |text| parse_datetime(text, Zone::UTC).map(|d| d.to_string());
        for (text, wanted) in [
            ("2024-02-29", "2024-02-29T00:00:00+00:00"),
            ("2024-02-29 23:59", "2024-02-29T23:59:00+00:00"),
            ("2024-02-29T23:59:01.5Z", "2024-02-29T23:59:01.5+00:00"),
            ("2024-02-29T23:59:01.123456789+02:00", "2024-02-29T23:59:01.123456789+02:00"),
            ("2024-02-29Z", "2024-02-29T00:00:00+00:00"),
            ("2024-02-29-05:00", "2024-02-29T00:00:00-05:00"),
            ("2024-02-29T01:02:03.000+0000", "2024-02-29T01:02:03+00:00"),
            ("2024-02-29 01:02:03+01", "2024-02-29T01:02:03+01:00"),
            ("2024-02-29t01:02-0330", "2024-02-29T01:02:00-03:30"),
            ("2024-02-29 01:02 -00:00", "2024-02-29T01:02:00+00:00"),
            ("2024-02-29 01:02z", "2024-02-29T01:02:00+00:00"),
            ("2024-02-29T01:02:03+18:59", "2024-02-29T01:02:03+18:59"),
            // An offset of seconds keeps its instant, not its wall clock.
            ("1800-01-01 00:00:00+01:12:12", "1799-12-31T23:59:48+01:12"),
            ("0001-01-01 00:00:00+01:12:12", "0001-01-01T00:00:00+01:12"),
            ("1800-01-01 00:00:00-004430", "1799-12-31T23:59:30-00:45"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "2024-02-30",
            "hello",
            "2024-2-3",
            "2024-02-03T1:2",
            "2024-02-03T25:00",
            "0000-01-01",
            "2024-02-03 10:00x",
            "é024-02-03",
            "2024-02-03 10:00+1",
            "2024-02-03 10:00+001",
            "2024-02-03 10:00+00:1",
            "2024-02-03 10:00+00:60",
            "2024-02-03 10:00+19:00",
            "2024-02-03 10:00+é0",
            "2024-02-03 10:00+01:00:",
            "2024-02-03 10:00+01-00",
            "2024-02-03 10:00+0100:00",
            "2024-02-03 10:00Z+01",
            "2024-02-03 10:00 UTC",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
