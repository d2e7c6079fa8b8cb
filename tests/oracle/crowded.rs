//! Generated programs in which so many variables precede those of functions and script that the latter are not in
//! registers.

use super::{agreed, compiled, generate};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The number of variables that come first.
const BEFORE: usize = 160;

#[test]
fn programs_with_many_variables_agree() {
    let texts = repeated("let farN = 'x'; ");
    // They are used more often than the others, which get no number registers then.
    let numbers = repeated("let farN = 1; set farN = farN + farN * farN - farN; ");
    let config = Config { cases: 40, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&prop::collection::vec(any::<u8>(), 0..600), |choices| {
        let source = generate::program(&choices);
        for before in [&texts, &numbers] {
            let source = crowded(&source, before);
            if compiled(&source).is_ok() {
                agreed(&source).map_err(TestCaseError::fail)?;
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn repeated(statements: &str) -> String {
    (0..BEFORE).map(|n| statements.replace('N', &n.to_string())).collect()
}

/// The program with these statements at the start of the script and of each function with a block.
fn crowded(source: &str, before: &str) -> String {
    let mut crowded = format!("{before}\n");
    for line in source.lines() {
        crowded.push_str(line);
        if line.trim_start().starts_with("function") && line.ends_with('{') {
            crowded.push_str(before);
        }
        crowded.push('\n');
    }
    crowded
}
