//! FlowScript outside of a file: compiled and run, with all its errors.

use super::library::Library;
use crate::store::LogLine;
use flowscript_lang::budget::Allowance;
use flowscript_lang::check::{self, Mode, Variable};
use flowscript_lang::diagnostic::json;
use flowscript_lang::function::Effect;
use flowscript_lang::host::Host;
use flowscript_lang::program::Limits;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Record, Value};
use serde_json::Value as Json;

/// The name of the source in messages.
const NAME: &str = "source";

/// The result.
#[derive(Debug)]
pub struct Outcome {
    /// The value, unless it failed.
    pub value: Option<Value>,
    /// The known type of the value before the run.
    pub ty: String,
    /// Its log.
    pub log: Vec<LogLine>,
    /// The errors of the checker or the run, as JSON.
    pub errors: Vec<Json>,
}

/// Compiles and runs an expression, or statements with `return`, without access to the outside.
pub fn try_out(source: &str, input: &Record, library: &Library, host: &dyn Host) -> Outcome {
    let variables: Vec<Variable> =
        input.iter().map(|(name, _)| Variable { name: name.clone(), ty: Type::Any, writable: true }).collect();
    let compile = |mode| {
        let options = library.options(mode, &variables, Effect::Host);
        // A fifth of the limits of a file (`check::LIMITS`): sources that are tried out are short.
        let limits = Limits { steps: Some(2_000_000), memory: 64 << 20, ..Limits::default() };
        check::compile_within(source, &options, &mut Allowance::new("The check", limits, &|| host.interrupt()))
    };
    let expression = compile(Mode::Expression);
    let statements = source.contains(';') || source.to_ascii_lowercase().contains("return");
    let compiled = if expression.program.is_some() || !statements { expression } else { compile(Mode::Script) };
    let mut errors: Vec<Json> =
        compiled.diagnostics.iter().map(|found| json::diagnostic(found, NAME, source)).collect();
    let values = input.iter().map(|(_, value)| value).collect();
    let value = compiled.program.and_then(|program| match program.run(values, library.settings(), host) {
        Ok(outcome) => Some(outcome.value),
        Err(error) => {
            errors.push(json::run_error(&error, |_| (NAME, source)));
            None
        }
    });
    Outcome { value, ty: compiled.result.to_string(), log: Vec::new(), errors }
}
