//! Bodies: expanded, then decoded by their content type.

use crate::room::Full;
use bytes::Bytes;
use ecow::EcoString;
use encoding_rs::Encoding;
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Record, Value};
use flowscript_stdlib::charset::{body_text, decoded, encoding, is_xml, media_type};
use flowscript_stdlib::csv::{self, Dialect};
use flowscript_stdlib::{json, xml};
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::io::Read;

/// The size of the first buffer for an expanded body, in bytes.
const FIRST_PIECE: usize = 4 << 10;
/// The most fields of a form.
const MAX_FIELDS: usize = 10_000;

/// The error of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyProblem {
    /// Larger than `limit` bytes after expansion.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// An unknown `Content-Encoding`.
    UnknownEncoding(String),
    /// It does not have the format of its type; the text is the message.
    Undecodable(String),
    /// No room for the expanded body.
    NoRoom(Full),
}

/// Undoes the content encoding: none, `identity` or `gzip`. `grow` is asked for room before it is taken.
pub fn expand(
    raw: Bytes,
    encoding: Option<&str>,
    limit: usize,
    grow: impl FnMut(usize) -> Result<(), Full>,
) -> Result<Bytes, BodyProblem> {
    let expanded = match encoding.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => raw,
        Some("gzip" | "x-gzip") => unzip(&raw, limit, grow)?.into(),
        Some(other) => return Err(BodyProblem::UnknownEncoding(other.to_owned())),
    };
    if expanded.len() > limit { Err(BodyProblem::TooLarge { limit }) } else { Ok(expanded) }
}

/// Expands a piece after the other, in a buffer that grows with them.
fn unzip(raw: &[u8], limit: usize, mut grow: impl FnMut(usize) -> Result<(), Full>) -> Result<Vec<u8>, BodyProblem> {
    let mut decoder = flate2::read::MultiGzDecoder::new(raw);
    let (mut expanded, mut length) = (Vec::new(), 0);
    loop {
        if length == expanded.len() {
            if length > limit {
                return Err(BodyProblem::TooLarge { limit });
            }
            // One byte more than allowed reveals a larger body.
            let more = expanded.len().max(FIRST_PIECE).min(limit + 1 - length);
            grow(more).map_err(BodyProblem::NoRoom)?;
            expanded.reserve_exact(more);
            expanded.resize(length + more, 0);
        }
        let Some(rest) = expanded.get_mut(length..) else {
            return Err(BodyProblem::Undecodable("The body could not be expanded; please report it.".to_owned()));
        };
        match decoder.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(BodyProblem::Undecodable(format!("The body is not gzip: {error}."))),
        }
    }
    expanded.truncate(length);
    Ok(expanded)
}

/// Is this a type of body that webhooks do not support?
pub fn is_unsupported(content_type: &str) -> bool {
    content_type.trim_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
}

/// The value of a body: JSON, XML, form, CSV and text by the content type; without a type JSON if it parses, else
/// bytes. A missing body is null, and so is white space in place of JSON or XML. The budget pays for it.
pub fn decode(raw: &Bytes, content_type: Option<&str>, budget: &mut dyn Budget) -> Result<Value, String> {
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    let content_type = content_type.unwrap_or_default();
    let media = media_type(content_type);
    // Its text, or a copy.
    budget.take(raw.len()).and_then(|()| budget.scan(raw.len())).map_err(|error| error.to_string())?;
    let text = || body_text(raw, content_type).map_err(|error| error.to_string());
    match media.as_str() {
        "" => untyped(raw, budget),
        "application/x-www-form-urlencoded" => {
            let charset = encoding(raw, content_type).map_err(|error| error.to_string())?;
            form(&text()?, charset, budget)
        }
        "text/csv" => {
            let table = csv::decode(&text()?, Dialect::default(), budget);
            table.map(Value::table).map_err(|reason| format!("The body is not CSV: {reason}"))
        }
        media if is_xml(media) => xml(&text()?, budget),
        media if is_json(media) => json(&text()?, budget),
        media if media.starts_with("text/") => Ok(Value::text(text()?)),
        _ => Ok(Value::binary(raw.to_vec())),
    }
}

