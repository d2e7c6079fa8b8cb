//! Filters of runs as one line of text: `since:24h state:failed,timedOut -workflow:item-price took:>2s "no item"`.
//!
//! Conditions are separated by blanks, and all of them hold; `-` before one is its opposite. A condition is a name and
//! its values after a colon, of which one is enough; a text without a name is looked for at the beginning of ids,
//! labels, lane keys and error messages. A value with blanks, commas or colons stands in double quotes, in which `\"` and
//! `\\` are characters. The list of runs, its counts and decisions about many runs read the same text.

use crate::config::duration;
use crate::store::{Condition, RunMark, RunQuery, RunState, Term, Timestamp, Trigger};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use flowscript_lang::suggest::nearest;
use flowscript_lang::value::{LocalTime, Zone, local_time};
use std::fmt;
use std::time::Duration;

/// The longest text of a filter, in characters.
const MOST_CHARACTERS: usize = 4000;
/// The most conditions of a filter, and the most values of a condition.
const MOST_PARTS: usize = 64;

/// The names of conditions.
const NAMES: [&str; 11] =
    ["state", "is", "workflow", "trigger", "label", "lane", "version", "error", "took", "since", "until"];

/// Conditions on runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Runs accepted at this moment or later.
    pub since: Option<Moment>,
    /// Runs accepted before this moment, or on this day or earlier.
    pub until: Option<Moment>,
    /// All other conditions.
    pub terms: Vec<Term>,
}

/// A moment as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Milliseconds before now.
    Ago(u64),
    /// A day of the zone of the engine.
    Day(NaiveDate),
    /// An instant.
    At(Timestamp),
}

/// Why a text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is, in characters from the beginning.
    pub at: usize,
    /// The length of the part that it is about, in characters.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub hint: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {} {}", self.at + 1, self.message, self.hint)
    }
}

impl Filter {
    /// The query of the store for this filter, seen from `now`; days are those of `zone`.
    pub fn query(&self, now: Timestamp, zone: Zone) -> RunQuery {
        let next = |moment: Moment| match moment {
            Moment::Day(day) => Moment::Day(day.succ_opt().unwrap_or(day)),
            other @ (Moment::Ago(_) | Moment::At(_)) => other,
        };
        RunQuery {
            accepted_from: self.since.map(|since| since.instant(now, zone)),
            accepted_before: self.until.map(|until| next(until).instant(now, zone)),
            terms: self.terms.clone(),
            ..RunQuery::default()
        }
    }
}

impl Moment {
    fn instant(self, now: Timestamp, zone: Zone) -> Timestamp {
        match self {
            Self::Ago(millis) => now.plus_millis(-i64::try_from(millis).unwrap_or(i64::MAX)),
            Self::At(at) => at,
            Self::Day(day) => {
                let local = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
                let seconds = match local_time(zone, local) {
                    LocalTime::Once(at) | LocalTime::Twice(at, _) | LocalTime::Never(at) => at,
                };
                Timestamp(seconds.saturating_mul(1000))
            }
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moments = [("since", self.since), ("until", self.until)];
        let moments = moments.into_iter().filter_map(|(name, moment)| Some(format!("{name}:{}", moment?)));
        let parts: Vec<String> = moments.chain(self.terms.iter().map(written)).collect();
        f.write_str(&parts.join(" "))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(millis) => f.write_str(&span(*millis)),
            Self::Day(day) => write!(f, "{}", day.format("%Y-%m-%d")),
            Self::At(at) => {
                let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
                f.write_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
            }
        }
    }
}

fn span(millis: u64) -> String {
    duration::format(Duration::from_millis(millis))
}

/// A condition as text.
fn written(term: &Term) -> String {
    fn list<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> String {
        let values: Vec<String> = values.map(quoted).collect();
        format!("{name}:{}", values.join(","))
    }
    let texts = |name: &str, values: &[String]| list(name, values.iter().map(String::as_str));
    let condition = match &term.condition {
        Condition::State(states) => list("state", states.iter().map(|state| state.as_str())),
        Condition::Is(mark) => format!("is:{mark}"),
        Condition::Workflow(names) => texts("workflow", names),
        Condition::Trigger(triggers) => list("trigger", triggers.iter().map(|trigger| trigger.as_str())),
        Condition::Label(labels) => texts("label", labels),
        Condition::Lane(keys) => texts("lane", keys),
        Condition::Version(hashes) => texts("version", hashes),
        Condition::Error(messages) => texts("error", messages),
        Condition::TookOver(millis) => format!("took:>{}", span(*millis)),
        Condition::TookUnder(millis) => format!("took:<{}", span(*millis)),
        Condition::Text(text) => quoted(text),
    };
    if term.negated { format!("-{condition}") } else { condition }
}

