//! Later and earlier datetimes, and the starts of periods.

use super::{inside, outside};
use crate::arguments::clamped;
use crate::row::{Row, fails, gives, row};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use flowscript_lang::function::{Call, NativeResult};

const SECOND: i128 = 1_000_000_000;

pub(crate) const ROWS: &[Row] = &[
    row("DateTime.AddSeconds(date: datetime, count: number) -> datetime", "So many seconds later.", add_seconds)
        .rules("Elapsed time; decimals and negative numbers are allowed.")
        .examples(&[gives("DateTime.AddSeconds('2024-01-01T00:00:00Z', 1.5)", "Date('2024-01-01T00:00:01.5Z')")]),
    row("DateTime.AddMinutes(date: datetime, count: number) -> datetime", "So many minutes later.", add_minutes)
        .rules("Elapsed time; decimals and negative numbers are allowed.")
        .examples(&[gives("DateTime.AddMinutes('2024-01-01T00:00:00Z', -30)", "Date('2023-12-31T23:30:00Z')")]),
    row("DateTime.AddHours(date: datetime, count: number) -> datetime", "So many hours later.", add_hours)
        .rules("Elapsed time: over a clock change the wall clock moves with it.")
        .examples(&[gives("DateTime.AddHours('2024-01-01T00:00:00Z', 36)", "Date('2024-01-02T12:00:00Z')")]),
    row("DateTime.AddDays(date: datetime, count: number) -> datetime", "So many days later.", add_days)
        .rules("On the wall clock: the same time of the day, also over a clock change. Decimals and negative numbers are allowed.")
        .examples(&[
            gives("DateTime.AddDays('2024-02-28', 2)", "Date('2024-03-01')"),
            fails("DateTime.AddDays('9999-12-31', 1)", "outside the years 1 to 9999"),
        ]),
    row("DateTime.AddMonths(date: datetime, count: number) -> datetime", "So many months later.", add_months)
        .rules("On the wall clock; a day that the month does not have becomes its last.")
        .examples(&[gives("DateTime.AddMonths('2024-01-31', 1)", "Date('2024-02-29')"), gives("DateTime.AddMonths('2024-03-31', -1)", "Date('2024-02-29')")]),
    row("DateTime.AddYears(date: datetime, count: number) -> datetime", "So many years later.", add_years)
        .rules("On the wall clock; February 29 becomes 28 in a year that does not have it.")
        .examples(&[gives("DateTime.AddYears('2024-02-29', 1)", "Date('2025-02-28')")]),
    row("DateTime.StartOfDay(date: datetime) -> datetime", "Midnight of its day.", start_of_day)
        .examples(&[gives("DateTime.StartOfDay('2024-02-29 12:30')", "Date('2024-02-29')")]),
    row("DateTime.StartOfWeek(date: datetime) -> datetime", "Midnight of the Monday of its week.", start_of_week)
        .examples(&[gives("DateTime.StartOfWeek('2024-02-29 12:30')", "Date('2024-02-26')")]),
    row("DateTime.StartOfMonth(date: datetime) -> datetime", "Midnight of the first day of its month.", start_of_month)
        .examples(&[gives("DateTime.StartOfMonth('2024-02-29 12:30')", "Date('2024-02-01')")]),
    row("DateTime.StartOfYear(date: datetime) -> datetime", "Midnight of the first day of its year.", start_of_year)
        .examples(&[gives("DateTime.StartOfYear('2024-02-29 12:30')", "Date('2024-01-01')")]),
    row("DateTime.EndOfMonth(date: datetime) -> datetime", "Midnight of the last day of its month.", end_of_month)
        .examples(&[gives("DateTime.EndOfMonth('2024-02-10 12:30')", "Date('2024-02-29')")]),
];

fn add_seconds(call: &mut Call<'_>) -> NativeResult {
    add_elapsed(call, SECOND)
}

fn add_minutes(call: &mut Call<'_>) -> NativeResult {
    add_elapsed(call, 60 * SECOND)
}

fn add_hours(call: &mut Call<'_>) -> NativeResult {
    add_elapsed(call, 3600 * SECOND)
}

fn add_elapsed(call: &Call<'_>, unit: i128) -> NativeResult {
    inside(call, call.datetime(0).add_elapsed(call.number(1), unit, call.context.zone()))
}

fn add_days(call: &mut Call<'_>) -> NativeResult {
    inside(call, call.datetime(0).add_days(call.number(1), call.context.zone()))
}

fn add_months(call: &mut Call<'_>) -> NativeResult {
    add_whole_months(call, 1)
}

fn add_years(call: &mut Call<'_>) -> NativeResult {
    add_whole_months(call, 12)
}

fn add_whole_months(call: &Call<'_>, unit: i64) -> NativeResult {
    // More than 9,999 years lead outside in any case.
    let months = clamped(call, 1)?.clamp(-1_000_000, 1_000_000) * unit;
    inside(call, call.datetime(0).add_months(months, call.context.zone()))
}

fn start_of_day(call: &mut Call<'_>) -> NativeResult {
    midnight(call, Some)
}

fn start_of_week(call: &mut Call<'_>) -> NativeResult {
    midnight(call, |date| date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into())))
}

fn start_of_month(call: &mut Call<'_>) -> NativeResult {
    midnight(call, |date| date.with_day(1))
}

fn start_of_year(call: &mut Call<'_>) -> NativeResult {
    midnight(call, |date| date.with_ordinal(1))
}

fn end_of_month(call: &mut Call<'_>) -> NativeResult {
    midnight(call, |date| date.with_day(date.num_days_in_month().into()))
}

fn midnight(call: &Call<'_>, day: fn(NaiveDate) -> Option<NaiveDate>) -> NativeResult {
    let value = call.datetime(0);
    let date = day(value.local().date()).ok_or_else(|| outside(call))?;
    inside(call, value.with_local(date.and_time(NaiveTime::MIN), call.context.zone()))
}
