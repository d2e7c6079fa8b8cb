//! The `http` step: from its templates to a request, and from the answer to its result.

use super::address::{self, ENCODED};
use super::file::Files;
use crate::burden::Load;
use crate::outgoing::{Incoming, Outgoing, Sender, Unsent, masked, masked_header, shown as shown_url};
use crate::script::{Context, Fault, NoForm, TIMEOUT, decode_json_within, encode_json_within};
use crate::store::Timestamp;
use crate::workflow::model::{Http, HttpBody};
use bytes::Bytes;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::host::Host;
use flowscript_lang::program::Limits;
use flowscript_lang::value::{Rows, Value, to_text};
use flowscript_stdlib::charset::{NotText, body_text};
use percent_encoding::utf8_percent_encode;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// Without the connection's part.
    request: Outgoing,
    connection: Option<String>,
    expect: Vec<RangeInclusive<u16>>,
    save_as: Option<String>,
    is_head: bool,
    /// What the answer may take as a value.
    limits: Limits,
}

/// Fills the templates of a step.
pub(super) fn call(http: &Http, variables: &mut [Value], context: Context<'_>) -> Result<HttpCall, Fault> {
    let url = address::fill(&http.url, variables, context)?;
    // Behind `#` a parameter would not be sent.
    let (mut url, fragment) = match url.split_once('#') {
        Some((url, fragment)) => (url.to_owned(), format!("#{fragment}")),
        None => (url, String::new()),
    };
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for (name, content) in &http.query {
        let value = content.value(variables, context)?;
        for text in texts(&value, &format!("The parameter `{name}`"))? {
            let name = utf8_percent_encode(name, ENCODED);
            let text = utf8_percent_encode(&text, ENCODED);
            url.push(separator);
            url.extend(name.chain(["="]).chain(text));
            separator = '&';
        }
    }
    url.push_str(&fragment);
    let mut headers = Vec::new();
    for (name, content) in &http.headers {
        headers.push((name.clone(), super::header(name, content, variables, context)?));
    }
    let (body, content_type) = match &http.body {
        HttpBody::Empty => (None, None),
        HttpBody::Json(content) => {
            let value = content.value(variables, context)?;
            let wrong = |reason| Fault::new(ErrorKind::Type, format!("The body is no JSON: {reason}"));
            let text = context.within("The body", |budget| encode_json_within(&value, budget));
            let text = text.map_err(|error| error.into_fault(wrong))?;
            (Some(Bytes::from(text)), Some("application/json"))
        }
        HttpBody::Raw(content) => match content.value(variables, context)? {
            Value::Binary(bytes) => (Some(Bytes::copy_from_slice(&bytes)), Some("application/octet-stream")),
            value => {
                let text = to_text(&value).map_err(|_| {
                    let message =
                        format!("The body must be a text or binary, not a {}; use `json`.", value.type_name());
                    Fault::new(ErrorKind::Type, message)
                })?;
                (Some(Bytes::copy_from_slice(text.as_bytes())), Some("text/plain; charset=utf-8"))
            }
        },
    };
    let says_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(content_type) = content_type.filter(|_| !says_type) {
        headers.push(("Content-Type".to_owned(), content_type.to_owned()));
    }
    let save_as = match &http.save_as {
        Some(content) => Some(content.text("The path of `saveAs`", variables, context)?.to_string()),
        None => None,
    };
    let method = http.method.as_str().to_owned();
    Ok(HttpCall {
        request: Outgoing { method, shown: shown_url(&url), url, headers, body, timeout: http.timeout },
        connection: http.connection.clone(),
        expect: http.expect.clone(),
        save_as,
        is_head: http.method == crate::workflow::model::HttpMethod::Head,
        limits: context.settings.limits.clone(),
    })
}

/// The texts of a parameter: none for null, several for a list.
pub(super) fn texts(value: &Value, what: &str) -> Result<Vec<String>, Fault> {
    let text = |value: &Value| {
        to_text(value).map(|text| text.to_string()).map_err(|_| {
            Fault::new(ErrorKind::Type, format!("{what} must be a simple value, not a {}.", value.type_name()))
        })
    };
    match (value, Rows::of(value)) {
        (Value::Null, _) => Ok(Vec::new()),
        (Value::List(_), Some(rows)) => rows.iter().map(|row| text(&row)).collect(),
        (value, _) => Ok(vec![text(value)?]),
    }
}

