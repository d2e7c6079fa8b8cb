//! CSV: texts to tables and back (RFC 4180; any ASCII delimiter, LF or CRLF, blank lines skipped).

mod dialect;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use dialect::Dialect;
pub use read::{CsvError, decode, fill};
pub use write::encode;

use crate::arguments::too_long;
use crate::row::{Row, fails, gives, row};
use crate::unwritten::EncodeError;
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult, Role};
use flowscript_lang::value::{Rows, Shape, Table, Value};
use std::sync::Arc;

pub(crate) const ROWS: &[Row] = &[
    row("CSVFill(target: table, text: text, delimiter: text = ',', header: boolean = true) -> same(target)", "The rows of a CSV text, in the columns of a table.", csv_fill).pays_itself()
        .rules(
            "With a header columns are found by name, others are dropped and missing ones have their default; without one they are \
             taken by position. Cells are converted to the column types of `table(T)`; an empty cell of a column that is not text is \
             its default. Quotes and line ends in quotes as in RFC 4180. A row of another length is an error with its line, more than \
             100,000 columns a limit error. Rows that the target has already are not kept.",
        )
        .examples(&[
            gives("CSVFill(table(a, b), '1,2\\n3,\"4\\n5\"', ',', false)", "[{a: '1', b: '2'}, {a: '3', b: '4\\n5'}]"),
            fails("CSVFill(table(a, b), 'a,b\\n1,2\\n3')", "line 3"),
        ]),
    row("CSV.Decode(text: text, delimiter: text = ',', header: boolean = true) -> table", "The table in a CSV text; all cells are texts.", csv_decode)
        .role(Role::DecodesCells).pays_itself()
        .rules("Without a header the columns are `column1`, `column2` and so on. Two columns of one name, and a row of another length, are errors; more than 100,000 columns a limit error.")
        .examples(&[gives("CSV.Decode('a,b\\r\\n1,\"x,y\"\\r\\n')", "[{a: '1', b: 'x,y'}]"), gives("CSV.Decode('1;2', ';', false)", "[{column1: '1', column2: '2'}]")]),
    row("CSV.Encode(table: table, delimiter: text = ',', header: boolean = true) -> text", "A table as CSV.", csv_encode).pays_itself()
        .rules("Every line ends with CRLF. Cells are in their text form, `null` is empty; quotes only if needed.")
        .examples(&[gives("CSV.Encode([{a: 'x,y', b: 1}, {a: 'q\"r', b: null}])", "'a,b\\r\\n\"x,y\",1\\r\\n\"q\"\"r\",\\r\\n'")]),
];

fn csv_fill(call: &mut Call<'_>) -> NativeResult {
    let target = match call.rows(0) {
        Rows::Table(table) => table,
        Rows::List(_) => return Err(call.refuse(0, "a table, which gives the columns: table(a, b) or table(T)")),
    };
    let dialect = dialect(call, 2)?;
    let (text, zone) = (call.eco_text(1), call.context.zone());
    let filled = fill(&target, &text, dialect, zone, call.budget());
    filled.map(Value::table).map_err(|error| failed(call, error))
}

fn csv_decode(call: &mut Call<'_>) -> NativeResult {
    let dialect = dialect(call, 1)?;
    let text = call.eco_text(0);
    decode(&text, dialect, call.budget()).map(Value::table).map_err(|error| failed(call, error))
}

fn csv_encode(call: &mut Call<'_>) -> NativeResult {
    let table = match call.rows(0) {
        Rows::Table(table) => table,
        Rows::List(_) => Arc::new(Table::empty(Shape::new([]), None)),
    };
    let dialect = dialect(call, 1)?;
    match write::write(&table, dialect, call.budget()) {
        Ok(text) => Ok(Value::Text(text)),
        Err(EncodeError::Value(message)) => Err(call.value_error(message)),
        Err(EncodeError::TooLong { most }) => Err(too_long(call, most)),
        Err(EncodeError::Stopped(error)) => Err(error),
    }
}

fn dialect(call: &Call<'_>, position: usize) -> Result<Dialect, Box<RunError>> {
    match call.text(position).as_bytes() {
        [delimiter] if delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n') => {
            Ok(Dialect { delimiter: *delimiter, header: call.boolean(position + 1) })
        }
        _ => Err(call.refuse(position, "one ASCII character that is not a quote or line end")),
    }
}

fn failed(call: &Call<'_>, error: CsvError) -> Box<RunError> {
    match error.stopped {
        Some(stopped) => stopped,
        None => call.value_error(error),
    }
}
