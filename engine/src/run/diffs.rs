//! The changes of a run's variables by its steps, kept in memory until the run's end decides whether they are stored.

use crate::script::Slot;
use crate::script::encoding;
use crate::steps::Step;
use crate::workflow::history::Redact;
use ecow::EcoString;
use flowscript_lang::value::{Rows, Value};
use std::collections::{BTreeMap, VecDeque};

/// The most steps whose changes are remembered: the last ones.
const MOST: usize = 1_000;
/// A larger value, in bytes of the store, is replaced by a description.
const LARGEST: usize = 64 << 10;
/// The most bytes of one run in the store.
const MOST_BYTES: usize = 1 << 20;
/// The length of a description, in characters.
const WORDS: usize = 200;

/// The changes of one step.
#[derive(Clone, Debug)]
pub struct StepDiff {
    /// Its position.
    pub position: String,
    /// Its attempt, counted from 1.
    pub attempt: u32,
    /// The variables it may set.
    pub changes: Vec<Change>,
}

/// A variable before and after a step.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its name.
    pub name: EcoString,
    /// Its value before.
    pub before: Value,
    /// Its value after.
    pub after: Value,
}

/// Records the changes of steps.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// Steps that have begun: what they may set, by position.
    open: BTreeMap<String, Vec<(Slot, Value)>>,
    done: VecDeque<StepDiff>,
    /// The number of changes in the store from an earlier end of the run.
    kept: usize,
}

impl Recorder {
    /// Continues from what the store has.
    pub(super) fn resume(&mut self, kept: Vec<StepDiff>) {
        self.kept = kept.len();
        self.done = kept.into();
    }

    /// A step begins.
    pub(super) fn begin(&mut self, position: &str, step: &Step, values: &[Value]) {
        if step.slot.is_none() && step.sets().is_empty() {
            return;
        }
        let slots = step.slot.iter().chain(step.sets());
        let values = slots.filter_map(|slot| Some((*slot, values.get(*slot)?.clone())));
        self.open.insert(position.to_owned(), values.collect());
    }

    /// A step is over. One that began in an earlier process is unknown.
    pub(super) fn end(&mut self, position: &str, attempt: u32, names: &[EcoString], values: &[Value], redact: &Redact) {
        let Some(before) = self.open.remove(position) else { return };
        let changes = before.into_iter().filter_map(|(slot, before)| {
            let name = names.get(slot)?.clone();
            let veiled = |value: &Value| if redact.is_empty() { value.clone() } else { redact.mask(&name, value) };
            Some(Change { before: veiled(&before), after: veiled(values.get(slot)?), name })
        });
        if self.done.len() == MOST {
            self.done.pop_front();
            self.kept = self.kept.saturating_sub(1);
        }
        self.done.push_back(StepDiff { position: position.to_owned(), attempt, changes: changes.collect() });
    }

    /// The recorded changes, and how many of them are in the store already.
    pub(super) fn take(&mut self) -> (Vec<StepDiff>, usize) {
        (std::mem::take(&mut self.done).into(), std::mem::take(&mut self.kept))
    }
}

/// The value for the store: as many of the newest steps as fit.
pub(super) fn to_value(diffs: &[StepDiff]) -> Value {
    let mut left = MOST_BYTES;
    let mut rows = Vec::new();
    for diff in diffs.iter().rev() {
        let changes = diff.changes.iter().map(|change| {
            Value::list(vec![Value::text(change.name.clone()), shortened(&change.before), shortened(&change.after)])
        });
        let row = Value::list(vec![
            Value::text(diff.position.as_str()),
            i64::from(diff.attempt).into(),
            Value::list(changes.collect()),
        ]);
        let Some(bytes) = encoding::encode_up_to(&row, left) else { break };
        left -= bytes.len();
        rows.push(row);
    }
    rows.reverse();
    Value::list(rows)
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => value.clone(),
        Value::Function(_) => Value::text("a function"),
        value if encoding::encode_up_to(value, LARGEST).is_none() => {
            Value::text(format!("too large to keep: {}", value.to_literal(WORDS)))
        }
        value => value.clone(),
    }
}

/// The diffs in a value of the store.
pub(super) fn of_value(value: &Value) -> Vec<StepDiff> {
    let text = |value: Value| match value {
        Value::Text(text) => text,
        _ => EcoString::new(),
    };
    let mut diffs = Vec::new();
    for row in Rows::of(value).iter().flat_map(Rows::iter) {
        let Some(cells) = Rows::of(&row) else { continue };
        let attempt = match cells.get(1) {
            Value::Number(number) => number.to_usize().unwrap_or(1) as u32,
            _ => 1,
        };
        let changes = Rows::of(&cells.get(2));
        let changes = changes.iter().flat_map(Rows::iter).filter_map(|change| {
            let cells = Rows::of(&change)?;
            Some(Change { name: text(cells.get(0)), before: cells.get(1), after: cells.get(2) })
        });
        diffs.push(StepDiff { position: text(cells.get(0)).to_string(), attempt, changes: changes.collect() });
    }
    diffs
}
