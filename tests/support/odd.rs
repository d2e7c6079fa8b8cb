//! The dictionary of odd values, `odd.txt`, with which every function, type and kind of step is tried.

use flowscript_lang::function::{Effect, Registry};
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::value::{Value, Zone};
use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, compile};

/// The values as FlowScript expressions.
pub fn expressions() -> Vec<&'static str> {
    include_str!("odd.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Each value with its expression, in the zone Europe/Stockholm.
pub fn values(registry: &Registry) -> Vec<(&'static str, Value)> {
    expressions()
        .into_iter()
        .map(|expression| (expression, evaluate(&format!("return {expression};"), registry)))
        .collect()
}

/// The result of a script.
fn evaluate(source: &str, registry: &Registry) -> Value {
    let options =
        CompileOptions { mode: Mode::Script, variables: &[], registry, modules: &NoModules, effect: Effect::Outside };
    let compiled = compile(source, &options);
    let Some(program) = compiled.program else { panic!("{source}: {:?}", compiled.diagnostics) };
    let settings = Settings { zone: Zone::Europe__Stockholm, ..Settings::default() };
    program.run(Vec::new(), &settings, &Nowhere).unwrap_or_else(|error| panic!("{source}: {}", error.message)).value
}

/// A host without anything.
struct Nowhere;

impl Host for Nowhere {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }
    fn random(&self) -> u64 {
        0
    }
    fn log(&self, _level: LogLevel, _message: &str) {}
}
