//! What passes the checker runs: to a value, an error or a limit.
#![no_main]

use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Settings, compile};
use libfuzzer_sys::fuzz_target;

/// A host in which nothing changes.
struct StillHost;

impl Host for StillHost {
    fn now(&self) -> (i64, u32) {
        (1_700_000_000, 0)
    }

    fn random(&self) -> u64 {
        4
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}

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
    let _ = program.run(Vec::new(), &settings, &StillHost);
});
