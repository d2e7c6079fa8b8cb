//! Every type with every odd value: it fits and comes back right, or a clear error names it.

#[path = "../../tests/support/odd.rs"]
mod odd;
#[allow(dead_code, reason = "only its host is needed here")]
mod support;

use flowscript_lang::budget::Unlimited;
use flowscript_lang::check::Variable;
use flowscript_lang::function::Effect;
use flowscript_lang::program::Program;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Conversion, Rows, Value, Zone, to_datetime, to_number, to_text};
use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, compile};
use flowscript_stdlib::{json, registry};
use support::FixedHost;

/// Types that values are declared as: those of the language, and declared ones.
const TYPES: [&str; 24] = [
    "any",
    "null",
    "boolean",
    "number",
    "text",
    "datetime",
    "binary",
    "boolean?",
    "number?",
    "text?",
    "datetime?",
    "binary?",
    "any*",
    "number*",
    "text?*",
    "datetime*",
    "number**",
    "{a: number}",
    "{a: text?}*",
    "line",
    "line*",
    "order",
    "part",
    "(any) -> any",
];

const DECLARED: &str = "
type line = {a: number, b: text = 'none'};
type order = {no: text?, at: datetime = '0001-01-01', lines: line*, file: binary?};
type part = {a: any, parts: part*};
";

/// A script over the variable `given`.
fn program(source: &str) -> Program {
    let registry = registry();
    let given = [Variable { name: "given".into(), ty: Type::Any, writable: false }];
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &given,
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let compiled = compile(source, &options);
    compiled.program.unwrap_or_else(|| panic!("{source}\n{:?}", compiled.diagnostics))
}

/// What it gives for a value, or its message.
fn run(program: &Program, given: &Value) -> Result<Value, String> {
    let settings = Settings { zone: Zone::Europe__Stockholm, ..Settings::default() };
    let outcome = program.run(vec![given.clone()], &settings, &FixedHost::default());
    outcome.map(|outcome| outcome.value).map_err(|error| format!("{} {}", error.kind.name(), error.message))
}

