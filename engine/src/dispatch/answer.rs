//! What a caller who waits for a run is told.

use super::Dispatcher;
use crate::run::{Ended, Work, encode_trace, encoding};
use crate::script::Fault;
use crate::store::{Changes, Failure, Finish, NewRun, Run, RunId, RunState, Trigger};
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

impl Dispatcher {
    /// What the store keeps of the end of a run, with the run that `onFailure` starts.
    pub(super) fn finish_of(&self, work: &Work, ended: &Ended) -> Finish {
        let mut finish = Finish::new(ended.state, ended.ended_at);
        finish.error = ended.failure.as_ref().map(|(fault, position)| failure_of(fault, position.clone()));
        finish.output = ended.output.as_ref().map(encoding::encode);
        finish.answer = ended.answer.as_ref().map(encoding::encode);
        finish.trace = Some(encode_trace(&ended.trace));
        finish.changes = Changes { log: ended.log.clone(), ..Changes::default() };
        finish.on_failure = self.failure_run(work, ended.state, ended.failure.as_ref().map(|(fault, _)| fault));
        finish
    }

    /// The run that a failed one starts. A run that was started so starts no further one.
    fn failure_run(&self, work: &Work, state: RunState, fault: Option<&Fault>) -> Option<Box<NewRun>> {
        let target = work.on_failure.as_ref()?;
        if !state.is_retryable() || work.trigger == Trigger::Failure {
            return None;
        }
        let failed = Value::record([
            ("id", Value::text(work.id.to_string())),
            ("workflow", Value::text(work.workflow.id.as_str())),
            ("version", Value::text(work.workflow.version.to_string())),
            ("trigger", Value::text(work.trigger.as_str())),
            ("state", Value::text(state.as_str())),
        ]);
        let status = fault.and_then(|fault| fault.status).map_or(Value::Null, |status| i64::from(status).into());
        let error = Value::record([
            ("kind", Value::text(fault.map_or("", |fault| fault.kind))),
            ("message", fault.map_or(Value::Null, |fault| Value::text(fault.message.as_str()))),
            ("status", status),
        ]);
        let id = RunId::new(self.shared.clock.now());
        let mut new = NewRun::queued(id, target.as_str(), Trigger::Failure);
        new.cause = Some(work.id);
        // `run` is taken in the started workflow by its own run, so an input that wants the failed one is `failedRun`.
        let input = Value::record([("run", failed.clone()), ("failedRun", failed), ("error", error)]);
        new.input = Some(encoding::encode(&input));
        Some(Box::new(new))
    }
}

/// A fault as the store keeps it.
pub(super) fn failure_of(fault: &Fault, position: Option<String>) -> Failure {
    Failure { kind: fault.kind.to_owned(), message: fault.message.clone(), status: fault.status, position }
}
