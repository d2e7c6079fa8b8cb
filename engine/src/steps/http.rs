//! `http`: a request, from its templates to the result from its answer.

use super::address::{self, ENCODED, Url, UrlPart};
use super::attempt::{Attempt, Perform, Performed, Performing};
use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, Timeout, sets_nothing};
use super::outcome::{Action, Outcome};
use super::parts::{self, texts};
use super::walk::{Body, Given, Row, Walk};
use crate::burden::Load;
use crate::clock::Timestamp;
use crate::files::Files;
use crate::outgoing::{Incoming, Outgoing, Sender, Unsent, masked, masked_header, shown as shown_url};
use crate::reading::{Reader, Takes, listed, needed, optional};
use crate::script::{
    Content, Context, Fault, Kind, NoForm, TIMEOUT, TemplatePart, decode_json_within, encode_json_within,
    template_parts,
};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use bytes::Bytes;
use ecow::EcoString;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::host::Host;
use flowscript_lang::program::Limits;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, to_text};
use flowscript_stdlib::charset::{NotText, body_text};
use percent_encoding::utf8_percent_encode;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

pub(super) const KIND: Row = Row {
    key: "http",
    summary: "Sends a request; the result has `statusCode`, `headers`, `body`, `text` and `json` of the answer. GET and HEAD read, the other methods act.",
    example: "http: { url: \"https://example.com/items/{sku}\", method: PUT, json: { quantity: 3 } }",
    takes: Takes::Map(&[
        optional("connection", Takes::Text),
        needed("url", Takes::Template),
        optional("method", Takes::Word(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])),
        optional("headers", Takes::Named(&Takes::Template)),
        optional("query", Takes::Named(&Takes::Template)),
        optional("json", Takes::Value),
        optional("body", Takes::Template),
        optional("expect", Takes::OneOrMore(&Takes::Text)),
        optional("saveAs", Takes::Template),
    ]),
    timeout: Timeout::Within { default: Duration::from_secs(30), longest: Duration::from_secs(3600) },
    retry: Retries::Passing,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read,
};

/// A request before its parts are filled.
#[derive(Debug)]
struct Http {
    /// The connection whose address and credentials it uses.
    connection: Option<String>,
    /// Its address; below the connection's address if there is one.
    url: Url,
    method: Method,
    /// Additional headers.
    headers: Vec<(String, Content)>,
    /// Parameters added to the address.
    query: Vec<(String, Content)>,
    body: Sent,
    /// The statuses that are not failures.
    expect: Vec<RangeInclusive<u16>>,
    /// The file below `files/` that gets the body of the answer.
    save_as: Option<Content>,
    /// The longest time of the whole exchange.
    timeout: Duration,
}

/// The body of a request.
#[derive(Debug)]
enum Sent {
    /// None.
    Empty,
    /// A value as JSON.
    Json(Content),
    /// A text or bytes.
    Raw(Content),
}

/// Methods that a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Reads.
    Get,
    /// Reads headers.
    Head,
    /// Acts.
    Post,
    /// Acts.
    Put,
    /// Acts.
    Patch,
    /// Acts.
    Delete,
}

impl Method {
    /// All methods.
    const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The name in HTTP.
    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// May it change state at the server?
    fn acts(self) -> bool {
        match self {
            Self::Get | Self::Head => false,
            Self::Post | Self::Put | Self::Patch | Self::Delete => true,
        }
    }
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let (reader, place) = (walk.reader(), given.place());
    let mut fields = given.fields(reader)?;
    let connection = reader.optional_text(&mut fields, "connection");
    if let (Some(name), Some(entry)) = (&connection, fields.get("connection")) {
        reader.names_connection(name, entry.value.place);
    }
    let methods = Method::ALL.map(|method| (method.as_str(), method));
    let has_body = fields.get("json").or(fields.get("body")).is_some();
    let default = if has_body { Method::Post } else { Method::Get };
    let method = reader.optional_word(&mut fields, "method", &methods).unwrap_or(default);
    let url = reader.needed(&fields, "url", place, "`http` needs a `url`")?;
    let url = read_url(reader, &url.value);
    let headers = reader.templates(&mut fields, "headers");
    let query = reader.templates(&mut fields, "query");
    let body = match (fields.get("json"), fields.take("body")) {
        (Some(_), Some(body)) => {
            let message = "`http` sends `json` or `body`, not both";
            reader.report(Problem::new(codes::WRONG_VALUE, body.place, message));
            None
        }
        (Some(json), None) => reader.content(&json.value).0.map(Sent::Json),
        (None, Some(body)) => reader.template(&body.value).map(Sent::Raw),
        (None, None) => Some(Sent::Empty),
    };
    if !method.acts() && has_body {
        let message = format!("A {} request has no body", method.as_str());
        reader.report(Problem::new(codes::WRONG_VALUE, place, message));
    }
    let expect = match fields.take("expect") {
        Some(entry) => read_expect(reader, &entry.value),
        None => vec![200..=299],
    };
    let save_as = parts::optional_template(reader, &mut fields, "saveAs").ok()?;
    let (url, headers, query, body) = (url?, headers?, query?, body?);
    let timeout = given.timeout();
    let http = Http { connection, url, method, headers, query, body, expect, save_as, timeout };
    Some(Body::new(http, answer_type()))
}

