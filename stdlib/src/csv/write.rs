//! Tables to CSV texts.

use super::Dialect;
use crate::letters::pieces;
use crate::pages::{Pages, Text};
use crate::show::short;
use crate::unwritten::{EncodeError, Written};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Table, to_text};
use memchr::{memchr, memchr3};

/// A table as CSV, every line ending with CRLF. Fails if a cell has no text form; the error names it.
/// The budget pays for the text.
pub fn encode(table: &Table, dialect: Dialect, budget: &mut dyn Budget) -> Result<String, EncodeError> {
    write(table, dialect, budget)
}

pub(super) fn write<T: Text + From<String>>(
    table: &Table,
    dialect: Dialect,
    budget: &mut dyn Budget,
) -> Result<T, EncodeError> {
    let names = table.shape().names();
    if names.is_empty() {
        return Ok(T::default());
    }
    let mut lines = Lines { out: Pages::default(), written: Written::new(budget), delimiter: dialect.delimiter };
    let only = names.len() == 1;
    if dialect.header {
        for (column, name) in names.iter().enumerate() {
            lines.cell(column, name, only)?;
        }
        lines.end();
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
            lines.cell(column, &text, only)?;
        }
        lines.end();
    }
    lines.written.finish(lines.out)
}

/// Most cells are shorter, in bytes, and are written as they are.
const SHORT: usize = 32;

/// The text so far, and its budget.
struct Lines<'b> {
    out: Pages<String>,
    written: Written<'b>,
    delimiter: u8,
}

impl Lines<'_> {
    /// Writes a cell, in quotes if it needs them: a single empty one would be a blank line.
    fn cell(&mut self, column: usize, text: &str, only: bool) -> Result<(), EncodeError> {
        if column > 0 {
            self.out.page().push(char::from(self.delimiter));
        }
        let special = |byte: u8| matches!(byte, b'"' | b'\r' | b'\n') || byte == self.delimiter;
        if (1..=SHORT).contains(&text.len()) && !text.bytes().any(special) {
            self.out.page().push_str(text);
            return self.written.pay(self.out.len());
        }
        self.other_cell(text, only)
    }

    fn other_cell(&mut self, text: &str, only: bool) -> Result<(), EncodeError> {
        if text.is_empty() {
            if only {
                self.out.page().push_str("\"\"");
            }
            return self.written.pay(self.out.len());
        }
        let quoted = self.needs_quotes(text)?;
        if quoted {
            self.out.page().push('"');
        }
        for piece in pieces(text) {
            self.written.pay(self.out.len().saturating_add(piece.len()))?;
            let mut rest = piece;
            while quoted && let Some((before, after)) = rest.split_once('"') {
                self.out.page().push_str(before);
                self.out.page().push_str("\"\"");
                rest = after;
            }
            self.out.page().push_str(rest);
        }
        if quoted {
            self.out.page().push('"');
        }
        Ok(())
    }

    fn needs_quotes(&mut self, text: &str) -> Result<bool, EncodeError> {
        for piece in pieces(text) {
            let bytes = piece.as_bytes();
            if memchr3(b'"', b'\r', b'\n', bytes).is_some() || memchr(self.delimiter, bytes).is_some() {
                return Ok(true);
            }
            self.written.look(bytes.len())?;
        }
        Ok(false)
    }

    fn end(&mut self) {
        self.out.page().push_str("\r\n");
    }
}
