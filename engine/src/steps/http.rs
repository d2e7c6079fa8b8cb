//! `http`: a request, from its templates to the result from its answer.

use super::address::{self, ENCODED, Url, UrlPart};
use super::answered::{Answered, Wanted, with_connection};
use super::attempt::{Attempt, Perform, Performed, Performing};
use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Action, Outcome};
use super::parts::{self, texts};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::burden::Load;
use crate::outgoing::{ConnectionKind, ConnectionName, Outgoing, Sender, Unsent, shown as shown_url};
use crate::reading::{Reader, Takes, listed, needed, optional};
use crate::script::{Content, Context, Fault, Kind, TIMEOUT, TemplatePart, encode_json_within, template_parts};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use bytes::Bytes;
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, to_text};
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
    retry: Retries::Passing,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Timed { default: Duration::from_secs(30), longest: Duration::from_secs(3600), read },
};

/// A request before its parts are filled.
#[derive(Debug)]
struct Http {
    /// The connection whose address and credentials it uses.
    connection: Option<ConnectionName>,
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

fn read(walk: &mut Walk<'_>, given: &Given<'_>, timeout: Duration) -> Option<Body> {
    let (reader, place) = (walk.reader(), given.place());
    let mut fields = given.fields(reader)?;
    let connection = parts::optional_connection(reader, &fields, given.node(), "http", ConnectionKind::Http);
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
    let (connection, url, headers, query, body) = (connection.ok()?, url?, headers?, query?, body?);
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
        let (method, shown) = (self.method.as_str().to_owned(), shown_url(&url));
        let wanted = Wanted {
            asked: format!("{method} {shown}"),
            connection: self.connection.clone(),
            expect: self.expect.clone(),
            save_as,
            is_head: self.method == Method::Head,
            limits: context.settings.limits.clone(),
        };
        let request = Outgoing { method, shown, url, headers, body, timeout: self.timeout };
        Ok(Call { request, connection: self.connection.clone(), wanted })
    }
}

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
struct Call {
    /// Without the connection's part.
    request: Outgoing,
    connection: Option<ConnectionName>,
    wanted: Wanted,
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
        let Self { mut request, connection, wanted } = self;
        if let Some(name) = &connection {
            request = sender.connections().http(name)?.request(request)?;
        }
        if let Some(key) = idempotency
            && !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"))
        {
            request.headers.push(("Idempotency-Key".to_owned(), key));
        }
        match sender.send_for(request, load).await {
            Ok(incoming) => Ok(Answered { incoming, wanted }),
            Err(Unsent { timed_out, message }) => {
                let message = with_connection(connection.as_ref(), &sentence(&message));
                Err(Fault::of_kind(if timed_out { TIMEOUT } else { ErrorKind::Io.name() }, message))
            }
        }
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