/// An address: each `{part}` is compiled on its own, so that its value can be encoded.
fn read_url(reader: &mut Reader<'_>, node: &Node) -> Option<Url> {
    let Some(scalar) = node.scalar() else {
        reader.wrong(node, "`url` must be a text");
        return None;
    };
    let parts = template_parts(scalar);
    let whole = parts.as_ref().is_none_or(|parts| matches!(parts.as_slice(), [TemplatePart::Expression(_)]));
    if whole {
        return reader.template(node).map(Url::Whole);
    }
    let mut compiled = Some(Vec::new());
    for part in parts.unwrap_or_default() {
        // The place of a part is found by scanning the text.
        if !reader.loading().scan(scalar.text.len()) {
            return None;
        }
        let part = match part {
            TemplatePart::Text(text) => Some(UrlPart::Text(text)),
            TemplatePart::Expression(source) => reader.compile(&source, Kind::Expression).0.map(UrlPart::Value),
        };
        match (part, &mut compiled) {
            (Some(part), Some(compiled)) => compiled.push(part),
            _ => compiled = None,
        }
    }
    compiled.map(Url::Parts)
}

/// `2xx`, `404`, or a list of them.
fn read_expect(reader: &mut Reader<'_>, node: &Node) -> Vec<RangeInclusive<u16>> {
    let nodes = node.elements().map_or_else(|| vec![node], |elements| elements.iter().collect());
    let mut ranges = Vec::new();
    for node in nodes {
        let text = node.scalar().map(|scalar| scalar.text.to_ascii_lowercase()).unwrap_or_default();
        let range = match text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok()) {
            Some(class @ 1..=5) => Some(class * 100..=class * 100 + 99),
            _ => text.parse::<u16>().ok().filter(|status| (100..=599).contains(status)).map(|s| s..=s),
        };
        match range {
            Some(range) => ranges.push(range),
            None => reader.wrong(node, &format!("`expect` must be statuses such as {}", listed(&["2xx", "404"]))),
        }
    }
    ranges
}

/// The known type of the result of an `http` step.
fn answer_type() -> Type {
    let field = |name: &str, ty| (EcoString::from(name), ty);
    Type::closed_record([
        field("statusCode", Type::Number),
        field("headers", Type::any_record()),
        field("body", Type::Binary.nullable()),
        field("text", Type::Text.nullable()),
        field("json", Type::Any),
    ])
}

impl StepKind for Http {
    fn facts(&self) -> Facts {
        Facts {
            effect: if self.method.acts() { Effect::Acts } else { Effect::Reads },
            gives_result: true,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        Ok(Outcome::Act(Action::Perform(Box::new(self.filled(variables, scene.context)?))))
    }
}

impl Http {
    /// Fills its templates.
    fn filled(&self, variables: &mut [Value], context: Context<'_>) -> Result<Call, Fault> {
        let url = address::fill(&self.url, variables, context)?;
        // After `#` a parameter would not be sent.
        let (mut url, fragment) = match url.split_once('#') {
            Some((url, fragment)) => (url.to_owned(), format!("#{fragment}")),
            None => (url, String::new()),
        };
        let mut separator = if url.contains('?') { '&' } else { '?' };
        for (name, content) in &self.query {
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
        for (name, content) in &self.headers {
            headers.push((name.clone(), parts::header(name, content, variables, context)?));
        }
        let (body, content_type) = match &self.body {
            Sent::Empty => (None, None),
            Sent::Json(content) => {
                let value = content.value(variables, context)?;
                let wrong = |reason| Fault::new(ErrorKind::Type, format!("The body is not JSON: {reason}"));
                let text = context.within("The body", |budget| encode_json_within(&value, budget));
                let text = text.map_err(|error| error.into_fault(wrong))?;
                (Some(Bytes::from(text)), Some("application/json"))
            }
            Sent::Raw(content) => match content.value(variables, context)? {
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
        let save_as = match &self.save_as {
            Some(content) => Some(content.text("The path of `saveAs`", variables, context)?.to_string()),
            None => None,
        };
        let method = self.method.as_str().to_owned();
        Ok(Call {
            request: Outgoing { method, shown: shown_url(&url), url, headers, body, timeout: self.timeout },
            connection: self.connection.clone(),
            expect: self.expect.clone(),
            save_as,
            is_head: self.method == Method::Head,
            limits: context.settings.limits.clone(),
        })
    }
}

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
struct Call {
    /// Without the connection's part.
    request: Outgoing,
    connection: Option<String>,
    expect: Vec<RangeInclusive<u16>>,
    save_as: Option<String>,
    is_head: bool,
    /// The limits of the answer as a value.
    limits: Limits,
}

impl Perform for Call {
    fn weight(&self) -> usize {
        self.request.body.as_ref().map_or(0, Bytes::len)
    }

    fn perform(self: Box<Self>, attempt: Attempt) -> Performing {
        Box::pin(async move {
            let key = attempt.key().to_owned();
            let answered = attempt.within(self.send(attempt.sender(), Some(key), attempt.load())).await?;
            let (files, now, host) = (attempt.files().clone(), attempt.now(), attempt.host());
            let read = attempt.read(answered.size(), move || answered.result(&files, now, host.as_ref()));
            Ok(Performed::result(attempt.within(read).await?))
        })
    }
}

impl Call {
    /// Sends it, with the connection's address and credentials and an idempotency key if one is given. The answer
    /// counts among the values of its run.
    async fn send(
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

/// An answer to be turned into a result.
#[derive(Debug)]
struct Answered {
    call: Call,
    incoming: Incoming,
}

impl Answered {
    /// The length of the answer's body, in bytes.
    fn size(&self) -> usize {
        self.incoming.body.len()
    }

    /// The result of the step: `[statusCode, headers, body, text, json]`. An unexpected status is a failure. The host
    /// ends work that takes too long.
    fn result(self, files: &Files, now: Timestamp, host: &dyn Host) -> Result<Value, Fault> {
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
