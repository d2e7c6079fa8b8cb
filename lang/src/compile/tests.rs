//! The compiled form of scripts.

use crate::function::{Call, Effect, Facts, Function, NativeResult, Registry};
use crate::host::{Host, LogLevel};
use crate::value::Value;
use crate::{CompileOptions, Mode, NoModules, Program, Settings};

/// The only function that is compiled to something other than a call.
fn range() -> Function {
    fn native(call: &mut Call<'_>) -> NativeResult {
        let start = call.integer(0)?;
        let count = call.integer(1)?;
        if count < 0 {
            Err(call.value_error("less than nothing"))
        } else {
            Ok(Value::list((start..start + count).map(Value::from).collect()))
        }
    }
    let range = Function::new("Range(start: number, count: number) -> number*", native).expect("a signature");
    Function { facts: Facts { is_range: true, ..Facts::NONE }, ..range }
}

fn program(source: &str) -> Program {
    let registry = Registry::new([range()]);
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Pure,
    };
    let compiled = crate::compile(source, &options);
    compiled.program.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

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

fn result(source: &str) -> String {
    match program(source).run(Vec::new(), &Settings::default(), &Nowhere) {
        Ok(outcome) => outcome.value.to_literal(200),
        Err(error) => format!("{}: {}", error.kind.name(), error.message),
    }
}

macro_rules! compiles {
    ($name:ident, $source:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(program($source).listing());
        }
    };
}

compiles!(
    numbers_stay_in_their_registers,
    "function fib(n) => case when n < 2 then n else fib(n - 1) + fib(n - 2) end;\nreturn fib(30);"
);
compiles!(
    a_loop_over_a_range_has_no_list,
    "let t = 0;\nfor i in range(0, 10) {\n  if i mod 3 = 0: continue;\n  set t = t + i * 1.5;\n}\nreturn t;"
);
compiles!(
    rows_are_read_by_column,
    "let total = 0;\nfor r in [{qty: 2, open: true}, {qty: 3, open: false}] {\n  if r.open and r.qty > 2 { set total = total + r.qty; }\n}\nreturn total;"
);
compiles!(
    values_of_any_type,
    "function f(a, b = 2) {\n  if a = 'x' or b is null: return a & b;\n  return a ?? b;\n}\nlet g = f;\nreturn g(1) + f('x');"
);
compiles!(
    errors_are_caught,
    "let t = [];\ntry {\n  set t = t & [1 / 0];\n} catch e {\n  return e.message;\n}\nreturn t;"
);

#[test]
fn operands_are_read_before_they_change() {
    assert_eq!(result("let x = 2; let y = 3; set x = x + y + x; return x;"), "7");
    assert_eq!(result("let x = null; let y = {a: x ?? 4}; set x = x ?? y.a ?? x; return x;"), "4");
    assert_eq!(result("let i = 3; let t = 0; for i in range(i, i) { set t = t + i; } return [i, t];"), "[3, 12]");
    assert_eq!(result("let t = 0; for i in range(1, 3) { set i = i * 10; set t = t + i; } return t;"), "60");
    assert_eq!(result("let r = {a: 1}; set r = [r, r.a]; return r;"), "[{a: 1}, 1]");
}

#[test]
fn arguments_arrive_in_both_files() {
    let function = "function f(a: number, b, c: number = a * 2, d = b) => [a, b, c, d];\n";
    assert_eq!(result(&format!("{function}return f('1', 'x');")), "[1, 'x', 2, 'x']");
    assert_eq!(result(&format!("{function}return f(1, 2, '3');")), "[1, 2, 3, 2]");
    assert_eq!(result(&format!("{function}let g = f; return g('5', null, 1, 2);")), "[5, null, 1, 2]");
}

#[test]
fn a_range_that_cannot_be_is_the_error_of_its_function() {
    assert_eq!(result("for i in range(0, -1) { } return 1;"), "value: Range: less than nothing");
}

/// The result of a program that is compiled completely.
fn compiled_result(source: &str) -> String {
    let listing = program(source).listing();
    assert!(!listing.contains("runs as a tree"), "{listing}");
    result(source)
}

/// `let` for `count` variables, each made by `value`, and their names.
fn lets(count: usize, value: impl Fn(usize) -> String) -> (String, Vec<String>) {
    let lets: Vec<String> = (0..count).map(|n| format!("  let v{n} = {};\n", value(n))).collect();
    (lets.concat(), (0..count).map(|n| format!("v{n}")).collect())
}

