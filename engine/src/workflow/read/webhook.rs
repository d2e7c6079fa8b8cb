//! `trigger.webhook`.

use super::auth::{auth, cors};
use super::traps::warn_of_unused_parameters;
use crate::reading::{Fields, Key, Reader, Takes, optional};
use crate::script::slot::OUTPUT;
use crate::script::{Input, Kind, Scope};
use crate::workflow::model::{Auth, Method, Ordered, REQUEST_NAMES, Response, Webhook};
use crate::yaml::{Core, Node, Scalar};
use flowscript_lang::types::Type;
use std::time::Duration;

/// A webhook whose `processing.output` waits for the type of `output` from the steps.
pub(super) struct Waiting<'n> {
    webhook: Webhook,
    output: Option<&'n Scalar>,
}

/// The keys of a webhook.
pub(super) const WEBHOOK: &[Key] = &[
    optional("path", Takes::Text),
    optional("methods", Takes::List(&Takes::Word(&["GET", "POST"]))),
    optional("auth", super::auth::TAKES),
    optional("response", Takes::Word(&["wait", "accept"])),
    optional("timeout", Takes::Duration),
    optional("onTimeout", Takes::Word(&["accept", "fail"])),
    optional("ordered", Takes::Either(&[Takes::Flag, Takes::Map(ORDERED)])),
    optional("query", Takes::Named(&Takes::Type)),
    optional("processing", Takes::Map(PROCESSING)),
    optional("cors", Takes::List(&Takes::Text)),
];
const ORDERED: &[Key] =
    &[optional("key", Takes::Expression), optional("onFailure", Takes::Word(&["continue", "pause"]))];
const PROCESSING: &[Key] = &[optional("input", Takes::Script), optional("output", Takes::Script)];
/// The default time that a caller waits.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The limit on the time that a caller waits.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// Reads a webhook except for the parts of its answer that depend on the steps: [`finish_webhook`] does that.
pub(super) fn webhook<'n>(
    reader: &mut Reader<'_>,
    id: &str,
    webhook: &'n Node,
    inputs: &[Input],
) -> Option<Waiting<'n>> {
    // `webhook:` alone is a webhook with all its defaults.
    let mut fields = if webhook.is_null() { Fields::empty() } else { reader.fields(webhook, "A webhook", WEBHOOK)? };
    let path = match fields.take("path") {
        None => id.to_owned(),
        Some(entry) => path(reader, &entry.value)?,
    };
    let place = fields.get("path").map_or(webhook.place, |entry| entry.value.place);
    let methods = fields.take("methods").map_or(vec![Method::Get, Method::Post], |e| methods(reader, &e.value));
    let auth = match fields.take("auth") {
        None => Auth::ApiKey { query: None },
        Some(entry) => auth(reader, &entry.value)?,
    };
    let responses = [("wait", Response::Wait), ("accept", Response::Accept)];
    let response = reader.optional_word(&mut fields, "response", &responses).unwrap_or(Response::Accept);
    let timeout = match fields.take("timeout") {
        None => TIMEOUT,
        Some(entry) => reader.duration(&entry.value, MAX_TIMEOUT).unwrap_or(TIMEOUT),
    };
    let accept_on_timeout = reader.optional_word(&mut fields, "onTimeout", &[("accept", true), ("fail", false)]);
    let fills_input = fields.get("query").is_none() && !auth.is_signature();
    let query = match fields.take("query").map(|entry| &entry.value) {
        None => Vec::new(),
        Some(node) => {
            let Some(entries) = node.entries() else {
                reader.wrong(node, "`query` must be a map from the names of parameters to their types");
                return None;
            };
            entries.iter().filter_map(|entry| reader.input(entry, Type::Text)).collect()
        }
    };
    let cors = fields.take("cors").map(|entry| cors(reader, &entry.value)).unwrap_or_default();
    if let Auth::ApiKey { query: Some(name) } = &auth
        && query.iter().any(|input| input.name == *name)
    {
        reader.wrong(webhook, &format!("`{name}` holds the key: it cannot be a declared parameter as well"));
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
        webhook.ordered = ordered(reader, &entry.value, &request_scope(&webhook));
    }
    let mut output = None;
    if let Some(entry) = fields.take("processing") {
        let mut processing = reader.fields(&entry.value, "`processing`", PROCESSING)?;
        if let Some(source) = source(reader, &mut processing, "input") {
            let scope = request_scope(&webhook);
            webhook.fills_input = false;
            webhook.processing_input = reader.compile_in(source, Kind::ExpressionOrScript, &scope).0;
        }
        output = source(reader, &mut processing, "output");
    }
    warn_of_unused_parameters(reader, &fields, &webhook.query, inputs);
    Some(Waiting { webhook, output })
}

