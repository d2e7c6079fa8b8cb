use crate::testing::{Harness, shown};
use flowscript_lang::value::{Number, Value};

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).expect("a number"))
}

#[test]
fn the_clock_is_the_hosts() {
    assert_eq!(shown("Now", vec![]), "2024-07-01T14:34:56.789+02:00");
    assert_eq!(shown("UtcNow", vec![]), "2024-07-01T12:34:56.789+00:00");
    assert_eq!(shown("DateTime.Today", vec![]), "2024-07-01T00:00:00+02:00");
}

#[test]
fn clock_changes_move_forward_or_are_the_first() {
    let create = |month: i64, day: i64, hour: i64| {
        shown(
            "DateTime.CreateDateAndTime",
            vec![2024.into(), month.into(), day.into(), hour.into(), 30.into(), number("0.25")],
        )
    };
    assert_eq!(create(3, 31, 2), "2024-03-31T03:30:00.25+02:00");
    assert_eq!(create(10, 27, 2), "2024-10-27T02:30:00.25+02:00");
    let add = |name: &str, text: &str, count: i64| shown(name, vec![text.into(), count.into()]);
    assert_eq!(add("DateTime.AddDays", "2024-03-30T08:00", 1), "2024-03-31T08:00:00+02:00");
    assert_eq!(add("DateTime.AddHours", "2024-03-30T08:00", 24), "2024-03-31T09:00:00+02:00");
    assert_eq!(add("DateTime.AddDays", "2024-03-30T02:30", 1), "2024-03-31T03:30:00+02:00");
    assert_eq!(add("DateTime.AddHours", "2024-10-27T02:30:00+02:00", 1), "2024-10-27T02:30:00+01:00");
    assert_eq!(add("DateTime.AddMonths", "2024-02-29T02:30", 8), "2024-10-29T02:30:00+01:00");
    // Another offset than the engine's zone stays.
    assert_eq!(add("DateTime.AddDays", "2024-03-30T08:00:00+05:00", 1), "2024-03-31T08:00:00+05:00");
    assert_eq!(shown("DateTime.DaysBetween", vec!["2024-03-30".into(), "2024-04-01".into()]), "2");
    assert_eq!(shown("DateTime.HoursBetween", vec!["2024-03-30".into(), "2024-04-01".into()]), "47");
    assert_eq!(shown("DateTime.StartOfDay", vec!["2024-03-31T12:00".into()]), "2024-03-31T00:00:00+01:00");
}

#[test]
fn the_edges_of_time() {
    let outside = "the result is outside the years 1 to 9999.";
    for (name, text, count) in [
        ("DateTime.AddDays", "9999-12-31", number("1")),
        ("DateTime.AddSeconds", "0001-01-01T00:00:00Z", number("-1")),
        ("DateTime.AddMonths", "2024-01-01", number("1e25")),
        ("DateTime.AddYears", "2024-01-01", number("-2024")),
        ("DateTime.AddHours", "2024-01-01", number("1e25")),
    ] {
        assert_eq!(shown(name, vec![text.into(), count]), format!("{name}: {outside}"));
    }
    assert_eq!(shown("DateTime.CreateDate", vec![1.into(), 1.into(), 1.into()]).len(), 25);
    assert_eq!(
        shown("DateTime.AddYears", vec!["0001-01-01T00:00:00Z".into(), 9998.into()]),
        "9999-01-01T00:00:00+00:00"
    );
    assert_eq!(shown("DateTime.StartOfWeek", vec!["0001-01-03T00:00:00Z".into()]), "0001-01-01T00:00:00+00:00");
    assert_eq!(shown("DateTime.FromUnixTime", vec![number("-0.5")]), "1969-12-31T23:59:59.5+00:00");
    assert_eq!(shown("DateTime.ToUnixTime", vec!["1969-12-31T23:59:59.5Z".into()]), "-0.5");
    assert!(shown("DateTime.FromUnixTime", vec![number("1e20")]).contains(outside));
}

#[test]
fn impossible_dates_name_themselves() {
    assert_eq!(
        shown("DateTime.CreateDate", vec![2023.into(), 2.into(), 29.into()]),
        "DateTime.CreateDate: there is no day 29 in month 2 of 2023."
    );
    assert!(shown("DateTime.CreateDate", vec![0.into(), 2.into(), 1.into()]).contains("of 0"));
    assert!(
        shown("DateTime.CreateDate", vec![number("2.5"), 2.into(), 1.into()]).contains("year takes a whole number")
    );
    assert!(
        shown("Date", vec!["hello".into()]).contains("Date: the parameter x takes datetime, not the value 'hello'")
    );
    assert!(shown("DateTime.ToTimeZone", vec!["2024-01-01".into(), "Mars/Base".into()]).contains("unknown time zone"));
    let leap =
        shown("DateTime.CreateDateAndTime", vec![2024.into(), 1.into(), 1.into(), 0.into(), 0.into(), 60.into()]);
    assert_eq!(leap, "DateTime.CreateDateAndTime: there is no time 00:00:60.");
}

#[test]
fn null_gives_null() {
    let mut harness = Harness::default();
    for name in ["Date", "DateTime.GetYear", "DateTime.ToUtc", "DateTime.StartOfDay"] {
        assert_eq!(harness.call(name, vec![Value::Null]).map(|value| value.is_null()), Ok(true), "{name}");
    }
    assert_eq!(shown("DateTime.IsValidDate", vec![Value::Null]), "false");
    assert_eq!(shown("DateTime.DaysBetween", vec!["2024-01-01".into(), Value::Null]), "null");
}

#[test]
fn parses_in_the_engines_culture_and_zone() {
    let mut harness = Harness { culture: Some("sv-SE".into()), ..Harness::default() };
    let mut parse = |text: &str, pattern: &str| {
        harness.call("DateTime.Parse", vec![text.into(), pattern.into()]).map(|value| value.to_literal(99))
    };
    assert_eq!(parse("5 juni 2009", "d MMMM yyyy"), Ok("2009-06-05T00:00:00+02:00".into()));
    assert_eq!(parse("13:45", "HH:mm"), Ok("2024-07-01T13:45:00+02:00".into()));
    assert!(
        parse("x", "Q")
            .is_err_and(|message| message.starts_with("DateTime.Parse: 'Q' is not one of the date patterns"))
    );
}
