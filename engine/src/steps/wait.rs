//! `wait`: the run sleeps.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Outcome, Sleep, SleepKind};
use super::parts::refuse;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::clock::Timestamp;
use crate::reading::{Takes, optional, text_of};
use crate::script::{Content, Fault, Script};
use crate::yaml::Entry;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, to_datetime};
use std::time::Duration;

/// The longest span of a `wait`.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);
/// The longest name of an event, in characters.
const MAX_EVENT: usize = 200;

pub(super) const KIND: Row = Row {
    key: "wait",
    summary: "Lets the run sleep `for` a time, `until` an instant, or until an `event` comes; it does not hold a worker, and continues after a restart.",
    example: "wait: { event: approval, timeout: 3d }",
    takes: Takes::Map(&[
        optional("for", Takes::Duration),
        optional("until", Takes::Expression),
        optional("event", Takes::Template),
        optional("timeout", Takes::Duration),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed("The `timeout` of a `wait` belongs inside it: `wait: { event: paid, timeout: 1h }`", read),
};

/// What ends the sleep.
#[derive(Debug)]
enum Wait {
    /// A span of time.
    For(Duration),
    /// An instant.
    Until(Script),
    /// An event of this name, for this long at most.
    Event(Content, Option<Duration>),
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let reader = walk.reader();
    let mut fields = given.fields(reader)?;
    let timeout = fields.take("timeout");
    let keys = ["for", "until", "event"].map(|key| fields.take(key));
    let needless = match keys {
        [Some(what), None, None] | [None, Some(what), None] => timeout.map(|timeout| (what, timeout)),
        [..] => None,
    };
    if let Some((what, timeout)) = needless {
        let message = format!("`timeout` is for events; `{}` says itself how long it waits", what.key);
        reader.report(Problem::new(codes::WRONG_VALUE, timeout.place, message));
    }
    match keys {
        [Some(span), None, None] => Some(Body::new(Wait::For(reader.duration(&span.value, LONGEST)?), Type::Null)),
        [None, Some(until), None] => {
            Some(Body::new(Wait::Until(reader.expression(&until.value, "`until`")?.0), Type::Null))
        }
        [None, None, Some(event)] => read_event(walk, event, timeout),
        [..] => {
            let message = "`wait` waits for one thing: `for` a span of time, `until` an instant, or an `event`";
            refuse(reader, given.node(), message);
            None
        }
    }
}

fn read_event(walk: &mut Walk<'_>, event: &Entry, timeout: Option<&Entry>) -> Option<Body> {
    let reader = walk.reader();
    let timeout = timeout.and_then(|entry| reader.duration(&entry.value, LONGEST));
    if !reader.library().has_callbacks() {
        let message = "An event cannot reach this engine, since its address is not known";
        let hint = "Set `publicUrl` in flowscript.toml; `callbackUrl(name)` begins with it.";
        reader.report(Problem::new(codes::MISSING_KEY, event.place, message).with_hint(hint));
    }
    reader.names_event(text_of(&event.value), event.value.place);
    Some(Body::new(Wait::Event(reader.template(&event.value)?, timeout), Type::Any))
}

impl StepKind for Wait {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Acts,
            gives_result: true,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let context = scene.context;
        let (seconds, nanos) = context.host.now();
        let now = Timestamp(seconds.saturating_mul(1000).saturating_add(i64::from(nanos / 1_000_000)));
        let after = |span: Duration| now.plus_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        let sleep = match self {
            Self::For(span) => Sleep { due: Some(after(*span)), event: None, kind: SleepKind::Span },
            Self::Until(script) => {
                let value = script.run(variables, context)?;
                let at = to_datetime(&value, context.settings.zone).map_err(|_| {
                    let message = format!("`until` must give a datetime; it gives {}.", value.to_literal(60));
                    Fault::new(ErrorKind::Type, message)
                })?;
                let millis = i64::from(at.nanos() / 1_000_000) + i64::from(at.nanos() % 1_000_000 > 0);
                let due = Timestamp(at.unix_seconds().saturating_mul(1000).saturating_add(millis));
                Sleep { due: Some(due), event: None, kind: SleepKind::Instant }
            }
            Self::Event(name, timeout) => {
                let name = name.text("The name of an event", variables, context)?;
                if name.is_empty() || name.chars().count() > MAX_EVENT {
                    let message =
                        format!("The name of an event has 1 to {MAX_EVENT} characters; this one is `{name}`.");
                    return Err(Fault::new(ErrorKind::Value, message));
                }
                Sleep { due: timeout.map(after), event: Some(name.to_string()), kind: SleepKind::Span }
            }
        };
        Ok(Outcome::Sleep(sleep))
    }
}
