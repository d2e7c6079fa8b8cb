//! `trigger`: the webhook.

use super::Reader;
use super::fields::Fields;
use crate::config::duration;
use crate::script::{Kind, Scope};
use crate::trigger::schedule::Schedule;
use crate::workflow::model::{Auth, Input, Method, OUTPUT, Ordered, REQUEST_NAMES, Response, Webhook};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Core, Node, Scalar};
use flowscript_lang::types::Type;
use std::time::Duration;

/// A webhook whose `processing.output` waits for what the steps say of `output`.
pub(super) struct Waiting<'n> {
    webhook: Webhook,
    output: Option<&'n Scalar>,
}

/// Keys of a webhook.
const KEYS: [&str; 10] =
    ["path", "methods", "auth", "response", "timeout", "onTimeout", "ordered", "query", "processing", "cors"];
/// How long a caller waits where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a caller may wait at most.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

impl Reader<'_> {
    /// `trigger`: a webhook, and schedules.
    pub(super) fn trigger<'n>(
        &mut self,
        id: &str,
        node: &'n Node,
        inputs: &[Input],
    ) -> (Option<Waiting<'n>>, Vec<Schedule>) {
        let Some(mut trigger) = self.fields(node, "`trigger`", &["webhook", "schedule"], &[]) else {
            return (None, Vec::new());
        };
        let schedules = trigger.take("schedule").map(|entry| self.schedules(&entry.value, inputs)).unwrap_or_default();
        (trigger.get("webhook").and_then(|entry| self.webhook(id, &entry.value, inputs)), schedules)
    }

    fn webhook<'n>(&mut self, id: &str, webhook: &'n Node, inputs: &[Input]) -> Option<Waiting<'n>> {
        // `webhook:` alone is a webhook with all its defaults.
        let mut fields =
            if webhook.is_null() { Fields::empty() } else { self.fields(webhook, "A webhook", &KEYS, &[])? };
        let path = match fields.take("path") {
            None => id.to_owned(),
            Some(entry) => self.path(&entry.value)?,
        };
        let place = fields.get("path").map_or(webhook.place, |entry| entry.value.place);
        let methods = fields.take("methods").map_or(vec![Method::Get, Method::Post], |e| self.methods(&e.value));
        let auth = match fields.take("auth") {
            None => Auth::ApiKey { query: None },
            Some(entry) => self.auth(&entry.value)?,
        };
        let responses = [("wait", Response::Wait), ("accept", Response::Accept)];
        let response = self.optional_word(&mut fields, "response", &responses).unwrap_or(Response::Accept);
        let timeout = match fields.take("timeout") {
            None => TIMEOUT,
            Some(entry) => self.duration(&entry.value, MAX_TIMEOUT).unwrap_or(TIMEOUT),
        };
        let accept_on_timeout = self.optional_word(&mut fields, "onTimeout", &[("accept", true), ("fail", false)]);
        // The query of a signed request is not signed.
        let fills_input = fields.get("query").is_none() && !matches!(auth, Auth::Signature(_));
        let query = match fields.take("query").map(|entry| &entry.value) {
            None => Vec::new(),
            Some(node) => {
                let Some(entries) = node.entries() else {
                    self.wrong(node, "`query` must be a map from the names of parameters to their types");
                    return None;
                };
                entries.iter().filter_map(|entry| self.input(entry, Type::Text)).collect()
            }
        };
        let cors = fields.take("cors").map(|entry| self.cors(&entry.value)).unwrap_or_default();
        if let Auth::ApiKey { query: Some(name) } = &auth
            && query.iter().any(|input| input.name == *name)
        {
            self.wrong(webhook, &format!("`{name}` holds the key: it cannot be a declared parameter as well"));
        }
        let mut webhook = Webhook {
            path,
            place,
            methods,
            auth,
            cors,
            response,
            timeout,
            accept_on_timeout: accept_on_timeout.unwrap_or(false),
            ordered: None,
            query,
            fills_input,
            processing_input: None,
            processing_output: None,
            answer: Type::Any,
        };
        if let Some(entry) = fields.take("ordered") {
            webhook.ordered = self.ordered(&entry.value, &request_scope(&webhook));
        }
        let mut output = None;
        if let Some(entry) = fields.take("processing") {
            let mut processing = self.fields(&entry.value, "`processing`", &["input", "output"], &[])?;
            if let Some(source) = self.processing(&mut processing, "input") {
                let scope = request_scope(&webhook);
                webhook.fills_input = false;
                webhook.processing_input = self.compile_in(source, Kind::ExpressionOrScript, &scope).0;
            }
            output = self.processing(&mut processing, "output");
        }
        self.warn_of_unused_parameters(&fields, &webhook.query, inputs);
        Some(Waiting { webhook, output })
    }

    /// Compiles `processing.output`, which sees the output, the inputs and `run`.
    pub(super) fn finish_webhook(&mut self, waiting: Waiting<'_>, at_start: &Scope, output_type: Type) -> Webhook {
        let Waiting { mut webhook, output } = waiting;
        webhook.answer = output_type.clone();
        if let Some(source) = output {
            let mut scope = at_start.clone();
            scope.define("output", OUTPUT, output_type, false);
            (webhook.processing_output, webhook.answer) = self.compile_in(source, Kind::ExpressionOrScript, &scope);
        }
        webhook
    }

    /// `true`, `false`, or a map of `key` and `onFailure`.
    fn ordered(&mut self, node: &Node, scope: &Scope) -> Option<Ordered> {
        if let Some(Core::Bool(ordered)) = node.scalar().map(Scalar::core) {
            return ordered.then_some(Ordered { key: None, pause: false });
        }
        let mut fields = self.fields(node, "`ordered`", &["key", "onFailure"], &[])?;
        let words = [("continue", false), ("pause", true)];
        let pause = self.optional_word(&mut fields, "onFailure", &words).unwrap_or(false);
        let key = match fields.take("key").map(|entry| &entry.value) {
            None => None,
            Some(node) => {
                let Some(source) = node.scalar() else {
                    self.wrong(node, "`key` must be an expression");
                    return None;
                };
                Some(self.compile_in(source, Kind::Expression, scope).0?)
            }
        };
        Some(Ordered { key, pause })
    }

    fn processing<'n>(&mut self, fields: &mut Fields<'n>, key: &str) -> Option<&'n Scalar> {
        let entry = fields.take(key)?;
        let scalar = entry.value.scalar();
        if scalar.is_none() {
            self.wrong(&entry.value, &format!("`{key}` must be FlowScript"));
        }
        scalar
    }

    fn path(&mut self, node: &Node) -> Option<String> {
        let text = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '/');
        let segments_hold = text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if text.is_empty() || !text.chars().all(allowed) || !segments_hold {
            self.wrong(
                node,
                "`path` must be made of letters, digits, - _ . ~ and single slashes, without one in front",
            );
            return None;
        }
        let parts: Vec<&str> = text.split('/').collect();
        if parts.last() == Some(&"openapi.json") || parts.iter().rev().nth(1) == Some(&"runs") {
            self.wrong(node, "`path` must not end like the addresses of runs (`runs/…`) or of `openapi.json`");
            return None;
        }
        Some(text.to_owned())
    }

    fn methods(&mut self, node: &Node) -> Vec<Method> {
        let known = [("GET", Method::Get), ("POST", Method::Post)];
        let Some(elements) = node.elements().filter(|elements| !elements.is_empty()) else {
            self.wrong(node, "`methods` must be a list of GET and POST");
            return Vec::new();
        };
        self.refuse_twice(elements.iter().filter_map(|e| Some((e.scalar()?.text.as_str(), e))));
        elements.iter().filter_map(|element| self.word(element, "methods", &known)).collect()
    }

    /// A span of time, at most `longest`.
    pub(super) fn duration(&mut self, node: &Node, longest: Duration) -> Option<Duration> {
        let parsed = duration::parse(node.scalar().map_or("", |scalar| &scalar.text));
        let parsed = parsed.and_then(|span| {
            if span.is_zero() {
                Err("A duration of 0 leaves no time; write at least 1ms".to_owned())
            } else if span > longest {
                Err(format!("{} is too long; {} is the most", duration::format(span), duration::format(longest)))
            } else {
                Ok(span)
            }
        });
        match parsed {
            Ok(span) => Some(span),
            Err(message) => {
                self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
                None
            }
        }
    }
}

/// What `processing.input` sees.
fn request_scope(webhook: &Webhook) -> Scope {
    let parameters = webhook.query.iter().map(|input| (input.name.clone(), input.conversion.ty().clone()));
    let query = Type::closed_record(parameters);
    let body = if webhook.methods == [Method::Get] { Type::Null } else { Type::Any };
    let types = [query, body, Type::any_record(), Type::Text, Type::Binary];
    let mut scope = Scope::default();
    for (slot, (name, ty)) in REQUEST_NAMES.into_iter().zip(types).enumerate() {
        scope.define(name, slot, ty, false);
    }
    scope
}