fn is_json(media: &str) -> bool {
    matches!(media, "application/json" | "text/json") || media.ends_with("+json")
}

/// A body without a type.
fn untyped(raw: &Bytes, budget: &mut dyn Budget) -> Result<Value, String> {
    match body_text(raw, "") {
        Ok(text) if is_blank(&text) => Ok(Value::Null),
        Ok(text) => match json::decode(&text, budget) {
            Ok(value) => Ok(value),
            Err(error) if matches!(error.problem, json::Problem::Stopped(_)) => Err(error.to_string()),
            Err(_) => Ok(Value::binary(raw.to_vec())),
        },
        Err(_) => Ok(Value::binary(raw.to_vec())),
    }
}

/// White space as defined by JSON and XML.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

fn json(text: &str, budget: &mut dyn Budget) -> Result<Value, String> {
    if is_blank(text) {
        return Ok(Value::Null);
    }
    json::decode(text, budget).map_err(|reason| format!("The body is not JSON: {reason}"))
}

fn xml(text: &str, budget: &mut dyn Budget) -> Result<Value, String> {
    if is_blank(text) {
        return Ok(Value::Null);
    }
    xml::decode(text, budget).map(Value::Record).map_err(|reason| format!("The body is not XML: {reason}"))
}

/// `a=1&b=2`, names given several times as lists. Percent-encoded bytes are in the charset of the body.
fn form(text: &str, charset: &'static Encoding, budget: &mut dyn Budget) -> Result<Value, String> {
    // `curl -d` always declares a form, but a form is never a JSON object or list.
    if text.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Err(
            "The body is JSON, but its Content-Type says that it is a form, as `curl -d` does by itself: send \
                    `Content-Type: application/json`."
                .to_owned(),
        );
    }
    let text = text.trim_end_matches(['\r', '\n']);
    let count = text.split('&').filter(|part| !part.is_empty()).count();
    if count > MAX_FIELDS {
        return Err(format!("The form has {count} fields; the limit is {MAX_FIELDS}."));
    }
    budget.make_cells(count).map_err(|error| error.to_string())?;
    let mut fields: Vec<(EcoString, Vec<Value>)> = Vec::new();
    // A hostile form has names by the thousand.
    let mut places: HashMap<EcoString, usize> = HashMap::new();
    for (name, value) in pairs_in(text, charset) {
        let (name, value) = (EcoString::from(name?), Value::text(value?));
        let place = *places.entry(name.clone()).or_insert(fields.len());
        match fields.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    let fields = fields.into_iter().map(|(name, values)| {
        let value = <[Value; 1]>::try_from(values).map_or_else(Value::list, |[value]| value);
        (name, value)
    });
    Ok(Value::Record(Record::from_fields(fields)))
}

type Pair = (Result<String, String>, Result<String, String>);

/// The decoded pairs of a query string.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = Pair> + '_ {
    pairs_in(text, encoding_rs::UTF_8)
}

fn pairs_in<'t>(text: &'t str, charset: &'static Encoding) -> impl Iterator<Item = Pair> + 't {
    text.split('&').filter(|part| !part.is_empty()).map(move |part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (unescape(name, charset), unescape(value, charset))
    })
}

fn unescape(text: &str, charset: &'static Encoding) -> Result<String, String> {
    let spaced = text.replace('+', " ");
    if !spaced.contains('%') {
        return Ok(spaced);
    }
    if charset == encoding_rs::UTF_8 {
        let text = percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned);
        return text.map_err(|_| not_encoded(&spaced, charset));
    }
    // Unescaped text has been decoded with the whole body.
    let mut bytes = Vec::with_capacity(spaced.len());
    for part in spaced.split_inclusive(|c: char| !c.is_ascii()) {
        let plain_end = part.trim_end_matches(|c: char| !c.is_ascii()).len();
        let (ascii, other) = part.split_at(plain_end);
        bytes.extend(percent_decode_str(ascii));
        bytes.extend_from_slice(&charset.encode(other).0);
    }
    decoded(&bytes, charset).map_err(|_| not_encoded(&spaced, charset))
}

fn not_encoded(text: &str, charset: &'static Encoding) -> String {
    format!("`{text}` is not percent-encoded {}.", charset.name())
}
