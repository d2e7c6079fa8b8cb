//! The entries of an unfinished run in the store, by key, and reading them back.
//!
//! `at:PATH` is the place of a strand, `v:PATH NAME` a variable, `in:POSITION` the elements of a loop, `out:PATH` the
//! result of a pass or branch, `trace:N` steps without a commit of their own, `spent` the time the run has worked.

use super::strand::{Open, Part, State, Strand, path_of};
use super::trace::{StepTrace, encode_trace};
use crate::script::Fault;
use crate::script::encoding;
use crate::steps::{Sleep, SleepKind};
use crate::store::{ClaimedRun, Timestamp};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Prefix of the paths of strands.
pub(super) const AT: &str = "at:";
/// Prefix of variables.
pub(super) const VARIABLE: &str = "v:";
/// Prefix of the elements of loops.
pub(super) const ITEMS: &str = "in:";
/// Prefix of the results of parts.
pub(super) const RESULT: &str = "out:";
/// Prefix of the numbers of pieces of the trace.
pub(super) const TRACE: &str = "trace:";
/// The key that exists once a step has failed that was allowed to: its strand may end long before the run.
pub(super) const WITH_ERRORS: &str = "withErrors";
/// The key of the time that the run has worked.
const SPENT: &str = "spent";

/// Entries by key, in the form of [`crate::store::Changes`].
pub(super) type Kept = Vec<(String, Option<Vec<u8>>)>;

/// What the store holds of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Bytes by key.
    stored: BTreeMap<String, usize>,
    total: usize,
    /// Keys that the store is to drop.
    dropped: Vec<String>,
    /// How many steps of the trace the store has, and in how many pieces.
    traced: usize,
    pieces: usize,
    /// How often the run has been retried.
    retries: u32,
    /// A step has failed that was allowed to.
    pub with_errors: bool,
}

impl Ledger {
    /// The stored entries of a claimed run.
    pub(super) fn of(claimed: &ClaimedRun, traced: usize) -> Self {
        let stored: BTreeMap<String, usize> = claimed.kept.iter().map(|(k, bytes)| (k.clone(), bytes.len())).collect();
        let pieces = stored.keys().filter(|key| key.starts_with(TRACE)).count();
        let total = stored.iter().filter(|(key, _)| counts(key)).map(|(_, bytes)| bytes).sum();
        let retries = claimed.run.summary.retries;
        let with_errors = stored.contains_key(WITH_ERRORS);
        Self { stored, total, dropped: Vec::new(), traced, pieces, retries, with_errors }
    }

    /// Has the store this key?
    pub(super) fn has(&self, key: &str) -> bool {
        self.stored.contains_key(key)
    }

    /// Drops a strand and all below it.
    pub(super) fn drop_strand(&mut self, path: &str) {
        self.drop_below(&format!("{AT}{path}"));
        self.drop_below(&format!("{VARIABLE}{path}"));
        self.drop_below(&format!("{ITEMS}{path}"));
        self.drop_below(&format!("{RESULT}{path}"));
    }

    /// Drops the elements and results of a step that is over.
    pub(super) fn drop_step(&mut self, position: &str) {
        self.drop_key(format!("{ITEMS}{position}"));
        self.drop_below(&format!("{RESULT}{position}["));
        self.drop_below(&format!("{RESULT}{position}/"));
    }

    fn drop_below(&mut self, prefix: &str) {
        let range = self.stored.range(prefix.to_owned()..);
        let keys: Vec<String> = range.map(|(key, _)| key.clone()).take_while(|key| key.starts_with(prefix)).collect();
        keys.into_iter().for_each(|key| self.drop_key(key));
    }

    fn drop_key(&mut self, key: String) {
        if let Some(bytes) = self.stored.remove(&key) {
            if counts(&key) {
                self.total -= bytes;
            }
            self.dropped.push(key);
        }
    }

