//! The answers of runs, as callers get them and as the store keeps them.

use crate::burden::Load;
use crate::run::{Ended, INPUT};
use crate::script::TIMEOUT;
use crate::script::encoding;
use crate::steps::Reply;
use crate::store::{Failure, Run, RunId, RunState};
use crate::told;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Rows, Value};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The answer of a run.
#[derive(Debug)]
pub struct Answer {
    /// The run.
    pub run: RunId,
    /// Its result.
    pub verdict: Verdict,
    /// The room that it uses until it is written for its caller.
    pub held: Held,
}

/// The room that an answer uses: dropped when it is written.
#[derive(Debug, Default)]
pub struct Held {
    /// The values of its run.
    pub load: Option<Arc<Load>>,
    /// Its permit for reading from the store.
    pub way: Option<OwnedSemaphorePermit>,
}

/// The result of a run, as far as callers may know it.
#[derive(Debug)]
pub enum Verdict {
    /// It is not over yet.
    Unfinished(RunState),
    /// It has this output.
    Value(Value),
    /// It answered by `respond`.
    Reply(Reply),
    /// It failed.
    Failed {
        /// The HTTP status.
        status: u16,
        /// The message for callers.
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

/// The message for callers if the reason is internal.
const FAILED: &str = "The workflow failed.";

impl Answer {
    /// The answer of a run in the store.
    pub fn of(run: &Run) -> Self {
        let summary = &run.summary;
        let verdict = if summary.responded { responded(run) } else { ended(run) };
        Self { run: summary.origin.id, verdict, held: Held::default() }
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

/// The answer of `respond`.
fn responded(run: &Run) -> Verdict {
    match run.answer.as_ref().map(|bytes| StoredAnswer::decode(bytes)) {
        Some(Ok(reply)) => Verdict::Reply(reply),
        unread @ (Some(Err(_)) | None) => {
            told::error_of("an answer cannot be read", || {
                format!("the answer of run {} cannot be read: {unread:?}", run.summary.origin.id)
            });
            unknown_failure()
        }
    }
}

/// The verdict for the caller at the end of a run.
fn ended(run: &Run) -> Verdict {
    let summary = &run.summary;
    match summary.state {
        state @ (RunState::Queued | RunState::Running | RunState::Waiting) => Verdict::Unfinished(state),
        RunState::Failed | RunState::TimedOut => match &summary.error {
            Some(failure) => {
                let Failure { kind, message, status, position } = failure;
                failed(kind, *status, message, position.as_deref())
            }
            None => unknown_failure(),
        },
        state @ (RunState::Cancelled | RunState::Skipped) => Verdict::Dropped(state),
        RunState::Completed => {
            // An answer or an output without a value is null.
            let answer = run.answer.as_ref().map(|bytes| StoredAnswer::decode(bytes).map(|reply| reply.body));
            let output = || run.output.as_ref().map(|bytes| encoding::decode(bytes).map(Some));
            match answer.or_else(output).transpose() {
                Ok(value) => Verdict::Value(value.flatten().unwrap_or_default()),
                Err(reason) => {
                    told::error_of("an output cannot be read", || {
                        format!("the output of run {} cannot be read: {reason}", summary.origin.id)
                    });
                    unknown_failure()
                }
            }
        }
    }
}

fn unknown_failure() -> Verdict {
    failed("", None, "", None)
}

fn failed(kind: &str, status: Option<u16>, message: &str, position: Option<&str>) -> Verdict {
    // Messages about the input are meant for its sender.
    let of_input = position == Some(INPUT) && status == Some(400);
    let told = of_input || kind == ErrorKind::User.name();
    let detail = if told { message } else { FAILED };
    // The status of a peer is not meant for the caller.
    let status = status.filter(|_| kind != ErrorKind::Io.name() && kind != TIMEOUT);
    Verdict::Failed { status: status.unwrap_or(500), detail: detail.to_owned() }
}
