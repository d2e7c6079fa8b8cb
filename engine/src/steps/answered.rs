//! The answer to the request of an `http` step, and the result that it becomes.

use crate::clock::Timestamp;
use crate::files::Files;
use crate::outgoing::{ConnectionName, Incoming, masked_header};
use crate::script::{Fault, NoForm, decode_json_within};
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::host::Host;
use flowscript_lang::program::Limits;
use flowscript_lang::value::Value;
use flowscript_stdlib::charset::{NotText, body_text};
use std::ops::RangeInclusive;
use std::time::Duration;

/// An answer to be turned into a result.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) incoming: Incoming,
    pub(super) wanted: Wanted,
}

/// What a step makes of an answer.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The method and the address of the request, for messages.
    pub(super) asked: String,
    /// The connection, for messages.
    pub(super) connection: Option<ConnectionName>,
    /// The statuses that are not failures.
    pub(super) expect: Vec<RangeInclusive<u16>>,
    /// The file that gets the body.
    pub(super) save_as: Option<String>,
    /// It was a request for headers alone.
    pub(super) is_head: bool,
    /// The limits of the result.
    pub(super) limits: Limits,
}

impl Answered {
    /// The length of the answer's body, in bytes.
    pub(super) fn size(&self) -> usize {
        self.incoming.body.len()
    }

    /// The result of the step: `[statusCode, headers, body, text, json]`. An unexpected status is a failure. The host
    /// ends work that takes too long.
    pub(super) fn result(self, files: &Files, now: Timestamp, host: &dyn Host) -> Result<Value, Fault> {
        let Self { incoming, wanted } = self;
        let stop = || host.interrupt();
        let mut budget = Allowance::new("The answer", wanted.limits.clone(), &stop);
        let stopped = |error: Box<RunError>| Fault::new(error.kind, error.message);
        // Its bytes, and its text.
        budget.take(incoming.body.len().saturating_mul(2)).map_err(stopped)?;
        let header = |wanted: &str| {
            incoming.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        let text = text(&incoming.body, header("content-type").unwrap_or_default());
        if !wanted.expect.iter().any(|range| range.contains(&incoming.status)) {
            let shown: String = text.as_deref().unwrap_or_default().chars().take(200).collect();
            let shown = if shown.is_empty() { String::new() } else { format!(": {shown}") };
            let message = format!("{} answered {} {}{shown}", wanted.asked, incoming.status, incoming.reason);
            let message = with_connection(wanted.connection.as_ref(), &message);
            let retry_after = header("retry-after").and_then(|text| retry_after(text, now));
            return Err(Fault { status: Some(incoming.status), retry_after, ..Fault::new(ErrorKind::Io, message) });
        }
        let headers = headers(&incoming.headers);
        let (mut body, mut json) = (Value::Null, Value::Null);
        let mut text = text.filter(|_| !wanted.is_head);
        if let Some(path) = &wanted.save_as {
            files.write(path, &incoming.body)?;
            text = None;
        } else if !wanted.is_head {
            json = match text.as_deref().map(|text| decode_json_within(text, &mut budget)) {
                Some(Ok(json)) => json,
                Some(Err(NoForm::Stopped(error))) => return Err(stopped(error)),
                Some(Err(NoForm::Wrong(_))) | None => Value::Null,
            };
            body = Value::binary(incoming.body.to_vec());
        }
        Ok(Value::record([
            ("statusCode", i64::from(incoming.status).into()),
            ("headers", Value::record(headers)),
            ("body", body),
            ("text", text.map_or(Value::Null, Value::text)),
            ("json", json),
        ]))
    }
}

/// Headers as a record. The values of a repeated name are joined, except for cookies, which may contain commas and
/// become a list.
fn headers(headers: &[(String, String)]) -> Vec<(String, Value)> {
    let mut names: Vec<&str> = Vec::new();
    headers.iter().for_each(|(name, _)| {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    });
    let value = |name: &str| {
        let all = headers.iter().filter(|(known, _)| known == name);
        let mut values: Vec<String> = all.map(|(_, value)| masked_header(value)).collect();
        match values.len() {
            1 => Value::text(values.pop().unwrap_or_default()),
            _ if name == "set-cookie" => Value::list(values.into_iter().map(Value::text).collect()),
            _ => Value::text(values.join(", ")),
        }
    };
    names.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

/// The text of a body; `None` if it is not text.
fn text(body: &[u8], content_type: &str) -> Option<String> {
    match body_text(body, content_type) {
        Ok(text) => Some(text),
        Err(NotText::UnknownCharset(_)) => body_text(body, "").ok(),
        Err(NotText::Malformed(_)) => None,
    }
}

/// `Retry-After`: seconds, or an HTTP date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let at = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
    u64::try_from(at.timestamp_millis().saturating_sub(now.0)).ok().map(Duration::from_millis)
}

/// A message that names its connection.
pub(super) fn with_connection(name: Option<&ConnectionName>, message: &str) -> String {
    name.map_or_else(|| message.to_owned(), |name| format!("The connection `{name}`: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_in_the_encoding_that_they_state() {
        let declared = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe5</a>";
        assert!(text(declared, "text/xml").unwrap().ends_with("<a>\u{e5}</a>"));
        assert!(text(declared, "application/soap+xml; charset=windows-1252").unwrap().ends_with("<a>\u{e5}</a>"));
        assert_eq!(text(b"\xfe\xff\0<\0a\0/\0>", "application/xml").as_deref(), Some("<a/>"));
        assert_eq!(text("\u{e5}".as_bytes(), "text/plain; charset=none").as_deref(), Some("\u{e5}"));
        assert_eq!(text(b"\xe5", "text/plain"), None);
    }
}
