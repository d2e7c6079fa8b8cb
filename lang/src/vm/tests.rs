//! The machine alone, on trees made by hand: states that scripts cannot reach.

use crate::ast::BinaryOp;
use crate::error::{ErrorKind, RunError};
use crate::function::{Effect, Registry};
use crate::host::{Host, Interrupt, LogLevel};
use crate::program::{Limits, Outcome, Program, Settings};
use crate::span::Span;
use crate::tree::*;
use crate::types::{Type, Types};
use crate::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Stops after a number of questions.
struct StopsAfter(std::sync::atomic::AtomicU64);

impl Host for StopsAfter {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }
    fn random(&self) -> u64 {
        0
    }
    fn log(&self, _level: LogLevel, _message: &str) {}
    fn interrupt(&self) -> Option<Interrupt> {
        let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
        self.0.store(left.saturating_sub(1), std::sync::atomic::Ordering::Relaxed);
        (left == 0).then_some(Interrupt::Cancelled)
    }
}

fn never_stops() -> StopsAfter {
    StopsAfter(u64::MAX.into())
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default(), ty: Type::Any }
}

fn constant(value: impl Into<Value>) -> Expr {
    expr(ExprKind::Constant(value.into()))
}

fn variable(variable: Variable) -> Expr {
    expr(ExprKind::Variable(variable, "x".into()))
}

fn binary(a: Expr, op: BinaryOp, b: Expr) -> Expr {
    expr(ExprKind::Binary(Box::new(a), vec![(op, Span::default(), b)]))
}

fn block(statements: Vec<Statement>) -> Block {
    Block { statements: statements.into_iter().map(|s| (s, Span::default())).collect(), ..Block::default() }
}

fn function(parameters: &[&str], locals: usize, cells: usize, body: Block) -> FunctionDef {
    let parameter =
        |name: &&str| ParameterDef { name: (*name).into(), annotation: None, ty: Type::Any, default: None, cell: None };
    FunctionDef {
        name: "f".into(),
        unit: 0,
        parameters: parameters.iter().map(parameter).collect(),
        required: parameters.len(),
        body,
        result: None,
        locals,
        cells,
        scopes: 0,
        span: Span::default(),
    }
}

/// Runs function 0 with the globals there are.
fn run(functions: Vec<FunctionDef>, settings: &Settings, host: &dyn Host) -> Result<Outcome, Box<RunError>> {
    let tree = Tree {
        units: vec![Unit { module: None, source: "the script".into() }],
        functions,
        types: Types::default(),
        globals: 2,
        inputs: Vec::new(),
        exports: vec![("x".into(), 0)],
        starts: vec![0],
    };
    let program = Program::new(tree, Effect::Pure, Type::Any);
    program.run(Vec::new(), settings, host)
}

/// `while x < count { body }` over the global x, which counts up.
fn counting(count: i32, mut body: Vec<Statement>) -> Vec<Statement> {
    let x = Variable::Global(0);
    body.push(Statement::Set(x, binary(variable(x), BinaryOp::Add, constant(1))));
    vec![
        Statement::Set(x, constant(0)),
        Statement::While(binary(variable(x), BinaryOp::Less, constant(count)), block(body)),
    ]
}

#[test]
fn calls_as_deep_as_allowed_fit_a_small_stack() {
    let nested = |inner: Expr| (0..100).fold(inner, |inner, _| binary(constant(1), BinaryOp::Add, inner));
    let deeper = binary(variable(Variable::Local(0)), BinaryOp::Add, constant(1));
    let recursive = nested(expr(ExprKind::Call(1, vec![deeper])));
    let functions = vec![
        function(&[], 0, 0, block(vec![Statement::Return(Some(expr(ExprKind::Call(1, vec![constant(0)]))))])),
        function(&["n"], 1, 0, block(vec![Statement::Return(Some(recursive))])),
    ];
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let error = thread.spawn(|| run(functions, &Settings::default(), &never_stops())).expect("a thread").join();
    let error = error.expect("no overflow").expect_err("a limit");
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.message.contains("call depth"), "{}", error.message);
    assert_eq!(error.stack.len(), 50);
    assert_eq!(error.stack[25].function, "… 951 more calls …");
}