/// A value, in quotes where it needs them.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./@#+*".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Reads a filter.
pub fn parse(text: &str) -> Result<Filter, Mistake> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MOST_CHARACTERS {
        let message = format!("The filter has {} characters.", chars.len());
        return Err(Mistake {
            at: MOST_CHARACTERS,
            length: 0,
            message,
            hint: format!("Write {MOST_CHARACTERS} at most."),
        });
    }
    let mut reader = Reader { chars: &chars, at: 0 };
    let mut filter = Filter::default();
    loop {
        reader.skip_blanks();
        if reader.peek().is_none() {
            return Ok(filter);
        }
        reader.part(&mut filter)?;
        if filter.terms.len() > MOST_PARTS {
            return Err(reader.mistake(reader.at, "There are too many conditions.", "Write 64 at most."));
        }
    }
}

/// A text that is being read.
struct Reader<'t> {
    chars: &'t [char],
    at: usize,
}

/// A value and where it begins.
type Value = (usize, String);

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// What was read since `from`.
    fn read(&self, from: usize) -> String {
        self.chars.get(from..self.at).unwrap_or_default().iter().collect()
    }

    /// A mistake in what was read since `from`.
    fn mistake(&self, from: usize, message: impl Into<String>, hint: impl Into<String>) -> Mistake {
        Mistake { at: from, length: self.at.saturating_sub(from), message: message.into(), hint: hint.into() }
    }

    /// Reads a condition.
    fn part(&mut self, filter: &mut Filter) -> Result<(), Mistake> {
        let start = self.at;
        let negated = self.peek() == Some('-');
        self.at += usize::from(negated);
        let from = self.at;
        while self.peek().is_some_and(char::is_alphabetic) {
            self.at += 1;
        }
        let name = self.read(from);
        if self.peek() != Some(':') || name.is_empty() {
            self.at = from;
            let (_, text) = self.value("a text", false)?;
            filter.terms.push(Term { negated, condition: Condition::Text(text) });
            return Ok(());
        }
        if !NAMES.contains(&name.as_str()) {
            let hint = match nearest(&name, NAMES) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("Conditions are {}; a text with a colon stands in quotes.", NAMES.join(", ")),
            };
            return Err(self.mistake(from, format!("`{name}` is not a condition."), hint));
        }
        self.at += 1;
        if name == "since" || name == "until" {
            let (at, text) = self.value(&name, true)?;
            let moment = self.moment(at, &text)?;
            let place = if name == "since" { &mut filter.since } else { &mut filter.until };
            let is_second = place.replace(moment).is_some();
            if negated || is_second {
                let message =
                    if negated { format!("`{name}` cannot be negated.") } else { format!("`{name}` is there twice.") };
                let hint = if negated { "Write since:… or until:… without `-`." } else { "Leave one of them out." };
                return Err(self.mistake(start, message, hint));
            }
            return Ok(());
        }
        let mut values = vec![self.value(&name, true)?];
        while self.peek() == Some(',') {
            self.at += 1;
            values.push(self.value(&name, true)?);
            if values.len() > MOST_PARTS {
                return Err(self.mistake(from, format!("`{name}` has too many values."), "Write 64 at most."));
            }
        }
        let condition = self.condition(&name, values)?;
        filter.terms.push(Term { negated, condition });
        Ok(())
    }

    /// Reads a value: a text in quotes, or all up to the next blank; up to the next comma in a list.
    fn value(&mut self, of: &str, in_list: bool) -> Result<Value, Mistake> {
        let from = self.at;
        if self.peek() != Some('"') {
            while self.peek().is_some_and(|c| !c.is_whitespace() && (!in_list || c != ',')) {
                self.at += 1;
            }
            let text = self.read(from);
            if text.is_empty() {
                return Err(self.mistake(from, format!("A value of {of} is missing."), "Write it without a blank."));
            }
            return Ok((from, text));
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            let next = self.peek();
            self.at += 1;
            match next {
                Some('"') => break,
                Some('\\') => {
                    let escaped = self.peek();
                    self.at += 1;
                    match escaped {
                        Some(c @ ('"' | '\\')) => text.push(c),
                        _ => return Err(self.mistake(from, "`\\` escapes only `\"` and `\\`.", "Write it twice.")),
                    }
                }
                Some(c) => text.push(c),
                None => return Err(self.mistake(from, "The quotes are not closed.", "Write `\"` at the end.")),
            }
        }
        let ends = self.peek().is_none_or(|c| c.is_whitespace() || (in_list && c == ','));
        if ends {
            return Ok((from, text));
        }
        Err(self.mistake(from, "A text in quotes ends here.", "Write a blank after it."))
    }

    fn moment(&self, at: usize, text: &str) -> Result<Moment, Mistake> {
        if let Ok(ago) = duration::parse(text) {
            return Ok(Moment::Ago(millis(ago)));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            && text.len() == 10
        {
            return Ok(Moment::Day(day));
        }
        match DateTime::parse_from_rfc3339(text) {
            Ok(instant) => Ok(Moment::At(Timestamp(instant.timestamp_millis()))),
            Err(_) => {
                let hint = "Write a duration such as 24h, a day such as 2026-01-31, or 2026-01-31T12:00:00Z.";
                Err(self.mistake(at, format!("`{text}` is not a moment."), hint))
            }
        }
    }

    fn condition(&self, name: &str, values: Vec<Value>) -> Result<Condition, Mistake> {
        let texts = |values: Vec<Value>| values.into_iter().map(|(_, text)| text).collect();
        Ok(match name {
            "state" => Condition::State(self.named(values, "a state", RunState::ALL, RunState::as_str)?),
            "trigger" => Condition::Trigger(self.named(values, "a trigger", Trigger::ALL, Trigger::as_str)?),
            "is" => match self.named(values, "a mark", RunMark::ALL, RunMark::as_str)?.as_slice() {
                [mark] => Condition::Is(*mark),
                _ => return Err(self.mistake(self.at, "`is` has one value.", "Write it twice for two.")),
            },
            "workflow" => Condition::Workflow(texts(values)),
            "label" => Condition::Label(texts(values)),
            "lane" => Condition::Lane(texts(values)),
            "error" => Condition::Error(texts(values)),
            "version" => {
                let is_hash = |text: &str| {
                    (1..=64).contains(&text.len())
                        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
                };
                if let Some((at, text)) = values.iter().find(|(_, text)| !is_hash(text)) {
                    let hint = "Write the beginning of its hash, such as 9c41e2.";
                    return Err(self.mistake(*at, format!("`{text}` does not begin a version."), hint));
                }
                Condition::Version(texts(values))
            }
            _ => self.took(&values)?,
        })
    }

    fn took(&self, values: &[Value]) -> Result<Condition, Mistake> {
        let hint = "Write took:>2s or took:<100ms.";
        let [(at, text)] = values else {
            return Err(self.mistake(self.at, "`took` has one value.", hint));
        };
        let limit = |rest: &str| {
            duration::parse(rest).map(millis).map_err(|error| self.mistake(*at, format!("{error}."), hint))
        };
        match (text.strip_prefix('>'), text.strip_prefix('<')) {
            (Some(rest), _) => Ok(Condition::TookOver(limit(rest)?)),
            (_, Some(rest)) => Ok(Condition::TookUnder(limit(rest)?)),
            (None, None) => Err(self.mistake(*at, "`took` needs `>` or `<` before its duration.", hint)),
        }
    }

    /// Values that have names.
    fn named<T: Copy>(
        &self,
        values: Vec<Value>,
        what: &str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>, Mistake> {
        let one = |(at, text): Value| {
            let found = all.iter().copied().find(|one| name(*one) == text);
            found.ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
                let hint = match nearest(&text, names.iter().copied()) {
                    Some(meant) => format!("Did you mean `{meant}`?"),
                    None => format!("There are {}.", names.join(", ")),
                };
                self.mistake(at, format!("`{text}` is not {what}."), hint)
            })
        };
        values.into_iter().map(one).collect()
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn term(negated: bool, condition: Condition) -> Term {
        Term { negated, condition }
    }

    #[test]
    fn a_filter_of_everything() {
        let text = "since:24h state:failed,timedOut  -workflow:item-price,erp.* took:>2s lane:A112 \
                    \"no item\" -A10 trigger:webhook is:held label:\"a, b\" version:9c41 error:\"He said \\\"no\\\"\" \
                    until:2026-10-22";
        let filter = parse(text).unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let expected = [
            term(false, Condition::State(vec![RunState::Failed, RunState::TimedOut])),
            term(true, Condition::Workflow(texts(&["item-price", "erp.*"]))),
            term(false, Condition::TookOver(2000)),
            term(false, Condition::Lane(texts(&["A112"]))),
            term(false, Condition::Text("no item".to_owned())),
            term(true, Condition::Text("A10".to_owned())),
            term(false, Condition::Trigger(vec![Trigger::Webhook])),
            term(false, Condition::Is(RunMark::Held)),
            term(false, Condition::Label(texts(&["a, b"]))),
            term(false, Condition::Version(texts(&["9c41"]))),
            term(false, Condition::Error(texts(&["He said \"no\""]))),
        ];
        assert_eq!(filter.terms, expected);
        assert_eq!(filter.since, Some(Moment::Ago(86_400_000)));
        let zone: Zone = "Europe/Stockholm".parse().unwrap();
        let query = filter.query(Timestamp(100_000_000), zone);
        assert_eq!(query.accepted_from, Some(Timestamp(13_600_000)));
        // The day counts: up to midnight after it, which is two hours ahead of UTC.
        assert_eq!(query.accepted_before, Some(Timestamp(1_792_706_400_000)));
        assert_eq!(parse("  ").unwrap(), Filter::default());
        assert_eq!(parse("").unwrap().to_string(), "");
    }

    #[test]
    fn mistakes_say_where_and_what_to_write() {
        for (text, at, part) in [
            ("state:fialed", 6, "`fialed` is not a state. Did you mean `failed`?"),
            ("state:failed,zzz", 13, "There are queued, running"),
            ("stat:failed", 0, "Did you mean `state`?"),
            ("a http://x", 2, "stands in quotes"),
            ("took:2s", 5, "Write took:>2s"),
            ("took:>2", 5, "is not a duration"),
            ("label: x", 6, "A value of label is missing."),
            ("label:", 6, "is missing"),
            ("label:a,", 8, "is missing"),
            ("-", 1, "is missing"),
            ("label:\"a", 6, "not closed"),
            ("label:\"a\\n\"", 6, "Write it twice"),
            ("\"a\"b", 0, "Write a blank"),
            ("since:x", 6, "Write a duration such as 24h"),
            ("since:2026-1-1", 6, "Write a duration"),
            ("since:1h since:2h", 9, "is there twice"),
            ("-since:1h", 0, "cannot be negated"),
            ("version:xyz", 8, "beginning of its hash"),
            ("is:held,held", 12, "one value"),
        ] {
            let mistake = parse(text).unwrap_err();
            assert_eq!(mistake.at, at, "{text}: {mistake}");
            assert!(mistake.to_string().contains(part), "{text}: {mistake}");
        }
        assert!(parse(&"a".repeat(5000)).unwrap_err().to_string().contains("5000 characters"));
        assert!(parse(&"a ".repeat(65)).unwrap_err().to_string().contains("too many"));
        assert!(parse(&format!("lane:{}a", "a,".repeat(64))).unwrap_err().to_string().contains("too many"));
    }

    fn moment() -> impl Strategy<Value = Moment> {
        prop_oneof![
            (0_u64..100_000_000).prop_map(Moment::Ago),
            (0_i32..30_000).prop_map(|day| Moment::Day(NaiveDate::from_num_days_from_ce_opt(720_000 + day).unwrap())),
            (0_i64..4_000_000_000_000).prop_map(|at| Moment::At(Timestamp(at))),
        ]
    }

    fn condition() -> impl Strategy<Value = Condition> {
        let text = prop_oneof!["[a-z:, \"\\\\<>-]{0,8}", "\\PC{0,8}", "[a-z]{1,5}\\*?"];
        let texts = proptest::collection::vec(text.clone(), 1..4);
        let some = |length: usize| proptest::collection::vec(0..length, 1..4);
        prop_oneof![
            some(RunState::ALL.len())
                .prop_map(|found| Condition::State(found.into_iter().map(|one| RunState::ALL[one]).collect())),
            some(Trigger::ALL.len())
                .prop_map(|found| Condition::Trigger(found.into_iter().map(|one| Trigger::ALL[one]).collect())),
            (0..RunMark::ALL.len()).prop_map(|one| Condition::Is(RunMark::ALL[one])),
            texts.clone().prop_map(Condition::Workflow),
            texts.clone().prop_map(Condition::Label),
            texts.clone().prop_map(Condition::Lane),
            texts.prop_map(Condition::Error),
            proptest::collection::vec("[0-9a-f]{1,8}", 1..3).prop_map(Condition::Version),
            (0_u64..10_000_000).prop_map(Condition::TookOver),
            (0_u64..10_000_000).prop_map(Condition::TookUnder),
            text.prop_map(Condition::Text),
        ]
    }

    proptest! {
        #[test]
        fn a_filter_that_is_written_is_read_as_it_was(
            since in proptest::option::of(moment()),
            until in proptest::option::of(moment()),
            terms in proptest::collection::vec((any::<bool>(), condition()), 0..6),
        ) {
            let terms = terms.into_iter().map(|(negated, condition)| term(negated, condition)).collect();
            let filter = Filter { since, until, terms };
            prop_assert_eq!(parse(&filter.to_string()), Ok(filter));
        }

        #[test]
        fn every_text_is_a_filter_or_has_a_place(text in prop_oneof!["\\PC{0,30}", "(-?(state|label|took|since|x)?:?[a-z0-9\",<>\\\\ -]{0,6}){0,6}"]) {
            match parse(&text) {
                Ok(filter) => prop_assert_eq!(parse(&filter.to_string()), Ok(filter)),
                Err(mistake) => prop_assert!(mistake.at <= text.chars().count() && !mistake.hint.is_empty(), "{mistake}"),
            }
        }
    }
}
