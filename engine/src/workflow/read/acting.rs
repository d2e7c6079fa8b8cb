//! Steps that reach out or are durable points: `http`, `respond`, `checkpoint`; and `retry`.

use super::Reader;
use super::fields::{Fields, listed};
use super::kinds::Body;
use crate::script::{Content, Kind, TemplatePart, template_parts};
use crate::workflow::model::{
    ANSWERS, ERROR, Http, HttpBody, HttpMethod, Respond, Retry, StepKind, Url, UrlPart, has_no_body, status_in,
};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Core, Node, Scalar};
use ecow::EcoString;
use flowscript_lang::types::Type;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a request may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The wait before a step is tried again, where nothing is said.
const DELAY: Duration = Duration::from_secs(1);
/// The longest wait where nothing is said.
const MAX_DELAY: Duration = Duration::from_secs(300);
/// The longest wait that can be written.
const LONGEST_DELAY: Duration = Duration::from_secs(30 * 86_400);
/// How many times a step can be tried again.
const MAX_TIMES: u32 = 1000;
/// Headers that belong to the connection, not to an answer.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Reader<'_> {
    /// `http`; `timeout` is the step's.
    pub(super) fn http(&mut self, node: &Node, timeout: Option<Duration>) -> Body {
        let keys = ["connection", "url", "method", "headers", "query", "json", "body", "expect", "saveAs"];
        let mut fields = self.fields(node, "`http`", &keys, &[])?;
        let connection = self.optional_text(&mut fields, "connection");
        if let (Some(name), Some(entry)) = (&connection, fields.get("connection")) {
            self.connections.push((name.clone(), entry.value.place));
        }
        let methods = HttpMethod::ALL.map(|method| (method.as_str(), method));
        let has_body = fields.get("json").or(fields.get("body")).is_some();
        let default = if has_body { HttpMethod::Post } else { HttpMethod::Get };
        let method = self.optional_word(&mut fields, "method", &methods).unwrap_or(default);
        let url = self.needed(&fields, "url", node.place, "`http` needs a `url`")?;
        let url = self.url(&url.value);
        let headers = self.templates(&mut fields, "headers");
        let query = self.templates(&mut fields, "query");
        let body = match (fields.get("json"), fields.take("body")) {
            (Some(_), Some(body)) => {
                let message = "`http` sends `json` or `body`, not both";
                self.report(Problem::new(codes::WRONG_VALUE, body.place, message));
                None
            }
            (Some(json), None) => self.content(&json.value).0.map(HttpBody::Json),
            (None, Some(body)) => self.template(&body.value).map(HttpBody::Raw),
            (None, None) => Some(HttpBody::Empty),
        };
        if !method.acts() && has_body {
            let message = format!("A {} request has no body", method.as_str());
            self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
        }
        let expect = match fields.take("expect") {
            Some(entry) => self.expect(&entry.value),
            None => vec![200..=299],
        };
        let save_as = match fields.take("saveAs") {
            Some(entry) => Some(self.template(&entry.value)?),
            None => None,
        };
        let http = Http {
            connection,
            url: url?,
            method,
            headers: headers?,
            query: query?,
            body: body?,
            expect,
            save_as,
            timeout: timeout.unwrap_or(TIMEOUT),
        };
        Some((StepKind::Http(Box::new(http)), answer_type()))
    }

    /// `respond`
    pub(super) fn respond(&mut self, node: &Node) -> Body {
        let mut fields = self.fields(node, "`respond`", &["status", "headers", "body"], &[])?;
        if let Some(entries) = fields.get("headers").and_then(|entry| entry.value.entries()) {
            for entry in entries {
                let name = entry.key.to_ascii_lowercase();
                if name == "set-cookie" || HOP_BY_HOP.contains(&name.as_str()) {
                    let message = format!("The header `{}` cannot be set by `respond`", entry.key);
                    self.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
                } else if !is_header_name(&name) {
                    let message = format!("`{}` is no name of a header", entry.key);
                    let problem = Problem::new(codes::WRONG_VALUE, entry.place, message);
                    let hint = "Names of headers are made of letters, digits and the characters !#$%&'*+-.^_`|~.";
                    self.report(problem.with_hint(hint).for_files_only());
                }
            }
        }
        let headers = self.templates(&mut fields, "headers");
        let status = match fields.take("status") {
            Some(entry) => Some(self.template(&entry.value)?),
            None => None,
        };
        if let Some(Content::Constant(value)) = &status
            && status_in(value, ANSWERS).is_none()
            && let Some(entry) = fields.get("status")
        {
            self.wrong(&entry.value, "`status` must be an HTTP status from 200 to 599");
            return None;
        }
        let body = match fields.get("body") {
            Some(entry) => Some(self.content(&entry.value).0?),
            None => None,
        };
        if let (Some(Content::Constant(value)), Some(entry)) = (&status, fields.get("body"))
            && let Some(status) = status_in(value, ANSWERS).filter(|status| has_no_body(*status))
            && !entry.value.is_null()
        {
            self.wrong(&entry.value, &format!("An answer of the status {status} has no body; leave `body` out"));
            return None;
        }
        Some((StepKind::Respond(Respond { status, headers: headers?, body }), Type::Null))
    }

    /// `checkpoint: name`
    pub(super) fn checkpoint(&mut self, node: &Node) -> Body {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            self.wrong(node, "`checkpoint` must be a name");
            return None;
        };
        Some((StepKind::Checkpoint(scalar.text.clone()), Type::Null))
    }

    /// `retry`
    pub(super) fn retry(&mut self, node: &Node) -> Option<Retry> {
        let mut fields = self.fields(node, "`retry`", &["times", "delay", "backoff", "maxDelay", "on"], &[])?;
        let times = match fields.take("times") {
            Some(entry) => self.whole(&entry.value, "times", 0..=MAX_TIMES)?,
            None => 0,
        };
        let delay = match fields.take("delay") {
            Some(entry) => self.duration(&entry.value, LONGEST_DELAY)?,
            None => DELAY,
        };
        let max_delay = match fields.take("maxDelay") {
            Some(entry) => self.duration(&entry.value, LONGEST_DELAY)?,
            None => MAX_DELAY,
        };
        let exponential = self.optional_word(&mut fields, "backoff", &[("exponential", true), ("fixed", false)]);
        let on = match fields.take("on") {
            Some(entry) => Some(self.retry_on(&entry.value)?),
            None => None,
        };
        Some(Retry { times, delay, exponential: exponential.unwrap_or(true), max_delay, on })
    }

    fn retry_on(&mut self, node: &Node) -> Option<crate::script::Script> {
        let Some(scalar) = node.scalar() else {
            self.wrong(node, "`on` must be an expression");
            return None;
        };
        let mut scope = self.scope.clone();
        scope.define("error", ERROR, error_type(), false);
        self.compile_in(scalar, Kind::Expression, &scope).0
    }

    /// A whole number in a range.
    pub(super) fn whole(&mut self, node: &Node, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match node.scalar().map(Scalar::core) {
            Some(Core::Number(number)) if number.is_whole() => number.to_i64().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        };
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            self.wrong(node, &format!("`{key}` must be a whole number from {} to {}", range.start(), range.end()));
        }
        fits
    }

    /// A map of names to templates; nothing where one is broken.
    pub(super) fn templates(&mut self, fields: &mut Fields<'_>, key: &str) -> Option<Vec<(String, Content)>> {
        let Some(entry) = fields.take(key) else { return Some(Vec::new()) };
        let Some(entries) = entry.value.entries() else {
            self.wrong(&entry.value, &format!("`{key}` must be a map from names to texts"));
            return None;
        };
        let templates: Vec<Option<(String, Content)>> =
            entries.iter().map(|entry| Some((entry.key.clone(), self.template(&entry.value)?))).collect();
        templates.into_iter().collect()
    }

    /// An address: each `{part}` is compiled for itself, so that its value can be encoded.
    fn url(&mut self, node: &Node) -> Option<Url> {
        let Some(scalar) = node.scalar() else {
            self.wrong(node, "`url` must be a text");
            return None;
        };
        let parts = template_parts(scalar);
        let whole = parts.as_ref().is_none_or(|parts| matches!(parts.as_slice(), [TemplatePart::Expression(_)]));
        if whole {
            return self.template(node).map(Url::Whole);
        }
        let mut compiled = Some(Vec::new());
        for part in parts.unwrap_or_default() {
            // Where a part stands is found by a walk through the text.
            if !self.loading.scan(scalar.text.len()) {
                return None;
            }
            let part = match part {
                TemplatePart::Text(text) => Some(UrlPart::Text(text)),
                TemplatePart::Expression(source) => self.compile(&source, Kind::Expression).0.map(UrlPart::Value),
            };
            match (part, &mut compiled) {
                (Some(part), Some(compiled)) => compiled.push(part),
                _ => compiled = None,
            }
        }
        compiled.map(Url::Parts)
    }

    /// `2xx`, `404`, or a list of such.
    fn expect(&mut self, node: &Node) -> Vec<RangeInclusive<u16>> {
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
                None => self.wrong(node, &format!("`expect` must be statuses such as {}", listed(&["2xx", "404"]))),
            }
        }
        ranges
    }
}

/// A token of RFC 9110.
fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// What is known of the result of an `http` step.
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

/// What `retry.on` sees of a failure.
fn error_type() -> Type {
    let field = |name: &str, ty| (EcoString::from(name), ty);
    Type::closed_record([
        field("kind", Type::Text),
        field("message", Type::Text),
        field("status", Type::Number.nullable()),
    ])
}
