//! What a caller who waits for a run is told.

use super::weight::apart;
use super::{Dispatcher, diagnostics};
use crate::burden::Load;
use crate::run::{Ended, INPUT, Work, encode_history, encoding};
use crate::script::{Fault, TIMEOUT};
use crate::steps::Reply;
use crate::store::{Changes, Failure, Fence, Finish, NewRun, Run, RunId, RunState, StoreError, Trigger};
use crate::told;
use crate::workflow::FAILURE_INPUTS;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Rows, Value};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The answer of a run.
#[derive(Debug)]
pub struct Answer {
    /// The run.
    pub run: RunId,
    /// What became of it.
    pub verdict: Verdict,
    /// What it counts as until it is written for its caller.
    pub held: Held,
}

/// What an answer counts as: dropped when it is written.
#[derive(Debug, Default)]
pub struct Held {
    /// The values of its run.
    pub load: Option<Arc<Load>>,
    /// Its place among those that are taken from the store.
    pub way: Option<OwnedSemaphorePermit>,
}

/// What became of a run, as callers may know it.
#[derive(Debug)]
pub enum Verdict {
    /// It is not over yet.
    Unfinished(RunState),
    /// It gave this.
    Value(Value),
    /// It answered by `respond`.
    Reply(Reply),
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

/// Answers as the store keeps them.
pub(super) struct StoredAnswer;

impl StoredAnswer {
    /// The bytes for the store.
    pub(super) fn encode(status: u16, headers: &[(String, String)], body: Option<&Value>) -> Vec<u8> {
        let headers = headers
            .iter()
            .map(|(name, value)| Value::list(vec![Value::text(name.as_str()), Value::text(value.as_str())]));
        let mut fields = vec![("status", i64::from(status).into()), ("headers", Value::list(headers.collect()))];
        fields.extend(body.map(|body| ("body", body.clone())));
        encoding::encode(&Value::record(fields))
    }

    /// The answer in bytes of the store. The error says what is wrong with them.
    pub(super) fn decode(bytes: &[u8]) -> Result<Reply, String> {
        let Value::Record(kept) = encoding::decode(bytes)? else {
            return Err("a stored answer is not a record".into());
        };
        let status = match kept.get("status") {
            Some(Value::Number(status)) => status.to_i64().and_then(|status| u16::try_from(status).ok()),
            _ => None,
        };
        let mut headers = Vec::new();
        for pair in kept.get("headers").as_ref().and_then(Rows::of).iter().flat_map(Rows::iter) {
            if let Some(pair) = Rows::of(&pair)
                && let (Value::Text(name), Value::Text(value)) = (pair.get(0), pair.get(1))
            {
                headers.push((name.to_string(), value.to_string()));
            }
        }
        let status = status.ok_or("a stored answer has no status")?;
        Ok(Reply { status, headers, body: kept.get("body") })
    }
}

/// What callers read where the reason is none of their business.
const FAILED: &str = "The workflow failed.";

impl Answer {
    /// The answer of a run in the store.
    pub fn of(run: &Run) -> Self {
        let summary = &run.summary;
        let verdict = match summary.state {
            state if !summary.has_answer() => Verdict::Unfinished(state),
            _ if summary.responded => match run.answer.as_ref().map(|bytes| StoredAnswer::decode(bytes)) {
                Some(Ok(reply)) => Verdict::Reply(reply),
                reason => {
                    told::error_of("an answer cannot be read", || {
                        format!("the answer of run {} cannot be read: {reason:?}", summary.id)
                    });
                    unknown_failure()
                }
            },
            RunState::Failed | RunState::TimedOut => match &summary.error {
                Some(failure) => {
                    let Failure { kind, message, status, position } = failure;
                    failed(kind, *status, message, position.as_deref())
                }
                None => unknown_failure(),
            },
            RunState::Cancelled | RunState::Skipped => Verdict::Dropped(summary.state),
            _ => {
                let answer = run
                    .answer
                    .as_ref()
                    .map(|bytes| StoredAnswer::decode(bytes).map(|reply| reply.body.unwrap_or_default()));
                let output = || run.output.as_ref().map(|bytes| encoding::decode(bytes));
                match answer.or_else(output).transpose() {
                    Ok(value) => Verdict::Value(value.unwrap_or_default()),
                    Err(reason) => {
                        told::error_of("an output cannot be read", || {
                            format!("the output of run {} cannot be read: {reason}", summary.id)
                        });
                        unknown_failure()
                    }
                }
            }
        };
        Self { run: summary.id, verdict, held: Held::default() }
    }

