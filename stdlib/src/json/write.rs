//! Values to JSON texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flowscript_lang::value::{Record, Rows, Value};
use std::fmt::Write;

/// What `JSON.Encode` says of functions.
pub(super) const FUNCTION: &str = "Function values cannot be converted to JSON.";

/// How the text is laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Indented,
}

/// Why there is no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteError {
    Function,
    TooLong,
}

/// A value as compact JSON: numbers with all their digits, datetimes as ISO 8601, binary as Base64.
///
/// Fails where the value holds a function; the error says so.
pub fn encode(value: &Value) -> Result<String, String> {
    write(value, Layout::Compact, usize::MAX).map_err(|error| match error {
        WriteError::Function => FUNCTION.into(),
        WriteError::TooLong => "The JSON text would be too long.".into(),
    })
}

/// A value as JSON of at most `limit` bytes.
pub(super) fn write(value: &Value, layout: Layout, limit: usize) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), layout, limit };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    layout: Layout,
    limit: usize,
}

impl Writer {
    // Values are nested `MAX_DEPTH` deep at most, so this may recurse.
    fn value(&mut self, value: &Value, level: usize) -> Result<(), WriteError> {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(number) => {
                // Writing to a String cannot fail.
                let _ = write!(self.out, "{number}");
            }
            Value::Text(text) => self.text(text),
            Value::DateTime(datetime) => {
                let _ = write!(self.out, "\"{datetime}\"");
            }
            Value::Binary(bytes) => {
                self.out.push('"');
                STANDARD.encode_string(bytes, &mut self.out);
                self.out.push('"');
            }
            Value::List(_) | Value::Table(_) => {
                let rows = Rows::of(value);
                self.out.push('[');
                let mut any = false;
                for row in rows.iter().flat_map(Rows::iter) {
                    self.next(any, level + 1);
                    self.value(&row, level + 1)?;
                    any = true;
                }
                self.close(any, level, ']');
            }
            Value::Record(record) => self.record(record, level)?,
            Value::Function(_) => return Err(WriteError::Function),
        }
        if self.out.len() > self.limit { Err(WriteError::TooLong) } else { Ok(()) }
    }

    fn record(&mut self, record: &Record, level: usize) -> Result<(), WriteError> {
        self.out.push('{');
        let mut any = false;
        for (name, value) in record.iter() {
            self.next(any, level + 1);
            self.text(name);
            self.out.push_str(if self.layout == Layout::Indented { ": " } else { ":" });
            self.value(&value, level + 1)?;
            any = true;
        }
        self.close(any, level, '}');
        Ok(())
    }

    fn next(&mut self, comma: bool, level: usize) {
        if comma {
            self.out.push(',');
        }
        self.line(level);
    }

    fn close(&mut self, any: bool, level: usize, bracket: char) {
        if any {
            self.line(level);
        }
        self.out.push(bracket);
    }

    fn line(&mut self, level: usize) {
        if self.layout == Layout::Indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0x08 => "\\b",
                0x0c => "\\f",
                0..0x20 => "",
                _ => continue,
            };
            self.out.push_str(&text[plain..at]);
            self.out.push_str(escape);
            if escape.is_empty() {
                let _ = write!(self.out, "\\u{byte:04x}");
            }
            plain = at + 1;
        }
        self.out.push_str(&text[plain..]);
        self.out.push('"');
    }
}
