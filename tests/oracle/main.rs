//! Generated programs give the same whether they are compiled or walked as trees: results, errors with their places and
//! stacks, and the steps they took. Queries over many rows run by kernels on one side, row by row on the other.
//!
//! A bounded number runs with the other tests; `FLOWSCRIPT_PROGRAMS=100000 cargo test --release --test oracle` runs more.

mod annotations;
mod crowded;
mod generate;
mod limits;
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

fn settings(limits: Limits) -> Settings {
    Settings { zone: Zone::UTC, culture: "en-US".into(), limits, asserts: true }
}

/// Runs a program both ways; returns the result if both agree.
fn agreed(source: &str) -> Result<String, String> {
    let program = compiled(source)?;
    let limits = Limits { steps: Some(20_000), depth: 100, ..Limits::default() };
    let settings = settings(limits);
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
    // Different ones each time, except for the bounded number: a test that fails must fail again.
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

/// Cases that a generated program would rarely hit: the edges of stretches, of types, of errors after the rows that are
/// wanted.
#[test]
fn chosen_queries_agree() {
    // The few fit the path for few rows, the many are worth kernels.
    let (few, many) = (chosen_queries_agree_on(19, 9), chosen_queries_agree_on(3000, 200));
    assert!(few > 20 && many > 20, "{few} and {many} queries came to a result");
}

/// On tables of `rows` rows; returns how many gave a result.
fn chosen_queries_agree_on(rows: usize, others: usize) -> usize {
    let mut results = 0;
    let tables = "\
let start: datetime = '2024-01-01';
let middle: datetime = '2024-01-20';
let t = map range(0, ROWS) as [
  a: case when row mod 11 > 0 then row mod 97 / 4 end,
  b: case when row mod 7 > 0 then 'k' & row mod 23 end,
  c: row mod 5 = 0,
  d: start + row mod 40,
  e: case when row = 2990 then 'x' else row end
];
let u = map range(0, OTHERS) as [a: row / 4, b: 'k' & row mod 31, n: row];
";
    let tables = tables.replace("ROWS", &rows.to_string()).replace("OTHERS", &others.to_string());
    for query in [
        "Count(t where e > 5 and a < 3)",
        "First(t where e * 2 > 5000 or e > 2000).e",
        "Any(t, e + 1 > 2980)",
        "First(t where e > 1500 with [x: e * 2]).x",
        "Take((t where e >= 0), 2989)",
        "t where e / (e - 1700) > 2",
        "Count(t where d >= middle and c)",
        "Count(t where not (c or a is null) and b not like '%1_' and b not in ('k2', 'k3', null))",
        "Count(t where a in (1, 2.50, null))",
        "Count(t where a in [1, '2', 3])",
        "Take((t order by a desc, b, d desc), 70)",
        "t order by c, d desc, a",
        "(t order by e).a",
        "t with {a: a * 2} when c, {a: null, b: 'x'} when a > 20, {b: b ?? 'n'} otherwise",
        "t with [f: a * 1.005, a: null] where c",
        "map t as [s: case when c then 'yes' when a > 3 then b else 'no' end, z: -a ?? 0.0]",
        "select b, n: count(), s: sum(a), m: max(b), lo: min(d), f: first(a), l: last(e), v: avg(a), y: any(c), z: all(c) from t group by b",
        "select k, c, n: count(a) from t where b is not null group by k: a * 2, c having count() > 5 order by n desc, k",
        "select s: sum(e) from t",
        "select s: sum(a), n: count() from t where a > 1000",
        "select distinct b, c from t order by b desc",
        "select t.b, u.n from t join u on t.a = u.a order by n desc, t.b",
        "select t.b, u.n from t left join u on t.a = u.a and t.b = u.b where c",
        "select x: t.a + u.a, u.* from t left join u on t.a = u.n",
        "select t.a, n: sum(u.n) from t left join u on t.e = u.n group by t.a",
        "(t group by b, c).rows",
        "t except where a > 3 or e = 17",
        "Sum(t, a) + Avg(t, a * 2) + Count(t, c)",
        "Sum(t, Round(a * 1.5, 1)) + Count(t, Lower(b ?? 'X') = 'k3')",
        "[Any(t, a > 20), All(t, e >= 0), Any(t, b like 'z%'), All(t, a > 1)]",
        "Sum(t, e / (a - 1))",
        "map (t where a > 1 and Left(b, 2) = 'k1') as [b, r: Round(-(a ?? 1), 0), w: Upper(b), s: Str(a), d]",
        "(t where a > 2) with [a: row.a + 1] where c",
        "JSON.Encode((t where c) & {a: 1, b: 'x', c: true, d: start, e: 3})",
    ] {
        let source = format!("{tables}return {query};");
        let limits = Limits { steps: Some(2_000_000), ..Limits::default() };
        let program = compiled(&source).unwrap_or_else(|found| panic!("{query}: {found}"));
        let walked = came_to(program.run_tree(Vec::new(), &settings(limits.clone()), &Still));
        let ran = came_to(program.run(Vec::new(), &settings(limits), &Still));
        assert!(ran == walked, "{query}\nas code: {ran}\nas tree: {walked}");
        results += usize::from(!ran.contains(" error: "));
    }
    results
}

/// Both forms of a query have one plan.
#[test]
fn plans_are_the_same_for_both_forms() {
    let plan = |query: &str| compiled(&format!("let t = [{{a: 1, b: 'x'}}]; return {query};")).expect("checks").plan();
    let operators = plan("t where a > 1 order by b desc, a");
    assert_eq!(operators, "order by b desc, a\n  where a > 1\n    rows of t\n");
    assert_eq!(plan("select * from t where a > 1 order by b desc, a"), operators);
    assert_eq!(plan("map t where a > 1 as [b, c: a * 2]"), plan("select b, c: a * 2 from t where a > 1"));
    assert_eq!(
        plan("Take((select x.b, n: sum(x.a) from t x join t y on x.a = y.a where Upper(x.b) = 'X' group by x.b), 3)"),
        "first 3 rows\n  columns x.b, n: sum(x.a)\n    group by x.b: sum(x.a)\n      where Upper(x.b) = 'X'  (row by row)\n        \
         join by hash on x.a = y.a\n          rows of t\n          rows of t\n"
    );
}

/// Programs on which both ways once differed.
#[test]
fn once_different_programs_agree() {
    for (source, result) in [
        // The handler does not run: what it learns about `v` is not known after it.
        (
            "function f(n, x) => [n, x];
             let all = [];
             for v in 'ab' { try { } catch e { if not (v is number): break; } set all = all & f(0, v); }
             return all;",
            "[0, 'a', 0, 'b'] in 4 steps",
        ),
        // A function of numbers only uses the values of its caller's frame, while it calls one with values.
        (
            "function inner(n, x) { if n <= 0: return 1; let t = [n, x]; return Count(t); }
             function outer(n, x) { if n <= 0: return n; return n + inner(0, x); }
             let v = -outer(1, 0);
             let w = null;
             return [v, w, 0, 0, 0];",
            "[-2, null, 0, 0, 0] in 2 steps",
        ),
        // A function changes a variable of the top level after a condition that has narrowed its type.
        (
            "let v = 8;
             if (v is number) {
               function f(k) { set v = [{a: 3}, {a: 1}].a; return k; }
               exec f(4);
               return 4 = v;
             }
             return 1;",
            "false in 1 steps",
        ),
        // The steps end at the first pass of a loop.
        (
            "function f(n, x) { if n <= 0: return 0; return f(n - 1, x); }
             for k in range(0, 2500) { let r = f(5, null); for v in range(k, 2) { } }
             return 1;",
            "limit error: The run took more than 20000 steps",
        ),
    ] {
        let came_to = agreed(source).unwrap_or_else(|difference| panic!("{difference}"));
        assert!(came_to.starts_with(result), "{came_to}");
    }
    // Every place where the steps can end.
    let loops = "for k in range(0, 9) { for v in range(k, 2) { let r = Round(v / 2); } } return 1;";
    let program = compiled(loops).expect("the script has no errors");
    for steps in 0..60 {
        let settings = settings(Limits { steps: Some(steps), ..Limits::default() });
        let walked = came_to(program.run_tree(Vec::new(), &settings, &Still));
        assert_eq!(came_to(program.run(Vec::new(), &settings, &Still)), walked, "{steps} steps");
    }
}

/// Rows picked from a small table share its cells; changing them leaves the table unchanged.
#[test]
fn picked_rows_are_their_own() {
    let source = "\
let t = [{a: 1, b: 'x', c: [1]}, {a: 2, b: 'y', c: [2]}, {a: 3, b: null, c: [3]}];
let p = t where a > 1;
let q = p where a > 2;
let r = q;
set p[0].a = 20;
set p[0].c[0] = 'changed';
set q = q & {a: 4, b: 'z', c: []};
set q = q with [a: -a] where b is null;
let s = map ((t where a < 3) order by a desc) as [a, first: c[0]];
return [t, p, q, r, s, Count(q), p.a, JSON.Encode(q), t = (t where a > 0), (p where true) = p];
";
    assert_eq!(
        agreed(source),
        Ok("[[{a: 1, b: 'x', c: [1]}, {a: 2, b: 'y', c: [2]}, {a: 3, b: null, c: [3]}], \
            [{a: 20, b: 'y', c: ['changed']}, {a: 3, b: null, c: [3]}], \
            [{a: -3, b: null, c: [3]}, {a: 4, b: 'z', c: []}], [{a: 3, b: null, c: [3]}], \
            [{a: 2, first: 2}, {a: 1, first: 1}], 2, [20, 3], \
            '[{\"a\":-3,\"b\":null,\"c\":[3]},{\"a\":4,\"b\":\"z\",\"c\":[]}]', true, true] in 23 steps"
            .to_owned())
    );
}
