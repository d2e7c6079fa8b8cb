//! What a run notes of its steps that have no commit of their own, and how the store keeps it.

use super::diffs::{self, StepDiff};
use super::encoding;
use crate::store::{StepRecord, StepState, Timestamp};
use flowscript_lang::value::{Rows, Value};
use std::collections::HashSet;

/// One step that was passed.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTrace {
    /// The path of ids and numbers.
    pub position: String,
    /// The key of the kind.
    pub kind: String,
    /// For people.
    pub title: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Timestamp,
    /// Its `when` was false.
    pub skipped: bool,
    /// It has begun, and nobody knows its end yet.
    pub running: bool,
    /// The engine or the run ended while it was at work.
    pub interrupted: bool,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Why it failed.
    pub error: Option<String>,
}

impl StepTrace {
    /// A step that has a record of its own in the store.
    pub fn of_record(record: &StepRecord) -> Self {
        Self {
            position: record.position.clone(),
            kind: record.kind.clone(),
            title: record.position.clone(),
            started_at: record.started_at,
            ended_at: record.ended_at.unwrap_or(record.started_at),
            skipped: false,
            running: record.state == StepState::Started,
            interrupted: record.state == StepState::Interrupted,
            attempt: record.attempt,
            error: record.error.as_ref().map(|failure| failure.message.clone()),
        }
    }
}

/// What a run's end tells of its steps.
#[derive(Debug, Default)]
pub struct History {
    /// Steps without a commit of their own.
    pub steps: Vec<StepTrace>,
    /// What steps did to the variables, as far as it was kept.
    pub diffs: Vec<StepDiff>,
}

/// The steps of an earlier end of a run and of the pieces that it has kept, each once.
pub fn joined(earlier: Vec<StepTrace>, pieces: Vec<StepTrace>) -> Vec<StepTrace> {
    let key = |step: &StepTrace| (step.position.clone(), step.attempt, step.started_at);
    let known: HashSet<_> = if pieces.is_empty() { HashSet::new() } else { earlier.iter().map(key).collect() };
    let new = pieces.into_iter().filter(|step| !known.contains(&key(step)));
    let mut steps = earlier;
    steps.extend(new);
    steps
}

/// The bytes for the store; without diffs they are those of the steps alone.
pub fn encode_history(steps: &[StepTrace], diffs: &[StepDiff]) -> Vec<u8> {
    if diffs.is_empty() {
        return encode_trace(steps);
    }
    encoding::encode_fields([("steps", &rows(steps)), ("variables", &diffs::to_value(diffs))])
}

/// What a run's end tells, in bytes of the store. The error says what is wrong with them.
pub fn decode_history(bytes: &[u8]) -> Result<History, String> {
    match encoding::decode(bytes)? {
        Value::Record(history) => Ok(History {
            steps: steps_of(&history.get("steps").unwrap_or_default())?,
            diffs: diffs::of_value(&history.get("variables").unwrap_or_default()),
        }),
        steps => Ok(History { steps: steps_of(&steps)?, diffs: Vec::new() }),
    }
}

/// The bytes for the store.
pub fn encode_trace(steps: &[StepTrace]) -> Vec<u8> {
    encoding::encode(&rows(steps))
}

fn rows(steps: &[StepTrace]) -> Value {
    let rows = steps.iter().map(|step| {
        Value::list(vec![
            Value::text(step.position.as_str()),
            Value::text(step.kind.as_str()),
            Value::text(step.title.as_str()),
            Value::from(step.started_at.0),
            Value::from(step.ended_at.0),
            Value::from(step.skipped),
            Value::from(i64::from(step.attempt)),
            step.error.as_deref().map_or(Value::Null, Value::text),
        ])
    });
    Value::list(rows.collect())
}

/// The steps in bytes of the store. The error says what is wrong with them.
pub fn decode_trace(bytes: &[u8]) -> Result<Vec<StepTrace>, String> {
    steps_of(&encoding::decode(bytes)?)
}

fn steps_of(value: &Value) -> Result<Vec<StepTrace>, String> {
    let rows = Rows::of(value).ok_or("a stored trace is no list")?;
    rows.iter()
        .map(|row| {
            let cells = Rows::of(&row).ok_or("a stored step is no list")?;
            let text = |position| match cells.get(position) {
                Value::Text(text) => text.to_string(),
                _ => String::new(),
            };
            let time = |position| match cells.get(position) {
                Value::Number(number) => Timestamp(number.to_i64().unwrap_or_default()),
                _ => Timestamp(0),
            };
            Ok(StepTrace {
                position: text(0),
                kind: text(1),
                title: text(2),
                started_at: time(3),
                ended_at: time(4),
                skipped: matches!(cells.get(5), Value::Bool(true)),
                running: false,
                interrupted: false,
                attempt: match cells.get(6) {
                    Value::Number(number) => number.to_usize().unwrap_or(1) as u32,
                    _ => 1,
                },
                error: match cells.get(7) {
                    Value::Text(text) => Some(text.to_string()),
                    _ => None,
                },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let step = StepTrace {
            position: "a/1/b".into(),
            kind: "set".into(),
            title: "b".into(),
            started_at: Timestamp(1_700_000_000_123),
            ended_at: Timestamp(1_700_000_000_124),
            skipped: true,
            running: false,
            interrupted: false,
            attempt: 2,
            error: Some("no".into()),
        };
        let steps = vec![step.clone(), StepTrace { error: None, skipped: false, ..step }];
        assert_eq!(decode_trace(&encode_trace(&steps)).unwrap(), steps);
    }
}