#[test]
fn appending_is_in_place() {
    let started = Instant::now();
    for (empty, added) in [(Value::text(""), Value::text("x")), (Value::empty_list(), Value::from(1))] {
        let y = Variable::Global(1);
        let mut statements = vec![Statement::Set(y, constant(empty))];
        statements.extend(counting(
            20_000,
            vec![Statement::Append { variable: y, value: constant(added), annotation: None }],
        ));
        statements.push(Statement::Return(Some(variable(y))));
        let value = run(vec![function(&[], 0, 0, block(statements))], &Settings::default(), &never_stops());
        match value.expect("a value").value {
            Value::Text(text) => assert_eq!(text.len(), 20_000),
            Value::List(list) => assert_eq!(list.items().len(), 20_000),
            other => panic!("{other:?}"),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn memory_is_what_is_alive() {
    let y = Variable::Global(1);
    let settings = Settings { limits: Limits { memory: 1 << 20, ..Limits::default() }, ..Settings::default() };
    let text = "x".repeat(20_000);
    let making = |kept: &Statement| match kept {
        // What is dropped at once does not matter,
        Statement::Set(..) => Statement::Set(y, binary(constant(text.as_str()), BinaryOp::Concat, constant("y"))),
        // but what is kept does.
        _ => Statement::Append {
            variable: y,
            value: binary(constant(text.as_str()), BinaryOp::Concat, constant("y")),
            annotation: None,
        },
    };
    let script = |statement: Statement| {
        let mut statements = vec![Statement::Set(y, constant(Value::empty_list()))];
        statements.extend(counting(200, vec![statement]));
        vec![function(&[], 0, 0, block(statements))]
    };
    let dropped = making(&Statement::Set(y, constant(0)));
    let kept = making(&Statement::Continue);
    assert!(run(script(dropped), &settings, &never_stops()).is_ok());
    let error = run(script(kept), &settings, &never_stops()).expect_err("a limit");
    assert_eq!((error.kind, error.message.contains("MiB")), (ErrorKind::Limit, true), "{}", error.message);
}

#[test]
fn closures_in_a_circle_are_freed() {
    // let f = () => f; in a cell that f itself captured
    let bytes: Arc<[u8]> = Arc::new([1; 64]);
    let weak = Arc::downgrade(&bytes);
    let closure = expr(ExprKind::Closure(1, vec![Capture::Cell(0), Capture::Value(variable(Variable::Local(0)))]));
    let mut body = block(vec![
        Statement::Set(
            Variable::Local(0),
            binary(constant(Value::empty_list()), BinaryOp::Concat, constant(Value::Binary(bytes))),
        ),
        Statement::Set(Variable::Cell(0), closure),
    ]);
    body.cells.push(0);
    let inner = function(&[], 0, 0, block(vec![Statement::Return(Some(variable(Variable::CapturedCell(0))))]));
    let outcome = run(vec![function(&[], 1, 1, body), inner], &Settings::default(), &never_stops()).expect("runs");
    drop(outcome);
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn the_host_stops_a_run() {
    let endless = vec![Statement::While(constant(true), Block::default())];
    let host = StopsAfter(5.into());
    let error = run(vec![function(&[], 0, 0, block(endless))], &Settings::default(), &host).expect_err("stops");
    assert_eq!(error.kind, ErrorKind::Cancelled);
}

#[test]
fn limits_pass_through_catch() {
    let settings = Settings { limits: Limits { steps: Some(1_000), ..Limits::default() }, ..Settings::default() };
    let failing = Statement::Evaluate(expr(ExprKind::Error(Box::new(constant("no")))));
    let guarded = Statement::Try { body: block(vec![failing]), variable: None, handler: Block::default() };
    let endless = Statement::While(constant(true), block(vec![guarded]));
    let error = run(vec![function(&[], 0, 0, block(vec![endless]))], &settings, &never_stops()).expect_err("stops");
    assert_eq!((error.kind, error.message.contains("1000 steps")), (ErrorKind::Limit, true));
}

/// Compiles a script that uses no library function.
fn program(source: &str, variables: &[&str]) -> Program {
    program_of(crate::Mode::Script, source, variables)
}

fn program_of(mode: crate::Mode, source: &str, variables: &[&str]) -> Program {
    let any = |name: &&str| crate::Variable { name: (*name).into(), ty: Type::Any, writable: true };
    let variables: Vec<crate::Variable> = variables.iter().map(any).collect();
    let options = crate::CompileOptions {
        mode,
        variables: &variables,
        registry: &Registry::default(),
        modules: &crate::NoModules,
        effect: Effect::Pure,
    };
    let compiled = crate::compile(source, &options);
    compiled.program.unwrap_or_else(|| panic!("{source}: {:?}", compiled.diagnostics))
}

fn run_source(source: &str, variables: &[(&str, Value)]) -> Result<Outcome, Box<RunError>> {
    run_mode(crate::Mode::Script, source, variables)
}

/// Runs it as a line of the repl.
fn run_line(source: &str, variables: &[(&str, Value)]) -> Result<Outcome, Box<RunError>> {
    run_mode(crate::Mode::Line, source, variables)
}

fn run_mode(mode: crate::Mode, source: &str, variables: &[(&str, Value)]) -> Result<Outcome, Box<RunError>> {
    let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    let values = variables.iter().map(|(_, value)| value.clone()).collect();
    program_of(mode, source, &names).run(values, &Settings::default(), &never_stops())
}

#[test]
fn functions_outlive_their_run_as_long_as_what_remains_of_it() {
    let first = run_source(
        "let n = 1; function made() { let k = 10; return () => n + k; } \
         return {next: function () { set n = n + 1; return n; }, sum: made(), f: x => x * 2};",
        &[],
    )
    .expect("runs");
    let second = "return [r.next(), r.next(), r.sum(), r.f(4)];";
    let outcome = run_source(second, &[("r", first.value.clone())]).expect("runs");
    assert_eq!(outcome.value.to_literal(80), "[2, 3, 13, 8]");
    let Outcome { value, remains, .. } = first;
    drop(remains);
    // A result that needs nothing of its run still works.
    let outcome = run_line("return r.f(4);", &[("r", value.clone())]).expect("runs");
    assert_eq!(outcome.value.to_literal(80), "8");
    let error = run_line("return r.next();", &[("r", value)]).expect_err("gone");
    assert_eq!(error.message, "The variable n is gone: the run that made this function is over.");
}

#[test]
fn the_host_gets_its_variables_back() {
    let outcome = run_line("set a = a & 2; let b = 3; let c = b; return null;", &[("a", Value::list(vec![1.into()]))]);
    let outcome = outcome.expect("runs");
    assert_eq!(outcome.variables.iter().map(|v| v.to_literal(40)).collect::<Vec<_>>(), ["[1, 2]"]);
    let exports: Vec<String> =
        outcome.exports.iter().map(|(name, value)| format!("{name}: {}", value.to_literal(40))).collect();
    assert_eq!(exports, ["b: 3", "c: 3"]);
}

#[test]
fn a_variable_that_was_not_reached_is_not_exported() {
    let outcome =
        run_line("let a = 1; let f = () => a; if a = 1 { return f; } let b = 2; return b;", &[]).expect("runs");
    let names: Vec<&str> = outcome.exports.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "f"]);
}

/// Runs until the host stops it, and returns how long it continued after that.
fn time_to_stop(source: &str) -> Duration {
    struct Stopwatch {
        stop_at: Instant,
    }
    impl Host for Stopwatch {
        fn now(&self) -> (i64, u32) {
            (0, 0)
        }
        fn random(&self) -> u64 {
            0
        }
        fn log(&self, _level: LogLevel, _message: &str) {}
        fn interrupt(&self) -> Option<Interrupt> {
            (Instant::now() >= self.stop_at).then_some(Interrupt::Deadline)
        }
    }
    let program = program(source, &[]);
    let host = Stopwatch { stop_at: Instant::now() + Duration::from_millis(30) };
    // The values are too large to show.
    let Err(error) = program.run(Vec::new(), &Settings::default(), &host) else { panic!("{source}: came to an end") };
    assert!(error.message.contains("longer than the time"), "{source}: {}", error.message);
    host.stop_at.elapsed()
}

#[test]
fn runs_stop_soon() {
    let shared = "let l = [1]; let m = [1]; for i in '0123456789abcdefghijklmnop' { set l = [l, l]; set m = [m, m]; } ";
    let long = "let s = 'a'; for i in '01234567890123' { set s = s & s; } ";
    for script in [
        "while true { }".to_owned(),
        "function f(n) => case when n = 0 then 0 else f(n - 1) + f(n - 1) end; return f(500);".to_owned(),
        // As trees these values have 2^26 leaves; equality sees all of them.
        format!("{shared} return l = m;"),
        format!("{shared} let t = [{{k: l}}, {{k: m}}]; return t group by k;"),
        format!("{long} let p = '%' & s & 'b'; return s & s & s like p;"),
    ] {
        // Debug builds are slow, and this machine may be busy.
        let late = time_to_stop(&script);
        assert!(late < Duration::from_millis(500), "{late:?}: {}", &script[script.len().saturating_sub(80)..]);
    }
}

#[test]
fn values_in_flight_count() {
    let settings = Settings { limits: Limits { memory: 1 << 20, ..Limits::default() }, ..Settings::default() };
    let text = "x".repeat(10_000);
    for expression in [
        "t & n & f(n + 1)",
        "[t & n, f(n + 1)]",
        "{a: t & n, b: f(n + 1)}",
        "g(t & n, f(n + 1))",
        "`{t & n}{f(n + 1)}`",
    ] {
        let source = format!("let t = '{text}'; function g(a, b) => a; function f(n) => {expression}; return f(0);");
        let error = program(&source, &[]).run(Vec::new(), &settings, &never_stops()).expect_err("a limit");
        assert!(error.message.contains("MiB"), "{expression}: {}", error.message);
    }
}

#[test]
fn what_an_operator_takes_is_given_back() {
    let settings = Settings { limits: Limits { memory: 1 << 20, ..Limits::default() }, ..Settings::default() };
    for expression in [
        "t like '%y%[a-f]é%'",
        "t not like p",
        "l = m",
        "m in [l, l]",
        "l[0] in l",
        "l is line*",
        "l[0] is text",
        "(new order { lines: l }).lines = l",
    ] {
        let source = format!(
            "type line = {{ sku: text, tags: number* }}; type order = {{ lines: line* }}; \
             let t = 'é{}'; let p = t & '%'; \
             let l = [{{sku: 'a', tags: [1, 2]}}, {{sku: 'b', tags: [3]}}]; \
             let m = [{{sku: 'a', tags: [1, 2]}}, {{sku: 'b', tags: [4]}}]; \
             let n = 0; let i = 0; while i < 20000 {{ if {expression} {{ set n = n + 1; }} set i = i + 1; }} return n;",
            "x".repeat(40)
        );
        let program = program(&source, &[]);
        for run in [
            program.run(Vec::new(), &settings, &never_stops()),
            program.run_tree(Vec::new(), &settings, &never_stops()),
        ] {
            assert!(run.is_ok(), "{expression}: {:?}", run.err());
        }
    }
}

#[test]
fn deep_values_go_on_a_small_stack() {
    let source = "let l = [1]; let i = 0; while i < 900 { set l = [l]; set i = i + 1; } let m = [l]; \
                  function f(n, v) => case when n = 0 then v = l else f(n - 1, v) end; \
                  let g = () => m; set m[0] = 2; return [f(900, l), l != m, l];";
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let outcome =
        thread.spawn(move || run_source(source, &[]).map(|o| o.value.to_literal(12))).expect("a thread").join();
    assert_eq!(outcome.expect("no overflow").expect("runs"), "[true, true…");
}
