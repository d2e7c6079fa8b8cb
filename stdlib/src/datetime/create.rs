//! Datetimes from numbers and texts.

use super::inside;
use crate::arguments::clamped;
use crate::format::{self, Defaults};
use crate::row::{Row, fails, gives, row};
use chrono::{NaiveDate, NaiveTime};
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{DateTime, Number, Value, Zone};

pub(crate) const ROWS: &[Row] = &[
    row("DateTime.CreateDate(year: number, month: number, day: number) -> datetime", "Midnight of a day in the engine's zone.", create_date)
        .rules("A day that does not exist is an error; a midnight that a clock change skips moves forward.")
        .examples(&[
            gives("Format(DateTime.CreateDate(2018, 7, 1), 'yyyy-MM-dd')", "'2018-07-01'"),
            fails("DateTime.CreateDate(2023, 2, 29)", "there is no day 29 in month 2 of 2023"),
        ]),
    row(
        "DateTime.CreateDateAndTime(year: number, month: number, day: number, hour: number, minute: number, second: number) -> datetime",
        "A time of a day in the engine's zone.",
        create_date_and_time,
    )
    .rules("Seconds may have decimals. A local time that a clock change skips moves forward; one that exists twice is the first.")
    .examples(&[
        gives("DateTime.GetHour(DateTime.CreateDateAndTime(2018, 3, 23, 11, 3, 1))", "11"),
        fails("DateTime.CreateDateAndTime(2018, 3, 23, 25, 0, 0)", "there is no time 25:00:00"),
    ]),
    row("DateTime.Parse(text: text, pattern: text, culture?: text) -> datetime", "The datetime in a text, read by a pattern of `Format`.", parse)
        .date_pattern(1)
        .rules(
            "The whole text must fit; names in any case. An hour by `h` goes from 0 to 12 and is in the morning without `tt`; AM or PM must \
             not contradict an hour by `H`, nor a day of the week the date, and a part that comes twice has the same value twice. `zzz` \
             takes `+02:00`, `+0200`, `+02` and `Z`, as do `zz` and `z` before a blank or the end, and `K` nothing, too; a text with `Z` \
             where the pattern has `Z` without quotes is in UTC. `/` and `:` also stand for themselves. Without an offset it is the \
             engine's zone, with `r u U` UTC. Parts that the pattern does not have: without a date it is today, without a year this year, \
             else the first. Of two digits, 50 to 99 are 1950 to 1999. A pattern has 1,000 characters at most.",
        )
        .examples(&[
            gives("DateTime.Parse('15/06/2009', 'dd/MM/yyyy') = Date('2009-06-15')", "true"),
            gives("Format(DateTime.Parse('12:30', 'hh:mm'), 'HH:mm')", "'00:30'"),
            gives("Str(DateTime.Parse('2009-06-15 20:45:30Z', 'u'))", "'2009-06-15T20:45:30+00:00'"),
            gives("Str(DateTime.Parse('2009-06-15T20:45:30+0200', 'yyyy-MM-ddTHH:mm:ssK'))", "'2009-06-15T20:45:30+02:00'"),
            fails("DateTime.Parse('15.06.2009', 'yyyy-MM-dd')", "does not fit the pattern"),
            fails("DateTime.Parse('13:00 PM', 'hh:mm tt', 'en-US')", "no hour 13 on a 12-hour clock"),
        ])
        .asks_host(),
    row("DateTime.FromUnixTime(seconds: number) -> datetime", "The datetime `seconds` after 1970-01-01T00:00:00Z, in UTC.", from_unix_time)
        .examples(&[gives("Str(DateTime.FromUnixTime(0))", "'1970-01-01T00:00:00+00:00'"), gives("Str(DateTime.FromUnixTime(1.5))", "'1970-01-01T00:00:01.5+00:00'")]),
    row("DateTime.ToUnixTime(date: datetime) -> number", "The seconds since 1970-01-01T00:00:00Z.", to_unix_time)
        .examples(&[gives("DateTime.ToUnixTime('2024-07-01T12:00:00Z')", "1719835200")]),
];

fn create_date(call: &mut Call<'_>) -> NativeResult {
    let date = date(call)?;
    inside(call, DateTime::from_local_in(date.and_time(NaiveTime::MIN), call.context.zone()))
}

fn create_date_and_time(call: &mut Call<'_>) -> NativeResult {
    let date = date(call)?;
    let (hour, minute) = (clamped(call, 3)?, clamped(call, 4)?);
    let second = call.number(5);
    let whole = second.floor();
    let nanos = second.checked_sub(whole).and_then(|rest| rest.checked_mul(Number::from(1_000_000_000)));
    let nanos = nanos.map(Number::truncate).and_then(Number::to_i64);
    let small = |number: i64| u32::try_from(number).ok();
    let time = whole
        .to_i64()
        .filter(|second| *second < 60)
        .and_then(|second| NaiveTime::from_hms_nano_opt(small(hour)?, small(minute)?, small(second)?, small(nanos?)?));
    let Some(time) = time else {
        return Err(
            call.value_error(format_args!("there is no time {hour:02}:{minute:02}:{:0>2}.", second.to_string()))
        );
    };
    inside(call, DateTime::from_local_in(date.and_time(time), call.context.zone()))
}

fn date(call: &Call<'_>) -> Result<NaiveDate, Box<RunError>> {
    let (year, month, day) = (clamped(call, 0)?, clamped(call, 1)?, clamped(call, 2)?);
    i32::try_from(year)
        .ok()
        .filter(|year| (1..=9999).contains(year))
        .and_then(|year| NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?))
        .ok_or_else(|| call.value_error(format_args!("there is no day {day} in month {month} of {year}.")))
}

fn parse(call: &mut Call<'_>) -> NativeResult {
    let culture = format::culture(call, 2)?;
    let zone = call.context.zone();
    let (seconds, nanos) = call.context.host().now();
    let now = DateTime::from_unix_in(seconds, nanos, zone).unwrap_or_else(DateTime::minimum);
    let defaults = Defaults { today: now.local().date(), zone };
    format::parse_datetime(call.text(0), call.text(1), culture, defaults)
        .map(Value::DateTime)
        .map_err(|message| call.value_error(message))
}

fn from_unix_time(call: &mut Call<'_>) -> NativeResult {
    let epoch = DateTime::from_unix(0, 0, 0);
    inside(call, epoch.and_then(|epoch| epoch.add_elapsed(call.number(0), 1_000_000_000, Zone::UTC)))
}

fn to_unix_time(call: &mut Call<'_>) -> NativeResult {
    let nanos = super::between::number(call.datetime(0).unix_nanos());
    Ok(nanos.checked_div(Number::from(1_000_000_000)).map_or(Value::Null, Value::Number))
}
