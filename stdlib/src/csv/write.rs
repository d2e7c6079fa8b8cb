//! Tables to CSV texts.

use super::Dialect;
use crate::show::short;
use crate::unwritten::{EncodeError, Written};
use csv::{Terminator, WriterBuilder};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Table, to_text};

/// A table as CSV, every line ending with CRLF. Fails where a cell has no text form; the error names it.
/// The budget pays for the text.
pub fn encode(table: &Table, dialect: Dialect, budget: &mut dyn Budget) -> Result<String, EncodeError> {
    let mut written = Written::new(budget);
    let mut length = 0;
    let names = table.shape().names();
    if names.is_empty() {
        return Ok(String::new());
    }
    let mut writer =
        WriterBuilder::new().delimiter(dialect.delimiter).terminator(Terminator::CRLF).from_writer(Vec::new());
    if dialect.header {
        writer.write_record(names.iter().map(|name| name.as_bytes())).map_err(|error| error.to_string())?;
    }
    for row in 0..table.len() {
        for (column, name) in names.iter().enumerate() {
            let cell = table.cell(row, column);
            let text = to_text(&cell).map_err(|_| {
                let shown = cell.to_literal(60);
                format!(
                    "row {row} has {shown} of type {} in the column {}, which has no text form.",
                    cell.type_name(),
                    short(name)
                )
            })?;
            length += text.len() + 1;
            written.pay(length)?;
            writer.write_field(text.as_bytes()).map_err(|error| error.to_string())?;
        }
        writer.write_record(None::<&[u8]>).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    written.finish(text.len())?;
    Ok(text)
}
