//! The records of a run for its steps without a commit of their own, and their stored form.

use super::diffs::{self, StepDiff};
use super::places;
use crate::script::SourcePlace;
use crate::script::encoding;
use crate::store::{StepRecord, StepState, Timestamp};
use flowscript_lang::value::{Rows, Value};
use std::collections::HashSet;

/// An attempt of a step for display.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTrace {
    /// The path of ids and numbers.
    pub position: String,
    /// The key of the kind.
    pub kind: String,
    /// For display.
    pub title: String,
    /// Its place in the order of starts of the steps without a commit of their own.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Its progress.
    pub progress: Progress,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Why it failed; for a back-off, why the attempt before it failed.
    pub error: Option<String>,
}

/// The progress of an attempt of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is running.
    Running,
    /// It waits.
    Waiting {
        /// For this event.
        event: Option<String>,
        /// Until then.
        due: Option<Timestamp>,
    },
    /// The attempt before it failed, and this one begins then.
    BackOff {
        /// When it begins.
        due: Option<Timestamp>,
    },
    /// It succeeded.
    Completed,
    /// It failed.
    Failed,
    /// Its `when` was false.
    Skipped,
    /// The engine or the run ended while it was running.
    Interrupted,
}

impl Progress {
    /// Its name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::BackOff { .. } => "backOff",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }
}

impl StepTrace {
    /// A step that has a record of its own in the store.
    pub fn of_record(record: &StepRecord) -> Self {
        Self {
            position: record.position.clone(),
            kind: record.kind.clone(),
            title: record.position.clone(),
            number: 0,
            started_at: record.started_at,
            ended_at: record.ended_at,
            progress: match record.state {
                StepState::Started => Progress::Running,
                StepState::Completed => Progress::Completed,
                StepState::Failed => Progress::Failed,
                StepState::Interrupted => Progress::Interrupted,
            },
            attempt: record.attempt,
            error: record.error.as_ref().map(|failure| failure.message.clone()),
        }
    }

    /// Is it this attempt of this step?
    pub fn is(&self, position: &str, attempt: u32) -> bool {
        self.attempt == attempt && self.position == position
    }
}

/// The records of steps at the end of a run.
#[derive(Debug, Default)]
pub struct History {
    /// Steps without a commit of their own.
    pub steps: Vec<StepTrace>,
    /// The changes of variables by steps, as far as they were kept.
    pub diffs: Vec<StepDiff>,
    /// Where it failed, innermost first.
    pub places: Vec<SourcePlace>,
}

/// The steps of an earlier end of a run and of its stored pieces, each once.
pub fn joined(earlier: Vec<StepTrace>, pieces: Vec<StepTrace>) -> Vec<StepTrace> {
    let key = |step: &StepTrace| (step.position.clone(), step.attempt, step.started_at);
    let known: HashSet<_> = if pieces.is_empty() { HashSet::new() } else { earlier.iter().map(key).collect() };
    let new = pieces.into_iter().filter(|step| !known.contains(&key(step)));
    let mut steps = earlier;
    steps.extend(new);
    steps
}

/// The bytes for the store; with nothing else they are those of the steps alone.
pub fn encode_history(steps: &[StepTrace], diffs: &[StepDiff], places: &[SourcePlace]) -> Vec<u8> {
    if diffs.is_empty() && places.is_empty() {
        return encode_trace(steps);
    }
    let (diffs, places) = (diffs::to_value(diffs), places::to_value(places));
    encoding::encode_fields([("steps", &rows(steps)), ("variables", &diffs), ("places", &places)])
}

/// The records at the end of a run, from their stored bytes. The error says what is wrong with them.
pub fn decode_history(bytes: &[u8]) -> Result<History, String> {
    match encoding::decode(bytes)? {
        Value::Record(history) => Ok(History {
            steps: steps_of(&history.get("steps").unwrap_or_default())?,
            diffs: diffs::of_value(&history.get("variables").unwrap_or_default()),
            places: places::of_value(&history.get("places").unwrap_or_default()),
        }),
        steps => Ok(History { steps: steps_of(&steps)?, ..History::default() }),
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
            Value::from(step.ended_at.unwrap_or(step.started_at).0),
            Value::from(step.progress == Progress::Skipped),
            Value::from(i64::from(step.attempt)),
            step.error.as_deref().map_or(Value::Null, Value::text),
            Value::from(i64::from(step.number)),
        ])
    });
    Value::list(rows.collect())
}

/// The steps in bytes of the store. The error says what is wrong with them.
pub fn decode_trace(bytes: &[u8]) -> Result<Vec<StepTrace>, String> {
    steps_of(&encoding::decode(bytes)?)
}

fn steps_of(value: &Value) -> Result<Vec<StepTrace>, String> {
    let rows = Rows::of(value).ok_or("a stored trace is not a list")?;
    rows.iter()
        .map(|row| {
            let cells = Rows::of(&row).ok_or("a stored step is not a list")?;
            let text = |position| match cells.get(position) {
                Value::Text(text) => Ok(text.to_string()),
                other => Err(format!("a stored step has a {} in place of a text", other.type_name())),
            };
            let time = |position| match cells.get(position) {
                Value::Number(number) => number.to_i64().map(Timestamp).ok_or("a stored step has a time out of range"),
                _ => Err("a stored step has no time"),
            };
            let count = |position| match cells.get(position) {
                Value::Number(number) => number.to_usize().map(|count| count as u32),
                _ => None,
            };
            let error = match cells.get(7) {
                Value::Text(text) => Some(text.to_string()),
                _ => None,
            };
            Ok(StepTrace {
                position: text(0)?,
                kind: text(1)?,
                title: text(2)?,
                number: count(8).unwrap_or_default(), // earlier versions did not keep it
                started_at: time(3)?,
                ended_at: Some(time(4)?),
                progress: match (&error, cells.get(5)) {
                    (Some(_), _) => Progress::Failed,
                    (None, Value::Bool(true)) => Progress::Skipped,
                    (None, _) => Progress::Completed,
                },
                attempt: count(6).unwrap_or(1),
                error,
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
            number: 7,
            started_at: Timestamp(1_700_000_000_123),
            ended_at: Some(Timestamp(1_700_000_000_124)),
            progress: Progress::Failed,
            attempt: 2,
            error: Some("no".into()),
        };
        let passed = |progress| StepTrace { error: None, progress, ..step.clone() };
        let steps = vec![step.clone(), passed(Progress::Skipped), passed(Progress::Completed)];
        assert_eq!(decode_trace(&encode_trace(&steps)).unwrap(), steps);
    }
}
