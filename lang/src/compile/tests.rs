//! What scripts are compiled to.

use crate::function::{Effect, Function, Registry, Signature};
use crate::host::{Host, LogLevel};
use crate::value::Value;
use crate::{CompileOptions, Mode, NoModules, Program, Settings};

/// The one function that the compiler knows by name.
fn range() -> Function {
    Function {
        name: "Range",
        aliases: &[],
        section: "Numbers",
        signature: Signature::parse("range(start: number, count: number) -> number*").expect("a signature"),
        summary: "",
        rules: "",
        examples: &[],
        effect: Effect::Pure,
        native: |call| {
            let start = call.integer(0)?;
            let count = call.integer(1)?;
            if count < 0 {
                Err(call.value_error("less than nothing"))
            } else {
                Ok(Value::list((start..start + count).map(Value::from).collect()))
            }
        },
        on_numbers: None,
        on_text: None,
    }
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

#[test]
fn functions_with_many_variables_run_as_trees() {
    let lets: Vec<String> = (0..300).map(|n| format!("  let v{n} = x + {n};\n")).collect();
    let lets = lets.concat();
    let sum: Vec<String> = (0..300).map(|n| format!("v{n}")).collect();
    let source = format!("function f(x) {{\n{lets}  return {};\n}}\nreturn f(1);", sum.join(" + "));
    assert!(program(&source).listing().contains("f: runs as a tree"));
    assert_eq!(result(&source), "45150");
}

#[test]
fn deep_calls_are_a_limit() {
    let message = "limit: The call depth went beyond its limit of 1000: f is called from within itself or from within too many others.";
    assert_eq!(result("function f(n) => f(n + 1) + 1; return f(0);"), message);
    assert_eq!(result("function f(n) => 1 + f('x' & n); return f('');"), message);
}
