//! FlowScript that people try out: checked, run within narrow limits, and forgotten.

use super::Engine;
use crate::room::Held;
use crate::run::{RunHost, StopFlag};
use crate::script::{Outcome, try_out};
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::diagnostic::json::run_error;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::host::Host;
use flowscript_lang::program::Limits;
use flowscript_lang::value::{Record, Value};
use flowscript_stdlib::{EncodeError, json};
use std::sync::Arc;
use std::time::Duration;

/// How long it may take.
const TIME: Duration = Duration::from_secs(5);
/// How many lines it may log.
const LINES: u32 = 100;
/// The longest JSON of a value, in bytes.
const MOST_JSON: usize = 1 << 20;
/// The longest literal that is shown, in characters.
const MOST_SHOWN: usize = 10_000;

/// What was tried out.
#[derive(Debug)]
pub struct Tried {
    /// What came of it, without the value.
    pub outcome: Outcome,
    /// The value as JSON, unless something was wrong.
    pub json: Option<String>,
    /// The value as the language writes it.
    pub shown: Option<String>,
}

impl Engine {
    /// Evaluates an expression or statements over the variables in an object of JSON. Nothing if the interpreter itself
    /// failed; nothing in that if the variables are no object. `room` is what the source takes; it is held meanwhile. It
    /// ends when it takes too long, when the engine stops, and when this is dropped: nobody waits for the result then.
    pub async fn evaluate(&self, source: String, input: Option<String>, room: Option<Held>) -> Option<Option<Tried>> {
        let (library, clock) = (self.shared.library.clone(), self.shared.clock.clone());
        let halt = self.shared.dispatcher.halt().clone();
        let stop = Arc::<StopFlag>::default();
        let _caller = stop.cancelled_with();
        let evaluated = self.shared.evaluation.run(move || {
            let _room = room;
            let host = RunHost::new(clock, TIME, LINES, stop, None).ending_with(halt);
            let input = variables(input.as_deref(), &mut allowance("The input", &|| host.interrupt()))?;
            let mut outcome = try_out(&source, &input, &library, &host);
            let value = outcome.value.take();
            let shown = value.as_ref().map(|value| value.to_literal(MOST_SHOWN));
            let json = value.and_then(|value| match written(&value, &host) {
                Ok(json) => Some(json),
                Err(error) => {
                    outcome.errors.push(run_error(&error, |_| ("source", &source)));
                    None
                }
            });
            outcome.log = host.take_log();
            Some(Tried { outcome, shown: shown.filter(|_| json.is_some()), json })
        });
        evaluated.await.ok()
    }
}

fn variables(input: Option<&str>, budget: &mut dyn Budget) -> Option<Record> {
    match input.map(|text| json::decode(text, budget)) {
        None | Some(Ok(Value::Null)) => Some(Record::from_fields([])),
        Some(Ok(Value::Record(input))) => Some(input),
        Some(_) => None,
    }
}

/// A value as JSON, which values that share their parts may need very much of.
fn written(value: &Value, host: &RunHost) -> Result<String, Box<RunError>> {
    match json::encode(value, &mut allowance("The value", &|| host.interrupt())) {
        Ok(text) => Ok(text),
        Err(EncodeError::Stopped(error)) => Err(error),
        Err(EncodeError::TooLong { most }) => {
            let message = format!("The value has more than {most} bytes as JSON, the limit of `evaluate`.");
            Err(RunError::new(ErrorKind::Limit, message))
        }
        // A function is shown only as the language writes it.
        Err(EncodeError::Value(_)) => Ok("null".to_owned()),
    }
}

fn allowance<'s>(what: &'static str, stop: &'s dyn Fn() -> Option<flowscript_lang::host::Interrupt>) -> Allowance<'s> {
    Allowance::new(what, Limits { text: MOST_JSON, memory: 32 << 20, ..Limits::default() }, stop)
}
