//! Values as texts of JSON, XML and CSV, and back.

use super::fault::Fault;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::RunError;
use flowscript_lang::program::Limits;
use flowscript_lang::value::{Record, Rows, RowsBuilder, Table, Value};
use flowscript_stdlib::EncodeError;
use flowscript_stdlib::csv::{self, CsvError, Dialect};
use flowscript_stdlib::json::{self, DecodeError, Problem};
use flowscript_stdlib::xml;
use std::fmt;

/// Why a text could not be decoded, or a value not encoded.
#[derive(Clone, Debug, PartialEq)]
pub enum NoForm {
    /// What is wrong with it, as a message.
    Wrong(String),
    /// The budget has ended the work.
    Stopped(Box<RunError>),
}

impl fmt::Display for NoForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(reason) => f.write_str(reason),
            Self::Stopped(error) => f.write_str(&error.message),
        }
    }
}

impl NoForm {
    /// The failure: `wrong` builds it from the message; one that ends the work stays as it is.
    pub fn into_fault(self, wrong: impl FnOnce(String) -> Fault) -> Fault {
        match self {
            Self::Wrong(reason) => wrong(reason),
            Self::Stopped(error) => Fault::new(error.kind, error.message),
        }
    }
}

impl From<DecodeError> for NoForm {
    fn from(error: DecodeError) -> Self {
        match error.problem {
            Problem::Stopped(stopped) => Self::Stopped(stopped),
            _ => Self::Wrong(error.to_string()),
        }
    }
}

impl From<EncodeError> for NoForm {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::Stopped(stopped) => Self::Stopped(stopped),
            other => Self::Wrong(other.to_string()),
        }
    }
}

/// The limits for a text or value outside of runs.
fn allowance() -> Allowance<'static> {
    Allowance::new("The value", Limits::default(), &|| None)
}

/// The value of a JSON text. The error is a message about what is wrong and where.
pub fn decode_json(text: &str) -> Result<Value, String> {
    decode_json_within(text, &mut allowance()).map_err(|error| error.to_string())
}

/// The value of a JSON text, as far as the budget allows.
pub fn decode_json_within(text: &str, budget: &mut dyn Budget) -> Result<Value, NoForm> {
    json::decode(text, budget).map_err(NoForm::from)
}

/// A value as compact JSON. The error is a message about why it cannot be encoded.
pub fn encode_json(value: &Value) -> Result<String, String> {
    encode_json_within(value, &mut allowance()).map_err(|error| error.to_string())
}

/// A value as compact JSON, as far as the budget allows.
pub fn encode_json_within(value: &Value, budget: &mut dyn Budget) -> Result<String, NoForm> {
    json::encode(value, budget).map_err(NoForm::from)
}

/// The table in a CSV text whose first row names the columns, as far as the budget allows.
pub fn decode_csv(text: &str, budget: &mut dyn Budget) -> Result<Value, NoForm> {
    match csv::decode(text, Dialect::default(), budget) {
        Ok(table) => Ok(Value::table(table)),
        Err(CsvError { stopped: Some(stopped), .. }) => Err(NoForm::Stopped(stopped)),
        Err(error) => Err(NoForm::Wrong(error.to_string())),
    }
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

/// A table as CSV whose first row names the columns, as far as the budget allows.
pub fn encode_csv(value: &Value, budget: &mut dyn Budget) -> Result<String, NoForm> {
    csv_text(value, true, budget)
}

/// The rows of a table as CSV, without the names of the columns, as far as the budget allows.
pub fn encode_csv_rows(value: &Value, budget: &mut dyn Budget) -> Result<String, NoForm> {
    csv_text(value, false, budget)
}

fn csv_text(value: &Value, header: bool, budget: &mut dyn Budget) -> Result<String, NoForm> {
    let dialect = Dialect { header, ..Dialect::default() };
    let mut written = |table: &Table| csv::encode(table, dialect, budget).map_err(NoForm::from);
    let whole = match value {
        Value::Table(table) => return written(table),
        other => {
            let mut rows = RowsBuilder::default();
            Rows::of(other).iter().flat_map(Rows::iter).for_each(|row| rows.push(row));
            rows.finish()
        }
    };
    match whole {
        Value::Table(table) => written(&table),
        whole if whole.is_empty_list() => Ok(String::new()),
        _ => Err(NoForm::Wrong("CSV is made of rows, and these are not all records".to_owned())),
    }
}