#[test]
fn functions_with_many_variables_are_compiled() {
    for count in [148, 149, 150, 151, 300, 1000] {
        let sum = count * (count + 1) / 2;
        let (numbers, names) = lets(count, |n| format!("x + {n}"));
        let body = format!("{numbers}  return {};\n", names.join(" + "));
        assert_eq!(compiled_result(&format!("function f(x) {{\n{body}}}\nreturn f(1);")), sum.to_string());
        // As a script, with calls between, and with the last one changed in a loop.
        let last = count - 1;
        let looped = format!("for i in range(0, 10) {{ set v{last} = v{last} + f(i); }}");
        let source = format!(
            "function f(x) => x * 2;\nlet x = 1;\n{numbers}{looped}\nreturn [v0, v{last}, {}];",
            names.join(" + ")
        );
        let last = count + 90;
        assert_eq!(compiled_result(&source), format!("[1, {last}, {}]", sum + 90));
        let (texts, names) = lets(count, |n| format!("'t' & (x + {n})"));
        let body = format!("{texts}  return [{}, {}];\n", names[count - 1], names[0]);
        assert_eq!(
            compiled_result(&format!("function f(x) {{\n{body}}}\nreturn f(1);")),
            format!("['t{count}', 't1']")
        );
    }
}

#[test]
fn many_variables_of_all_kinds_are_compiled() {
    let (texts, _) = lets(200, |n| format!("'t' & {n}"));
    let source =
        |body: &str| format!("function g(a, b = 'd') => [a, b];\nfunction f(x) {{\n{texts}{body}\n}}\nreturn f('x');");
    let gives = |body: &str, wanted: &str| assert_eq!(compiled_result(&source(body)), wanted, "{body}");
    gives("let t = []; for i in range(0, 3) { let u = i * 2; set t = t & [u]; } return t;", "[0, 2, 4]");
    gives("let t = ''; for c in 'abc' { set t = t & c & v199; } return t;", "'at199bt199ct199'");
    gives("let o = {a: [1]}; set o.a[0] = v7; let p = o; set o.a[0] = 2; return [o, p];", "[{a: [2]}, {a: ['t7']}]");
    gives(
        "let o = 1; try { let y = g(x); error 'no'; } catch e { set o = e.message; } return [o, v0, v199];",
        "['no', 't0', 't199']",
    );
    gives(
        "let o = g(g(x, v150), v199); let n = 0; while n < 3 { set n = n + 1; } return [o, n];",
        "[[['x', 't150'], 't199'], 3]",
    );
    gives("let n = 1; let h = y => y & n & v180; set n = 5; return [h('a'), n];", "['a5t180', 5]");
    gives(
        "let r = []; for a in ['p', 'q'] { for b in [1, 2] { if b = 2: continue; set r = r & (a & b); } } return r;",
        "['p1', 'q1']",
    );
}

#[test]
fn large_expressions_are_compiled_around() {
    let list: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    let variables: Vec<String> = (0..500).map(|n| format!("x + {n}")).collect();
    let numbers = list.join(", ");
    assert_eq!(
        compiled_result(&format!("function f(x) => x in ({numbers});\nreturn [f(3), f(500)];")),
        "[true, false]"
    );
    let sums = variables.join(", ");
    assert_eq!(compiled_result(&format!("function f(x) {{ let l = [{sums}]; return l[499]; }}\nreturn f(1);")), "500");
    let fields: Vec<String> = (0..400).map(|n| format!("f{n}: x + {n}")).collect();
    let fields = fields.join(", ");
    assert_eq!(
        compiled_result(&format!("function f(x) {{ let r = {{{fields}}}; return r.f399; }}\nreturn f(1);")),
        "400"
    );
    let (texts, _) = lets(148, |n| format!("'t' & {n}"));
    let within = |inner: &str| format!("function f(x) {{\n{texts}  return {inner};\n}}\nreturn f(1);");
    let nested = (0..180).fold("x".to_owned(), |inner, n| format!("({n} & {inner})"));
    assert!(compiled_result(&within(&nested)).starts_with("'179178177"));
    let (numbers, _) = lets(150, |n| format!("x + {n}"));
    let nested = (0..180).fold("x".to_owned(), |inner, n| format!("({n} + {inner})"));
    assert_eq!(compiled_result(&format!("function f(x) {{\n{numbers}  return {nested};\n}}\nreturn f(1);")), "16111");
    let cases: Vec<String> = (0..1000).map(|n| format!("when x = {n} then x * {n}")).collect();
    let cases = cases.join(" ");
    assert_eq!(compiled_result(&format!("function f(x) => case {cases} else 0 end;\nreturn f(999);")), "998001");
}

#[test]
fn deep_calls_are_a_limit() {
    let message = "limit: The call depth went beyond its limit of 1000: f is called from within itself or from within too many others.";
    assert_eq!(result("function f(n) => f(n + 1) + 1; return f(0);"), message);
    assert_eq!(result("function f(n) => 1 + f('x' & n); return f('');"), message);
}
