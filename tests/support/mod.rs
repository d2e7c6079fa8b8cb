//! Runs scripts in this process, for the conformance cases and the blocks of the reference.

use flowscript_lang::budget::Unlimited;
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::error::RunError;
use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::span::line_column;
use flowscript_lang::value::{Conversion, Value, Zone, equal};
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Settings, compile};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The result of running a script.
pub enum Ran {
    /// It returned this.
    Returned(Value),
    /// The checker refused it.
    Refused(Vec<Diagnostic>),
    /// It failed.
    Failed(Box<RunError>),
}

/// Checks and runs a script; the engine's zone is Europe/Stockholm, its culture en-US.
pub fn run(script: &str, limits: Limits) -> Ran {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let compiled = compile(script, &options);
    let Some(program) = compiled.program else { return Ran::Refused(compiled.diagnostics) };
    let settings = Settings { zone: Zone::Europe__Stockholm, culture: "en-US".into(), limits, asserts: true };
    match program.run(Vec::new(), &settings, &TestHost(AtomicU64::new(1))) {
        Ok(outcome) => Ran::Returned(outcome.value),
        Err(error) => Ran::Failed(error),
    }
}

/// Compares a result with the expected JSON: numbers as numbers, tables as lists of records, datetimes as text.
pub fn compare(value: &Value, wanted: &Value) -> Result<(), String> {
    let json = flowscript_stdlib::json::encode(value, &mut Unlimited).map_err(|error| error.to_string())?;
    let got = flowscript_stdlib::json::decode(&json, &mut Unlimited).map_err(|error| format!("{error}: {json}"))?;
    if equal(&got, wanted, Conversion::None, &mut Unlimited).is_ok_and(|same| same) {
        return Ok(());
    }
    let wanted = flowscript_stdlib::json::encode(wanted, &mut Unlimited).map_err(|error| error.to_string())?;
    Err(format!("returned {json}\n  wanted {wanted}"))
}

/// The findings of the checker, a line each.
pub fn told(script: &str, diagnostics: &[Diagnostic]) -> String {
    let line = |d: &Diagnostic| {
        let (line, column) = line_column(script, d.span.start);
        let hint = d.hint.as_ref().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
        format!("{line}:{column} {} {}{hint}", d.code, d.message)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n  ")
}

/// Does `text` contain `part`, in any case?
pub fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// The machine's clock, counted randomness, no log.
struct TestHost(AtomicU64);

impl Host for TestHost {
    fn now(&self) -> (i64, u32) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since.as_secs() as i64, since.subsec_nanos())
    }

    fn random(&self) -> u64 {
        let seed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}