    /// The entries of a commit that bring the strands in the store up to date. Variables of more than `most` bytes are
    /// an error; then nothing has changed here, and a later commit may write them.
    pub(super) fn write(
        &mut self,
        strands: &mut BTreeMap<String, Strand>,
        spent: Duration,
        trace: &[StepTrace],
        most: usize,
    ) -> Result<Kept, Fault> {
        let mut new: Vec<(String, Vec<u8>)> = Vec::new();
        for (path, strand) in strands.iter() {
            if strand.moved {
                new.push((format!("{AT}{path}"), encode_place(strand)));
            }
            for slot in strand.variables.changed() {
                let Some(name) = strand.workflow.names.get(slot) else { continue };
                new.push((format!("{VARIABLE}{path}{name}"), kept_bytes(strand.variables.get(slot), most)?));
            }
            if let (State::Open(open), Some(position)) = (&strand.state, position_of(strand)) {
                if let Some(items) = open.items.as_ref().filter(|_| !open.items_kept) {
                    new.push((format!("{ITEMS}{path}{position}"), kept_bytes(&items.to_value(), most)?));
                }
                for part in &open.unkept {
                    let bytes = kept_bytes(open.results.get(part).unwrap_or(&Value::Null), most)?;
                    new.push((format!("{RESULT}{}", path_of(path, position, part)), bytes));
                }
            }
        }
        let total = self.total_with(&new);
        if total > most {
            return Err(too_much(&total.to_string(), most));
        }
        for strand in strands.values_mut() {
            strand.moved = false;
            strand.variables.keep_changes();
            if let (State::Open(open), true) = (&mut strand.state, strand.step.is_some()) {
                open.items_kept |= open.items.is_some();
                open.unkept.clear();
            }
        }
        let mut kept: Kept = self.dropped.drain(..).map(|key| (key, None)).collect();
        new.into_iter().for_each(|(key, bytes)| self.put(&mut kept, key, bytes));
        if self.with_errors && !self.has(WITH_ERRORS) {
            self.put(&mut kept, WITH_ERRORS.to_owned(), Vec::new());
        }
        self.put(&mut kept, SPENT.to_owned(), encode_spent(spent, self.retries));
        if let Some(new @ [_, ..]) = trace.get(self.traced..) {
            self.put(&mut kept, format!("{TRACE}{:08}", self.pieces), encode_trace(new));
            self.pieces += 1;
            self.traced = trace.len();
        }
        Ok(kept)
    }

    /// The bytes that count towards the run's limit once these are written.
    fn total_with(&self, new: &[(String, Vec<u8>)]) -> usize {
        let counted = new.iter().filter(|(key, _)| counts(key));
        let (mut more, mut less) = (0, 0);
        for (key, bytes) in counted {
            more += bytes.len();
            less += self.stored.get(key).copied().unwrap_or_default();
        }
        (self.total + more).saturating_sub(less)
    }

    fn put(&mut self, kept: &mut Kept, key: String, bytes: Vec<u8>) {
        let counted = counts(&key);
        let before = self.stored.insert(key.clone(), bytes.len()).unwrap_or(0);
        if counted {
            self.total = (self.total + bytes.len()).saturating_sub(before);
        }
        // A key that was dropped since the last commit and is set again is written last.
        kept.push((key, Some(bytes)));
    }
}

/// The position of a strand's step in its list; `None` after the last one.
fn position_of(strand: &Strand) -> Option<&str> {
    strand.step.and_then(|index| strand.workflow.step(index)).map(|step| step.position.as_str())
}

/// The bytes of a value; an error if they exceed the limit for all variables.
fn kept_bytes(value: &Value, most: usize) -> Result<Vec<u8>, Fault> {
    encoding::encode_up_to(value, most).ok_or_else(|| too_much(&format!("more than {most}"), most))
}

fn too_much(bytes: &str, most: usize) -> Fault {
    let message = format!("The variables take {bytes} bytes; the limit is {most}.");
    Fault::new(ErrorKind::Limit, message)
}

/// Does a key count towards the run's limit?
fn counts(key: &str) -> bool {
    [VARIABLE, ITEMS, RESULT].iter().any(|prefix| key.starts_with(prefix))
}

fn encode_spent(spent: Duration, retries: u32) -> Vec<u8> {
    let millis = (spent.as_millis() as u64).to_le_bytes();
    millis.into_iter().chain(retries.to_le_bytes()).collect()
}

/// How long a claimed run has worked since it was last started or retried: a retry may take as long as the first try.
pub(super) fn spent(claimed: &ClaimedRun) -> Duration {
    let bytes = claimed.kept.iter().find(|(key, _)| key == SPENT).map(|(_, bytes)| bytes.as_slice());
    let Some((millis, retries)) = bytes.and_then(|bytes| bytes.split_first_chunk()) else { return Duration::ZERO };
    // Without a number it was written by an earlier version.
    let retries = retries.try_into().map_or(0, u32::from_le_bytes);
    let same_try = retries == claimed.run.summary.retries;
    Duration::from_millis(if same_try { u64::from_le_bytes(*millis) } else { 0 })
}

/// The stored place of a strand.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    /// The strand whose step opened it.
    pub parent: Option<String>,
    /// Its role in that step.
    pub part: Part,
    /// The position of its step in its list; `None` after the last one.
    pub position: Option<String>,
    /// The attempt of the step.
    pub attempt: u32,
    /// Failed attempts.
    pub failures: u32,
    /// When the attempt began.
    pub begun: Timestamp,
    /// The place of the attempt in the order of all starts.
    pub number: u32,
    /// Retries of the run when the attempt began.
    pub retries: u32,
    /// What it sleeps for.
    pub sleep: Option<Sleep>,
    /// Strands below it perform its step; the number that have begun.
    pub open: Option<usize>,
    /// A failure below, while the other strands continue.
    pub fault: Option<Fault>,
}

