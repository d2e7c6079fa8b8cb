//! The parts of a datetime, on its own wall clock.

use crate::arguments::clamped;
use crate::row::{Row, fails, gives, row};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult};

pub(crate) const ROWS: &[Row] = &[
    row("DateTime.GetYear(date: datetime) -> number", "The year.", year).examples(&[gives("DateTime.GetYear('2018-01-01')", "2018")]),
    row("DateTime.GetMonth(date: datetime) -> number", "The month, 1 to 12.", month).examples(&[gives("DateTime.GetMonth('2018-03-01')", "3")]),
    row("DateTime.GetDayOfMonth(date: datetime) -> number", "The day, 1 to 31.", day).examples(&[gives("DateTime.GetDayOfMonth('2018-03-23')", "23")]),
    row("DateTime.GetHour(date: datetime) -> number", "The hour, 0 to 23.", hour).examples(&[gives("DateTime.GetHour('2018-03-23 11:03')", "11")]),
    row("DateTime.GetMinute(date: datetime) -> number", "The minute, 0 to 59.", minute).examples(&[gives("DateTime.GetMinute('2018-03-23 11:03')", "3")]),
    row("DateTime.GetSecond(date: datetime) -> number", "The second, 0 to 59.", second).examples(&[gives("DateTime.GetSecond('2018-03-23 11:03:01.5')", "1")]),
    row("DateTime.GetMillisecond(date: datetime) -> number", "The millisecond, 0 to 999.", millisecond)
        .examples(&[gives("DateTime.GetMillisecond('2018-03-23 11:03:01.5')", "500")]),
    row("DateTime.GetDayOfWeek(date: datetime) -> number", "The day of the week, 1 for Monday to 7 for Sunday.", day_of_week)
        .examples(&[gives("DateTime.GetDayOfWeek('2018-03-23')", "5")]),
    row("DateTime.GetDayOfYear(date: datetime) -> number", "The day of the year, 1 to 366.", day_of_year)
        .examples(&[gives("DateTime.GetDayOfYear('2024-12-31')", "366")]),
    row("DateTime.GetWeekOfYear(date: datetime) -> number", "The week by ISO 8601, 1 to 53.", week_of_year)
        .rules("Weeks start on Monday; the first is the one with the year's first Thursday, so days at the turn of the year may belong to a week of the other year.")
        .examples(&[gives("DateTime.GetWeekOfYear('2021-01-03')", "53")]),
    row("DateTime.GetQuarter(date: datetime) -> number", "The quarter, 1 to 4.", quarter).examples(&[gives("DateTime.GetQuarter('2018-04-01')", "2")]),
    row("DateTime.DaysInMonth(year: number, month: number) -> number", "The number of days of a month.", days_in_month)
        .examples(&[gives("DateTime.DaysInMonth(2023, 2)", "28"), fails("DateTime.DaysInMonth(2023, 13)", "month")]),
    row("DateTime.IsLeapYear(year: number) -> boolean", "Has the year 366 days?", is_leap_year)
        .examples(&[gives("DateTime.IsLeapYear(2024)", "true"), gives("DateTime.IsLeapYear(1900)", "false")]),
];

fn local(call: &Call<'_>) -> NaiveDateTime {
    call.datetime(0).local()
}

fn year(call: &mut Call<'_>) -> NativeResult {
    Ok(local(call).year().into())
}

fn month(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).month()).into())
}

fn day(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).day()).into())
}

fn hour(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).hour()).into())
}

fn minute(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).minute()).into())
}

fn second(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).second()).into())
}

fn millisecond(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).nanosecond() / 1_000_000).into())
}

fn day_of_week(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).weekday().number_from_monday()).into())
}

fn day_of_year(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).ordinal()).into())
}

fn week_of_year(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).iso_week().week()).into())
}

fn quarter(call: &mut Call<'_>) -> NativeResult {
    Ok(i64::from(local(call).month0() / 3 + 1).into())
}

fn days_in_month(call: &mut Call<'_>) -> NativeResult {
    let year = checked_year(call)?;
    let month = u32::try_from(clamped(call, 1)?).ok();
    let first = month.and_then(|month| NaiveDate::from_ymd_opt(year, month, 1));
    match first {
        Some(first) => Ok(i64::from(first.num_days_in_month()).into()),
        None => Err(call.refuse(1, "a month from 1 to 12")),
    }
}

fn is_leap_year(call: &mut Call<'_>) -> NativeResult {
    let year = checked_year(call)?;
    Ok(NaiveDate::from_ymd_opt(year, 2, 29).is_some().into())
}

fn checked_year(call: &Call<'_>) -> Result<i32, Box<RunError>> {
    let year = i32::try_from(clamped(call, 0)?).ok().filter(|year| (1..=9999).contains(year));
    year.ok_or_else(|| call.refuse(0, "a year from 1 to 9999"))
}
