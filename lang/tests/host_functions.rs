//! Functions of a host that share a name with one of the standard library: the language knows nothing about a name.

use flowscript_lang::function::{Call, Effect, Function, NativeResult, Registry};
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::value::Value;
use flowscript_lang::{CompileOptions, Mode, NoModules, Program, Settings, compile};

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

/// A function that is named in its signature and has no other facts.
fn own(signature: &'static str, native: fn(&mut Call<'_>) -> NativeResult) -> Function {
    Function::new(signature, native).expect("a signature")
}

#[expect(clippy::unnecessary_wraps, reason = "all natives have one signature")]
fn says_own(_: &mut Call<'_>) -> NativeResult {
    Ok(Value::Text("own".into()))
}

/// The number of rows that it is given.
#[expect(clippy::unnecessary_wraps, reason = "all natives have one signature")]
fn rows_given(call: &mut Call<'_>) -> NativeResult {
    Ok(call.rows(0).len().into())
}

#[expect(clippy::unnecessary_wraps, reason = "all natives have one signature")]
fn sevens(_: &mut Call<'_>) -> NativeResult {
    Ok(Value::list(vec![7.into(), 7.into()]))
}

fn program(expr: &str) -> Program {
    let registry = Registry::new([
        own("Sum(rows: rows, value: expr) -> text", says_own),
        own("Avg(rows: rows, value: expr) -> text", says_own),
        own("Count(rows: rows, condition?: expr) -> text", says_own),
        own("All(rows: rows, condition: expr) -> text", says_own),
        own("Any(rows: rows, condition?: expr) -> number", rows_given),
        own("First(rows: rows) -> number", rows_given),
        own("FirstOrEmpty(rows: rows) -> number", rows_given),
        own("FirstOrDefault(rows: rows, default?: any) -> number", rows_given),
        own("Take(rows: rows, count: number) -> number", rows_given),
        own("Range(start: number, count: number) -> number*", sevens),
    ]);
    let source = "let t = [{a: 1}, {a: 2}, {a: 3}];\n".to_owned() + expr;
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Pure,
    };
    let compiled = compile(&source, &options);
    compiled.program.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

#[test]
fn a_hosts_function_is_called_whatever_its_name() {
    for (expr, result) in [
        ("return Sum(t, a);", "'own'"),
        ("return Avg(t, a);", "'own'"),
        ("return Count(t, a > 1);", "'own'"),
        ("return Count(t where a > 1);", "'own'"),
        ("return All(t, a > 1);", "'own'"),
        ("return Any(t, a > 1);", "3"),
        ("return Any(t where a > 1);", "2"),
        ("return First(t where a > 1);", "2"),
        ("return FirstOrEmpty(t where a > 1);", "2"),
        ("return FirstOrDefault(t where a > 1, 0);", "2"),
        ("return Take(t where a > 1, 1);", "2"),
        ("let found = []; for i in Range(1, 3) { set found = found & [i]; } return found;", "[7, 7]"),
    ] {
        let program = program(expr);
        for outcome in [
            program.run(Vec::new(), &Settings::default(), &Nowhere),
            program.run_tree(Vec::new(), &Settings::default(), &Nowhere),
        ] {
            assert_eq!(outcome.expect("a result").value.to_literal(100), result, "{expr}");
        }
    }
    assert!(!program("return First(t where a > 1);").plan().contains("first row"));
}