/// Compiles `processing.output`, whose variables are the output, the inputs and `run`.
pub(super) fn finish_webhook(
    reader: &mut Reader<'_>,
    waiting: Waiting<'_>,
    at_start: &Scope,
    output_type: Type,
) -> Webhook {
    let Waiting { mut webhook, output } = waiting;
    webhook.answer = output_type.clone();
    if let Some(source) = output {
        let mut scope = at_start.clone();
        scope.define("output", OUTPUT, output_type, false);
        (webhook.processing_output, webhook.answer) = reader.compile_in(source, Kind::ExpressionOrScript, &scope);
    }
    webhook
}

/// `true`, `false`, or a map of `key` and `onFailure`.
fn ordered(reader: &mut Reader<'_>, node: &Node, scope: &Scope) -> Option<Ordered> {
    if let Some(Core::Bool(ordered)) = node.scalar().map(Scalar::core) {
        return ordered.then_some(Ordered { key: None, pause: false });
    }
    let mut fields = reader.fields(node, "`ordered`", ORDERED)?;
    let words = [("continue", false), ("pause", true)];
    let pause = reader.optional_word(&mut fields, "onFailure", &words).unwrap_or(false);
    let key = match fields.take("key").map(|entry| &entry.value) {
        None => None,
        Some(node) => {
            let Some(source) = node.scalar() else {
                reader.wrong(node, "`key` must be an expression");
                return None;
            };
            Some(reader.compile_in(source, Kind::Expression, scope).0?)
        }
    };
    Some(Ordered { key, pause })
}

fn source<'n>(reader: &mut Reader<'_>, fields: &mut Fields<'n>, key: &str) -> Option<&'n Scalar> {
    let entry = fields.take(key)?;
    let scalar = entry.value.scalar();
    if scalar.is_none() {
        reader.wrong(&entry.value, &format!("`{key}` must be FlowScript"));
    }
    scalar
}

fn path(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = node.scalar().map(|scalar| scalar.text.as_str()).unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '/');
    let segments_hold = text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if text.is_empty() || !text.chars().all(allowed) || !segments_hold {
        reader.wrong(node, "`path` must be made of letters, digits, - _ . ~ and single slashes, without one in front");
        return None;
    }
    let parts: Vec<&str> = text.split('/').collect();
    if parts.last() == Some(&"openapi.json") || parts.iter().rev().nth(1) == Some(&"runs") {
        reader.wrong(node, "`path` must not end like the addresses of runs (`runs/…`) or of `openapi.json`");
        return None;
    }
    Some(text.to_owned())
}

fn methods(reader: &mut Reader<'_>, node: &Node) -> Vec<Method> {
    let known = [("GET", Method::Get), ("POST", Method::Post)];
    let Some(elements) = node.elements().filter(|elements| !elements.is_empty()) else {
        reader.wrong(node, "`methods` must be a list of GET and POST");
        return Vec::new();
    };
    reader.refuse_twice(elements.iter().filter_map(|e| Some((e.scalar()?.text.as_str(), e))));
    elements.iter().filter_map(|element| reader.word(element, "methods", &known)).collect()
}

/// The variables of `processing.input`.
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
