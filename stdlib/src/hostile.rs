//! Every function with arguments nobody wants: none panics, and every error names its function.

use crate::registry;
use crate::testing::{Harness, closure};
use flowscript_lang::function::Function;
use flowscript_lang::types::Type;
use flowscript_lang::value::{DateTime, Number, Value};

/// Messages that functions.md quotes without a name.
const QUOTED: [&str; 2] = ["The value ", "Function values cannot be converted to JSON."];

fn values() -> Vec<Value> {
    let number = |text: &str| Value::Number(Number::parse(text).expect("a number"));
    let record = |name: &str, value: Value| Value::record([(name, value)]);
    let far = DateTime::from_unix(253_402_300_799, 999_999_999, 0).expect("a datetime");
    let mut values = vec![
        Value::Null,
        true.into(),
        0.into(),
        1.into(),
        (-1).into(),
        number("0.5"),
        number("79228162514264337593543950335"),
        number("-79228162514264337593543950335"),
        number("0.0000000000000000000000000001"),
        i64::MAX.into(),
        9999.into(),
        Value::DateTime(DateTime::minimum()),
        Value::DateTime(far),
        Value::binary(vec![0xff, 0, 0x80]),
        Value::empty_list(),
        Value::list(vec![1.into(), "x".into(), Value::Null, Value::empty_list()]),
        Value::list(vec![record("a", 1.into()), record("b", Value::list(vec![2.into()]))]),
        record("a", Value::Null),
        record("é", record("@x", "y".into())),
        closure(|arguments| arguments.first().cloned().unwrap_or_default()),
        "é😀".repeat(20_000).into(),
    ];
    let texts = [
        "",
        "abc",
        "é😀",
        "\0",
        "12,5",
        "-1e3",
        "2024-02-29T12:00",
        "(",
        "(?<a>.)\\1",
        "$1${x}",
        "yyyy-MM-dd",
        "C2",
        "#,##0.00;;'",
        "sv-SE",
        "utf-16le",
        "Europe/Stockholm",
        "//a[1]",
        "<a b='1'>x</a>",
        "{\"a\":[1]}",
        "a;b\n1;2\n",
        "w6k=",
        "https://x.se",
        "debug",
        ";",
    ];
    values.extend(texts.map(Value::from));
    values
}

/// All combinations of `values` for so many arguments; of more than two arguments a part of them.
fn combinations(values: &[Value], count: usize) -> Vec<Vec<Value>> {
    let all = values.len().pow(count.min(8) as u32);
    // A step without a common factor comes through all places of the list.
    let step = if count <= 2 { 1 } else { (all / 2_003).max(1) | 1 };
    (0..all)
        .step_by(step)
        .map(|at| (0..count).map(|place| values[at / values.len().pow(place as u32) % values.len()].clone()).collect())
        .collect()
}

fn try_all(function: &Function, harness: &mut Harness, values: &[Value]) {
    let signature = &function.signature;
    let most = signature.most().unwrap_or(usize::MAX);
    for count in 0..=most.min(signature.parameters.len()) + 1 {
        for arguments in combinations(values, count) {
            let shown: Vec<String> = arguments.iter().map(|argument| argument.to_literal(40)).collect();
            match harness.call(function.name, arguments) {
                Ok(_) => {
                    assert!((signature.least()..=most).contains(&count), "{} took {count} arguments", function.name);
                }
                Err(message) => {
                    let named = message.starts_with(&format!("{}: ", function.name));
                    let quoted = QUOTED.iter().any(|quoted| message.starts_with(quoted));
                    assert!(named || quoted, "{}({}): {message:.300}", function.name, shown.join(", "));
                    assert!(message.len() < 1_500, "{}({}): {message:.300}", function.name, shown.join(", "));
                }
            }
        }
    }
}

/// Calls the functions whose names come in a part of the alphabet.
fn try_part(part: impl Fn(char) -> bool) {
    let values = values();
    let mut harness = Harness { type_argument: Some(Type::Number.many()), ..Harness::default() };
    let registry = registry();
    for function in registry.functions() {
        if function.name.chars().next().is_some_and(|first| part(first.to_ascii_lowercase())) {
            try_all(function, &mut harness, &values);
        }
    }
}

#[test]
fn functions_of_the_first_letters() {
    try_part(|first| first <= 'c');
}

#[test]
fn functions_with_d() {
    try_part(|first| first == 'd');
}

#[test]
fn functions_of_the_middle_letters() {
    try_part(|first| ('e'..='q').contains(&first));
}

#[test]
fn functions_of_the_last_letters() {
    try_part(|first| first >= 'r');
}

fn most(name: &str) -> usize {
    registry().find(name).and_then(|function| function.signature.most()).map_or(2, |most| most.min(2))
}

#[test]
fn values_of_the_greatest_depth_are_walked_in_little_stack() {
    let mut list: Value = 1.into();
    let mut record: Value = 1.into();
    for _ in 0..flowscript_lang::value::MAX_DEPTH - 1 {
        list = Value::list(vec![list]);
        record = Value::record([("a", record)]);
    }
    // The interpreter leaves this much for walking a value.
    let walk = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        let mut harness = Harness::default();
        for value in [list, record] {
            for name in ["JSON.Encode", "Len", "Distinct", "Log", "Contains", "Hash.Sha256", "Str"] {
                let _ = harness.call(name, vec![value.clone(), value.clone()][..most(name)].to_vec());
            }
            let _ = harness.call("XML.Encode", vec![value, "a".into()]);
        }
    });
    walk.expect("a thread").join().expect("no overflow");
}
