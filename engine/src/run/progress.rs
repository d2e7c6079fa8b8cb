//! How far a run has come: what is committed before each acting step, and what a resume makes of it.

use super::encoding;
use super::trace::{StepTrace, decode_trace, encode_trace};
use crate::script::Fault;
use crate::store::{ClaimedRun, StepRecord, StepState};
use crate::workflow::model::{ERRORS, Slot, StepIndex, Workflow};
use flowscript_lang::value::Value;
use std::time::Duration;

/// The most that the variables of a run may take in the store, in bytes.
const MAX_SNAPSHOT: usize = 16 << 20;
/// The key of the position among what the store keeps.
const AT: &str = "at";
/// The key of the steps without a commit of their own.
const TRACE: &str = "trace";
/// What is in front of the names of variables.
const VARIABLE: &str = "v:";

/// The place of a run in its workflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The step at hand.
    pub step: Option<StepIndex>,
    /// Its attempt, counted from 1 over crashes and retries.
    pub attempt: u32,
    /// How many attempts have failed since the run was last started by somebody.
    pub failures: u32,
    /// How often the run had been retried when the attempt began.
    pub retries: u32,
    /// How long the run has worked already, without queueing and waits.
    pub spent: Duration,
    /// The attempt waits for its turn; it has not begun.
    pub waits: bool,
}

/// The variables of a run, and which of them the store does not have as they are.
#[derive(Debug)]
pub(super) struct Variables {
    /// By slot.
    pub values: Vec<Value>,
    changed: Vec<bool>,
    /// Bytes that each takes in the store.
    sizes: Vec<usize>,
}

impl Variables {
    pub(super) fn new(width: usize) -> Self {
        Self { values: vec![Value::Null; width], changed: vec![false; width], sizes: vec![0; width] }
    }

    /// Sets a variable that the store must get.
    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        self.set_known(slot, value);
        self.touch(slot);
    }

    /// Sets a variable that the store has, or never gets.
    pub(super) fn set_known(&mut self, slot: Slot, value: Value) {
        if let Some(variable) = self.values.get_mut(slot) {
            *variable = value;
        }
    }

    /// A script may have changed it.
    pub(super) fn touch(&mut self, slot: Slot) {
        if let Some(changed) = self.changed.get_mut(slot) {
            *changed = true;
        }
    }

    /// Does the store keep a value of it?
    pub(super) fn is_kept(&self, slot: Slot) -> bool {
        self.sizes.get(slot).is_some_and(|size| *size > 0) || self.changed.get(slot) == Some(&true)
    }

    pub(super) fn get(&self, slot: Slot) -> &Value {
        self.values.get(slot).unwrap_or(&Value::Null)
    }
}

/// What is kept by key, as [`crate::store::Changes`] wants it.
pub(super) type Kept = Vec<(String, Option<Vec<u8>>)>;

/// What a commit keeps of a run: its place, its changed variables, the steps it has passed. Variables that take too much
/// are an error.
pub(super) fn keep(
    workflow: &Workflow,
    progress: &Progress,
    variables: &mut Variables,
    trace: &[StepTrace],
) -> Result<Kept, Fault> {
    let mut kept: Kept = vec![(AT.to_owned(), Some(encode(workflow, progress)))];
    for (slot, name) in workflow.names.iter().enumerate() {
        if !std::mem::take(variables.changed.get_mut(slot).unwrap_or(&mut false)) {
            continue;
        }
        let bytes = encoding::encode(variables.get(slot));
        if let Some(size) = variables.sizes.get_mut(slot) {
            *size = bytes.len();
        }
        kept.push((format!("{VARIABLE}{name}"), Some(bytes)));
    }
    let total: usize = variables.sizes.iter().sum();
    if total > MAX_SNAPSHOT {
        let message = format!("The variables take {total} bytes; {MAX_SNAPSHOT} are the most that can be kept.");
        return Err(Fault::new(flowscript_lang::error::ErrorKind::Limit, message));
    }
    if !trace.is_empty() {
        kept.push((TRACE.to_owned(), Some(encode_trace(trace))));
    }
    Ok(kept)
}

fn encode(workflow: &Workflow, progress: &Progress) -> Vec<u8> {
    let position = progress.step.and_then(|index| workflow.step(index)).map(|step| step.position.as_str());
    encoding::encode(&Value::record([
        ("position", position.map_or(Value::Null, Value::text)),
        ("attempt", i64::from(progress.attempt).into()),
        ("failures", i64::from(progress.failures).into()),
        ("retries", i64::from(progress.retries).into()),
        ("spent", (progress.spent.as_millis() as i64).into()),
        ("waits", progress.waits.into()),
    ]))
}

/// What a claimed run goes on with.
#[derive(Debug)]
pub(super) struct Resumed {
    pub progress: Progress,
    pub trace: Vec<StepTrace>,
    pub next: Next,
}

/// What a resumed run does first.
#[derive(Debug)]
pub(super) enum Next {
    /// It begins: nothing is committed behind its acceptance.
    Begin,
    /// The step at hand has this result.
    Done(Box<Result<Value, Fault>>),
    /// The step at hand begins (again).
    Attempt,
}

