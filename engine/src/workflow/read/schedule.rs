//! `trigger.schedule`: when runs start by themselves.

use super::traps::refuse_missing;
use crate::reading::{Fields, Key, Reader, Takes, listed, literal, optional, text_of, unknown_key};
use crate::script::Input;
use crate::trigger::schedule::{Cron, Interval, Missed, Overlap, Pattern, Schedule, last_instant};
use crate::yaml::problem::{Fix, Problem, codes};
use crate::yaml::{Core, Entry, Node, Scalar};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use flowscript_lang::suggest::nearest;
use flowscript_lang::value::{Record, parse_datetime};
use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

/// The kind of a schedule.
#[derive(Clone, Copy)]
enum By {
    Every,
    At,
    Weekly,
    Monthly,
    Cron,
}

/// The keys of which a schedule has exactly one.
const KINDS: [(&str, By); 5] =
    [("every", By::Every), ("at", By::At), ("weekly", By::Weekly), ("monthly", By::Monthly), ("cron", By::Cron)];
/// All keys of a schedule.
pub(super) const KEYS: &[Key] = &[
    optional("every", Takes::Either(&[Takes::Word(&["hourly", "daily", "weekly", "monthly"]), Takes::Map(EVERY)])),
    optional("at", Takes::Text),
    optional("weekly", Takes::List(&Takes::Text)),
    optional("monthly", Takes::List(&Takes::Text)),
    optional("cron", Takes::Text),
    optional("from", Takes::Text),
    optional("time", Takes::Text),
    optional("id", Takes::Text),
    optional("timeZone", Takes::Text),
    optional("until", Takes::Text),
    optional("input", Takes::Named(&Takes::Value)),
    optional("overlap", Takes::Word(&["skip", "queue", "cancel", "allow"])),
    optional("missed", Takes::Word(&["none", "last", "all"])),
    optional("jitter", Takes::Duration),
];
const EVERY: &[Key] = &[
    optional("days", Takes::Whole(0, MAX_DAYS)),
    optional("hours", Takes::Whole(0, MAX_HOURS)),
    optional("minutes", Takes::Whole(0, MAX_MINUTES)),
    optional("seconds", Takes::Whole(0, MAX_SECONDS)),
];
const MAX_DAYS: u32 = 36_500;
const MAX_HOURS: u32 = 100_000;
const MAX_MINUTES: u32 = 1_000_000;
const MAX_SECONDS: u32 = 100_000_000;
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const LONG: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// No input: shared by all schedules, of which there may be very many.
static NOTHING: LazyLock<Record> = LazyLock::new(|| Record::from_fields([]));
/// The cost of a schedule in steps: its next occurrences are computed.
const SCHEDULE: u64 = 2_000;
/// The longest `jitter`.
const MAX_JITTER: Duration = Duration::from_secs(86_400);

/// A list of schedules.
pub(super) fn schedules(reader: &mut Reader<'_>, node: &Node, inputs: &[Input]) -> Vec<Schedule> {
    let Some(elements) = node.elements() else {
        reader.wrong(node, "`schedule` must be a list of schedules");
        return Vec::new();
    };
    let mut schedules: Vec<Schedule> = Vec::new();
    let mut keys = HashSet::new();
    for element in elements {
        if !reader.loading().pay(SCHEDULE) {
            break;
        }
        let Some(schedule) = schedule(reader, element, inputs) else { continue };
        if !keys.insert(schedule.key.clone()) {
            let message = format!("Another schedule before this one is `{}` too", schedule.key);
            let hint = "Give one of them an `id` of its own.";
            reader.report(Problem::new(codes::NAME, element.place, message).with_hint(hint));
            continue;
        }
        if !schedule.can_fire() {
            let hint = "Look at the day, the month and `until`.";
            let problem = Problem::new(codes::NEVER, element.place, "This schedule can never fire");
            reader.report(problem.with_hint(hint));
            continue;
        }
        schedules.push(schedule);
    }
    schedules
}

