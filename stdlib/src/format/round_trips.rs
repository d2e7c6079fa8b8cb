//! `DateTime.Parse` reads what `Format` writes: tested over cultures and patterns.

use super::{Culture, Defaults, format_datetime, parse_datetime};
use chrono::NaiveDate;
use flowscript_lang::value::{DateTime, Zone};
use proptest::prelude::*;

fn defaults() -> Defaults {
    Defaults { today: NaiveDate::default(), zone: Zone::Europe__Stockholm }
}

/// Fields that together determine a datetime; one of each row is in every pattern.
const NEEDED: [&[&str]; 8] = [
    &["yyyy", "yyy", "yyyyy"],
    &["M", "MM", "MMM", "MMMM"],
    &["d", "dd"],
    &["H", "HH"],
    &["m", "mm"],
    &["s", "ss"],
    &["fffffffff", "FFFFFFFFF"],
    &["zzz", "K"],
];

/// Fields that repeat a part of it.
const MORE: [&str; 25] = [
    "yy", "y", "yyyy", "M", "MM", "MMM", "MMMM", "ddd", "dddd", "dd", "h", "hh", "H", "t", "tt", "mm", "s", "f", "FF",
    "fff", "FFFFFFF", "z", "zz", "K", "g",
];

const SEPARATORS: [&str; 12] =
    [" ", "/", ":", ", ", "' at '", "\"(:)\"", "\\d", " - ", "_", "';'", " 'o''clock' ", "'\\''"];

/// Any datetime of the years 1 to 9999, at any offset.
fn any_datetime() -> impl Strategy<Value = DateTime> {
    (-62_135_500_000i64..253_402_200_000, 0..1_000_000_000u32, -14 * 60..=14 * 60i32)
        .prop_filter_map("years 1 to 9999", |(seconds, nanos, minutes)| {
            DateTime::from_unix(seconds, nanos, minutes * 60)
        })
}

fn any_culture() -> impl Strategy<Value = &'static Culture> {
    prop::sample::select(Culture::all().collect::<Vec<_>>())
}

/// A pattern that determines a datetime, with some parts repeated, in any order.
fn any_pattern() -> impl Strategy<Value = String> {
    let needed = NEEDED.map(|fields| prop::sample::select(fields.to_vec()));
    let more = prop::collection::vec(prop::sample::select(MORE.to_vec()), 0..6);
    let fields = (needed, more).prop_map(|(needed, more)| needed.into_iter().chain(more).collect::<Vec<_>>());
    let separators = prop::collection::vec(prop::sample::select(SEPARATORS.to_vec()), 14);
    (fields.prop_shuffle(), separators)
        .prop_map(|(fields, separators)| fields.into_iter().zip(separators).flat_map(|(f, s)| [f, s]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_pattern_that_says_everything_comes_back(
        value in any_datetime(),
        culture in any_culture(),
        pattern in any_pattern(),
    ) {
        // As in .NET, an `F` that shows nothing removes the point before it; a point written by `/` or `:` would be
        // missed.
        prop_assume!(culture.date_separator != "." || !pattern.contains("/F"));
        prop_assume!(culture.time_separator != "." || !pattern.contains(":F"));
        let text = format_datetime(value, &pattern, culture).expect("a pattern");
        let again = parse_datetime(&text, &pattern, culture, defaults());
        prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(value.to_string()), "{} by {}", text, pattern);
    }

    #[test]
    fn an_hour_with_its_half_comes_back(
        value in any_datetime(),
        culture in any_culture(),
        pattern in prop::sample::select(vec!["h t", "hh tt", "tt h", "t hh", "tt HH", "H t", "h tt HH t"]),
    ) {
        let has_halves = culture.half_day(false).chars().next() != culture.half_day(true).chars().next();
        let pattern = format!("yyyy-MM-dd {pattern} :mm:ss.FFFFFFFFFzzz");
        if has_halves || (pattern.contains("tt") && !culture.half_day(true).is_empty()) || pattern.contains('H') {
            let text = format_datetime(value, &pattern, culture).expect("a pattern");
            let again = parse_datetime(&text, &pattern, culture, defaults());
            prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(value.to_string()), "{} by {}", text, pattern);
        }
    }

    #[test]
    fn standard_patterns_come_back_to_what_they_show(
        value in any_datetime(),
        culture in any_culture(),
        pattern in "[dDfFgGmorstTuUyY]",
    ) {
        let value = DateTime::from_local_in(value.local(), defaults().zone).expect("a datetime");
        let text = format_datetime(value, &pattern, culture).expect("a pattern");
        // A year of two digits may be another century, and February 29 needs its year.
        if let Ok(again) = parse_datetime(&text, &pattern, culture, defaults()) {
            prop_assert_eq!(format_datetime(again, &pattern, culture), Ok(text));
        } else {
            prop_assert!("mM".contains(&pattern), "{} by {} in {}", text, pattern, culture.name);
        }
    }

    #[test]
    fn utc_patterns_come_back_to_the_second(value in any_datetime(), culture in any_culture(), pattern in "[ru]") {
        let text = format_datetime(value, &pattern, culture).expect("a pattern");
        let again = parse_datetime(&text, &pattern, culture, defaults()).expect("the inverse");
        prop_assert_eq!(again.unix_seconds(), value.unix_seconds());
    }
}
