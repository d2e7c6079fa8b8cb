//! The clock, and datetimes from text.

use super::{inside, outside};
use crate::row::{Row, fails, gives, row};
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{DateTime, Value, Zone, to_datetime};

pub(crate) const ROWS: &[Row] = &[
    row("Now() -> datetime", "The current time in the engine's zone.", now)
        .also(&["DateTime.Now"])
        .examples(&[gives("Now() >= Today()", "true")])
        .asks_host(),
    row("Today() -> datetime", "Midnight of the current day in the engine's zone.", today)
        .also(&["DateTime.Today"])
        .examples(&[gives("Format(Today(), 'HH:mm')", "'00:00'")])
        .asks_host(),
    row("UtcNow() -> datetime", "The current time in UTC.", utc_now)
        .also(&["DateTime.UtcNow"])
        .examples(&[gives("DateTime.GetTimeZoneOffset(UtcNow())", "0")])
        .asks_host(),
    row("Date(x: datetime) -> datetime", "The datetime in a text.", date)
        .also(&["DateTime.Date"])
        .rules(
            "`yyyy-MM-dd`, with a time after a blank or `T` as `HH:mm`, `HH:mm:ss` or `HH:mm:ss.fff`, each with `Z` or an offset \
             such as `+02:00`, `+0200` or `+02`; without one it is the engine's zone. A local time that a clock change skips moves forward; one that \
             exists twice is the first.",
        )
        .examples(&[
            gives("Str(Date('2018-01-01T10:00:00Z'))", "'2018-01-01T10:00:00+00:00'"),
            gives("Str(Date('2018-01-01 10:00:00.5+01'))", "'2018-01-01T10:00:00.5+01:00'"),
            gives("Date('2024-03-10') - Date('2024-03-01T12:00')", "8.5"),
            fails("Date('hello')", "hello"),
        ]),
    row("DateTime.IsValidDate(x: any) -> boolean", "Would `Date` give a datetime?", is_valid_date)
        .rules("False for `null`.")
        .examples(&[gives("DateTime.IsValidDate('2024-02-29 23:59')", "true"), gives("DateTime.IsValidDate('2024-02-30')", "false")]),
];

fn now(call: &mut Call<'_>) -> NativeResult {
    current(call, call.context.zone()).map(Value::DateTime)
}

fn utc_now(call: &mut Call<'_>) -> NativeResult {
    current(call, Zone::UTC).map(Value::DateTime)
}

fn today(call: &mut Call<'_>) -> NativeResult {
    let zone = call.context.zone();
    let midnight = current(call, zone)?.local().date().and_time(chrono::NaiveTime::MIN);
    inside(call, DateTime::from_local_in(midnight, zone))
}

fn current(call: &Call<'_>, zone: Zone) -> Result<DateTime, Box<RunError>> {
    let (seconds, nanos) = call.context.host().now();
    DateTime::from_unix_in(seconds, nanos, zone).ok_or_else(|| outside(call))
}

fn date(call: &mut Call<'_>) -> NativeResult {
    Ok(call.take(0))
}

fn is_valid_date(call: &mut Call<'_>) -> NativeResult {
    Ok(to_datetime(call.value(0), call.context.zone()).is_ok().into())
}
