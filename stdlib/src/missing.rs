//! Replacements for missing values: `Default` and `Empty`.

use crate::row::{Row, gives, row};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Rows, Value};

pub(crate) const ROWS: &[Row] = &[
    row("Default(x: any, fallback: any) -> any", "The value, or a fallback for `null` and `''`.", default)
        .fixed_cost()
        .rules("With the name of a type alone, as in `default(order)`: the default value of the type.")
        .examples(&[gives("Default('', 'x')", "'x'"), gives("Default(null, 1)", "1"), gives("Default(0, 5)", "0")]),
    row("Empty(x: any) -> boolean", "Is there nothing in it?", empty)
        .fixed_cost()
        .rules(
            "True for `null`, `''`, a list or table without elements, a record without fields, binary without bytes.",
        )
        .examples(&[
            gives("Empty('')", "true"),
            gives("Empty(table(a))", "true"),
            gives("Empty(0)", "false"),
            gives("Empty({})", "true"),
        ]),
];

fn default(call: &mut Call<'_>) -> NativeResult {
    let missing = match call.value(0) {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        _ => false,
    };
    Ok(call.take(usize::from(missing)))
}

fn empty(call: &mut Call<'_>) -> NativeResult {
    let value = call.value(0);
    Ok(match value {
        Value::Text(text) => text.is_empty(),
        Value::Binary(bytes) => bytes.is_empty(),
        Value::Record(record) => record.is_empty(),
        other => Rows::of(other).is_some_and(|rows| rows.is_empty()),
    }
    .into())
}