impl HttpCall {
    /// The length of the body that is sent, in bytes.
    pub fn body_size(&self) -> usize {
        self.request.body.as_ref().map_or(0, Bytes::len)
    }

    /// Sends it, with the connection's address and credentials and an idempotency key if one is given.
    /// What is fetched counts among the values of its run.
    pub async fn send(
        self,
        sender: &Sender,
        idempotency: Option<String>,
        load: Option<&Arc<Load>>,
    ) -> Result<Answered, Fault> {
        let mut request = self.request.clone();
        if let Some(name) = &self.connection {
            let connections = sender.connections();
            let Some(connection) = connections.http_of(name) else {
                return Err(Fault::new(
                    ErrorKind::Io,
                    format!("connections.yaml has no connection `{name}` that works."),
                ));
            };
            let path = request.url;
            request.url = address::below(&connection.url, &path)?;
            request.shown = masked(&address::joined(&connection.shown, &path));
            for (name, value) in &connection.headers {
                if !request.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
                    request.headers.push((name.clone(), value.clone()));
                }
            }
        }
        if let Some(key) = idempotency
            && !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"))
        {
            request.headers.push(("Idempotency-Key".to_owned(), key));
        }
        match sender.send_for(request, load).await {
            Ok(incoming) => Ok(Answered { call: self, incoming }),
            Err(Unsent { timed_out, message }) => {
                let message = with_connection(self.connection.as_deref(), &sentence(&message));
                Err(Fault::of_kind(if timed_out { TIMEOUT } else { ErrorKind::Io.name() }, message))
            }
        }
    }
}

/// An answer that is to become a result.
#[derive(Debug)]
pub struct Answered {
    call: HttpCall,
    incoming: Incoming,
}

impl Answered {
    /// The length of the answer's body, in bytes.
    pub fn size(&self) -> usize {
        self.incoming.body.len()
    }

    /// The result of the step: `[statusCode, headers, body, text, json]`. A status that is not expected is a failure. The
    /// host ends what takes too long.
    pub fn result(self, files: &Files, now: Timestamp, host: &dyn Host) -> Result<Value, Fault> {
        let Self { call, incoming } = self;
        let stop = || host.interrupt();
        let mut budget = Allowance::new("The answer", call.limits.clone(), &stop);
        let stopped = |error: Box<RunError>| Fault::new(error.kind, error.message);
        // Its bytes, and its text.
        budget.take(incoming.body.len().saturating_mul(2)).map_err(stopped)?;
        let header = |wanted: &str| {
            incoming.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        let text = text(&incoming.body, header("content-type").unwrap_or_default());
        if !call.expect.iter().any(|range| range.contains(&incoming.status)) {
            let shown: String = text.as_deref().unwrap_or_default().chars().take(200).collect();
            let shown = if shown.is_empty() { String::new() } else { format!(": {shown}") };
            let (method, url) = (&call.request.method, &call.request.shown);
            let message = format!("{method} {url} answered {} {}{shown}", incoming.status, incoming.reason);
            let message = with_connection(call.connection.as_deref(), &message);
            let retry_after = header("retry-after").and_then(|text| retry_after(text, now));
            return Err(Fault { status: Some(incoming.status), retry_after, ..Fault::new(ErrorKind::Io, message) });
        }
        let headers = headers(&incoming.headers);
        let (mut body, mut json) = (Value::Null, Value::Null);
        let mut text = text.filter(|_| !call.is_head);
        if let Some(path) = &call.save_as {
            files.write(path, &incoming.body)?;
            text = None;
        } else if !call.is_head {
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

/// Headers as a record. Of a name that comes several times the values are joined, but cookies, which may have commas,
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

/// The text of a body; nothing where it is none.
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

/// A message that says which connection it is about.
fn with_connection(name: Option<&str>, message: &str) -> String {
    name.map_or_else(|| message.to_owned(), |name| format!("The connection `{name}`: {message}"))
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
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
