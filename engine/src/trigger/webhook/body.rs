//! Bodies: expanded, then decoded by their content type.

use crate::script::{decode_csv, decode_json, decode_xml};
use bytes::Bytes;
use encoding_rs::Encoding;
use flowscript_lang::value::Value;
use percent_encoding::percent_decode_str;
use std::io::Read;

/// What is wrong with a body.
#[derive(Clone, Debug, PartialEq)]
pub enum BodyProblem {
    /// Larger than `limit` bytes after expansion.
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// A `Content-Encoding` that is not known.
    UnknownEncoding(String),
    /// It is not what its type says; in words.
    Undecodable(String),
}

/// Undoes the content encoding: none, `identity` or `gzip`.
pub fn expand(raw: Bytes, encoding: Option<&str>, limit: usize) -> Result<Bytes, BodyProblem> {
    let expanded = match encoding.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => raw,
        Some("gzip" | "x-gzip") => {
            let mut bytes = Vec::new();
            // One byte more than allowed shows that there is more.
            let read = flate2::read::MultiGzDecoder::new(raw.as_ref()).take(limit as u64 + 1).read_to_end(&mut bytes);
            read.map_err(|error| BodyProblem::Undecodable(format!("The body is not gzip: {error}.")))?;
            Bytes::from(bytes)
        }
        Some(other) => return Err(BodyProblem::UnknownEncoding(other.to_owned())),
    };
    if expanded.len() > limit { Err(BodyProblem::TooLarge { limit }) } else { Ok(expanded) }
}

/// The value of a body: JSON, XML, form, CSV and text by the content type, JSON if it parses where there is no type, else
/// bytes. No body is null.
pub fn decode(raw: &Bytes, content_type: Option<&str>) -> Result<Value, String> {
    if raw.is_empty() {
        return Ok(Value::Null);
    }
    let Some(content_type) = content_type.map(str::trim).filter(|text| !text.is_empty()) else {
        let json = std::str::from_utf8(raw).ok().and_then(|text| decode_json(text).ok());
        return Ok(json.unwrap_or_else(|| Value::binary(raw.to_vec())));
    };
    let (media, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let media = media.trim().to_ascii_lowercase();
    let text = || text(raw, charset(parameters).as_deref());
    match media.as_str() {
        "application/x-www-form-urlencoded" => form(&text()?),
        "application/xml" | "text/xml" => xml(&text()?),
        media if media.ends_with("+xml") => xml(&text()?),
        "text/csv" => decode_csv(&text()?).map_err(|reason| format!("The body is not CSV: {reason}")),
        "application/json" => json(&text()?),
        media if media.ends_with("+json") => json(&text()?),
        media if media.starts_with("text/") => Ok(Value::text(text()?)),
        _ => Ok(Value::binary(raw.to_vec())),
    }
}

fn json(text: &str) -> Result<Value, String> {
    decode_json(text).map_err(|reason| format!("The body is not JSON: {reason}"))
}

fn xml(text: &str) -> Result<Value, String> {
    decode_xml(text).map_err(|reason| format!("The body is not XML: {reason}"))
}

/// `a=1&b=2`, names given several times as lists.
fn form(text: &str) -> Result<Value, String> {
    // `curl -d` says that it sends a form, whatever it sends: no form is a JSON object or list.
    if text.starts_with(['{', '[']) && decode_json(text).is_ok() {
        return Err(
            "The body is JSON, but its Content-Type says that it is a form, as `curl -d` does by itself: send \
                    `Content-Type: application/json`."
                .to_owned(),
        );
    }
    let mut fields: Vec<(String, Vec<Value>)> = Vec::new();
    for (name, value) in pairs(text) {
        let (name, value) = (name?, Value::text(value?));
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    let fields = fields.into_iter().map(|(name, mut values)| {
        let value = if values.len() == 1 { values.pop().unwrap_or_default() } else { Value::list(values) };
        (name, value)
    });
    Ok(Value::record(fields.collect::<Vec<_>>()))
}

/// The decoded pairs of a query string or form.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (Result<String, String>, Result<String, String>)> + '_ {
    text.split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (unescape(name), unescape(value))
    })
}

fn unescape(text: &str) -> Result<String, String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| format!("`{text}` is not percent-encoded UTF-8."))
}

/// The text of a body in its charset, UTF-8 where none is named.
fn text(raw: &Bytes, charset: Option<&str>) -> Result<String, String> {
    let encoding = match charset {
        None => encoding_rs::UTF_8,
        Some(name) => Encoding::for_label(name.as_bytes())
            .ok_or_else(|| format!("The charset `{name}` of the body is not known."))?,
    };
    let (text, _, malformed) = encoding.decode(raw);
    if malformed {
        return Err(format!("The body is not text in {}.", encoding.name()));
    }
    Ok(text.into_owned())
}

fn charset(parameters: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    })
}
