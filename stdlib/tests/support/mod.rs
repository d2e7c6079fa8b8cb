//! Runs scripts with the whole library, on a host that never changes.

use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::value::{Value, Zone};
use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, compile};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct FixedHost {
    random: AtomicU64,
}

impl Host for FixedHost {
    fn now(&self) -> (i64, u32) {
        // 2024-07-01T12:34:56.789Z
        (1_719_837_296, 789_000_000)
    }

    fn random(&self) -> u64 {
        // SplitMix64
        let seed = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}

/// The value of an expression, in the zone Europe/Stockholm; or the messages of the checker or of the run.
pub fn evaluate(expression: &str) -> Result<Value, String> {
    run(expression, Mode::Expression)
}

/// What a script returns.
pub fn run(source: &str, mode: Mode) -> Result<Value, String> {
    let registry = flowscript_stdlib::registry();
    let options =
        CompileOptions { mode, variables: &[], registry: &registry, modules: &NoModules, effect: Effect::Outside };
    let compiled = compile(source, &options);
    let Some(program) = compiled.program else {
        let messages: Vec<String> = compiled.diagnostics.iter().map(|d| d.message.clone()).collect();
        return Err(messages.join("\n"));
    };
    let settings = Settings { zone: Zone::Europe__Stockholm, ..Settings::default() };
    let outcome = program.run(Vec::new(), &settings, &FixedHost::default());
    outcome.map(|outcome| outcome.value).map_err(|error| error.message)
}
