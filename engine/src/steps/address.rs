//! The address of an `http` step, filled from its template.

use crate::outgoing::{climbing, climbs, segments};
use crate::script::{Content, Context, Fault, Script};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Value, to_text};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::ops::Range;

/// All characters that are not unreserved in RFC 3986.
pub(super) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address with `{parts}`, each of which is percent-encoded.
#[derive(Debug)]
pub(super) enum Url {
    /// The whole address is one value.
    Whole(Content),
    /// Text and values alternating.
    Parts(Vec<UrlPart>),
}

/// A part of an address.
#[derive(Debug)]
pub(super) enum UrlPart {
    /// As it is written.
    Text(String),
    /// A value, to be encoded.
    Value(Script),
}

/// Fills the template of an address. A value is one segment of its path: it is encoded, and must not be empty, `.` or
/// `..`.
pub(super) fn fill(url: &Url, variables: &mut [Value], context: Context<'_>) -> Result<String, Fault> {
    let parts = match url {
        Url::Whole(content) => return content.text("The address", variables, context).map(|text| text.to_string()),
        Url::Parts(parts) => parts,
    };
    let mut text = String::new();
    let mut filled: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match part {
            UrlPart::Text(part) => text.push_str(part),
            UrlPart::Value(script) => {
                let value = script.run(variables, context)?;
                let part = to_text(&value).map_err(|_| {
                    Fault::new(ErrorKind::Type, format!("A part of the address is a {}.", value.type_name()))
                })?;
                let start = text.len();
                text.extend(utf8_percent_encode(&part, ENCODED));
                filled.push(start..text.len());
            }
        }
    }
    for segment in segments(&text).filter(|segment| filled.iter().any(|value| touches(segment, value))) {
        let part = text.get(segment.clone()).unwrap_or_default();
        if part.is_empty() {
            let message = format!("A value in the address {text} is empty, so it would be another address.");
            return Err(Fault::new(ErrorKind::Value, message));
        }
        if climbs(part) {
            return Err(climbing(part));
        }
    }
    Ok(text)
}

/// Is a value in a segment? An empty one at its edges is.
fn touches(segment: &Range<usize>, value: &Range<usize>) -> bool {
    segment.start <= value.start && value.end <= segment.end
}
