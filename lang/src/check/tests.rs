//! Sources that would keep the checker busy, or produce too many reports.

use super::*;
use crate::host::Interrupt;
use crate::settings::Limits;
use std::time::{Duration, Instant};

/// Far more than any of them takes unless something hangs: a debug build on a busy machine.
const HANG: Duration = Duration::from_secs(60);

fn options(registry: &Registry) -> CompileOptions<'_> {
    CompileOptions { mode: Mode::Script, variables: &[], registry, modules: &NoModules, effect: Effect::Pure }
}

fn checked(source: &str, limits: Limits, stop: &dyn Fn() -> Option<Interrupt>) -> Compiled {
    let registry = Registry::default();
    let started = Instant::now();
    let compiled = compile_within(source, &options(&registry), &mut Allowance::new("The check", limits, stop));
    let took = started.elapsed();
    assert!(took < HANG, "{took:?} for {}", source.chars().take(80).collect::<String>());
    compiled
}

/// Also returns the steps of the check.
fn paid(source: &str) -> (Compiled, u64) {
    let registry = Registry::default();
    let mut allowance = Allowance::new("The check", LIMITS, &|| None);
    let compiled = compile_within(source, &options(&registry), &mut allowance);
    (compiled, allowance.steps())
}

fn many(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

fn list(count: usize, separator: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(separator)
}

/// `n` variables, each twice the one before.
fn doubled(first: &str, name: &str, twice: impl Fn(String) -> String) -> String {
    let lets = many(60, |at| format!("let {name}{} = {};\n", at + 1, twice(format!("{name}{at}"))));
    format!("let {name}0 = {first};\n{lets}")
}

/// Sources of one hostile shape each, of `n` parts.
fn shapes(n: usize) -> Vec<(&'static str, String)> {
    let pair = |name: String| format!("[a: {name}, b: {name}]");
    let two = |name: String| format!("[{name}, {name}]");
    let fields = list(n, ", ", |at| format!("k{at}: {at}"));
    let backwards = list(n, ", ", |at| format!("k{}: {at}", n - at));
    let numbers = list(n, ", ", |at| format!("k{at}: number"));
    vec![
        ("variables", many(n, |at| format!("let v{at} = {at};\n"))),
        ("chain of variables", format!("let v0 = 0; {}", many(n, |at| format!("let v{} = v{at} + 1;\n", at + 1)))),
        ("one name", many(n, |at| format!("let a = {at};\n"))),
        ("functions", many(n, |at| format!("function f{at}() => f{}();\n", at + 1))),
        ("types", many(n, |at| format!("type t{at} = {{a: number, b: t{at}?}};\n"))),
        (
            "chain of types",
            format!("type t0 = {{a: any}}; {}", many(n, |at| format!("type t{} = {{a: t{at}}};", at + 1))),
        ),
        ("types in a circle", many(n, |at| format!("type t{at} = {{a: t{}}};\n", (at + 1) % n))),
        ("fields", format!("let r = [{fields}]; {}", many(n, |at| format!("log(r.k{at});")))),
        ("fields of a type", format!("type t = {{{numbers}}}; let r: t = [{backwards}]; let s: t = r;")),
        ("fields in another order", format!("let r = [{fields}]; set r = [{backwards}]; set r = [{fields}];")),
        ("fields there twice", format!("let r = [{}];", list(n, ", ", |_| "k: 1".into()))),
        ("parameters", format!("function f({}) => p1;", list(n, ", ", |at| format!("p{at}")))),
        ("list", format!("let l = [{}];", list(n, ", ", |at| at.to_string()))),
        ("list of records", format!("let l = [{}];", list(n, ", ", |at| format!("[k{at}: {at}]")))),
        ("case", format!("let x = 5; return case {} end;", list(n, " ", |at| format!("when x = {at} then {at}")))),
        (
            "branches",
            format!("let x = 5; if x = 1 {{ }} {}", many(n, |at| format!("elseif x = {at} {{ set x = {at}; }}"))),
        ),
        ("sum", format!("let x = 1; return {};", list(n, " + ", |_| "x".into()))),
        ("texts", format!("let x = 'a'; return {};", list(n, " & ", |_| "x".into()))),
        ("conditions", format!("let x: any = 1; return {};", list(n, " and ", |_| "x is number".into()))),
        ("narrowed", many(n, |at| format!("let v{at}: number? = null; if v{at} is null {{ return 1; }}\n"))),
        ("unknown names", many(n, |at| format!("let v{at} = w{at}x;\n"))),
        ("unknown functions", many(n, |at| format!("foo{at}();"))),
        ("unknown types", many(n, |at| format!("let v{at}: w{at} = 1;"))),
        ("dropped", many(n, |at| format!("1 + {at};"))),
        ("comments", many(n, |at| format!("let a = a // {at}\n"))),
        ("one line", "let x = 1; ".repeat(n)),
        ("nested", format!("{}{}", "if true { let a = 1; ".repeat(190), "}".repeat(190))),
        (
            "captures",
            format!(
                "{} function g() {{ return () => {}; }}",
                many(n, |at| format!("let v{at} = {at};")),
                list(n, "+", |at| format!("v{at}"))
            ),
        ),
        ("records that share", doubled("[x: 1]", "a", pair)),
        ("lists that share", doubled("[1]", "a", two)),
        ("functions that share", doubled("1", "a", |name| format!("x => [a: {name}, b: {name}]"))),
        (
            "two that share",
            format!(
                "{}{}let c = a60; set c = b60; return c = a60;",
                doubled("[x: 1]", "a", pair),
                doubled("[x: 1]", "b", pair)
            ),
        ),
        (
            "declared types that share",
            format!(
                "type t0 = {{x: number}}; type u0 = {{x: number}}; {}{} let x: t60 = new t60 []; let y: u60 = x; let z = default(t60);",
                many(60, |at| format!("type t{} = {{a: t{at}, b: t{at}, c: t{at}}};", at + 1)),
                many(60, |at| format!("type u{} = {{a: u{at}, b: u{at}, c: u{at}}};", at + 1))
            ),
        ),
        (
            "long names",
            format!("let {0} = [{0}: [{0}: 1]]; let x: number = [a: {0}, b: {0}, c: {0}];", "n".repeat(n * 8)),
        ),
        ("changes", format!("let t = [a: 1]; {} return t;", many(n, |at| format!("set t = t with [c{at}: {at}];")))),
        ("parts that are set", format!("let t = [a: 1]; {} return t;", many(n, |at| format!("set t.c{at} = {at};")))),
        ("columns", format!("let t = [[a: 1]]; return select {} from t;", list(n, ", ", |at| format!("a as c{at}")))),
        (
            "keys",
            format!(
                "let t = [[a: 1]]; return select {} from t group by {};",
                list(n, ", ", |at| format!("a as c{at}")),
                list(n, ", ", |at| format!("c{at}"))
            ),
        ),
        (
            "names of rows",
            format!("let t: any = null; return t where {};", list(n, " and ", |at| format!("c{at} = 1"))),
        ),
        (
            "rows that are joined",
            format!("let t = [[{fields}]]; return {};", list(n / 8, " & ", |at| format!("(t where d{at} = 1)"))),
        ),
        (
            "joins",
            format!(
                "let t = [[a: 1]]; return select t.a from t {};",
                many(n / 8, |at| format!(" join t t{at} on t.a = t{at}.a"))
            ),
        ),
    ]
}

/// A kilobyte of any shape, and a hundred of them, end in time.
#[test]
fn hostile_sources_end() {
    for (shape, source) in shapes(1_500).into_iter().chain(shapes(20)) {
        let started = Instant::now();
        let stop = || (started.elapsed() > Duration::from_secs(1)).then_some(Interrupt::Deadline);
        let limits = Limits { steps: Some(100_000), memory: 64 << 20, ..Limits::default() };
        let compiled = checked(&source, limits, &stop);
        assert!(compiled.diagnostics.len() <= 2_003, "{shape}: {}", compiled.diagnostics.len());
        let said: usize = compiled.diagnostics.iter().map(|found| found.message.len()).sum();
        assert!(said < 4 << 20, "{shape}: {said} bytes of messages");
    }
}

/// Without a limit of steps they end when the host asks, and report why.
#[test]
fn a_check_is_cancelled() {
    for (shape, source) in shapes(1_500) {
        let limits = Limits { steps: None, memory: 1 << 30, ..Limits::default() };
        let compiled = checked(&source, limits, &|| Some(Interrupt::Cancelled));
        let ended = compiled.diagnostics.last().filter(|found| found.code.id == "E0117");
        // A source too short for a question to be asked is checked to its end.
        assert!(ended.is_none_or(|found| found.message.contains("cancelled")), "{shape}");
        assert!(ended.is_none() || compiled.program.is_none() && compiled.has_errors(), "{shape}");
    }
    let source = many(4_000, |at| format!("let v{at} = {at};"));
    let compiled = checked(&source, Limits::default(), &|| Some(Interrupt::Cancelled));
    assert_eq!(compiled.diagnostics.last().map(|found| found.code.id), Some("E0117"));
}

/// Realistic code, but much of it, stays within the limits.
#[test]
fn long_sources_are_checked() {
    let lets = many(5_000, |at| format!("let v{} = v{at} + 1;\n", at + 1));
    let functions = many(2_000, |at| format!("function f{at}(a, b) {{ if a > b {{ return a; }} return b - {at}; }}\n"));
    let calls = list(2_000, " + ", |at| format!("f{at}(v{at}, 2)"));
    let compiled = checked(&format!("let v0 = 0;\n{lets}{functions}return {calls};"), LIMITS, &|| None);
    assert!(compiled.program.is_some(), "{:?}", compiled.diagnostics.first());
}

/// The search for similar names is paid for, and names that are too long are not searched.
#[test]
fn names_that_were_meant_are_paid_for() {
    let steps = |names: &str, wrong: &str| {
        let lets = many(2_000, |at| format!("let {names}{at:04} = {at};\n"));
        let source = format!("{lets}return [{}];", list(100, ", ", |at| format!("{wrong}{at:04}")));
        let (compiled, steps) = paid(&source);
        assert!(compiled.diagnostics.iter().filter(|found| found.code.id == "E0101").count() >= 100);
        steps
    };
    let (long, short) = ("q".repeat(80), "q".repeat(150));
    let (looked, not) = (steps(&long, &format!("{long}x")), steps(&long, &format!("{short}x")));
    assert!(looked > not + 100 * 1_000, "{looked} {not}");
}

#[test]
fn a_source_that_is_mended_is_paid_for() {
    let steps = |source: &str| paid(source).1;
    let sound = format!("return '{}';", "x".repeat(100_000));
    let broken = format!("return '{}' 1;{}", "x".repeat(100_000), "let x = ;".repeat(90));
    assert!(steps(&broken) > steps(&sound) + 100_000, "{} {}", steps(&broken), steps(&sound));
}

#[test]
fn a_source_has_a_longest_length() {
    let compiled = checked(&" ".repeat(LONGEST_SOURCE + 1), LIMITS, &|| None);
    assert_eq!(compiled.diagnostics.iter().map(|found| found.code.id).collect::<Vec<_>>(), ["E0025"]);
    assert!(compiled.program.is_none());
}

#[test]
fn findings_are_bounded_and_errors_count() {
    // The error comes after more warnings than are reported.
    let source = format!("{}return nowhere;", many(1_200, |at| format!("return {at};\n1;\n")));
    let compiled = checked(&source, LIMITS, &|| None);
    assert!(compiled.has_errors() && compiled.program.is_none());
    let told = |code: &str| compiled.diagnostics.iter().filter(|found| found.code.id == code).count();
    assert_eq!((told("W0108"), told("W0117"), told("E0101")), (1_000 - told("W0102"), 1, 1));
    let source = many(1_200, |at| format!("log{at}();\n"));
    let compiled = checked(&source, LIMITS, &|| None);
    let errors = compiled.diagnostics.iter().filter(|found| found.is_error()).count();
    assert_eq!(errors, 1_001);
    assert_eq!(compiled.diagnostics.iter().filter(|found| found.code.id == "E0023").count(), 1);
}