fn schedule(reader: &mut Reader<'_>, node: &Node, inputs: &[Input]) -> Option<Schedule> {
    let mut fields = reader.fields(node, "A schedule", KEYS)?;
    let given: Vec<(By, &Entry)> = KINDS.iter().filter_map(|(key, by)| Some((*by, fields.take(key)?))).collect();
    let [(by, kind)] = given.as_slice() else {
        let message = format!("A schedule has one of {}", listed(&KINDS.map(|(key, _)| key)).replace(" and ", " or "));
        reader.report(Problem::new(codes::WRONG_VALUE, node.place, message));
        return None;
    };
    for (key, kinds) in [("from", &["every"][..]), ("time", &["weekly", "monthly"])] {
        if let Some(entry) = fields.get(key).filter(|_| !kinds.contains(&kind.key.as_str())) {
            let message = format!("`{key}` is for {}, not for `{}`", listed(kinds), kind.key);
            reader.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
        }
    }
    let zone = match fields.take("timeZone") {
        None => reader.library().settings().zone,
        Some(entry) => zone(reader, &entry.value)?,
    };
    let from = match fields.take("from") {
        None => NaiveDate::from_ymd_opt(2001, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN),
        Some(entry) => local(reader, &entry.value, zone)?,
    };
    let time = match fields.take("time") {
        None => NaiveTime::MIN,
        Some(entry) => time(reader, &entry.value)?,
    };
    let pattern = pattern(reader, *by, &kind.value, from, time, zone)?;
    let until = match fields.take("until") {
        None => None,
        Some(entry) => {
            let local = local(reader, &entry.value, zone)?;
            // In an hour that occurs twice, the second time is meant.
            Some(last_instant(local, zone))
        }
    };
    let input = schedule_input(reader, &mut fields, inputs)?;
    refuse_missing(reader, &input, inputs, node.place);
    let overlaps =
        [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("cancel", Overlap::Cancel), ("allow", Overlap::Allow)];
    let overlap = reader.optional_word(&mut fields, "overlap", &overlaps).unwrap_or(Overlap::Skip);
    let misses = [("none", Missed::None), ("last", Missed::Last), ("all", Missed::All)];
    let missed = reader.optional_word(&mut fields, "missed", &misses).unwrap_or(Missed::Last);
    let jitter = fields.take("jitter").and_then(|entry| reader.duration(&entry.value, MAX_JITTER));
    let jitter = jitter.unwrap_or_default();
    let key = reader.optional_text(&mut fields, "id");
    let key = key.unwrap_or_else(|| format!("{} {zone}", written(*by, kind, from, time)));
    Some(Schedule { key, pattern, zone, until, input, overlap, missed, jitter })
}

fn pattern(
    reader: &mut Reader<'_>,
    by: By,
    node: &Node,
    from: NaiveDateTime,
    time: NaiveTime,
    zone: Tz,
) -> Option<Pattern> {
    let clock = time.format("%-M %-H").to_string();
    let seconds = time.format("%-S").to_string();
    match by {
        By::Every => every(reader, node, from).map(Pattern::Every),
        By::At => local(reader, node, zone).map(Pattern::At),
        By::Cron => {
            let scalar = node.scalar().filter(|_| !node.is_null());
            cron(reader, node, scalar.map(|scalar| scalar.text.as_str()).unwrap_or_default())
        }
        By::Weekly => {
            let days = days(reader, node, "`weekly` must be a list of days such as [mon, fri]", |text| {
                let name = text.to_ascii_lowercase();
                let is_it = |day: &str| day == name || name.get(..3) == Some(day) && LONG.contains(&name.as_str());
                WEEKDAYS.iter().position(|day| is_it(day)).map(|day| (day + 1).to_string())
            })?;
            cron(reader, node, &format!("{seconds} {clock} ? * {}", days.join(",")))
        }
        By::Monthly => {
            let what = "`monthly` must be a list of days from 1 to 31, or last";
            let days = days(reader, node, what, |text| match text {
                "last" => Some("L".to_owned()),
                text => text.parse::<u32>().ok().filter(|day| (1..=31).contains(day)).map(|day| day.to_string()),
            })?;
            cron(reader, node, &format!("{seconds} {clock} {} * ?", days.join(",")))
        }
    }
}

fn cron(reader: &mut Reader<'_>, node: &Node, text: &str) -> Option<Pattern> {
    match Cron::parse(text) {
        Ok(cron) => Some(Pattern::Cron(Box::new(cron))),
        Err(message) => {
            let (message, hint) = message.split_once("; ").unwrap_or((&message, ""));
            let problem = Problem::new(codes::WRONG_VALUE, node.place, message);
            let hint = hint.chars().take(1).flat_map(char::to_uppercase).chain(hint.chars().skip(1));
            let hint: String = hint.chain(['.']).collect();
            reader.report(if hint.len() > 1 { problem.with_hint(hint) } else { problem });
            None
        }
    }
}

fn days(reader: &mut Reader<'_>, node: &Node, what: &str, day: impl Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    let elements = node.elements().unwrap_or_default();
    if elements.is_empty() {
        reader.wrong(node, what);
        return None;
    }
    let days: Vec<Option<String>> = elements.iter().map(|element| day(text_of(element))).collect();
    for (element, _) in elements.iter().zip(&days).filter(|(_, day)| day.is_none()) {
        reader.wrong(element, what);
    }
    days.into_iter().collect()
}

