//! Programs that would run forever or take all memory in one operation: each ends with a result or an error that names
//! the limit it reached.

use crate::check::{CompileOptions, Compiled, Mode, NoModules, compile};
use crate::error::RunError;
use crate::function::{Effect, Registry};
use crate::host::{Host, Interrupt, LogLevel};
use crate::program::{Limits, Outcome, Program, Settings};
use std::time::{Duration, Instant};

/// Far more than any of it takes unless something hangs: a debug build on a busy machine.
const HANG: Duration = Duration::from_secs(60);

/// Ends the run after a time.
struct Until(Instant, Duration, Interrupt);

impl Host for Until {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }
    fn random(&self) -> u64 {
        0
    }
    fn log(&self, _level: LogLevel, _message: &str) {}
    fn interrupt(&self) -> Option<Interrupt> {
        (self.0.elapsed() > self.1).then_some(self.2)
    }
}

fn compiled(source: &str) -> Compiled {
    let registry = Registry::default();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Pure,
    };
    compile(source, &options)
}

fn program(source: &str) -> Program {
    let compiled = compiled(source);
    compiled.program.unwrap_or_else(|| panic!("{source}\n{:?}", compiled.diagnostics))
}

fn end(source: &str, limits: &Limits, most: Duration, why: Interrupt, tree: bool) -> Result<Outcome, Box<RunError>> {
    let program = program(source);
    let settings = Settings { limits: limits.clone(), ..Settings::default() };
    let started = Instant::now();
    let host = Until(started, most, why);
    let ended =
        if tree { program.run_tree(Vec::new(), &settings, &host) } else { program.run(Vec::new(), &settings, &host) };
    let took = started.elapsed();
    assert!(took < HANG, "{took:?} for {source}");
    ended
}

/// Values that are much larger than their source: `a` and `b` are equal, and share no parts.
fn values() -> Vec<String> {
    let twice = |name: &str, first: &str, times: usize, next: &str| {
        let next = next.replace('@', name);
        format!(
            "let {name}: any = {first}; let i{name} = 0; while i{name} < {times} {{ set {name} = {next}; set i{name} = i{name} + 1; }} "
        )
    };
    let both = |first: &str, times: usize, next: &str| twice("a", first, times, next) + &twice("b", first, times, next);
    vec![
        both("[1]", 24, "[@, @]"),
        both("[1]", 60, "[@, @]"),
        both("[x: 1]", 60, "[l: @, r: @]"),
        both("[x: 1]", 60, "[[l: @, r: @], [l: @, r: @]]"),
        // Wide instead of deep.
        both(
            "[1, 2, 3]",
            5,
            "[@, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @, @]",
        ),
        both("'x'", 17, "@ & @"),
        both("'x'", 13, "@ & @"),
        both("[1, 2]", 14, "@ & @"),
        both("[[k: 1, t: 'x'], [k: 1, t: 'y']]", 14, "@ & @"),
        both("['x', 'y']", 14, "@ & @"),
        // One long text in many places.
        "let s = 'xxxxxxxxxxxxxxxx'; let j = 0; while j < 13 { set s = s & s; set j = j + 1; } \
         let a: any = [[k: s], [k: s]]; let i = 0; while i < 11 { set a = a & a; set i = i + 1; } let b: any = a; "
            .to_owned(),
        // Blanks that are not a number.
        both("' '", 17, "@ & @"),
    ]
}

/// All code that walks, compares or makes a value.
const WALKS: &[&str] = &[
    "return a = b;",
    "return a != b;",
    "return a < b;",
    "return a in [b, b];",
    "return a in b;",
    "return a in (b, 1, b);",
    "return a is any**;",
    "type n = {l: n?, r: n?}; return a is n;",
    "type n = {l: n?, r: n?}; let t: n = a; return t;",
    "type n = {l: any, r: any, x: number}; return new n [l: a, r: b];",
    "type n = {k: number**?}; return new n [k: a];",
    "type n = {k: text**?, t: number = 1, u: number = 2, v: number = 3}; let t: n* = a; return t;",
    "let t: number***** = a; return t;",
    "let t: text* = a; return t;",
    "let t: number = a; return t;",
    "let t: datetime = a; return t;",
    "let t: boolean = a; return t;",
    "return case when a = b then 1 when a < b then 2 else 3 end;",
    "return a & b;",
    "return a & a & a & a & a & a & b;",
    "return `{a}{a}{a}{a}{a}{a}{a}{a}`;",
    "return a + b;",
    "return -a;",
    "return not a;",
    "return a like b;",
    "return a like '%x%y%';",
    "return a[0];",
    "return a.k;",
    "return a?.k;",
    "return a where row = b;",
    "return a where k = t;",
    "return a where k < 'x';",
    "return a where k in ('x', 'y');",
    "return a where k like '%x%y';",
    "return a order by k, t desc;",
    "return a order by row;",
    "return a group by k;",
    "return a group by row;",
    "return a with [z: row];",
    "return a with [k: k & k];",
    "return a with r => [z: r] when k = k;",
    "return map a as [x: row, y: row];",
    "return map a as r => [r, r];",
    "return a except [k: 1];",
    "return a except where row = b;",
    "return select distinct k from a;",
    "return select k, n: Count() from a group by k having Count() > 1 order by k;",
    "return select x: p.k, y: q.k from a p join b q on p.k = q.k;",
    "return select x: p.k, y: q.k from a p join b q on p.k < q.k;",
    "return select p, q from a p join b q on true;",
    "let n = 0; for x in a { for y in b { if x = y { set n = n + 1; } } } return n;",
    "while true { if a = b { set b = a; set a = b; } }",
    "while true { if a < b { return 1; } }",
    "let n = 0; while true { set n = n + case when a = b then 1 else 2 end; }",
    "while true { let c = a; set a = [a, 1]; set a = c; if a = [1, a] { return 2; } }",
    "while true { let c = a & 'x'; }",
    "while true { let c = a; set c = c & [1]; }",
    "while true { let c = a; set c[0] = 5; }",
    "while true { let c = [q: a]; set c.q[0] = [z: 5]; }",
    "while true { let c = `{a}`; }",
    "while true { try { let t: number = a; } catch e { if e.message = 'x' { return e; } } }",
    "let c = []; while true { set c = c & [a]; }",
    "let c = []; while true { set c = [c, c, a]; if c = 1 { return c; } }",
    "let f = x => x; let k = 0; while k < 60 { let g = f; set f = x => [g, g, a]; set k = k + 1; } return f(1) = f(1);",
    "error a;",
    "assert a = b;",
];

