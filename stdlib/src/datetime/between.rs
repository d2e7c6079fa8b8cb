//! The time between two datetimes.

use crate::row::{Row, gives, row};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Number, Value, days_between};

pub(crate) const ROWS: &[Row] = &[
    row(
        "DateTime.SecondsBetween(from: datetime, to: datetime) -> number",
        "The seconds from one datetime to another.",
        seconds,
    )
    .rules("Elapsed time, with decimals; negative where `to` is earlier.")
    .examples(&[gives("DateTime.SecondsBetween('2024-01-01T00:00', '2024-01-01T00:00:01.5')", "1.5")]),
    row(
        "DateTime.MinutesBetween(from: datetime, to: datetime) -> number",
        "The minutes from one datetime to another.",
        minutes,
    )
    .rules("Elapsed time, with decimals; negative where `to` is earlier.")
    .examples(&[gives("DateTime.MinutesBetween('2024-01-01T01:00', '2024-01-01T00:00')", "-60")]),
    row(
        "DateTime.HoursBetween(from: datetime, to: datetime) -> number",
        "The hours from one datetime to another.",
        hours,
    )
    .rules("Elapsed time, with decimals; negative where `to` is earlier.")
    .examples(&[gives("DateTime.HoursBetween('2024-01-01T00:00', '2024-01-01T01:30')", "1.5")]),
    row("DateTime.DaysBetween(from: datetime, to: datetime) -> number", "The days from one datetime to another.", days)
        .rules("On the wall clock of `from`, with decimals: a day is a day over a clock change, too.")
        .examples(&[gives("DateTime.DaysBetween('2024-01-01', '2024-01-31')", "30")]),
];

fn seconds(call: &mut Call<'_>) -> NativeResult {
    elapsed(call, 1)
}

fn minutes(call: &mut Call<'_>) -> NativeResult {
    elapsed(call, 60)
}

fn hours(call: &mut Call<'_>) -> NativeResult {
    elapsed(call, 3600)
}

fn elapsed(call: &Call<'_>, unit: i64) -> NativeResult {
    let nanos = call.datetime(1).unix_nanos() - call.datetime(0).unix_nanos();
    let quotient = number(nanos).checked_div(Number::from(unit * 1_000_000_000));
    Ok(quotient.map_or(Value::Null, Value::Number))
}

fn days(call: &mut Call<'_>) -> NativeResult {
    let (from, to) = (call.datetime(0), call.datetime(1));
    days_between(from, from, to, call.context.zone()).map(Value::Number).ok_or_else(|| super::outside(call))
}

/// Nanoseconds as a number; those between any two datetimes fit.
pub(super) fn number(nanos: i128) -> Number {
    let size = Number::from(nanos.unsigned_abs());
    if nanos < 0 { -size } else { size }
}
