//! From the bytes of a file to values, and back.

use super::format::FileFormat;
use crate::script::{Fault, NoForm, decode_csv, decode_json_within, encode_csv, encode_csv_rows, encode_json_within};
use flowscript_lang::budget::Budget;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Rows, RowsBuilder, Value, to_text};
use std::path::Path;

/// What is added to the end of a file.
#[derive(Clone, Debug)]
pub enum Addition {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, beginning on a line of their own.
    Lines(Vec<u8>),
    /// These rows, in the columns that the file has.
    Rows(Value),
}

/// The value that bytes encode, as far as the budget allows.
pub(super) fn decode(bytes: Vec<u8>, format: FileFormat, budget: &mut dyn Budget) -> Result<Value, NoForm> {
    if format == FileFormat::Binary {
        return Ok(Value::binary(bytes));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        NoForm::Wrong(format!("it is not UTF-8 text at byte {at}; read it `as: binary`"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match format {
        FileFormat::Json => decode_json_within(text, budget),
        FileFormat::Ndjson => decode_lines(text, budget),
        FileFormat::Csv => decode_csv(text, budget),
        FileFormat::Text | FileFormat::Binary => Ok(Value::text(text)),
    }
}

/// A value a line; blank lines are skipped.
fn decode_lines(text: &str, budget: &mut dyn Budget) -> Result<Value, NoForm> {
    let mut rows = RowsBuilder::default();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        rows.push(decode_json_within(line, budget).map_err(|error| match error {
            NoForm::Wrong(reason) => NoForm::Wrong(format!("line {}: {reason}", number + 1)),
            stopped @ NoForm::Stopped(_) => stopped,
        })?);
    }
    Ok(rows.finish())
}

/// The bytes of a file with this content: in the given format, else in that of the name; as far as the budget allows.
pub fn bytes(value: &Value, format: Option<FileFormat>, name: &str, budget: &mut dyn Budget) -> Result<Vec<u8>, Fault> {
    let unfit = |reason: NoForm| reason.into_fault(|reason| unfit(name, &reason));
    if let Value::Binary(bytes) = value {
        return Ok(bytes.to_vec());
    }
    let format = format.unwrap_or_else(|| FileFormat::by_suffix(Path::new(name)));
    // A text is written as it is, under any file name.
    match (format, value) {
        (FileFormat::Ndjson, value) => encode_lines(value, budget).map_err(unfit),
        (FileFormat::Json | FileFormat::Csv, Value::Text(text)) => Ok(text.as_bytes().to_vec()),
        (FileFormat::Json, value) => Ok(encode_json_within(value, budget).map_err(unfit)?.into_bytes()),
        (FileFormat::Csv, value) if Rows::of(value).is_some() => {
            Ok(encode_csv(value, budget).map_err(unfit)?.into_bytes())
        }
        (FileFormat::Csv | FileFormat::Text | FileFormat::Binary, value) => match to_text(value) {
            Ok(text) => Ok(text.as_bytes().to_vec()),
            Err(_) => Ok(encode_json_within(value, budget).map_err(unfit)?.into_bytes()),
        },
    }
}

/// What is added to a file with this content: rows of CSV without repeating the columns, JSON a value a line. The budget
/// is that of [`bytes()`].
pub fn addition(
    value: &Value,
    format: Option<FileFormat>,
    name: &str,
    budget: &mut dyn Budget,
) -> Result<Addition, Fault> {
    match (format.unwrap_or_else(|| FileFormat::by_suffix(Path::new(name))), value) {
        (_, Value::Binary(_)) | (FileFormat::Json | FileFormat::Csv, Value::Text(_)) => {}
        (FileFormat::Ndjson, _) => return Ok(Addition::Lines(bytes(value, Some(FileFormat::Ndjson), name, budget)?)),
        (FileFormat::Csv, Value::Record(_)) => return Ok(Addition::Rows(Value::list(vec![value.clone()]))),
        (FileFormat::Csv, value) if Rows::of(value).is_some() => return Ok(Addition::Rows(value.clone())),
        (FileFormat::Json, _) => {
            let reason = "a second value after the first makes no JSON; append `as: ndjson`, a value a line";
            return Err(unfit(name, reason));
        }
        (FileFormat::Csv | FileFormat::Text | FileFormat::Binary, _) => {}
    }
    Ok(Addition::Bytes(bytes(value, format, name, budget)?))
}

fn unfit(name: &str, reason: &str) -> Fault {
    Fault::new(ErrorKind::Value, format!("The content of `{name}` does not fit: {reason}"))
}

/// An element a line; a text is taken as lines already encoded.
fn encode_lines(value: &Value, budget: &mut dyn Budget) -> Result<Vec<u8>, NoForm> {
    let mut lines = String::new();
    match (value, Rows::of(value)) {
        (Value::Text(text), _) => lines.push_str(text),
        (_, Some(rows)) => {
            for element in rows.iter() {
                lines.push_str(&encode_json_within(&element, budget)?);
                lines.push('\n');
            }
        }
        (value, None) => lines.push_str(&encode_json_within(value, budget)?),
    }
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push('\n');
    }
    Ok(lines.into_bytes())
}

/// Rows as CSV after the rows of a file that begins with `header`, in its columns; with a header of their own if the
/// file is empty; as far as the budget allows.
pub(super) fn csv_rows(rows: &Value, header: Option<&[u8]>, budget: &mut dyn Budget) -> Result<String, NoForm> {
    let Some(header) = header else { return encode_csv(rows, budget) };
    let wrong = |reason: &str| NoForm::Wrong(reason.to_owned());
    let header = std::str::from_utf8(header).map_err(|_| wrong("its first line is not UTF-8 text"))?;
    let Value::Table(empty) = decode_csv(header.strip_prefix('\u{feff}').unwrap_or(header), budget)? else {
        return encode_csv(rows, budget);
    };
    let columns = empty.shape().names();
    let mut fitted = RowsBuilder::default();
    for row in Rows::of(rows).iter().flat_map(Rows::iter) {
        let Value::Record(record) = &row else {
            return Err(wrong("CSV is made of rows, and these are not all records"));
        };
        if let Some((name, _)) = record.iter().find(|(name, _)| !columns.contains(name)) {
            let known = columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
            return Err(wrong(&format!("the row has a column `{name}`, and the file begins with the columns {known}")));
        }
        let cells = columns.iter().map(|name| (name.clone(), record.get(name).unwrap_or_default()));
        fitted.push(Value::record(cells.collect::<Vec<_>>()));
    }
    encode_csv_rows(&fitted.finish(), budget)
}