/// A word, or a map of numbers by unit.
fn every(reader: &mut Reader<'_>, node: &Node, from: NaiveDateTime) -> Option<Interval> {
    let interval = |months, days, seconds| Interval { from, months, days, seconds };
    if node.entries().is_none() {
        let words = [
            ("hourly", interval(0, 0, 3600)),
            ("daily", interval(0, 1, 0)),
            ("weekly", interval(0, 7, 0)),
            ("monthly", interval(1, 0, 0)),
        ];
        return reader.word(node, "every", &words);
    }
    let mut fields = reader.fields(node, "`every`", EVERY)?;
    let mut count = |reader: &mut Reader<'_>, key: &str, most: u32| match fields.take(key) {
        Some(entry) => reader.whole(&entry.value, key, 0..=most),
        None => Some(0),
    };
    let days = count(reader, "days", MAX_DAYS)?;
    let (hours, minutes) = (count(reader, "hours", MAX_HOURS)?, count(reader, "minutes", MAX_MINUTES)?);
    let seconds = count(reader, "seconds", MAX_SECONDS)?;
    let seconds = hours * 3600 + minutes * 60 + seconds;
    if days == 0 && seconds == 0 {
        let message = "`every` must be at least 1 second, such as { seconds: 30 }";
        reader.report(Problem::new(codes::WRONG_VALUE, node.place, message));
        return None;
    }
    Some(interval(0, days, seconds))
}

/// Names must be inputs, and values must fit them.
fn schedule_input(reader: &mut Reader<'_>, fields: &mut Fields<'_>, inputs: &[Input]) -> Option<Record> {
    let Some(entry) = fields.take("input") else { return Some(NOTHING.clone()) };
    let Some(entries) = entry.value.entries() else {
        reader.wrong(&entry.value, "`input` must be a map from inputs of the workflow to their values");
        return None;
    };
    if !reader.loading().pay((entries.len() as u64).saturating_mul(inputs.len() as u64)) {
        return None;
    }
    for entry in entries.iter().filter(|entry| !inputs.iter().any(|input| input.name == entry.key.as_str())) {
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let message = format!("The workflow has no input `{}`", entry.key);
        let hint = || match names.as_slice() {
            [] => "It has no inputs; declare one under `input`.".to_owned(),
            names => format!("It has {}.", listed(names)),
        };
        reader.report(unknown_key(entry, message, &names, hint));
    }
    for entry in entries {
        if let Some(input) = inputs.iter().find(|input| input.name == entry.key.as_str()) {
            reader.refuse_unfit(&literal(&entry.value), input, entry.value.place);
        }
    }
    Some(Record::from_fields(entries.iter().map(|entry| (entry.key.as_str().into(), literal(&entry.value)))))
}

fn zone(reader: &mut Reader<'_>, node: &Node) -> Option<Tz> {
    let text = text_of(node);
    let zone = text.parse().ok();
    if zone.is_none() {
        let message = format!("`timeZone` must be an IANA name such as Europe/Stockholm, not `{text}`");
        let problem = Problem::new(codes::WRONG_VALUE, node.place, message);
        reader.report(match nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(name) => {
                let fix = Fix::replace(node.place, node.end, name);
                problem.with_hint(format!("Did you mean `{name}`?")).with_fix(fix)
            }
            None => problem,
        });
    }
    zone
}

/// A date with a time of day: local, or with an offset.
fn local(reader: &mut Reader<'_>, node: &Node, zone: Tz) -> Option<NaiveDateTime> {
    let text = text_of(node);
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
    let with_offset = || parse_datetime(text, zone).map(|at| at.in_zone(zone).local());
    let found = local.or_else(day).or_else(with_offset);
    if found.is_none() {
        reader.wrong(node, "A date and time are expected, such as 2026-12-24T18:00");
    }
    found
}

fn time(reader: &mut Reader<'_>, node: &Node) -> Option<NaiveTime> {
    let text = text_of(node);
    let time = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok());
    if time.is_none() {
        reader.wrong(node, "`time` must be a time of day such as '06:30'");
    }
    time
}

/// A pattern as one text, independent of its layout in the file.
fn written(by: By, kind: &Entry, from: NaiveDateTime, time: NaiveTime) -> String {
    let value = flat(&kind.value);
    match by {
        By::Every => format!("every {value} from {}", from.format("%Y-%m-%dT%H:%M:%S")),
        By::Weekly | By::Monthly => format!("{} {value} {}", kind.key, time.format("%H:%M:%S")),
        By::At | By::Cron => format!("{} {value}", kind.key),
    }
}

fn flat(node: &Node) -> String {
    if let Some(elements) = node.elements() {
        return elements.iter().map(flat).collect::<Vec<_>>().join(",");
    }
    if let Some(entries) = node.entries() {
        return entries
            .iter()
            .map(|entry| format!("{}={}", entry.key, flat(&entry.value)))
            .collect::<Vec<_>>()
            .join(",");
    }
    match node.scalar().map(Scalar::core) {
        Some(Core::Text(text)) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => text_of(node).to_owned(),
    }
}
