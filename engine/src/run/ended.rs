//! The end of a run.

use super::diffs::StepDiff;
use super::trace::StepTrace;
use crate::burden::Load;
use crate::script::{Fault, weight};
use crate::store::{LogLine, RunState, StepEnd, StepStart, Timestamp};
use flowscript_lang::value::Value;
use std::sync::Arc;

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Completed, failed, cancelled or timed out.
    pub state: RunState,
    /// Completed, but a step failed and was allowed to.
    pub with_errors: bool,
    /// The inputs by name, once they were made and if they are not kept yet.
    pub input: Option<Value>,
    /// Was the input of the caller to blame, before any FlowScript of the workflow saw it?
    pub refused: bool,
    /// The label for the history.
    pub label: Option<String>,
    /// What the workflow gives.
    pub output: Option<Value>,
    /// What `processing.output` made of it for the caller.
    pub answer: Option<Value>,
    /// Why it failed, and the position of the step.
    pub failure: Option<(Fault, Option<String>)>,
    /// The steps it passed.
    pub trace: Vec<StepTrace>,
    /// Starts of steps that are not kept yet.
    pub starts: Vec<StepStart>,
    /// Results of steps that are not kept yet.
    pub ends: Vec<StepEnd>,
    /// What steps did to its variables, masked.
    pub diffs: Vec<StepDiff>,
    /// How many of them the store has from an earlier end of the run.
    pub kept_diffs: usize,
    /// Its log, as far as it is not kept yet.
    pub log: Vec<LogLine>,
    /// When it was over.
    pub ended_at: Timestamp,
    /// What its values count as, until they are gone.
    pub load: Option<Arc<Load>>,
}

impl Ended {
    /// An end at this instant without anything else.
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
        }
    }

    /// The weight of what is kept of it, in bytes.
    pub fn weight(&self) -> usize {
        let values = [&self.input, &self.output, &self.answer].into_iter().flatten().map(weight);
        let lines = self.log.iter().map(|line| line.message.len());
        values.chain(lines).fold(0, usize::saturating_add)
    }

    /// A run that failed before it could say anything else.
    pub fn failed(fault: Fault, ended_at: Timestamp) -> Self {
        Self { failure: Some((fault, None)), ..Self::new(RunState::Failed, ended_at) }
    }
}
