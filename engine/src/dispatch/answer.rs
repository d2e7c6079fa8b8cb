//! What a caller who waits for a run is told.

use crate::run::{Ended, encode_trace, encoding};
use crate::script::Fault;
use crate::store::{Changes, Failure, Finish, Run, RunId, RunState};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;

/// The answer of a run.
#[derive(Debug)]
pub struct Answer {
    /// The run.
    pub run: RunId,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a run, as callers may know it.
#[derive(Debug)]
pub enum Verdict {
    /// It is not over yet.
    Unfinished(RunState),
    /// It gave this.
    Value(Value),
    /// It failed.
    Failed {
        /// The HTTP status.
        status: u16,
        /// What callers may read of it.
        detail: String,
    },
    /// It was cancelled or skipped.
    Dropped(RunState),
}

/// What callers read where the reason is none of their business.
const FAILED: &str = "The workflow failed.";

impl Answer {
    /// The answer of a run in the store.
    pub fn of(run: &Run) -> Self {
        let summary = &run.summary;
        let verdict = match summary.state {
            state if !summary.has_answer() => Verdict::Unfinished(state),
            RunState::Failed | RunState::TimedOut => match &summary.error {
                Some(failure) => failed(&failure.kind, failure.status, &failure.message),
                None => failed("", None, ""),
            },
            RunState::Cancelled | RunState::Skipped => Verdict::Dropped(summary.state),
            _ => match run.answer.as_ref().or(run.output.as_ref()).map(|bytes| encoding::decode(bytes)) {
                None => Verdict::Value(Value::Null),
                Some(Ok(value)) => Verdict::Value(value),
                Some(Err(reason)) => {
                    tracing::error!("the output of run {} cannot be read: {reason}", summary.id);
                    failed("", None, "")
                }
            },
        };
        Self { run: summary.id, verdict }
    }

    /// The answer of a run that has just ended here.
    pub(super) fn of_ended(run: RunId, ended: &Ended) -> Self {
        let verdict = match (&ended.failure, ended.state) {
            (None, _) => Verdict::Value(ended.answer.as_ref().or(ended.output.as_ref()).cloned().unwrap_or_default()),
            (_, state @ (RunState::Cancelled | RunState::Skipped)) => Verdict::Dropped(state),
            (Some((fault, _)), _) => failed(fault.kind, fault.status, &fault.message),
        };
        Self { run, verdict }
    }
}

fn failed(kind: &str, status: Option<u16>, message: &str) -> Verdict {
    let told = kind == ErrorKind::User.name();
    let detail = if told { message } else { FAILED };
    Verdict::Failed { status: status.unwrap_or(500), detail: detail.to_owned() }
}

/// What the store keeps of the end of a run.
pub(super) fn finish_of(ended: &Ended) -> Finish {
    let mut finish = Finish::new(ended.state, ended.ended_at);
    finish.error = ended.failure.as_ref().map(|(fault, position)| failure_of(fault, position.clone()));
    finish.output = ended.output.as_ref().map(encoding::encode);
    finish.answer = ended.answer.as_ref().map(encoding::encode);
    finish.trace = Some(encode_trace(&ended.trace));
    finish.changes = Changes { log: ended.log.clone(), ..Changes::default() };
    finish
}

/// A fault as the store keeps it.
pub(super) fn failure_of(fault: &Fault, position: Option<String>) -> Failure {
    Failure { kind: fault.kind.to_owned(), message: fault.message.clone(), status: fault.status, position }
}
