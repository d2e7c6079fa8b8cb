//! A program accepted by the checker runs to a value, an error or a limit; compiled and as a tree alike.
#![no_main]

mod still;

use flowscript_lang::function::Effect;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Outcome, Settings, compile};
use libfuzzer_sys::fuzz_target;
use still::StillHost;

fuzz_target!(|source: &str| {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let Some(program) = compile(source, &options).program else { return };
    let limits = Limits {
        steps: Some(20_000),
        memory: 16 << 20,
        text: 1 << 20,
        cells: 100_000,
        ..Limits::default()
    };
    let settings = Settings { limits, asserts: true, ..Settings::default() };
    let ran = came_to(program.run(Vec::new(), &settings, &StillHost));
    let walked = came_to(program.run_tree(Vec::new(), &settings, &StillHost));
    if let (Some(ran), Some(walked)) = (ran, walked) {
        assert_eq!(ran, walked);
    }
});

/// The outcome of a run; `None` if it met a limit, since the two implementations use different amounts.
fn came_to(result: Result<Outcome, Box<RunError>>) -> Option<String> {
    match result {
        Ok(outcome) => Some(outcome.value.to_literal(10_000)),
        Err(error) if error.kind == ErrorKind::Limit => None,
        Err(error) => Some(format!("{} at {:?} in {:?}", error.message, error.place, error.stack)),
    }
}
