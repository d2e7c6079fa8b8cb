//! Values to XML texts.

use super::chars::{is_char, is_name};
use super::events::MAX_NESTING;
use crate::letters::pieces;
use crate::pages::{Pages, Text};
use crate::show::{quoted, short};
use crate::unwritten::{EncodeError, Written};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Record, Rows, Value, to_text};

/// A record as the element `root`: the inverse of `decode`. The error says which field cannot be written.
/// The budget pays for the text.
pub fn encode(record: &Record, root: &str, budget: &mut dyn Budget) -> Result<String, EncodeError> {
    write(record, root, budget)
}

pub(super) fn write<T: Text + From<String>>(
    record: &Record,
    root: &str,
    budget: &mut dyn Budget,
) -> Result<T, EncodeError> {
    let mut out = Out { text: Pages::default(), written: Written::new(budget) };
    element(&mut out, root, &Value::Record(record.clone()), 1)?;
    out.written.finish(out.text)
}

/// The text, and its budget.
struct Out<'b> {
    text: Pages<String>,
    written: Written<'b>,
}

impl Out<'_> {
    fn push(&mut self, part: &str) {
        self.text.page().push_str(part);
    }

    /// Writes a text, paid for piece by piece.
    fn escaped(&mut self, text: &str, name: &str) -> Result<(), EncodeError> {
        for piece in pieces(text) {
            self.pay()?;
            escape(self.text.page(), piece, name)?;
        }
        Ok(())
    }

    fn pay(&mut self) -> Result<(), EncodeError> {
        self.written.pay(self.text.len())
    }
}

fn element(out: &mut Out<'_>, name: &str, value: &Value, level: usize) -> Result<(), EncodeError> {
    out.pay()?;
    if level > MAX_NESTING {
        return Err(format!("elements would be nested more than {MAX_NESTING} deep.").into());
    }
    if !is_name(name) {
        return Err(format!("{} is not a name for an XML element.", quoted(name)).into());
    }
    match value {
        Value::Null => Ok(()),
        Value::List(_) | Value::Table(_) => {
            for row in Rows::of(value).iter().flat_map(Rows::iter) {
                if matches!(row, Value::List(_) | Value::Table(_)) {
                    return Err(format!("the list {} holds another list, which XML cannot show.", short(name)).into());
                }
                element(out, name, &row, level)?;
            }
            Ok(())
        }
        Value::Record(record) => record_element(out, name, record, level),
        simple => {
            let text = simple_text(name, simple)?;
            wrap(out, name, |_| Ok(()), |out| out.escaped(&text, name))
        }
    }
}

fn attributes(out: &mut Out<'_>, record: &Record) -> Result<(), EncodeError> {
    for (field, value) in record.iter() {
        if let (Some(attribute), false) = (field.strip_prefix('@'), value.is_null()) {
            if !is_name(attribute) {
                return Err(format!("{} is not a name for an XML attribute.", quoted(attribute)).into());
            }
            out.push(" ");
            out.push(attribute);
            out.push("=\"");
            out.escaped(&simple_text(field, &value)?, field)?;
            out.push("\"");
        }
    }
    Ok(())
}

fn record_element(out: &mut Out<'_>, name: &str, record: &Record, level: usize) -> Result<(), EncodeError> {
    let inside = |out: &mut Out<'_>| {
        for (field, value) in record.iter() {
            if field == "#text" {
                out.escaped(&simple_text(field, &value)?, field)?;
            } else if !field.starts_with('@') {
                element(out, field, &value, level + 1)?;
            }
        }
        Ok(())
    };
    wrap(out, name, |out| attributes(out, record), inside)
}

/// An element around the output of `inside`.
fn wrap(
    out: &mut Out<'_>,
    name: &str,
    attributes: impl FnOnce(&mut Out<'_>) -> Result<(), EncodeError>,
    inside: impl FnOnce(&mut Out<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    out.push("<");
    out.push(name);
    attributes(out)?;
    out.push(">");
    let start = out.text.len();
    inside(out)?;
    if out.text.len() == start {
        out.text.pop();
        out.push("/>");
    } else {
        out.push("</");
        out.push(name);
        out.push(">");
    }
    Ok(())
}

fn simple_text(name: &str, value: &Value) -> Result<ecow::EcoString, String> {
    to_text(value).map_err(|_| {
        format!(
            "the field {} is {} of type {}, which has no text form.",
            short(name),
            value.to_literal(60),
            value.type_name()
        )
    })
}

fn escape(out: &mut String, text: &str, name: &str) -> Result<(), String> {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Unescaped, they would be read back as other blanks.
            '\r' => out.push_str("&#13;"),
            '\n' if name.starts_with('@') => out.push_str("&#10;"),
            '\t' if name.starts_with('@') => out.push_str("&#9;"),
            c if !is_char(c) => {
                return Err(format!(
                    "the field {} has the character {}, which XML cannot hold.",
                    short(name),
                    c.escape_unicode()
                ));
            }
            c => out.push(c),
        }
    }
    Ok(())
}