fn limits(steps: Option<u64>) -> Limits {
    Limits { steps, memory: 64 << 20, ..Limits::default() }
}

/// The code that makes the values, and the walks of them that the checker allows.
fn programs() -> Vec<(String, Vec<String>)> {
    let walks = |value: &String| {
        let all = WALKS.iter().map(|walk| format!("{value}{walk}"));
        all.filter(|source| compiled(source).program.is_some()).collect()
    };
    values().into_iter().map(|value| (value.clone(), walks(&value))).collect()
}

/// The time of making the values.
fn making(value: &str) -> Duration {
    let started = Instant::now();
    let made = end(&format!("{value}return 1;"), &limits(None), HANG, Interrupt::Cancelled, false);
    assert!(made.is_ok(), "{value}");
    started.elapsed()
}

#[test]
fn hostile_programs_end() {
    let programs = programs();
    let count: usize = programs.iter().map(|(_, walks)| walks.len()).sum();
    assert!(count > 600, "{count} of {} are programs", WALKS.len() * values().len());
    for (value, walks) in programs {
        let most = making(&value) * 2 + Duration::from_millis(40);
        for (number, source) in walks.iter().enumerate() {
            // One half by its code, one by its tree.
            let ended = end(source, &limits(Some(100_000)), most, Interrupt::Deadline, number % 2 == 1);
            assert!(!source.contains("while true") || ended.is_err(), "{source}");
        }
    }
}

#[test]
fn hostile_programs_are_cancelled() {
    for (value, walks) in programs() {
        let most = making(&value) * 2 + Duration::from_millis(20);
        for (number, source) in walks.iter().enumerate() {
            let ended = end(source, &limits(None), most, Interrupt::Cancelled, number % 2 == 0);
            assert!(!source.contains("while true") || ended.is_err(), "{source}");
        }
    }
}

/// Compiled code and the tree take the same steps, and end at the same one.
#[test]
fn work_inside_of_instructions_counts_when_it_is_done() {
    let list = format!("let a = [{}];", vec!["1"; 700].join(", "));
    for walk in ["if a is number* { set n = n + 1; }", "if 2 in a { set n = n + 1; }", "let t = new n [k: a];"] {
        let source =
            format!("type n = {{k: number*?}}; {list} let n = 0; while n < 9 {{ {walk} set n = n + 1; }} return n;");
        let end = |steps, tree| end(&source, &limits(steps), HANG, Interrupt::Cancelled, tree);
        let steps = end(None, true).expect("no limit").steps;
        assert_eq!(end(None, false).expect("no limit").steps, steps, "{walk}");
        for tree in [false, true] {
            assert!(end(Some(steps), tree).is_ok() && end(Some(steps - 1), tree).is_err(), "{walk} {tree}");
        }
    }
}

/// The values of a run that must end at once are freed later, completely.
#[test]
fn what_a_stopped_run_holds_is_freed() {
    let source = "let t = [[1], [2]]; let i = 0; while i < 19 { set t = t & t; set i = i + 1; } \
                  let b = 0; while true { set b = [t, b]; set b = 0; }";
    let given = crate::value::Value::list(vec![1.into(); 4_000_000]);
    let crate::value::Value::List(list) = &given else { panic!("a list") };
    let kept = std::sync::Arc::downgrade(list);
    let registry = Registry::default();
    let variable = crate::check::Variable { name: "given".into(), ty: crate::types::Type::Any, writable: true };
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[variable],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Pure,
    };
    let compiled = compile(&format!("let kept = given; {source}"), &options);
    let program = compiled.program.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let settings = Settings { limits: Limits { steps: Some(100_000), ..Limits::default() }, ..Settings::default() };
    let host = Until(Instant::now(), HANG, Interrupt::Cancelled);
    assert!(program.run(vec![given], &settings, &host).is_err());
    let started = Instant::now();
    while kept.upgrade().is_some() {
        assert!(started.elapsed() < HANG, "it is kept");
        std::thread::sleep(Duration::from_millis(1));
    }
}
