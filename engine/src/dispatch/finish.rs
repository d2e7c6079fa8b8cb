//! The record of the end of a run, as far as its diagnostics and `redact` allow.

use super::answer::StoredAnswer;
use super::mask::mask;
use crate::clock::Clock;
use crate::run::{Ended, Work, encode_history};
use crate::script::Fault;
use crate::script::encoding;
use crate::store::{Changes, Finish, NewRun, Origin, RunId, RunState, Start, Trigger};
use crate::workflow::FAILURE_INPUTS;
use crate::workflow::history::Diagnostics;
use flowscript_lang::value::Value;

/// The record of the end of a run, with the run that `onFailure` starts.
pub(super) fn finish_of(work: &Work, ended: &Ended, diagnostics: Diagnostics, clock: &dyn Clock) -> Finish {
    let failed = ended.state.is_retryable();
    let mut output = ended.output.as_ref().map(encoding::encode);
    let mut answer = ended.answer.as_ref().map(|answer| StoredAnswer::encode(200, &[], Some(answer)));
    if !failed && !diagnostics.output.keeps(failed) {
        // Callers that ask again still get it.
        let asked = output.take().filter(|_| answer.is_none() && work.trigger.facts().keeps_answer);
        answer = answer.or(asked.and(ended.output.as_ref().map(|o| StoredAnswer::encode(200, &[], Some(o)))));
    }
    // What an earlier attempt has written stays, even if nothing of this one is kept.
    let diffs = if diagnostics.variables.keeps(failed) { ended.diffs.len() } else { ended.kept_diffs };
    let diffs = ended.diffs.get(..diffs).unwrap_or_default();
    let places = ended.failure.as_ref().map(|(fault, _)| fault.places.as_slice()).unwrap_or_default();
    let is_empty = ended.trace.is_empty() && diffs.is_empty() && places.is_empty();
    Finish {
        state: ended.state,
        with_errors: ended.with_errors,
        ended_at: ended.ended_at,
        error: ended.failure.as_ref().map(|(fault, position)| fault.to_failure(position.clone())),
        output,
        answer,
        trace: (!is_empty).then(|| encode_history(&ended.trace, diffs, places)),
        changes: Changes {
            input: ended.input.as_ref().map(encoding::encode),
            // The end of a run adds nothing that a resume needs.
            kept: Vec::new(),
            starts: ended.starts.clone(),
            ends: ended.ends.clone(),
            log: ended.log.clone(),
        },
        mask: mask(work, ended),
        on_failure: failure_run(work, ended.state, ended.failure.as_ref().map(|(fault, _)| fault), clock),
    }
}

/// The run that a failed one starts. A run started this way starts no further one.
fn failure_run(work: &Work, state: RunState, fault: Option<&Fault>, clock: &dyn Clock) -> Option<Box<NewRun>> {
    let target = work.on_failure.as_ref()?;
    if !state.is_retryable() || !work.trigger.facts().starts_failure_run {
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
    // `run` is taken in the started workflow by its own run, so an input that wants the failed one is `failedRun`.
    let [failed_run, why] = FAILURE_INPUTS;
    let input = Value::record([("run", failed.clone()), (failed_run, failed), (why, error)]);
    Some(Box::new(NewRun {
        origin: Origin {
            id: RunId::new(clock.now()),
            workflow: target.clone(),
            trigger: Trigger::Failure,
            label: None,
            scheduled_for: None,
            lane: None,
            cause: Some(work.id),
            on_failure: None,
        },
        payload: None,
        input: Some(encoding::encode(&input)),
        idempotency: None,
        due: None,
        // A failure is reported even if the queue is full.
        queue_limit: None,
        start: Start::Queue,
    }))
}
