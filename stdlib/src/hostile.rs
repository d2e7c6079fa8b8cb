//! Every function with unusable arguments: none panics, and every error names its function.

use crate::testing::{Harness, closure};
use crate::{odd, registry};
use flowscript_lang::budget::Unlimited;
use flowscript_lang::function::{Function, ParameterType, ResultType};
use flowscript_lang::types::{Type, Types};
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

/// All combinations of `values` for `count` arguments; for more than two arguments, a part of them.
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

/// Arguments that a parameter of this type accepts.
fn fitting(ty: ParameterType) -> [Value; 2] {
    let row = |n: i64| Value::record([("a", n.into())]);
    match ty {
        ParameterType::Any => [1.into(), "a".into()],
        ParameterType::Text => ["abc".into(), "a".into()],
        ParameterType::Number => [2.into(), 0.into()],
        ParameterType::Bool => [true.into(), false.into()],
        ParameterType::DateTime => ["2024-02-29".into(), Value::DateTime(DateTime::minimum())],
        ParameterType::Binary => [Value::binary(*b"abc"), Value::binary(*b"")],
        ParameterType::Rows => [Value::list(vec![row(1), row(2)]), Value::list(vec![1.into(), "x".into()])],
        ParameterType::Table => [Value::list(vec![row(1), row(2)]), Value::list(vec![row(1)])],
        ParameterType::Record => [row(1), Value::record([("b", "x".into())])],
        ParameterType::Expr | ParameterType::Function => [first_argument(), true.into()],
    }
}

/// A function that returns its first argument.
fn first_argument() -> Value {
    closure(|arguments| arguments.first().cloned().unwrap_or_default())
}

/// The arguments for calling a function with `value` at `position`: each parameter given, or only the required ones.
fn calls_with(function: &Function, position: usize, value: &Value) -> [Vec<Value>; 2] {
    let signature = &function.signature;
    let least = signature.least().max(position + 1);
    [(0, signature.parameters.len().max(position + 1)), (1, least)].map(|(choice, count)| {
        (0..count)
            .map(|at| match signature.parameter(at) {
                Some(parameter) if at != position => fitting(parameter.ty)[choice].clone(),
                _ => value.clone(),
            })
            .collect()
    })
}

/// Why a result does not have the type of the signature, if the signature has one.
fn misfit(function: &Function, result: &Value, had_null: bool) -> Option<String> {
    let ResultType::Fixed(ty) = &function.signature.result else { return None };
    let null_for_null = had_null && result.is_null();
    let fits = null_for_null || Types::default().matches(result, ty, &mut Unlimited).expect("no limit");
    (!fits).then(|| format!("gives {} of type {} instead of {ty}", result.to_literal(60), result.type_name()))
}

/// The fault of a message about an argument.
fn unclear(function: &Function, message: &str) -> Option<String> {
    let named = message.starts_with(&format!("{}: ", function.name));
    let quoted = QUOTED.iter().any(|quoted| message.starts_with(quoted));
    let whole = message.len() < 1_500 && (named || quoted);
    (!whole).then(|| format!("says: {message:.300}"))
}

/// Each odd value at the place of each parameter; returns the failures.
fn try_odd_values(function: &Function, harness: &mut Harness, values: &[(&str, Value)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let places = function.signature.parameters.len() + usize::from(function.signature.variadic);
    for (position, (shown, value)) in (0..places).flat_map(|at| values.iter().map(move |value| (at, value))) {
        for arguments in calls_with(function, position, value) {
            let had_null = arguments.iter().any(Value::is_null);
            let finding = match harness.call(function.name, arguments) {
                Ok(result) => misfit(function, &result, had_null),
                Err(message) => unclear(function, &message),
            };
            if let Some(finding) = finding {
                wrong.push(format!("{} with {shown:.60} as argument {}: {finding}", function.name, position + 1));
            }
        }
    }
    wrong
}

/// The dictionary; the functions that it holds by themselves are those of the harness.
fn odd_values() -> Vec<(&'static str, Value)> {
    let harness_function = |value| if matches!(value, Value::Function(_)) { first_argument() } else { value };
    odd::values(&registry()).into_iter().map(|(shown, value)| (shown, harness_function(value))).collect()
}

fn try_odd_part(part: impl Fn(char) -> bool) {
    let values = odd_values();
    let mut harness = Harness { type_argument: Some(Type::Number.many()), ..Harness::default() };
    let registry = registry();
    let functions = registry.functions().iter();
    let chosen = functions.filter(|function| function.name.to_ascii_lowercase().starts_with(&part));
    let wrong: Vec<String> = chosen.flat_map(|function| try_odd_values(function, &mut harness, &values)).collect();
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn odd_values_in_each_parameter_of_the_first_letters() {
    try_odd_part(|first| first <= 'd');
}

#[test]
fn odd_values_in_each_parameter_of_the_last_letters() {
    try_odd_part(|first| first > 'd');
}

/// Calls the functions whose names are in a part of the alphabet.
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
