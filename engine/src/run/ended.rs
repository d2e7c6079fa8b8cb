//! The end of a run.

use super::diffs::StepDiff;
use super::trace::StepTrace;
use crate::burden::Load;
use crate::script::{Fault, weight};
use crate::store::{LogLine, RunState, StepEnd, StepStart, Timestamp};
use flowscript_lang::value::Value;
use std::sync::{Arc, OnceLock};

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Completed, failed, cancelled or timed out.
    pub state: RunState,
    /// Completed, but a step failed and was allowed to.
    pub with_errors: bool,
    /// The inputs by name, once they are computed and until they are stored.
    pub input: Option<Value>,
    /// Was the input of the caller invalid, before any FlowScript of the workflow ran?
    pub refused: bool,
    /// The label for the history.
    pub label: Option<String>,
    /// The output of the workflow.
    pub output: Option<Value>,
    /// The answer to the caller from `processing.output`.
    pub answer: Option<Value>,
    /// Why it failed, and the position of the step.
    pub failure: Option<(Fault, Option<String>)>,
    /// The steps it passed.
    pub trace: Vec<StepTrace>,
    /// Starts of steps that are not stored yet.
    pub starts: Vec<StepStart>,
    /// Results of steps that are not stored yet.
    pub ends: Vec<StepEnd>,
    /// The changes of its variables by steps, masked.
    pub diffs: Vec<StepDiff>,
    /// How many of them are in the store from an earlier end of the run.
    pub kept_diffs: usize,
    /// The part of its log that is not stored yet.
    pub log: Vec<LogLine>,
    /// When it was over.
    pub ended_at: Timestamp,
    /// The load of its values, until they are dropped.
    pub load: Option<Arc<Load>>,
    weight: OnceLock<usize>,
}

impl Ended {
    /// An end at this instant without other results.
    pub fn new(state: RunState, ended_at: Timestamp) -> Self {
        Self {
            state,
            with_errors: false,
            input: None,
            refused: false,
            label: None,
            output: None,
            answer: None,
            failure: None,
            trace: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            diffs: Vec::new(),
            kept_diffs: 0,
            log: Vec::new(),
            ended_at,
            load: None,
            weight: OnceLock::new(),
        }
    }

    /// The weight of its stored parts at the first call, in bytes: its values are walked once.
    pub fn weight(&self) -> usize {
        *self.weight.get_or_init(|| {
            let values = [&self.input, &self.output, &self.answer].into_iter().flatten().map(weight);
            let lines = self.log.iter().map(|line| line.message.len());
            values.chain(lines).fold(0, usize::saturating_add)
        })
    }

    /// A run that failed before it had other results.
    pub fn failed(fault: Fault, ended_at: Timestamp) -> Self {
        Self { failure: Some((fault, None)), ..Self::new(RunState::Failed, ended_at) }
    }
}
