//! Names: the columns of tables and the fields of records.

use crate::arguments::{cells_fit, looked};
use crate::row::{Row, gives, row};
use ecow::EcoString;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Rows, Value};

pub(crate) const ROWS: &[Row] = &[
    row("Columns(table: table) -> text*", "The names of a table's columns.", columns)
        .pays_itself()
        .rules("In order; if rows differ, the names of all rows. `[]` has no names.")
        .examples(&[
            gives("Columns([{a: 1}, {b: 2, a: 3}])", "['a', 'b']"),
            gives("Columns(table(x, y))", "['x', 'y']"),
        ]),
    row("Fields(record: record) -> text*", "The names of a record's fields.", fields)
        .rules("In order; only those it has itself.")
        .examples(&[gives("Fields({a: 1, b: null})", "['a', 'b']")]),
    row("HasField(record: record, name: text) -> boolean", "Has the record a field of this name?", has_field)
        .pays_itself()
        .rules("True if its value is `null`, too. Upper and lower case differ.")
        .examples(&[gives("HasField({a: null}, 'a')", "true"), gives("HasField({a: 1}, 'A')", "false")]),
    row(
        "GetField(record: record, name: text, default: any = null) -> any",
        "The value of a field, or a default if it is missing.",
        get_field,
    )
    .pays_itself()
    .examples(&[gives("GetField({a: 1}, 'a')", "1"), gives("GetField({a: 1}, 'b', 0)", "0")]),
];

fn columns(call: &mut Call<'_>) -> NativeResult {
    Ok(match call.rows(0) {
        Rows::Table(table) => {
            cells_fit(call, table.shape().len())?;
            names(table.shape().names())
        }
        Rows::List(_) => Value::empty_list(),
    })
}

fn fields(call: &mut Call<'_>) -> NativeResult {
    Ok(names(call.record(0).shape().names()))
}

fn names(names: &[EcoString]) -> Value {
    Value::list(names.iter().cloned().map(Value::Text).collect())
}

fn has_field(call: &mut Call<'_>) -> NativeResult {
    looked(call, call.text(1).len())?;
    Ok(call.record(0).shape().position(call.text(1)).is_some().into())
}

fn get_field(call: &mut Call<'_>) -> NativeResult {
    looked(call, call.text(1).len())?;
    let record = call.record(0);
    match record.shape().position(call.text(1)) {
        Some(at) => Ok(record.at(at)),
        None => Ok(call.take(2)),
    }
}
