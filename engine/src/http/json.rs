//! Times, values and answers as JSON.

use super::app::App;
use super::headers::harden;
use super::problem::Problem;
use crate::engine::Timestamp;
use crate::script::encode_json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset, SecondsFormat};
use chrono_tz::Tz;
use flowscript_lang::value::{Value, offset_at};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// An instant as RFC 3339, in UTC with milliseconds.
pub fn time(at: Timestamp) -> String {
    let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An instant as RFC 3339, in the local time of a zone.
pub fn local_time(at: Timestamp, zone: Tz) -> String {
    let Some(offset) = FixedOffset::east_opt(offset_at(zone, at.0.div_euclid(1000))) else { return time(at) };
    let at = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    at.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The instant in a parameter or field `name`.
pub fn instant(name: &str, text: &str) -> Result<Timestamp, Problem> {
    DateTime::parse_from_rfc3339(text).map(|at| Timestamp(at.timestamp_millis())).map_err(|_| {
        Problem::bad_request(format!("`{name}` is `{text}`; it must be a time such as 2026-01-31T12:00:00Z."))
    })
}

/// The instant of an optional field that must be in the future.
pub fn future(app: &App, name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let at = text.map(|text| instant(name, text)).transpose()?;
    if let (Some(at), Some(text)) = (at, text)
        && at <= app.engine.now()
    {
        return Err(Problem::bad_request(format!(
            "`{name}` is {text}, which is in the past; it must be in the future."
        )));
    }
    Ok(at)
}

/// JSON with a status.
pub fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    harden(response.headers_mut());
    response
}

/// A small value of the language.
pub fn value(value: &Value) -> Json {
    encode_json(value).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The deepest nesting of values that is shown: the usual limit is 128 levels, and a document adds some around it.
const MOST_LEVELS: usize = 120;

/// The nesting depth of a JSON text.
fn depth(json: &str) -> usize {
    let (mut level, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                level += 1;
                most = most.max(level);
            }
            b']' | b'}' if !in_text => level = level.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// JSON that is already encoded: as a tree it would take many times its size.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Text(Box<RawValue>);

impl Text {
    /// An optional value. One that JSON cannot hold is null, and so is one nested so deeply that many JSON parsers
    /// refuse the whole document.
    pub fn optional(given: Option<&Value>) -> Self {
        given.and_then(|value| encode_json(value).ok()).and_then(Self::of_value).unwrap_or_default()
    }

    /// An encoded value, as [`Text::optional`] shows it.
    pub fn of_value(text: String) -> Option<Self> {
        Some(text).filter(|text| depth(text) <= MOST_LEVELS).and_then(Self::of_json)
    }

    /// An encoded JSON text.
    pub fn of_json(text: String) -> Option<Self> {
        RawValue::from_string(text).ok().map(Self)
    }

    /// A text as JSON.
    pub fn of_text(text: &str) -> Self {
        serde_json::to_string(text).ok().and_then(Self::of_json).unwrap_or_default()
    }

    /// The JSON.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths() {
        for (json, expected) in [("1", 0), ("[[1], {\"a\": []}]", 3), (r#"["[[[", "\\", "\"[["]"#, 1)] {
            assert_eq!(depth(json), expected, "{json}");
        }
    }
}