/// Reads what the store has kept of a run, into its variables.
pub(super) fn resume(workflow: &Workflow, claimed: &ClaimedRun, variables: &mut Variables) -> Result<Resumed, String> {
    let mut resumed = Resumed { progress: Progress::default(), trace: Vec::new(), next: Next::Begin };
    resumed.progress.retries = claimed.run.summary.retries;
    let Some((_, at)) = claimed.kept.iter().find(|(key, _)| key == AT) else { return Ok(resumed) };
    let (position, mut progress) = decode(at)?;
    let index = workflow.index_of(&position).ok_or_else(|| format!("its workflow has no step `{position}`"))?;
    progress.step = Some(index);
    // Results first: a variable that was changed later is kept as it became.
    for step in claimed.steps.iter().filter(|step| step.state == StepState::Completed) {
        let slot = workflow.index_of(&step.position).and_then(|index| workflow.step(index)?.slot);
        if let (Some(slot), Some(bytes)) = (slot, &step.result) {
            variables.set_known(slot, encoding::decode(bytes)?);
        }
    }
    for (key, bytes) in &claimed.kept {
        if let Some(name) = key.strip_prefix(VARIABLE) {
            let slot = workflow.names.iter().position(|known| known == name);
            let slot = slot.ok_or_else(|| format!("its workflow has no variable `{name}`"))?;
            variables.set_known(slot, encoding::decode(bytes)?);
            if let Some(size) = variables.sizes.get_mut(slot) {
                *size = bytes.len();
            }
        } else if key == TRACE {
            resumed.trace = decode_trace(bytes)?;
        }
    }
    let attempts = claimed.steps.iter().filter(|step| step.position == position);
    let last = attempts.max_by_key(|step| step.attempt);
    let retried = claimed.run.summary.retries > progress.retries;
    let once = workflow.step(index).is_some_and(|step| step.once);
    resumed.next = decide(last, &progress, retried, once)?;
    if matches!(resumed.next, Next::Attempt) {
        progress.attempt = last.map_or(0, |step| step.attempt).max(progress.attempt - u32::from(progress.waits)) + 1;
        progress.waits = false;
    }
    if retried {
        progress.retries = claimed.run.summary.retries;
        progress.failures = 0;
    }
    resumed.progress = progress;
    Ok(resumed)
}

/// How long a claimed run has worked already.
pub(super) fn spent(claimed: &ClaimedRun) -> Duration {
    let at = claimed.kept.iter().find(|(key, _)| key == AT);
    at.and_then(|(_, bytes)| decode(bytes).ok()).map(|(_, progress)| progress.spent).unwrap_or_default()
}

/// What the last attempt of the step at hand leaves to do.
fn decide(last: Option<&StepRecord>, progress: &Progress, retried: bool, once: bool) -> Result<Next, String> {
    let Some(last) = last else { return Ok(Next::Attempt) };
    Ok(match last.state {
        StepState::Completed => {
            let result = last.result.as_ref().map(|bytes| encoding::decode(bytes)).transpose()?;
            Next::Done(Box::new(Ok(result.unwrap_or_default())))
        }
        // Somebody has asked for it again, or its time has come.
        _ if retried || progress.waits => Next::Attempt,
        StepState::Failed => match &last.error {
            Some(failure) => Next::Done(Box::new(Err(Fault::of_failure(failure)))),
            None => Next::Attempt,
        },
        StepState::Started if once => {
            let message = "The step was interrupted, and may run once only: nobody knows whether it has run.";
            Next::Done(Box::new(Err(Fault::of_kind(crate::script::INTERRUPTED, message))))
        }
        StepState::Started => Next::Attempt,
    })
}

fn decode(bytes: &[u8]) -> Result<(String, Progress), String> {
    let Value::Record(kept) = encoding::decode(bytes)? else { return Err("its position is damaged".into()) };
    let number = |name: &str| match kept.get(name) {
        Some(Value::Number(number)) => number.to_i64().unwrap_or_default(),
        _ => 0,
    };
    let Some(Value::Text(position)) = kept.get("position") else { return Err("its position is damaged".into()) };
    let progress = Progress {
        step: None,
        attempt: number("attempt") as u32,
        failures: number("failures") as u32,
        retries: number("retries") as u32,
        spent: Duration::from_millis(number("spent") as u64),
        waits: matches!(kept.get("waits"), Some(Value::Bool(true))),
    };
    Ok((position.to_string(), progress))
}

/// The variable `errors` at the beginning: nothing has failed yet.
pub(super) fn no_errors(workflow: &Workflow, variables: &mut Variables) {
    let failing = workflow.steps.iter().filter(|step| step.continue_on_fail);
    let names = failing.filter_map(|step| workflow.names.get(step.slot?));
    variables.set_known(ERRORS, Value::record(names.map(|name| (name.clone(), Value::Null)).collect::<Vec<_>>()));
}
