//! FlowScript that people try out: checked, run within narrow limits, and not stored.

use crate::clock::Clock;
use crate::pool::Pool;
use crate::room::Held;
use crate::run::{RunHost, StopFlag};
use crate::script::{Library, Outcome, try_out};
use flowscript_lang::budget::Allowance;
use flowscript_lang::diagnostic::json::run_error;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::host::Host;
use flowscript_lang::program::Limits;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Record, Value};
use flowscript_stdlib::json::{DecodeError, Problem};
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

/// How long the fast thread works on one evaluation.
const QUICK: Duration = Duration::from_millis(30);
/// The longest source that the quick thread takes, in bytes.
const SHORT: usize = 16 << 10;

/// The result of an evaluation.
#[derive(Debug)]
pub struct Tried {
    /// The outcome without the value.
    pub outcome: Outcome,
    /// The value as JSON, unless something was wrong.
    pub json: Option<String>,
    /// The value as the language writes it.
    pub shown: Option<String>,
}

/// The variables are not an object of JSON; the text says why.
#[derive(Debug)]
pub struct NotVariables(pub String);

/// Evaluates on threads of its own: evaluations must not delay runs, nor slow ones fast ones.
pub struct Evaluator {
    clock: Arc<dyn Clock>,
    library: Library,
    /// Asked once the engine ends all that is at work.
    halt: Arc<StopFlag>,
    quick: Pool,
    slow: Pool,
}

/// An evaluation to perform.
struct Asked {
    source: String,
    input: Option<String>,
    /// The room of source and variables.
    _room: Option<Held>,
}

impl Evaluator {
    /// One thread for fast evaluations, and one for slow ones. The error says why one cannot be started.
    pub(super) fn new(clock: Arc<dyn Clock>, library: Library, halt: Arc<StopFlag>) -> std::io::Result<Self> {
        Ok(Self { clock, library, halt, quick: Pool::new(1)?, slow: Pool::new(1)? })
    }

    /// Evaluates an expression or statements over the variables in an object of JSON. `None` if the interpreter itself
    /// failed. `room` is what the source takes; it is held during the evaluation, which ends when it takes too long,
    /// when the engine stops, and when this is dropped because its caller has disconnected.
    ///
    /// Evaluations change nothing outside, so one that is not done at once is dropped and begun again on the slow
    /// thread.
    pub async fn evaluate(
        &self,
        source: String,
        input: Option<String>,
        room: Option<Held>,
    ) -> Option<Result<Tried, NotVariables>> {
        let asked = Arc::new(Asked { source, input, _room: room });
        // Parsing cannot be stopped, so a long source would hold up the others.
        if asked.source.len() <= SHORT {
            let (stop, tried) = self.evaluate_on(&self.quick, &asked, |host| host.with_patience(QUICK)).await?;
            if !stop.is_abandoned() {
                return Some(tried);
            }
        }
        Some(self.evaluate_on(&self.slow, &asked, |host| host).await?.1)
    }

    /// Evaluates it on a thread of this pool; also returns the interrupt that stopped it.
    async fn evaluate_on(
        &self,
        pool: &Pool,
        asked: &Arc<Asked>,
        limited: impl FnOnce(RunHost) -> RunHost + Send + 'static,
    ) -> Option<(Arc<StopFlag>, Result<Tried, NotVariables>)> {
        let (clock, library) = (self.clock.clone(), self.library.clone());
        let halt = self.halt.clone();
        let (asked, stop) = (asked.clone(), Arc::<StopFlag>::default());
        let _caller = stop.cancelled_with();
        let flag = stop.clone();
        let evaluate = move || {
            // Its time begins now, not while it waits for the thread.
            let host = RunHost::new(clock, TIME, LINES, flag, None).ending_with(halt);
            asked.evaluate(&library, &limited(host))
        };
        let tried = pool.run(evaluate).await.ok()?;
        Some((stop.clone(), tried))
    }
}

impl Asked {
    fn evaluate(&self, library: &Library, host: &RunHost) -> Result<Tried, NotVariables> {
        let failed = |error: &RunError| run_error(error, |_| ("source", &self.source));
        let decode = |text: &String| json::decode(text, &mut allowance("The input", &|| host.interrupt()));
        let input = match self.input.as_ref().map(decode) {
            None | Some(Ok(Value::Null)) => Record::from_fields([]),
            Some(Ok(Value::Record(input))) => input,
            Some(Ok(other)) => return Err(NotVariables(format!("its type is {}", other.type_name()))),
            Some(Err(DecodeError { problem: Problem::Stopped(stopped), .. })) => {
                let (ty, errors) = (Type::Any.to_string(), vec![failed(&stopped)]);
                return Ok(Tried {
                    outcome: Outcome { value: None, ty, log: Vec::new(), errors },
                    json: None,
                    shown: None,
                });
            }
            Some(Err(error)) => return Err(NotVariables(error.to_string())),
        };
        let mut outcome = try_out(&self.source, &input, library, host);
        let value = outcome.value.take();
        let shown = value.as_ref().map(|value| value.to_literal(MOST_SHOWN));
        let json = value.and_then(|value| match written(&value, host) {
            Ok(json) => Some(json),
            Err(error) => {
                outcome.errors.push(failed(&error));
                None
            }
        });
        outcome.log = host.take_log();
        Ok(Tried { outcome, shown: shown.filter(|_| json.is_some()), json })
    }
}

/// A value as JSON, which may be very large for values that share their parts.
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
