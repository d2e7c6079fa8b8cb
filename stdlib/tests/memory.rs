//! The memory of values is bounded by a small multiple of the text they are read from, for any shape, and the estimate
//! that the limit on memory uses is near what the allocator takes.

#![allow(clippy::print_stdout)] // what is measured is shown

#[allow(dead_code)] // of the two that run scripts
mod support;

use flowscript_lang::budget::Unlimited;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, live_size};
use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, Variable, compile};
use flowscript_stdlib::{csv, json, xml};
use peak_alloc::PeakAlloc;
use std::fmt::Write;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Bytes for each byte of the input: those that the value keeps, and the most at any time on the way to it.
const MOST_KEPT: f64 = 45.0;
const MOST_ON_THE_WAY: f64 = 60.0;

/// What reads or makes a value of a text.
type Make = fn(&str) -> Value;

fn from_json(text: &str) -> Value {
    json::decode(text, &mut Unlimited).expect("it is JSON")
}

fn from_xml(text: &str) -> Value {
    Value::Record(xml::decode(text, &mut Unlimited).expect("it is XML"))
}

fn from_csv(text: &str) -> Value {
    Value::table(csv::decode(text, csv::Dialect::default(), &mut Unlimited).expect("it is CSV"))
}

/// `begin`, then as many pieces as make about `size` bytes, then `end`.
fn filled(size: usize, begin: &str, piece: impl Fn(&mut String, usize), end: &str) -> String {
    let mut text = String::with_capacity(size + 64);
    text.push_str(begin);
    for number in 0.. {
        if text.len() >= size {
            break;
        }
        piece(&mut text, number);
    }
    let kept = text.trim_end_matches(',').len();
    text.truncate(kept);
    text.push_str(end);
    text
}

/// A short name that no other number has.
fn name(number: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let (mut name, mut rest) = (String::new(), number);
    loop {
        name.push(char::from(LETTERS[rest % LETTERS.len()]));
        rest /= LETTERS.len();
        if rest == 0 {
            return name;
        }
        rest -= 1;
    }
}

/// Writes with the name of a number for `@`.
fn put(text: &mut String, number: usize, piece: &str) {
    text.push_str(&piece.replace('@', &name(number)));
}

