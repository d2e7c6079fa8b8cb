//! A typical script of a workflow, stage by stage: parsed, checked (parsed too), run; and all of it on a message.
//!
//! `cargo bench --bench scripts`

#![expect(clippy::expect_used, reason = "a benchmark that cannot start says why")]

use criterion::{Criterion, criterion_group, criterion_main};
use flowscript_lang::budget::Unlimited;
use flowscript_lang::function::Effect;
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use flowscript_lang::{CompileOptions, Compiled, Mode, NoModules, Settings, Variable, compile, parse};
use flowscript_stdlib::json;
use std::hint::black_box;

/// An order is filtered, summed and reshaped.
const SCRIPT: &str = "\
let lines = order.lines where qty > 0 and status != 'cancelled';
let total = Sum(lines, qty * price);
let label = '';
if total > 1000 {
  set label = 'large';
} elseif total > 100 {
  set label = 'medium';
} else {
  set label = 'small';
}
return {
  no: order.no,
  customer: Upper(order.customer.name),
  label,
  total: Round(total, 2),
  lines: map lines as [sku, amount: Round(qty * price, 2)]
};
";

fn message() -> String {
    let line = |n: usize| {
        let status = if n % 4 == 3 { "cancelled" } else { "open" };
        format!(r#"{{"sku":"A{n:03}","qty":{n},"price":{}.95,"status":"{status}"}}"#, 10 + n)
    };
    let lines: Vec<String> = (1..=8).map(line).collect();
    let customer = r#"{"id":4711,"name":"Ann Andersson","city":"Göteborg"}"#;
    format!(r#"{{"no":17,"date":"2024-03-01","customer":{customer},"lines":[{}]}}"#, lines.join(","))
}

struct Nothing;

impl Host for Nothing {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self) -> u64 {
        0
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}

fn check(source: &str) -> Compiled {
    let registry = flowscript_stdlib::registry();
    let variables = [Variable { name: "order".into(), ty: Type::Any, writable: false }];
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &variables,
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Pure,
    };
    compile(source, &options)
}

fn scripts(criterion: &mut Criterion) {
    let text = message();
    let order = json::decode(&text, &mut Unlimited).expect("the message is JSON");
    let program = check(SCRIPT).program.expect("the script has no errors");
    let settings = Settings::default();
    let run = |order: Value| program.run(vec![order], &settings, &Nothing).expect("the script runs").value;
    assert!(run(order.clone()).to_literal(60).starts_with("{no: 17, customer: 'ANN ANDERSSON', label: 'medium'"));

    criterion.bench_function("parse", |bench| bench.iter(|| parse::parse_script(black_box(SCRIPT))));
    criterion.bench_function("check", |bench| bench.iter(|| check(black_box(SCRIPT))));
    criterion.bench_function("run", |bench| bench.iter(|| run(black_box(order.clone()))));
    criterion.bench_function("message", |bench| {
        bench.iter(|| {
            json::encode(
                &run(json::decode(black_box(&text), &mut Unlimited).expect("the message is JSON")),
                &mut Unlimited,
            )
        });
    });
}

criterion_group!(benches, scripts);
criterion_main!(benches);
