//! Values to JSON texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ecow::EcoString;
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

/// A value as JSON of at most about `limit` bytes.
pub(super) fn write(value: &Value, layout: Layout, limit: usize) -> Result<String, WriteError> {
    let mut writer = Writer { out: String::new(), layout, open: Vec::new() };
    writer.begin(value)?;
    while let Some(step) = writer.step() {
        writer.begin(&step)?;
        if writer.out.len() > limit {
            return Err(WriteError::TooLong);
        }
    }
    Ok(writer.out)
}

/// What is open around the place that is written, so that depth costs no stack.
enum Open {
    Rows { rows: Rows, next: usize },
    Record { record: Record, next: usize },
}

impl Open {
    /// The next value inside, and its name in a record.
    fn next(&mut self) -> Option<(Option<EcoString>, Value)> {
        match self {
            Self::Rows { rows, next } if *next < rows.len() => {
                *next += 1;
                Some((None, rows.get(*next - 1)))
            }
            Self::Rows { .. } => None,
            Self::Record { record, next } => {
                let name = record.shape().names().get(*next)?.clone();
                *next += 1;
                Some((Some(name), record.at(*next - 1)))
            }
        }
    }

    fn is_at_start(&self) -> bool {
        matches!(self, Self::Rows { next: 0, .. } | Self::Record { next: 0, .. })
    }

    fn bracket(&self) -> char {
        match self {
            Self::Rows { .. } => ']',
            Self::Record { .. } => '}',
        }
    }
}

struct Writer {
    out: String,
    layout: Layout,
    open: Vec<Open>,
}

impl Writer {
    /// Writes a simple value, or opens another one.
    fn begin(&mut self, value: &Value) -> Result<(), WriteError> {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(number) => {
                // Writing to a String cannot fail.
                let _ = write!(self.out, "{number}");
            }
            Value::Text(text) => write_text(&mut self.out, text),
            Value::DateTime(datetime) => {
                let _ = write!(self.out, "\"{datetime}\"");
            }
            Value::Binary(bytes) => {
                self.out.push('"');
                STANDARD.encode_string(bytes, &mut self.out);
                self.out.push('"');
            }
            Value::List(_) | Value::Table(_) => {
                self.out.push('[');
                self.open.extend(Rows::of(value).map(|rows| Open::Rows { rows, next: 0 }));
            }
            Value::Record(record) => {
                self.out.push('{');
                self.open.push(Open::Record { record: record.clone(), next: 0 });
            }
            Value::Function(_) => return Err(WriteError::Function),
        }
        Ok(())
    }

    /// The next value inside what is open, its comma and name written; closes what has none left.
    fn step(&mut self) -> Option<Value> {
        loop {
            let level = self.open.len();
            let open = self.open.last_mut()?;
            let first = open.is_at_start();
            let Some((name, value)) = open.next() else {
                let bracket = open.bracket();
                self.open.pop();
                if !first {
                    self.line(level - 1);
                }
                self.out.push(bracket);
                continue;
            };
            if !first {
                self.out.push(',');
            }
            self.line(level);
            if let Some(name) = name {
                write_text(&mut self.out, &name);
                self.out.push_str(if self.layout == Layout::Indented { ": " } else { ":" });
            }
            return Some(value);
        }
    }

    fn line(&mut self, level: usize) {
        if self.layout == Layout::Indented {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
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
        out.push_str(&text[plain..at]);
        out.push_str(escape);
        if escape.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        }
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}
