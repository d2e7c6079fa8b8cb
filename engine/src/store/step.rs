//! The writes of a run while it is claimed.

use super::names::names;
use super::{Failure, Timestamp};

/// The state of a step that has a commit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Started; its result is not known yet.
    Started,
    /// Succeeded.
    Completed,
    /// Ended by an error.
    Failed,
    /// The engine or the run ended while it was running: its result is unknown. A later attempt has a record of its
    /// own.
    Interrupted,
}

names! { StepState, "state of a step":
    Started = "started",
    Completed = "completed",
    Failed = "failed",
    Interrupted = "interrupted",
}

/// The start of an acting step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepStart {
    /// The path of ids, pass numbers and branch names.
    pub position: String,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The kind: `http`, `sql`, …
    pub kind: String,
    /// When it started.
    pub started_at: Timestamp,
}

/// The result of a step that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnd {
    /// The position of the start.
    pub position: String,
    /// The attempt of the start.
    pub attempt: u32,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Its result in the engine's encoding, or why it failed.
    pub result: Result<Option<Vec<u8>>, Failure>,
    /// Variables before and after, in the engine's encoding, if diagnostics require them.
    pub diagnostics: Option<Vec<u8>>,
}

/// A stored step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecord {
    /// The path of ids, pass numbers and branch names.
    pub position: String,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The kind: `http`, `sql`, …
    pub kind: String,
    /// Started, completed, failed or interrupted.
    pub state: StepState,
    /// When it started.
    pub started_at: Timestamp,
    /// When its result was written.
    pub ended_at: Option<Timestamp>,
    /// Its result in the engine's encoding.
    pub result: Option<Vec<u8>>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Variables before and after, if diagnostics required them.
    pub diagnostics: Option<Vec<u8>>,
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// `debug`, `info`, `warn`, `error`.
    pub level: String,
    /// The text, already masked.
    pub message: String,
    /// The position of the step that wrote it.
    pub position: Option<String>,
}

/// The changes of a running run in addition to the decision itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The run's input, when it has just been made from the payload.
    pub input: Option<Vec<u8>>,
    /// Kept state by key: changed variables, positions of open branches, all that a resume needs. `None` removes the
    /// key. All of it is dropped when the run can never continue.
    pub kept: Vec<(String, Option<Vec<u8>>)>,
    /// Starts of further steps.
    pub starts: Vec<StepStart>,
    /// Results of further steps.
    pub ends: Vec<StepEnd>,
    /// New lines of the log.
    pub log: Vec<LogLine>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self { input, kept, starts, ends, log } = self;
        input.is_none() && kept.is_empty() && starts.is_empty() && ends.is_empty() && log.is_empty()
    }
}
