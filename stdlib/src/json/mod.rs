//! JSON: texts to values and back.

mod error;
mod form;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub use error::{DecodeError, Problem};
pub use read::{MAX_NESTING, decode, decode_as};
pub use write::encode;

use crate::arguments::too_long;
use crate::row::{Row, fails, gives, row};
use crate::unwritten::EncodeError;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult, Role};
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use form::Seen;
use read::decode_like;
use std::sync::{Arc, Mutex};
use write::Layout;

pub(crate) const ROWS: &[Row] = &[
    row("JSON.Encode(x: any) -> text", "A value as compact JSON.", encode_value)
        .role(Role::WritesAny).pays_itself()
        .rules(
            "Numbers keep their digits and lose trailing zeros; datetimes are ISO 8601 texts, binary is Base64. \
             Records keep the order of their fields. A function is an error.",
        )
        .examples(&[
            gives("JSON.Encode({name: 'Cat', legs: 4, w: 1.50, n: null, ok: true})", r#"'{"name":"Cat","legs":4,"w":1.5,"n":null,"ok":true}'"#),
            gives("JSON.Encode([{a: 1}, {b: 2}])", r#"'[{"a":1},{"b":2}]'"#),
            fails("JSON.Encode(x => x)", "Function values cannot be converted to JSON."),
        ]),
    row("JSON.EncodeTable(table: table) -> text", "A table as compact JSON: an array of objects.", encode_value).pays_itself()
        .examples(&[gives("JSON.EncodeTable([{a: 1}, {a: 2}])", r#"'[{"a":1},{"a":2}]'"#), gives("JSON.EncodeTable(table(a))", "'[]'")]),
    row("JSON.Serialize(x: any, indent: boolean = false) -> text", "A value as JSON, on several lines where wanted.", serialize).pays_itself()
        .rules("With `indent`, every element and field has its own line, two blanks deeper for each level.")
        .examples(&[gives("JSON.Serialize([1, 2])", "'[1,2]'"), gives("JSON.Serialize({a: 1}, true)", "'{\\n  \"a\": 1\\n}'")]),
    row("JSON.Decode<T>(text: text) -> T", "The value in a JSON text.", decode_value).pays_itself()
        .rules(
            "Without `<T>` objects become records, arrays lists or tables. With it, the value is filled as by `new T`: missing \
             fields take their defaults, unknown ones are dropped, `null` in a field that may not be null is the default, simple \
             values are converted; what does not fit is an error with its path. Numbers keep 28 digits. Nesting deeper than 200 is \
             an error. Of a name given twice the last value counts.",
        )
        .examples(&[
            gives(r#"JSON.Decode('{"a": [1, {"b": "c"}]}').a[1].b"#, "'c'"),
            gives("Str(JSON.Decode('12345678901234567890.12'))", "'12345678901234567890.12'"),
            gives(r#"JSON.Decode<number>('"1.5"')"#, "1.5"),
            fails("JSON.Decode('{a')", "line 1, column 2"),
        ]),
    row("JSON.DecodeTable<T>(text: text) -> T*", "The table in a JSON array of objects.", decode_table).pays_itself()
        .rules("As `JSON.Decode`, of a list of T.")
        .examples(&[gives(r#"JSON.DecodeTable('[{"a":1},{"a":2}]').a"#, "[1, 2]"), fails("JSON.DecodeTable('{}')", "table")]),
    row("JSON.Deserialize<T>(text: text) -> T", "The value in a JSON text; the same as `JSON.Decode`.", decode_value).pays_itself()
        .examples(&[gives("JSON.Deserialize('[1, null]')", "[1, null]")]),
];

fn encode_value(call: &mut Call<'_>) -> NativeResult {
    written(call, Layout::Compact)
}

fn serialize(call: &mut Call<'_>) -> NativeResult {
    let layout = if call.boolean(1) { Layout::Indented } else { Layout::Compact };
    written(call, layout)
}

fn written(call: &mut Call<'_>, layout: Layout) -> NativeResult {
    let value = match call.take(0) {
        // For a table parameter `null` counts as no rows.
        Value::Null if call.function.name == "JSON.EncodeTable" => Value::empty_list(),
        value => value,
    };
    match write::write(&value, layout, call.budget()) {
        Ok(text) => Ok(Value::Text(text)),
        // The message is the documented one, without the function's name.
        Err(EncodeError::Value(problem)) => Err(RunError::new(ErrorKind::Type, problem)),
        Err(EncodeError::TooLong { most }) => Err(too_long(call, most)),
        Err(EncodeError::Stopped(error)) => Err(error),
    }
}

fn decode_value(call: &mut Call<'_>) -> NativeResult {
    let (text, zone) = (call.eco_text(0), call.context.zone());
    let decoded = match call.context.target() {
        (None, _) => decode_seen(call, &text),
        (Some((ty, types)), budget) => decode_as(&text, ty, types, zone, budget),
    };
    decoded.map_err(|error| failed(call, error))
}

/// The error of a text that could not be decoded, or of a budget that is used up.
fn failed(call: &Call<'_>, error: DecodeError) -> Box<RunError> {
    match error.problem {
        Problem::Stopped(stopped) => stopped,
        _ => call.value_error(error),
    }
}

/// Decodes with the shapes that the program has seen in earlier texts.
fn decode_seen(call: &mut Call<'_>, text: &str) -> Result<Value, DecodeError> {
    const KEY: &str = "JSON.Decode shapes";
    // The memory it may use for common texts, in bytes.
    const SEEN: usize = 256 << 10;
    let cache = call.context.cache();
    let known = cache.get(KEY).and_then(|known| known.downcast::<Mutex<Seen>>().ok());
    let known = known.unwrap_or_else(|| {
        let known = Arc::new(Mutex::new(Seen::default()));
        cache.put(KEY, known.clone(), SEEN);
        known
    });
    match known.try_lock() {
        Ok(mut seen) => decode_like(text, &mut seen, call.budget()),
        // Another run of the program is reading.
        Err(_) => decode(text, call.budget()),
    }
}

fn decode_table(call: &mut Call<'_>) -> NativeResult {
    let (text, zone) = (call.eco_text(0), call.context.zone());
    let value = match call.context.target() {
        (Some((ty, types)), budget) => {
            let rows: Type = ty.clone().many();
            return decode_as(&text, &rows, types, zone, budget).map_err(|error| failed(call, error));
        }
        (None, budget) => decode(&text, budget).map_err(|error| failed(call, error))?,
    };
    match value {
        Value::Table(_) => Ok(value),
        value if value.is_empty_list() => Ok(value),
        value => {
            let message = format!(
                "a table was wanted, an array of objects, not {} of type {}.",
                value.to_literal(60),
                value.type_name()
            );
            Err(call.value_error(message))
        }
    }
}
