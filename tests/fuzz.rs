//! A bounded fuzz run for CI: known scripts, cut, joined and mutated, are parsed, checked and run.
//!
//! `FUZZ_SECONDS` sets the duration (10 by default), `FUZZ_SEED` the seed. Nothing may panic, overflow the stack or
//! hang, and every finding must lie in its source. The coverage-guided targets are in `fuzz/`.

use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Settings, compile, parse};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The pieces of random sources: words and signs of the language, and text that tends to break things.
const PIECES: &[&str] = &[
    "let ",
    "set ",
    "return ",
    "if ",
    "else ",
    "elseif ",
    "for ",
    "in ",
    "while ",
    "function ",
    "=> ",
    "x",
    "y",
    "t",
    "row",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    ":",
    ",",
    ".",
    "?.",
    "??",
    "&",
    "+",
    "-",
    "*",
    "/",
    " mod ",
    " = ",
    " != ",
    " < ",
    " and ",
    " or ",
    "not ",
    " like ",
    " is ",
    "number",
    "text?",
    " where ",
    " with ",
    " order by ",
    " group by ",
    " except ",
    "map ",
    " as ",
    "select ",
    " from ",
    " join ",
    " on ",
    " having ",
    "distinct ",
    "case when ",
    " then ",
    " end",
    "new ",
    "type ",
    "error ",
    "try {",
    "} catch e {",
    "'a'",
    "\"b\"",
    "`{x}`",
    "@'c'",
    "1",
    "0",
    "0.1",
    "79228162514264337593543950335",
    "1e-28",
    "null",
    "true",
    "[]",
    "{a: 1}",
    "[a: 1]",
    "count()",
    "Sum(t.a)",
    "JSON.Decode('{}')",
    "range(0, 3)",
    "\\",
    "'",
    "\"",
    "`",
    "//",
    "/*",
    "*/",
    "é",
    "😀",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "\t",
    "break;",
    "continue;",
    "do ",
    " done",
    "*",
    "open DateTime;",
    "-- ",
    "((((",
    "=>",
];

/// One source may take this long in a debug build under load; more is a hang.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn no_source_breaks_the_language() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let corpus = corpus();
    assert!(corpus.len() > 200, "the scripts to start from are gone");
    let mut random = SmallRng::seed_from_u64(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0u64;
    while Instant::now() < end {
        let source = mutate(&corpus, &mut random);
        let begun = Instant::now();
        let outcome = std::panic::catch_unwind(|| try_all(&source));
        assert!(outcome.is_ok(), "source {count} of seed {seed} panics:\n{source}");
        assert!(begun.elapsed() < LONGEST, "source {count} of seed {seed} takes {:?}:\n{source}", begun.elapsed());
        count += 1;
    }
    assert!(count > 0, "no source was tried");
}

/// Interesting scripts: the conformance cases and the reference's blocks.
fn corpus() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts = Vec::new();
    for file in ["language", "tables", "functions", "checks"] {
        let text = fs::read_to_string(root.join(format!("tests/conformance/{file}.yaml"))).expect("a conformance file");
        // The text between the quotes is accurate enough: it will be mutated.
        scripts.extend(
            text.lines().filter_map(|line| line.split_once("script: \"")).map(|(_, rest)| rest.replace("\\\"", "\"")),
        );
    }
    let reference = fs::read_to_string(root.join("lang/README.md")).expect("the reference");
    scripts.extend(
        reference.split("```flowscript\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned),
    );
    scripts
}

fn mutate(corpus: &[String], random: &mut SmallRng) -> String {
    let mut source: String = match random.random_range(0..10) {
        0 => (0..random.random_range(1..40)).filter_map(|_| PIECES.choose(random)).copied().collect(),
        1 => PIECES.choose(random).map(|piece| piece.repeat(random.random_range(1..2_000))).unwrap_or_default(),
        2 => (0..random.random_range(1..80)).map(|_| char::from(random.random_range(0..=255u8))).collect(),
        _ => corpus.choose(random).cloned().unwrap_or_default(),
    };
    for _ in 0..random.random_range(0..6) {
        let at = boundary(&source, random);
        match random.random_range(0..5) {
            0 => source.truncate(at),
            1 => source.insert_str(at, PIECES.choose(random).copied().unwrap_or_default()),
            2 => {
                let to =
                    source[at..].char_indices().nth(random.random_range(0..12)).map_or(source.len(), |(n, _)| at + n);
                source.replace_range(at..to, "");
            }
            3 => {
                let other = corpus.choose(random).cloned().unwrap_or_default();
                let from = boundary(&other, random);
                source.insert_str(at, &other[from..]);
            }
            _ => {
                let to = boundary(&source, random);
                let piece = source[at.min(to)..at.max(to)].to_owned();
                source.insert_str(at, &piece);
            }
        }
        if source.len() > 20_000 {
            let end = (0..=20_000).rev().find(|end| source.is_char_boundary(*end)).unwrap_or(0);
            source.truncate(end);
        }
    }
    source
}

/// A place between two characters.
fn boundary(source: &str, random: &mut SmallRng) -> usize {
    let mut at = random.random_range(0..=source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn try_all(source: &str) {
    parse::parse_expression(source);
    parse::parse_template(source);
    parse::parse_type(source);
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let compiled = compile(source, &options);
    assert_eq!(compiled.program.is_none(), compiled.has_errors());
    for finding in compiled.diagnostics {
        let (start, end) = (finding.span.start as usize, finding.span.end as usize);
        assert!(source.get(start..end).is_some(), "{finding:?} lies outside its source");
    }
    let Some(program) = compiled.program else { return };
    let limits = Limits { steps: Some(20_000), memory: 16 << 20, text: 1 << 20, cells: 100_000, ..Limits::default() };
    let settings = Settings { limits, asserts: true, ..Settings::default() };
    let _ = program.run(Vec::new(), &settings, &StillHost);
}

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
