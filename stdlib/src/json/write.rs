//! Values to JSON texts.

use super::scan::special;
use crate::letters::pieces;
use crate::pages::{Pages, Text};
use crate::unwritten::{EncodeError, Written};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Record, Rows, Scalar, Value};
use std::fmt::Write;

/// The message of `JSON.Encode` about functions.
pub(super) const FUNCTION: &str = "Function values cannot be converted to JSON.";

/// Longer texts are written in pieces, in bytes.
const PIECE: usize = 16 << 10;

/// Fields that are written before they are paid for.
const FIELDS: usize = 64;

/// How the text is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

/// A value as compact JSON: numbers with all their digits, datetimes as ISO 8601, binary as Base64. The budget pays for
/// the text, which may be very long for values that share their parts.
pub fn encode(value: &Value, budget: &mut dyn Budget) -> Result<String, EncodeError> {
    write(value, Layout::Compact, budget)
}

/// A value as JSON.
pub(super) fn write<T: Text + From<String>>(
    value: &Value,
    layout: Layout,
    budget: &mut dyn Budget,
) -> Result<T, EncodeError> {
    let written = Written::new(budget);
    let mut writer = Writer { out: Pages::beginning(String::with_capacity(256)), layout, open: Vec::new(), written };
    writer.begin(value)?;
    while let Some(inner) = writer.go_on()? {
        writer.begin(&inner)?;
    }
    writer.written.finish(writer.out)
}

/// The open values around the current place, so that depth costs no stack.
enum Open {
    Rows { rows: Rows, next: usize },
    Record { record: Record, next: usize },
}

struct Writer<'b> {
    out: Pages<String>,
    layout: Layout,
    open: Vec<Open>,
    written: Written<'b>,
}

impl Writer<'_> {
    /// Writes a simple value, or opens another one.
    fn begin(&mut self, value: &Value) -> Result<(), EncodeError> {
        if let Value::Text(text) = value
            && text.len() > PIECE
        {
            return self.long_text(text);
        }
        if let Some(scalar) = Scalar::of(value) {
            self.scalar(scalar);
            return Ok(());
        }
        match value {
            Value::Binary(bytes) => {
                self.out.page().push('"');
                // Three bytes are four characters.
                for piece in bytes.chunks(3 * PIECE) {
                    self.written.pay(self.out.len().saturating_add(piece.len() / 3 * 4))?;
                    STANDARD.encode_string(piece, self.out.page());
                }
                self.out.page().push('"');
            }
            Value::List(_) | Value::Table(_) => {
                self.out.page().push('[');
                self.open.extend(Rows::of(value).map(|rows| Open::Rows { rows, next: 0 }));
            }
            Value::Record(record) => self.open_record(record.clone()),
            // The kinds that `Scalar::of` handles do not occur here.
            _ => return Err(EncodeError::Value(FUNCTION.to_owned())),
        }
        Ok(())
    }

    fn open_record(&mut self, record: Record) {
        self.out.page().push('{');
        self.open.push(Open::Record { record, next: 0 });
    }

    /// Writes a simple value; of texts only short ones: longer ones are for [`Writer::long_text`].
    fn scalar(&mut self, scalar: Scalar<'_>) {
        let out = self.out.page();
        match scalar {
            Scalar::Null => out.push_str("null"),
            Scalar::True => out.push_str("true"),
            Scalar::False => out.push_str("false"),
            Scalar::Number(number) => number.write_to(out),
            Scalar::Text(text) => write_text(out, text),
            Scalar::DateTime(datetime) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\"{datetime}\"");
            }
        }
    }

    /// A text in quotes, paid for while it is written: escapes make it up to six times as long.
    fn long_text(&mut self, text: &str) -> Result<(), EncodeError> {
        self.out.page().push('"');
        for piece in pieces(text) {
            self.written.pay(self.out.len().saturating_add(piece.len()))?;
            write_chars(self.out.page(), piece);
        }
        self.out.page().push('"');
        self.written.pay(self.out.len())
    }

    /// Writes up to the next value that must be opened, including its comma and name; `None` at the end.
    fn go_on(&mut self) -> Result<Option<Value>, EncodeError> {
        while let Some(open) = self.open.pop() {
            self.written.pay(self.out.len())?;
            match open {
                Open::Rows { rows, next } => {
                    if next < rows.len() {
                        self.element(next);
                        let row = rows.get(next);
                        self.open.push(Open::Rows { rows, next: next + 1 });
                        match row {
                            Value::Record(record) => self.open_record(record),
                            value => return Ok(Some(value)),
                        }
                    } else {
                        self.close(']', next);
                    }
                }
                Open::Record { record, next } => {
                    if let Some(value) = self.fields(record, next)? {
                        return Ok(Some(value));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Writes the fields of a record from one on, to its end or up to one that must be opened, which is returned.
    fn fields(&mut self, record: Record, next: usize) -> Result<Option<Value>, EncodeError> {
        let names = record.shape().names();
        let indented = self.layout == Layout::Indented;
        for (at, name) in names.iter().enumerate().skip(next) {
            if at > next && at.is_multiple_of(FIELDS) {
                self.written.pay(self.out.len())?;
            }
            if at > 0 {
                self.out.page().push(',');
            }
            if indented {
                self.new_line(self.open.len() + 1);
            }
            if name.len() > PIECE {
                self.long_text(name)?;
            } else {
                write_text(self.out.page(), name);
            }
            self.out.page().push(':');
            if indented {
                self.out.page().push(' ');
            }
            match record.scalar_at(at) {
                Some(Scalar::Text(text)) if text.len() > PIECE => self.long_text(text)?,
                Some(scalar) => self.scalar(scalar),
                None => {
                    let value = record.at(at);
                    self.open.push(Open::Record { record, next: at + 1 });
                    return Ok(Some(value));
                }
            }
        }
        self.close('}', names.len());
        Ok(None)
    }

    /// Before the element at a position.
    #[inline]
    fn element(&mut self, at: usize) {
        if at > 0 {
            self.out.page().push(',');
        }
        self.line(self.open.len() + 1);
    }

    /// Closes a bracket after `count` elements or fields.
    fn close(&mut self, bracket: char, count: usize) {
        if count > 0 {
            self.line(self.open.len());
        }
        self.out.page().push(bracket);
    }

    #[inline]
    fn line(&mut self, level: usize) {
        if self.layout == Layout::Indented {
            self.new_line(level);
        }
    }

    fn new_line(&mut self, level: usize) {
        self.out.page().push('\n');
        self.out.page().extend(std::iter::repeat_n("  ", level));
    }
}

/// A text in quotes. Most have nothing to escape.
#[inline(never)]
pub(super) fn write_text(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    match special(text.as_bytes()) {
        None => out.push_str(text),
        Some(at) => {
            let (plain, rest) = text.split_at(at);
            out.push_str(plain);
            write_chars(out, rest);
        }
    }
    out.push('"');
}

/// The characters of a text, escaped.
fn write_chars(out: &mut String, text: &str) {
    let mut rest = text;
    // The bytes that are escaped are characters of their own.
    while let Some(at) = special(rest.as_bytes()) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let byte = from.as_bytes().first().copied().unwrap_or_default();
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = from.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}