fn shapes(size: usize) -> Vec<(&'static str, Make, String)> {
    let each = |begin: &str, piece: &'static str, end: &str| {
        filled(size, begin, move |text: &mut String, number| put(text, number, piece), end)
    };
    let nested = |open: &str, inner: &str, close: &str, count: usize| {
        let one = format!("{}{inner}{},", open.repeat(count), close.repeat(count));
        filled(size, "[", |text, _| text.push_str(&one), "]")
    };
    let width = (size / 8).isqrt();
    vec![
        ("JSON, one shape", from_json, each("[", r#"{"a":1},"#, "]")),
        ("JSON, one field, each another", from_json, each("[", r#"{"@":1},"#, "]")),
        ("JSON, two shapes in turn", from_json, each("[", r#"{"a":1},{"b":1},"#, "]")),
        ("JSON, two fields, one another", from_json, each("[", r#"{"id":1,"@":1},"#, "]")),
        ("JSON, empty objects between", from_json, each("[", r#"{},{"@":1},"#, "]")),
        ("JSON, texts as fields", from_json, each("[", r#"{"@":"a text that is not short"},"#, "]")),
        ("JSON, one object of many names", from_json, each("{", r#""@":1,"#, "}")),
        ("JSON, one object of long names", from_json, each("{", r#""@ is a name that is not short":1,"#, "}")),
        ("JSON, a name again and again", from_json, each("{", r#""a":1,"#, "}")),
        ("JSON, tables of one row", from_json, each("[", r#"[{"@":1}],"#, "]")),
        ("JSON, tables in fields", from_json, each("[", r#"{"@":[{"@":1},{"b":2}]},"#, "]")),
        ("JSON, small tables of different names", from_json, each("{", r#""@":[{"@x":1},{"@y":2}],"#, "}")),
        (
            "JSON, rows that grow",
            from_json,
            filled(
                size,
                "[",
                |text, number| {
                    text.push('{');
                    (0..=number).for_each(|field| put(text, field, r#""@":1,"#));
                    text.pop();
                    text.push_str("},");
                },
                "]",
            ),
        ),
        (
            "JSON, wide rows, each another order",
            from_json,
            filled(
                size,
                "[",
                |text, number| {
                    text.push('{');
                    (0..width).for_each(|field| put(text, (field + number) % width, r#""@":1,"#));
                    text.pop();
                    text.push_str("},");
                },
                "]",
            ),
        ),
        ("JSON, numbers", from_json, each("[", "1,", "]")),
        ("JSON, lists of one", from_json, each("[", "[1],", "]")),
        ("JSON, empty lists", from_json, each("[", "[],", "]")),
        ("JSON, deep lists", from_json, nested("[", "1", "]", 190)),
        ("JSON, deep objects", from_json, nested(r#"{"a":"#, "1", "}", 190)),
        ("JSON, deep tables", from_json, nested(r#"[{"a":"#, "1", "}]", 90)),
        ("XML, one shape", from_xml, each("<r>", "<i><a>1</a></i>", "</r>")),
        ("XML, one child, each another", from_xml, each("<r>", "<i><@>1</@></i>", "</r>")),
        ("XML, one attribute, each another", from_xml, each("<r>", "<i @=''/>", "</r>")),
        ("XML, each element another", from_xml, each("<r>", "<@/>", "</r>")),
        ("XML, empty elements", from_xml, each("<r>", "<a/>", "</r>")),
        ("CSV, narrow", from_csv, each("a,b\n", "1,2\n", "")),
        ("CSV, wide", from_csv, {
            let mut header = filled(size / 2, "", |text, number| put(text, number, "@,"), "");
            let commas = header.matches(',').count();
            write!(header, "\n{}", ",".repeat(commas)).expect("writing to a String");
            header
        }),
    ]
}

#[test]
fn values_take_a_small_multiple_of_their_text() {
    let mut wrong = Vec::new();
    // What is made once for all is made now.
    for (_, make, text) in shapes(1_000) {
        drop(make(&text));
    }
    for size in [50_000, 250_000] {
        for (what, make, text) in shapes(size) {
            let measured = measured(|| make(&text), text.len());
            check(&format!("{what}, {} KB", size / 1_000), &measured, &mut wrong);
        }
    }
    for (what, source) in SCRIPTS {
        let run = script(source);
        let rows = |size| filled(size, "[", |text, number| put(text, number, r#"{"@":1},"#), "]");
        drop(run(from_json(&rows(1_000))));
        for size in [30_000, 90_000] {
            let text = rows(size);
            let measured = measured(|| run(from_json(&text)), text.len());
            check(&format!("{what}, {} KB", size / 1_000), &measured, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What scripts do with `t`, a table of rows of different fields.
const SCRIPTS: &[(&str, &str)] = &[
    ("map", "return map t as (r => r);"),
    ("Map", "return Map(t, x => x);"),
    ("Concat", "return Concat(t, t);"),
    ("&", "return t & t;"),
    ("& row by row", "let all = t where false; for r in t { set all = all & r; } return all;"),
    ("with", "return t with {z: 1};"),
    ("with a function", "return t with (r => {z: 1});"),
    ("with of some rows", "return t with {z: 1} where a = 1;"),
    ("set in rows", "for i in range(0, Count(t)) { set t[i][Fields(t[i])[0]] = 2; } return t;"),
    ("where", "return t where not (a = 1);"),
    ("order by", "return t order by a;"),
    ("group by", "return t group by a;"),
    ("a column", "return t.a;"),
    ("select", "return select a from t;"),
    ("one record of all names", "let all = {}; for r in t { set all[Fields(r)[0]] = 1; } return all;"),
    ("rows in a list", "let all = [0]; for r in t { set all = all & [r]; } return all;"),
    ("rows in fields", "return map t as {row: row};"),
    (
        "a left join",
        "let n = map range(0, 1000) as {n: row}; return select o.n, p: p from n as o left join t as p on p.a = o.n + 9;",
    ),
    ("Chunk", "return Chunk(t, 1);"),
    ("Distinct", "return Distinct(t);"),
];

/// Runs a script with its `t`.
fn script(source: &str) -> impl Fn(Value) -> Value {
    let registry = flowscript_stdlib::registry();
    let table = Variable { name: "t".into(), ty: Type::Any, writable: true };
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[table],
        registry: &registry,
        modules: &NoModules,
        effect: flowscript_lang::function::Effect::Pure,
    };
    let compiled = compile(source, &options);
    let said: Vec<String> = compiled.diagnostics.iter().map(|it| it.message.clone()).collect();
    let program = compiled.program.unwrap_or_else(|| panic!("{source}: {}", said.join(" ")));
    let settings = Settings::default();
    let source = source.to_owned();
    move |value| match program.run(vec![value], &settings, &support::FixedHost::default()) {
        Ok(outcome) => outcome.value,
        Err(error) => panic!("{source}: {error}"),
    }
}

struct Measured {
    /// Bytes of the allocator for each byte of the input.
    kept: f64,
    on_the_way: f64,
    /// What the estimate says for each byte that is kept.
    estimate: f64,
}

fn measured(make: impl FnOnce() -> Value, input: usize) -> Measured {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let value = make();
    let most = ALLOCATED.peak_usage().saturating_sub(before) as f64;
    let kept = ALLOCATED.current_usage().saturating_sub(before) as f64;
    let estimate = live_size([&value]) as f64 / kept;
    Measured { kept: kept / input as f64, on_the_way: most / input as f64, estimate }
}

fn check(what: &str, measured: &Measured, wrong: &mut Vec<String>) {
    let Measured { kept, on_the_way, estimate } = measured;
    let line = format!("{what}: keeps {kept:.1}, on the way {on_the_way:.1}; estimate {estimate:.2}");
    println!("{line}");
    if *kept > MOST_KEPT || *on_the_way > MOST_ON_THE_WAY || !(0.6..=1.5).contains(estimate) {
        wrong.push(line);
    }
}