/// Tries `check` with each type and odd value, and reports what it finds.
fn each(source: impl Fn(&str) -> String, check: impl Fn(&Program, &str, &Value) -> Option<String>) {
    let values = odd::values(&registry());
    let mut wrong = Vec::new();
    for ty in TYPES {
        let program = program(&source(ty));
        for (shown, value) in &values {
            if let Some(finding) = check(&program, ty, value) {
                wrong.push(format!("{ty} of {shown:.70}: {finding:.300}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

/// Is the error one of the value that names what it is about?
fn is_clear(message: &str, names: &[&str]) -> bool {
    let kind = message.split(' ').next().unwrap_or_default();
    let limit = message.starts_with("limit ");
    message.len() < 1_000
        && (limit || ["value", "type"].contains(&kind) && names.iter().all(|name| message.contains(name)))
}

#[test]
fn annotations_convert_or_name_the_variable() {
    let source = |ty: &str| {
        format!("{DECLARED}let x: {ty} = given; let again: {ty} = x; return [x, again, x is {ty}, given is {ty}];")
    };
    each(source, |program, _, given| match run(program, given) {
        Err(message) => (!is_clear(&message, &["The variable x"])).then_some(message),
        Ok(Value::List(list)) => {
            let [x, again, fits, fitted] = list.items() else { return Some("no result".into()) };
            let same = !flowscript_lang::value::truth(fitted) || same_or_functions(x, given);
            let good = same_or_functions(x, again) && flowscript_lang::value::truth(fits) && same;
            (!good).then(|| Value::List(list.clone()).to_literal(200))
        }
        Ok(other) => Some(other.to_literal(200)),
    });
}

fn equal_by(a: &Value, b: &Value, conversion: Conversion) -> bool {
    flowscript_lang::value::equal(a, b, conversion, &mut Unlimited).expect("no limit")
}

fn identical(a: &Value, b: &Value) -> bool {
    equal_by(a, b, Conversion::None)
}

/// Are they identical? Functions are never equal.
fn same_or_functions(a: &Value, b: &Value) -> bool {
    identical(a, b) || has_function(a) && a.to_literal(999) == b.to_literal(999)
}

fn has_function(value: &Value) -> bool {
    match value {
        Value::Function(_) => true,
        Value::Record(record) => record.iter().any(|(_, value)| has_function(&value)),
        value => Rows::of(value).is_some_and(|rows| rows.iter().any(|row| has_function(&row))),
    }
}

#[test]
fn new_fills_fields_or_names_them() {
    let source = |ty: &str| {
        format!(
            "{DECLARED}type odd = {{before: number, field: {ty}}}; let x = new odd {{field: given}}; return [x.field, x is odd];"
        )
    };
    each(source, |program, ty, given| match run(program, given) {
        Err(message) => (!is_clear(&message, &["field"])).then_some(message),
        Ok(Value::List(list)) => {
            let fits = list.items().get(1).is_some_and(flowscript_lang::value::truth);
            (!fits && !ty.contains("->")).then(|| Value::List(list.clone()).to_literal(200))
        }
        Ok(other) => Some(other.to_literal(200)),
    });
}

#[test]
fn typed_decoding_fills_or_names_the_function() {
    let source = |ty: &str| format!("{DECLARED}return [JSON.Decode<{ty}>(given)];");
    let values: Vec<(&str, String)> = odd::values(&registry())
        .iter()
        .filter_map(|(shown, value)| Some((*shown, json::encode(value, &mut Unlimited).ok()?)))
        .collect();
    let mut wrong = Vec::new();
    for ty in TYPES.into_iter().filter(|ty| !ty.contains("->")) {
        let program = program(&source(ty));
        let fits = program_of_fit(ty);
        for (shown, text) in &values {
            let finding = match run(&program, &Value::text(text.as_str())) {
                Err(message) => (!is_clear(&message, &["JSON.Decode"])).then_some(message),
                Ok(result) => match run(&fits, &result) {
                    Ok(fitted) if flowscript_lang::value::truth(&fitted) => None,
                    other => Some(format!("{} is no {ty}: {other:?}", result.to_literal(80))),
                },
            };
            if let Some(finding) = finding {
                wrong.push(format!("{ty} of {shown:.70}: {finding:.300}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

/// A script that asks whether the first element of `given` is of a type.
fn program_of_fit(ty: &str) -> Program {
    program(&format!("{DECLARED}return given[0] is {ty};"))
}

/// What JSON can hold comes back as it was; datetimes and bytes come back as their text.
#[test]
fn json_gives_back_what_it_can_hold() {
    let mut wrong = Vec::new();
    for (shown, value) in odd::values(&registry()) {
        let text = match json::encode(&value, &mut Unlimited) {
            Ok(text) => text,
            Err(_) if has_function(&value) => continue,
            Err(reason) => {
                wrong.push(format!("{shown:.70} has no JSON: {reason}"));
                continue;
            }
        };
        match json::decode(&text, &mut Unlimited) {
            Ok(back) => {
                let again = json::encode(&back, &mut Unlimited).unwrap_or_default();
                if again != text {
                    wrong.push(format!("{shown:.70} becomes {again:.99} instead of {text:.99}"));
                }
                if is_plain(&value) && !equal_by(&back, &value, Conversion::To(Zone::Europe__Stockholm)) {
                    wrong.push(format!("{shown:.70} becomes {}", back.to_literal(99)));
                }
            }
            // JSON is read to a depth of 200.
            Err(_) if value.depth() > 200 => {}
            Err(error) => wrong.push(format!("{shown:.70}: {error}: {text:.99}")),
        }
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

/// Is it made of what JSON has?
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Function(_) | Value::DateTime(_) | Value::Binary(_) => false,
        Value::Record(record) => record.iter().all(|(_, value)| is_plain(&value)),
        value => Rows::of(value).is_none_or(|rows| rows.iter().all(|row| is_plain(&row))),
    }
}

#[test]
fn the_texts_of_numbers_and_datetimes_give_them_back() {
    let mut wrong = Vec::new();
    for (shown, value) in odd::values(&registry()) {
        let text = to_text(&value).map(Value::Text).unwrap_or_default();
        let back = match &value {
            Value::Number(_) => to_number(&text).map(Value::Number),
            Value::DateTime(_) => to_datetime(&text, Zone::Europe__Stockholm).map(Value::DateTime),
            _ => continue,
        };
        match back {
            Ok(back) if identical(&back, &value) => {}
            other => wrong.push(format!("{shown} has the text {}, which gives {other:?}", text.to_literal(99))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
