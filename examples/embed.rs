//! The interpreter in a Rust program: compile once, run for every order, with a function of the program's own.
//!
//! `cargo run --example embed`
#![allow(clippy::print_stdout)] // it shows what it does

use flowscript_lang::budget::Unlimited;
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, Cost, Effect, Function, Registry};
use flowscript_lang::host::{Host, LogLevel};
use flowscript_lang::types::Type;
use flowscript_lang::value::{Number, Value};
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Settings, Variable, compile};
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the users of this program write.
const RULE: &str = "
let net = Sum(order.lines, qty * price);
if net > 1000 { Log(`large order {order.no}`); }
return { no: order.no, net, tax: Round(net * VatRate(order.country), 2) };
";

fn main() -> Result<(), Box<dyn Error>> {
    let orders = [
        r#"{"no": 1, "country": "SE", "lines": [{"qty": 3, "price": 19.90}]}"#,
        r#"{"no": 2, "country": "NO", "lines": [{"qty": 500, "price": 2.50}, {"qty": 1, "price": 0.05}]}"#,
        r#"{"no": 3, "country": "XX", "lines": []}"#,
    ];
    for answer in answers(&orders)? {
        println!("{answer}");
    }
    Ok(())
}

/// What the rule says to each order.
fn answers(orders: &[&str]) -> Result<Vec<String>, Box<dyn Error>> {
    // The library, and a function of our own.
    let library = flowscript_stdlib::registry();
    let functions = library.functions().iter().map(|function| (**function).clone()).chain([vat_rate()?]);
    let registry = Registry::new(functions);

    // Mistakes are found here, before any order comes.
    let order = Variable { name: "order".into(), ty: Type::Any, writable: false };
    let compiled = compile(
        RULE,
        &CompileOptions {
            mode: Mode::Script,
            variables: &[order],
            registry: &registry,
            modules: &NoModules,
            effect: Effect::Host,
        },
    );
    for diagnostic in &compiled.diagnostics {
        println!("{}: {}", diagnostic.code, diagnostic.message);
    }
    let program = compiled.program.ok_or("the rule has errors")?;

    // A program may run any number of times, on any number of threads.
    let settings = Settings { limits: Limits { steps: Some(1_000_000), ..Limits::default() }, ..Settings::default() };
    let mut answers = Vec::new();
    for json in orders {
        let order = flowscript_stdlib::json::decode(json, &mut Unlimited)?;
        answers.push(match program.run(vec![order], &settings, &Program) {
            Ok(outcome) => flowscript_stdlib::json::encode(&outcome.value, &mut Unlimited)?,
            Err(error) => {
                let line = error.place.as_ref().map_or(0, |place| place.line);
                format!("{} error on line {line}: {error}", error.kind.name())
            }
        });
    }
    Ok(answers)
}

/// `VatRate('SE')`. The signature is what the checker and the conversion of arguments go by.
fn vat_rate() -> Result<Function, String> {
    fn native(call: &mut Call<'_>) -> Result<Value, Box<RunError>> {
        let percent = match call.text(0) {
            "SE" | "NO" => 25,
            "DE" => 19,
            other => return Err(call.value_error(format!("no rate is known for {other}."))),
        };
        Ok(Number::from(percent).checked_div(Number::from(100)).map_or(Value::Null, Value::Number))
    }
    Ok(Function {
        section: "Ours",
        summary: "The rate of value-added tax of a country.",
        cost: Cost::Fixed,
        ..Function::new("VatRate(country: text) -> number", native)?
    })
}

/// Scripts have no clock, no randomness and no log but those that the program gives them.
struct Program;

impl Host for Program {
    fn now(&self) -> (i64, u32) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (since.as_secs() as i64, since.subsec_nanos())
    }

    fn random(&self) -> u64 {
        rand::random()
    }

    fn log(&self, level: LogLevel, message: &str) {
        println!("[{}] {message}", level.name());
    }
}

#[test]
fn the_rule_answers() -> Result<(), Box<dyn Error>> {
    let order = r#"{"no": 7, "country": "DE", "lines": [{"qty": 3, "price": 0.1}]}"#;
    assert_eq!(answers(&[order])?, [r#"{"no":7,"net":0.3,"tax":0.06}"#]);
    assert!(answers(&[r#"{"no": 8, "country": "", "lines": null}"#])?[0].contains("no rate is known"));
    Ok(())
}
