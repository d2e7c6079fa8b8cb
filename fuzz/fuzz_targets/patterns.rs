//! Any pattern is applied to any text: regular expressions, `like`, formats of dates and numbers, paths of XML.
#![no_main]

mod still;

use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::Effect;
use flowscript_lang::types::Type;
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Outcome, Program, Settings, Variable, compile};
use libfuzzer_sys::fuzz_target;
use still::StillHost;
use std::sync::OnceLock;

/// The operations on a pattern `p` and a text `t`.
const EXPRESSIONS: &[&str] = &[
    "RegexTest(t, p)",
    "RegexMatch(t, p)",
    "RegexMatches(t, p)",
    "RegexReplace(t, p, t)",
    "RegexReplace(t, 'a|b', p)",
    "t like p",
    "Format(Date('2024-02-29T12:34:56.789Z'), p)",
    "Format(-1234567.891, p)",
    "DateTime.Parse(t, p)",
    "XML.Select(t, p)",
    "Trim(t, p)",
    "Split(t, p)",
    "Replace(t, p, t)",
];

fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let registry = flowscript_stdlib::registry();
        let variable = |name: &str| Variable { name: name.into(), ty: Type::Text, writable: false };
        let variables = [variable("t"), variable("p")];
        let options = CompileOptions {
            mode: Mode::Expression,
            variables: &variables,
            registry: &registry,
            modules: &NoModules,
            effect: Effect::Outside,
        };
        EXPRESSIONS.iter().map(|source| compile(source, &options).program.expect(source)).collect()
    })
}

fn run(program: &Program, text: &str, pattern: &str) -> Result<Outcome, Box<RunError>> {
    let limits = Limits { steps: Some(100_000), memory: 32 << 20, ..Limits::default() };
    program.run(vec![text.into(), pattern.into()], &Settings { limits, ..Settings::default() }, &StillHost)
}

fuzz_target!(|input: (u8, &str, &str)| {
    let (which, pattern, text) = input;
    let programs = programs();
    let Some(program) = programs.get(usize::from(which) % programs.len()) else { return };
    if let Err(error) = run(program, text, pattern) {
        assert!(matches!(error.kind, ErrorKind::Value | ErrorKind::Type | ErrorKind::Limit | ErrorKind::Arithmetic | ErrorKind::Index), "{error}");
        assert!(error.message.len() < 3_000, "{error}");
    }
});