fn encode_place(strand: &Strand) -> Vec<u8> {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::text);
    let (pass, branch) = match &strand.part {
        Part::Pass(number) => (Value::from(*number as i64), Value::Null),
        Part::Branch(name) => (Value::Null, Value::text(name.as_str())),
        Part::Whole | Part::Called => (Value::Null, Value::Null),
    };
    let position = position_of(strand);
    let (sleep, open, fault) = match &strand.state {
        State::Asleep(sleep) => {
            let sleep = Value::record([
                ("due", sleep.due.map_or(Value::Null, |due| due.0.into())),
                ("event", text(sleep.event.as_deref())),
                ("backOff", (sleep.kind == SleepKind::BackOff).into()),
                ("instant", (sleep.kind == SleepKind::Instant).into()),
            ]);
            (sleep, Value::Null, Value::Null)
        }
        State::Open(open) => {
            let fault = open.fault.as_ref().map_or(Value::Null, Fault::to_value);
            (Value::Null, Value::from(open.next as i64), fault)
        }
        State::Ready(_) | State::Acting => (Value::Null, Value::Null, Value::Null),
    };
    encoding::encode(&Value::record([
        ("parent", text(strand.parent.as_deref())),
        ("pass", pass),
        ("branch", branch),
        ("position", text(position)),
        ("attempt", i64::from(strand.attempt).into()),
        ("begun", strand.begun.0.into()),
        ("number", i64::from(strand.number).into()),
        ("failures", i64::from(strand.failures).into()),
        ("retries", i64::from(strand.retries).into()),
        ("sleep", sleep),
        ("open", open),
        ("fault", fault),
    ]))
}

/// The place of a strand from its stored bytes. The error says what is wrong with them.
pub(super) fn decode_place(bytes: &[u8]) -> Result<Place, String> {
    let Value::Record(kept) = encoding::decode(bytes)? else { return Err("its position is damaged".into()) };
    let text = |name: &str| match kept.get(name) {
        Some(Value::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    let number = |value: Option<Value>| match value {
        Some(Value::Number(number)) => number.to_i64(),
        _ => None,
    };
    let count = |name: &str| number(kept.get(name)).unwrap_or_default();
    let part = match (number(kept.get("pass")), text("branch"), text("parent")) {
        (Some(pass), _, _) => Part::Pass(pass as usize),
        (None, Some(branch), _) => Part::Branch(branch),
        (None, None, Some(_)) => Part::Called,
        (None, None, None) => Part::Whole,
    };
    let sleep = match kept.get("sleep") {
        Some(Value::Record(sleep)) => Some(Sleep {
            due: number(sleep.get("due")).map(Timestamp),
            event: match sleep.get("event") {
                Some(Value::Text(name)) => Some(name.to_string()),
                _ => None,
            },
            kind: match (sleep.get("backOff"), sleep.get("instant")) {
                (Some(Value::Bool(true)), _) => SleepKind::BackOff,
                (_, Some(Value::Bool(true))) => SleepKind::Instant,
                _ => SleepKind::Span,
            },
        }),
        _ => None,
    };
    Ok(Place {
        parent: text("parent"),
        part,
        position: text("position"),
        attempt: count("attempt") as u32,
        begun: Timestamp(count("begun")),
        number: count("number") as u32,
        failures: count("failures") as u32,
        retries: count("retries") as u32,
        sleep,
        open: number(kept.get("open")).map(|next| next as usize),
        fault: kept.get("fault").and_then(|value| Fault::of_value(&value)),
    })
}

/// The position in a kept place of a strand, for tests.
#[cfg(test)]
pub fn kept_position(key: &str, bytes: &[u8]) -> Option<String> {
    let (path, place) = (key.strip_prefix(AT)?, decode_place(bytes).ok()?);
    Some(format!("{path}{}", place.position.unwrap_or_default()))
}

/// The stored parts of a step of a claimed run.
pub(super) fn open_step(claimed: &ClaimedRun, path: &str, position: &str, begun: usize) -> Result<Open, String> {
    let mut open = Open { next: begun, items_kept: true, ..Open::new(None) };
    let whole = format!("{ITEMS}{path}{position}");
    if let Some((_, bytes)) = claimed.kept.iter().find(|(key, _)| *key == whole) {
        let items = encoding::decode(bytes)?;
        open.items = flowscript_lang::value::Rows::of(&items);
    }
    let (passes, branches) = (format!("{RESULT}{path}{position}["), format!("{RESULT}{path}{position}/"));
    for (key, bytes) in &claimed.kept {
        let part = if let Some(rest) = key.strip_prefix(&passes) {
            rest.strip_suffix("]/").and_then(|number| number.parse().ok()).map(Part::Pass)
        } else if let Some(rest) = key.strip_prefix(&branches) {
            rest.strip_suffix('/').filter(|name| !name.contains('/')).map(|name| Part::Branch(name.to_owned()))
        } else {
            None
        };
        if let Some(part) = part {
            open.take(part, encoding::decode(bytes)?);
        }
    }
    Ok(open)
}
