//! Values as literals, shortened: for messages and the repl.

use super::{Rows, Value};
use std::fmt::{self, Write};

/// Shows a value as a literal of the language, cut after a number of characters.
pub struct Literal<'a> {
    value: &'a Value,
    limit: usize,
}

impl Value {
    /// The value as a literal, at most about `limit` characters.
    pub fn to_literal(&self, limit: usize) -> String {
        Literal { value: self, limit }.to_string()
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        write_literal(&mut out, self.value, self.limit);
        if out.chars().count() > self.limit {
            let cut: String = out.chars().take(self.limit.saturating_sub(1)).collect();
            return write!(f, "{cut}…");
        }
        f.write_str(&out)
    }
}

/// Writes until `out` is longer than `limit` bytes; the caller truncates it.
fn write_literal(out: &mut String, value: &Value, limit: usize) {
    if out.len() > limit * 4 {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Text(text) => write_chars(out, text.chars().take(limit + 1)),
        Value::DateTime(datetime) => {
            let _ = write!(out, "{datetime}");
        }
        Value::Binary(bytes) => {
            let _ = write!(out, "binary of {} bytes", bytes.len());
        }
        Value::Record(record) => {
            out.push('{');
            for (position, (name, value)) in record.iter().enumerate() {
                if out.len() > limit * 4 {
                    break;
                }
                out.push_str(if position > 0 { ", " } else { "" });
                // The start of a long name is enough; the caller truncates it.
                let end = name.char_indices().nth(limit + 1).map_or(name.len(), |(at, _)| at);
                write_label(out, &name[..end]);
                out.push_str(": ");
                write_literal(out, &value, limit);
            }
            out.push('}');
        }
        Value::List(_) | Value::Table(_) => {
            out.push('[');
            for (position, row) in Rows::of(value).iter().flat_map(Rows::iter).enumerate() {
                if out.len() > limit * 4 {
                    break;
                }
                out.push_str(if position > 0 { ", " } else { "" });
                write_literal(out, &row, limit);
            }
            out.push(']');
        }
        Value::Function(function) => match function.name() {
            Some(name) => {
                let _ = write!(out, "function {name}");
            }
            None => out.push_str("a function"),
        },
    }
}

/// Writes a text as a literal in quotes, whole.
pub fn write_text(out: &mut String, text: &str) {
    write_chars(out, text.chars());
}

fn write_chars(out: &mut String, chars: impl Iterator<Item = char>) {
    out.push('\'');
    for c in chars {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('\'');
}

fn write_label(out: &mut String, name: &str) {
    let plain = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain {
        out.push_str(name);
    } else {
        let _ = write!(out, "{name:?}");
    }
}
