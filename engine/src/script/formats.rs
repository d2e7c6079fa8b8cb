//! Values as texts of JSON, XML and CSV, and back.

use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::program::Limits;
use flowscript_lang::value::{Record, Rows, RowsBuilder, Table, Value};
use flowscript_stdlib::csv::{self, Dialect};
use flowscript_stdlib::{EncodeError, json, xml};

/// What a text or value may take that belongs to no run.
fn allowance() -> Allowance<'static> {
    Allowance::new("The value", Limits::default(), &|| None)
}

/// The value of a JSON text. The error says in words what is wrong and where.
pub fn decode_json(text: &str) -> Result<Value, String> {
    json::decode(text, &mut allowance()).map_err(|error| error.to_string())
}

/// A value as compact JSON. The error says in words why it cannot be.
pub fn encode_json(value: &Value) -> Result<String, String> {
    json::encode(value, &mut allowance()).map_err(|error| error.to_string())
}

/// The table in a CSV text whose first row names the columns. The error says in words what is wrong and where.
pub fn decode_csv(text: &str) -> Result<Value, String> {
    let table = csv::decode(text, Dialect::default(), &mut allowance());
    table.map(Value::table).map_err(|error| error.to_string())
}

/// The record of an XML text, with its root element. The error says in words what is wrong and where.
pub fn decode_xml(text: &str) -> Result<Value, String> {
    xml::decode(text, &mut allowance()).map(Value::Record).map_err(|error| error.to_string())
}

/// A value as an XML text with this root element, for which the budget pays.
pub fn encode_xml(value: &Value, root: &str, budget: &mut dyn Budget) -> Result<String, EncodeError> {
    let record = match value {
        Value::Record(record) => record.clone(),
        Value::Null => Record::from_fields([]),
        Value::List(_) | Value::Table(_) => Record::from_fields([("item".into(), value.clone())]),
        simple => Record::from_fields([("#text".into(), simple.clone())]),
    };
    xml::encode(&record, root, budget)
}

/// A table as CSV whose first row names the columns. The error says in words why it cannot be.
pub fn encode_csv(value: &Value) -> Result<String, String> {
    csv_text(value, true)
}

/// The rows of a table as CSV, without the names of the columns. The error says in words why they cannot be.
pub fn encode_csv_rows(value: &Value) -> Result<String, String> {
    csv_text(value, false)
}

fn encode_table(table: &Table, dialect: Dialect) -> Result<String, String> {
    csv::encode(table, dialect, &mut allowance()).map_err(|error| error.to_string())
}

fn csv_text(value: &Value, header: bool) -> Result<String, String> {
    let dialect = Dialect { header, ..Dialect::default() };
    let whole = match value {
        Value::Table(table) => return encode_table(table, dialect),
        other => {
            let mut rows = RowsBuilder::default();
            Rows::of(other).iter().flat_map(Rows::iter).for_each(|row| rows.push(row));
            rows.finish()
        }
    };
    match whole {
        Value::Table(table) => encode_table(&table, dialect),
        whole if whole.is_empty_list() => Ok(String::new()),
        _ => Err("CSV is made of rows, and these are not all records".to_owned()),
    }
}
