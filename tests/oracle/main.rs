//! Generated programs come to the same whether they are compiled or walked as trees: results, errors with their places
//! and stacks, and the steps they took. Queries over many rows run by kernels on one side, row by row on the other.
//!
//! A bounded number runs with the other tests; `FLOWSCRIPT_PROGRAMS=100000 cargo test --release --test oracle` runs more.

mod generate;
mod queries;

use flowscript_lang::error::RunError;
use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::value::Zone;
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Outcome, Program, Settings, compile};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A world in which nothing changes.
struct Still;

impl Host for Still {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self) -> u64 {
        7
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}

fn compiled(source: &str) -> Result<Program, String> {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let compiled = compile(source, &options);
    compiled.program.ok_or_else(|| {
        let messages: Vec<&str> = compiled.diagnostics.iter().map(|found| &*found.message).collect();
        messages.join("\n")
    })
}

fn came_to(result: Result<Outcome, Box<RunError>>) -> String {
    match result {
        Ok(outcome) => format!("{} in {} steps", outcome.value.to_literal(100_000), outcome.steps),
        Err(error) => {
            format!("{} error: {} at {:?} in {:?}", error.kind.name(), error.message, error.place, error.stack)
        }
    }
}

/// Runs a program both ways; gives what it came to where both agree.
fn agreed(source: &str) -> Result<String, String> {
    let program = compiled(source)?;
    let limits = Limits { steps: Some(20_000), depth: 100, ..Limits::default() };
    let settings = Settings { zone: Zone::UTC, culture: "en-US".into(), limits, asserts: true };
    let walked = came_to(program.run_tree(Vec::new(), &settings, &Still));
    let ran = came_to(program.run(Vec::new(), &settings, &Still));
    if ran == walked {
        return Ok(ran);
    }
    Err(format!("{source}\nas code: {ran}\nas tree: {walked}\n\n{}", program.listing()))
}

#[test]
fn generated_programs_agree() {
    let wanted: Option<u32> = std::env::var("FLOWSCRIPT_PROGRAMS").ok().and_then(|count| count.parse().ok());
    let cases = wanted.unwrap_or(300);
    let (mut refused, mut failed) = (0, 0);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let counts = std::cell::RefCell::new((&mut refused, &mut failed));
    // Others each time, but for the bounded number: a test that fails must fail again.
    let mut runner = match wanted {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let outcome = runner.run(&prop::collection::vec(any::<u8>(), 0..600), |choices| {
        let source = generate::program(&choices);
        if compiled(&source).is_err() {
            *counts.borrow_mut().0 += 1;
            return Ok(());
        }
        let came_to = agreed(&source).map_err(TestCaseError::fail)?;
        *counts.borrow_mut().1 += u32::from(came_to.contains(" error: "));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(refused * 2 < cases, "{refused} of {cases} programs were refused by the checker");
    assert!(failed * 4 < cases * 3, "{failed} of {cases} programs ended in an error");
}
