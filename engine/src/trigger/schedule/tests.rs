use super::*;
use chrono::NaiveDate;

/// Instants that another program has computed minute by minute; see the script in the same folder.
const EXPECTED: &str = include_str!("../../../../tests/schedules/expected.txt");

fn schedule(pattern: Pattern, zone: Tz) -> Schedule {
    Schedule {
        key: "k".into(),
        pattern,
        zone,
        until: None,
        input: Record::from_fields([]),
        overlap: Overlap::Skip,
        missed: Missed::Last,
        jitter: Duration::ZERO,
    }
}

fn cron(text: &str, zone: Tz) -> Schedule {
    schedule(Pattern::Cron(Box::new(Cron::parse(text).unwrap())), zone)
}

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap()
}

fn instant(text: &str) -> Timestamp {
    Timestamp(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
}

#[test]
fn whole_years_are_as_a_walk_by_minutes_finds_them() {
    let mut lines = 0;
    for line in EXPECTED.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [zone, year, expression, instants] = fields.as_slice() else { panic!("{line}") };
        let mut words = instants.split(' ');
        let mut expected = vec![words.next().unwrap().parse::<i64>().unwrap()];
        for word in words {
            let (step, count) = word.split_once('x').unwrap();
            let (step, count): (i64, usize) = (step.parse().unwrap(), count.parse().unwrap());
            (0..count).for_each(|_| expected.push(expected[expected.len() - 1] + step * 60));
        }
        let zone: Tz = zone.parse().unwrap();
        let schedule = cron(expression, zone);
        let bound = |year: i32| calendar::instant(NaiveDate::from_ymd_opt(year, 1, 1).unwrap().into(), zone);
        let year: i32 = year.parse().unwrap();
        let (start, end) = (bound(year), bound(year + 1));
        let walk = std::iter::successors(schedule.next(Timestamp(start.0 - 1)), |last| schedule.next(*last));
        let found: Vec<i64> = walk.take_while(|at| *at < end).map(|at| at.0 / 1000).collect();
        let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert_eq!((found.len(), differs), (expected.len(), None), "{line:.120} at {differs:?}");
        lines += 1;
    }
    assert_eq!(lines, 80);
}

#[test]
fn intervals_keep_the_wall_clock_or_the_elapsed_time() {
    let check = |interval: Interval, zone: Tz, after: &str, expected: &[&str]| {
        let found = schedule(Pattern::Every(interval), zone).upcoming(instant(after), expected.len());
        assert_eq!(found, expected.iter().map(|text| instant(text)).collect::<Vec<_>>(), "{interval:?}");
    };
    let every = |months, days, seconds, from: &str| Interval { from: local(from), months, days, seconds };
    let stockholm = Tz::Europe__Stockholm;
    let daily = every(0, 1, 0, "2026-03-01T02:30");
    check(
        daily,
        stockholm,
        "2026-03-28T00:00:00Z",
        &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
    check(daily, stockholm, "2026-10-25T00:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    let hourly = every(0, 0, 3600, "2001-01-01T00:00");
    check(hourly, stockholm, "2026-03-29T00:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]);
    let monthly = every(1, 0, 0, "2026-01-31T09:00");
    check(
        monthly,
        Tz::UTC,
        "2026-01-31T09:00:00Z",
        &["2026-02-28T09:00:00Z", "2026-03-31T09:00:00Z", "2026-04-30T09:00:00Z"],
    );
    check(
        every(0, 0, 1, "2001-01-01T00:00"),
        Tz::UTC,
        "2026-01-01T00:00:00Z",
        &["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"],
    );
    check(every(0, 7, 0, "2001-01-01T00:00"), Tz::UTC, "2026-07-01T00:00:00Z", &["2026-07-06T00:00:00Z"]);
    // The rule of a zone also applies after its tables.
    check(daily, stockholm, "2150-03-28T12:00:00Z", &["2150-03-29T01:00:00Z", "2150-03-30T00:30:00Z"]);
    check(daily, stockholm, "2150-10-25T00:00:00Z", &["2150-10-25T00:30:00Z", "2150-10-26T01:30:00Z"]);
    check(hourly, Tz::UTC, "1999-01-01T00:00:00Z", &["2001-01-01T00:00:00Z", "2001-01-01T01:00:00Z"]);
}

#[test]
fn one_time_and_until() {
    let at = schedule(Pattern::At(local("2026-03-29T02:30")), Tz::Europe__Stockholm);
    assert_eq!(at.upcoming(instant("2026-01-01T00:00:00Z"), 5), [instant("2026-03-29T01:00:00Z")]);
    assert_eq!(at.next(instant("2026-03-29T01:00:00Z")), None);
    let until = Schedule { until: Some(instant("2026-01-02T09:00:00Z")), ..cron("0 9 * * *", Tz::UTC) };
    assert_eq!(until.upcoming(instant("2026-01-01T00:00:00Z"), 5).len(), 2);
}

#[test]
fn dialects() {
    let check = |text: &str, after: &str, expected: &str| {
        assert_eq!(cron(text, Tz::UTC).next(instant(after)), Some(instant(expected)), "{text}");
    };
    let after = "2026-01-01T00:00:00Z"; // a Thursday
    check("@hourly", after, "2026-01-01T01:00:00Z");
    check("@weekly", after, "2026-01-04T00:00:00Z");
    check("@yearly", after, "2027-01-01T00:00:00Z");
    check("0 0 * * 7", after, "2026-01-04T00:00:00Z");
    check("0 0 * * 0", after, "2026-01-04T00:00:00Z");
    check("0 0 ? * 1", after, "2026-01-05T00:00:00Z");
    check("0 0 0 ? * 1", after, "2026-01-04T00:00:00Z");
    check("0 0 0 ? * SUN", after, "2026-01-04T00:00:00Z");
    check("*/10 * * * * ?", after, "2026-01-01T00:00:10Z");
    check("0 0 12 L * ?", after, "2026-01-31T12:00:00Z");
    check("0 0 0 1 1 ? 2030", after, "2030-01-01T00:00:00Z");
    check("0 0 1,L * *", "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z");
    check("0 0 1,L * *", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z");
    check("0 0 L 2 *", "2028-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
    // Either of the days is enough, unless one begins with a star.
    check("0 0 13 * 5", after, "2026-01-02T00:00:00Z");
    check("0 0 */2 * 5", after, "2026-01-09T00:00:00Z");
    check("0 0 29 2 *", after, "2028-02-29T00:00:00Z");
    assert!(!cron("0 0 31 2 *", Tz::UTC).can_fire());
    assert!(cron("0 0 29 2 *", Tz::UTC).can_fire());
}

#[test]
fn refused_expressions_say_why() {
    let check = |text: &str, part: &str| {
        let error = Cron::parse(text).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    };
    check("* * * *", "has 4 fields");
    check("60 * * * *", "go from 0 to 59");
    check("0 0 * * FRX", "cannot be the day of the week");
    check("0 0 15W * *", "`W`, `#`");
    check("0 0 * * 5#3", "`W`, `#`");
    check("0 0 * * 5L", "`W`, `#`");
    check("0 0 12 1 * 2", "only one of");
    check("5-1 * * * *", "goes backwards");
    check("*/0 * * * *", "is not valid for minutes");
    check("@noon", "there are @hourly");
    for text in ["", "é é é é é", "-1 * * * *", "1,,2 * * * *", "/ * * * *", "99999999999 * * * *", "0 0 , * *"] {
        assert!(Cron::parse(text).is_err(), "{text}");
    }
}