    /// The answer of a run that has just ended here.
    pub(super) fn of_ended(run: RunId, ended: Ended) -> Self {
        let held = Held { load: ended.load, way: None };
        let verdict = match (&ended.failure, ended.state) {
            (None, _) => Verdict::Value(ended.answer.or(ended.output).unwrap_or_default()),
            (_, state @ (RunState::Cancelled | RunState::Skipped)) => Verdict::Dropped(state),
            (Some((fault, position)), _) => failed(fault.kind, fault.status, &fault.message, position.as_deref()),
        };
        Self { run, verdict, held }
    }
}

fn unknown_failure() -> Verdict {
    failed("", None, "", None)
}

fn failed(kind: &str, status: Option<u16>, message: &str, position: Option<&str>) -> Verdict {
    // Messages about the input are made for its sender.
    let of_input = position == Some(INPUT) && status == Some(400);
    let told = of_input || kind == ErrorKind::User.name();
    let detail = if told { message } else { FAILED };
    // The status of a peer is the peer's, not the caller's.
    let status = status.filter(|_| kind != ErrorKind::Io.name() && kind != TIMEOUT);
    Verdict::Failed { status: status.unwrap_or(500), detail: detail.to_owned() }
}

impl Dispatcher {
    /// What a caller is told of a run in the store. What is large of it counts until it is written.
    pub(crate) async fn answer(&self, run: RunId) -> Result<(Run, Answer), StoreError> {
        let way = self.way_out().await;
        let run = self.shared.store.run(run).await?;
        let bytes = [&run.answer, &run.output].into_iter().flatten().map(Vec::len).sum();
        let mut answer = apart(bytes, || Answer::of(&run));
        answer.held.way = way;
        Ok((run, answer))
    }

    /// What the store keeps of the end of a run that is kept already.
    pub(super) async fn finish_of_kept(&self, fence: Fence, work: &Work, ended: &Ended) -> Finish {
        let mut finish = apart(ended.weight(), || self.finish_of(work, ended));
        if let Some(mask) = &mut finish.mask {
            self.mask_kept(fence, work, mask).await;
        }
        finish
    }

    /// What the store keeps of the end of a run, with the run that `onFailure` starts.
    pub(super) fn finish_of(&self, work: &Work, ended: &Ended) -> Finish {
        let diagnostics = self.diagnostics(&work.workflow);
        let failed = ended.state.is_retryable();
        let mut finish = Finish::new(ended.state, ended.ended_at);
        finish.error = ended.failure.as_ref().map(|(fault, position)| fault.to_failure(position.clone()));
        finish.with_errors = ended.with_errors;
        finish.output = ended.output.as_ref().map(encoding::encode);
        finish.answer = ended.answer.as_ref().map(|answer| StoredAnswer::encode(200, &[], Some(answer)));
        if !failed && !diagnostics.output.keeps(failed) {
            // Callers who ask again still get it.
            let output = finish.output.take().filter(|_| finish.answer.is_none() && work.trigger == Trigger::Webhook);
            finish.answer =
                finish.answer.or(output.and(ended.output.as_ref().map(|o| StoredAnswer::encode(200, &[], Some(o)))));
        }
        // What an earlier try has written stays, whatever is kept of this one.
        let diffs = if diagnostics.variables.keeps(failed) { ended.diffs.len() } else { ended.kept_diffs };
        let diffs = ended.diffs.get(..diffs).unwrap_or_default();
        let places = ended.failure.as_ref().map(|(fault, _)| fault.places.as_slice()).unwrap_or_default();
        let is_empty = ended.trace.is_empty() && diffs.is_empty() && places.is_empty();
        finish.trace = (!is_empty).then(|| encode_history(&ended.trace, diffs, places));
        let (starts, ends) = (ended.starts.clone(), ended.ends.clone());
        finish.changes = Changes { log: ended.log.clone(), starts, ends, ..Changes::default() };
        finish.changes.input = ended.input.as_ref().map(encoding::encode);
        finish.on_failure = self.failure_run(work, ended.state, ended.failure.as_ref().map(|(fault, _)| fault));
        finish.mask = diagnostics::mask(work, ended);
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
        let [failed_run, why] = FAILURE_INPUTS;
        let input = Value::record([("run", failed.clone()), (failed_run, failed), (why, error)]);
        new.input = Some(encoding::encode(&input));
        Some(Box::new(new))
    }
}
