//! A request as a run sees it and as the store keeps it: without its credentials.

use super::body;
use super::unfit::{fault_of, no_record};
use crate::run::encoding;
use crate::script::Input;
use crate::script::{Context, Failed, Fault, Script, encode_json};
use crate::workflow::history::Redact;
use crate::workflow::model::{Method, REQUEST_NAMES, Webhook, Workflow};
use bytes::Bytes;
use ecow::EcoString;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::program::Limits;
use flowscript_lang::value::{Record, Value, to_text};

/// Headers that scripts and the store never see.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// The longest key of a lane, in characters.
const MAX_LANE: usize = 256;

/// What a request consists of, before its body is decoded.
#[derive(Debug)]
pub struct RequestParts<'a> {
    /// `GET` or `POST`
    pub method: &'a str,
    /// Names in lower case, and values, in the order they came; those of one name stand together.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body, expanded.
    pub body: Bytes,
}

/// A request with its decoded body.
#[derive(Clone, Debug)]
pub struct Request {
    method: EcoString,
    query: Record,
    headers: Record,
    raw: Bytes,
    body: Value,
}

impl Request {
    /// Decodes the body, for which `budget` pays; `query` are the declared parameters, converted. The error says in words
    /// why it cannot be.
    pub fn new(query: Record, parts: RequestParts<'_>, budget: &mut dyn Budget) -> Result<Self, String> {
        let content_type = parts.headers.iter().find(|(name, _)| *name == "content-type").map(|(_, value)| *value);
        let body = body::decode(&parts.body, content_type, budget)?;
        let mut headers: Vec<(EcoString, String)> = Vec::new();
        for (name, value) in parts.headers.iter().filter(|(name, _)| !SECRET_HEADERS.contains(name)) {
            match headers.last_mut() {
                Some((known, values)) if known == name => {
                    values.push_str(", ");
                    values.push_str(value);
                }
                _ => headers.push(((*name).into(), (*value).to_owned())),
            }
        }
        let headers = Record::from_fields(headers.into_iter().map(|(name, value)| (name, Value::text(value))));
        Ok(Self { method: parts.method.into(), query, headers, raw: parts.body, body })
    }

    /// The length of its body, in bytes.
    pub fn size(&self) -> usize {
        self.raw.len()
    }

    /// The request that would have brought these fields: in its body, and those that are declared as parameters in its
    /// query too.
    pub fn of_fields(webhook: &Webhook, fields: &Record) -> Self {
        let body = Value::Record(fields.clone());
        let parameter = |input: &Input| fields.get(&input.name).or_else(|| input.default.clone()).unwrap_or_default();
        let query = webhook.query.iter().map(|input| (input.name.clone(), parameter(input)));
        Self {
            method: Method::Post.as_str().into(),
            query: Record::from_fields(query),
            headers: Record::from_fields([]),
            raw: encode_json(&body).unwrap_or_default().into(),
            body,
        }
    }

    /// The fields that become the input: what `processing.input` makes, else the parameters and the body's fields.
    pub fn input_fields(&self, workflow: &Workflow, context: Context<'_>) -> Result<Record, Fault> {
        let Some(script) = workflow.webhook.as_ref().and_then(|webhook| webhook.processing_input.as_ref()) else {
            return Ok(self.plain_fields());
        };
        match script.run_and_trace(&mut self.variables(), context) {
            Ok(Value::Record(record)) => Ok(record),
            Ok(other) => Err(no_record(&other, script.as_read().as_ref(), self)),
            Err(failed) => Err(self.refusal(*failed, context)),
        }
    }

    /// What the sender is told of a failure of FlowScript that reads the request; the log has what the author needs.
    fn refusal(&self, failed: Failed, context: Context<'_>) -> Fault {
        failed.fault.note_place(context.host);
        Fault { places: Vec::new(), ..fault_of(failed, self) }
    }

    /// The key of the lane this message belongs to. One that is empty, too long or no simple value is an error.
    pub fn lane(&self, key: &Script, context: Context<'_>) -> Result<String, Fault> {
        let value = key.run_and_trace(&mut self.variables(), context);
        let value = value.map_err(|failed| self.refusal(*failed, context))?;
        let refused = |reason: String| {
            let what = key.as_read().map_or_else(|| "The key of the order".to_owned(), |read| format!("`{read}`"));
            Fault { status: Some(400), ..Fault::new(ErrorKind::Value, format!("{what} {reason}")) }
        };
        let text = match &value {
            Value::Null => return Err(refused("is null; the message must have it for its place in the order.".into())),
            value => to_text(value).map_err(|_| {
                refused(format!("must be a simple value for the place in the order, not a {}.", value.type_name()))
            })?,
        };
        match text.chars().count() {
            0 => Err(refused("is empty; the message must have it for its place in the order.".into())),
            length if length > MAX_LANE => {
                Err(refused(format!("has {length} characters; at most {MAX_LANE} can give a place in the order.")))
            }
            _ => Ok(text.to_string()),
        }
    }

    /// The parameters, and the fields of a body that is a record; the body wins.
    pub fn plain_fields(&self) -> Record {
        let mut fields: Vec<(EcoString, Value)> = self.query.iter().map(|(n, v)| (n.clone(), v)).collect();
        if let Value::Record(body) = &self.body {
            fields.extend(body.iter().map(|(name, value)| (name.clone(), value)));
        }
        Record::from_fields(fields)
    }

    /// The bytes that the store keeps.
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode_fields([
            ("method", &Value::Text(self.method.clone())),
            ("query", &Value::Record(self.query.clone())),
            ("headers", &Value::Record(self.headers.clone())),
            ("body", &Value::binary(self.raw.as_ref())),
        ])
    }

    /// The request in bytes of the store. The error says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let Value::Record(kept) = encoding::decode(bytes)? else {
            return Err("a stored request is not a record".into());
        };
        let (
            Some(Value::Text(method)),
            Some(Value::Record(query)),
            Some(Value::Record(headers)),
            Some(Value::Binary(raw)),
        ) = (kept.get("method"), kept.get("query"), kept.get("headers"), kept.get("body"))
        else {
            return Err("a stored request lacks a part".into());
        };
        let raw = Bytes::copy_from_slice(&raw);
        let content_type = match headers.get("content-type") {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        // It was decoded before, within what its caller had.
        let mut budget = Allowance::new("The body", Limits::default(), &|| None);
        let body = body::decode(&raw, content_type.as_deref(), &mut budget)?;
        Ok(Self { method, query, headers, raw, body })
    }

    /// The request for people: the body as it was decoded.
    pub fn to_value(&self) -> Value {
        let fields = ["method", "query", "headers", "body"].into_iter();
        let values = [
            Value::Text(self.method.clone()),
            Value::Record(self.query.clone()),
            Value::Record(self.headers.clone()),
            self.body.clone(),
        ];
        Value::record(fields.zip(values).collect::<Vec<_>>())
    }

    /// The request with what is masked: below its own parts, and where its parameters and its body's fields are inputs of
    /// these names. The body becomes JSON where it was decoded; nothing else of it is kept.
    #[must_use]
    pub fn masked(&self, redact: &Redact) -> Self {
        let fields = |part: &str, record: &Record| match redact.mask(part, &Value::Record(redact.mask_fields(record))) {
            Value::Record(record) => record,
            _ => Record::from_fields([]),
        };
        let body = match &self.body {
            Value::Record(body) => Value::Record(fields("body", body)),
            other => redact.mask("body", other),
        };
        let raw = match encode_json(&body) {
            Ok(json) if !body.is_null() && !redact.touches("rawBody") => Bytes::from(json),
            _ => Bytes::new(),
        };
        let mut headers = fields("headers", &self.headers);
        if !raw.is_empty() {
            headers = headers.with(&"content-type".into(), Value::text("application/json"));
        }
        Self { method: self.method.clone(), query: fields("query", &self.query), headers, raw, body }
    }

    /// The texts of what is masked in it, as [`Request::masked`] masks it.
    pub fn secrets(&self, redact: &Redact) -> Vec<String> {
        let mut secrets = Vec::new();
        for (name, value) in REQUEST_NAMES.into_iter().zip(self.variables()) {
            redact.secrets(name, &value, &mut secrets);
        }
        for fields in [Some(&self.query), Some(&self.headers), self.body_record()].into_iter().flatten() {
            fields.iter().for_each(|(name, value)| redact.secrets(name, &value, &mut secrets));
        }
        secrets
    }

    /// A body that is a record.
    pub fn body_record(&self) -> Option<&Record> {
        match &self.body {
            Value::Record(body) => Some(body),
            _ => None,
        }
    }

    /// A field of a body that is a record.
    pub fn body_field(&self, name: &str) -> Option<Value> {
        self.body_record()?.get(name)
    }

    /// The first parameter that the body has a field for as well.
    pub fn given_twice(&self) -> Option<&EcoString> {
        let body = self.body_record()?;
        self.query.shape().names().iter().find(|name| body.get(name).is_some())
    }

    /// The value of one of [`REQUEST_NAMES`].
    pub(super) fn variable(&self, name: &str) -> Value {
        let at = REQUEST_NAMES.iter().position(|known| *known == name);
        at.and_then(|at| self.variables().into_iter().nth(at)).unwrap_or_default()
    }

    /// Is this the name of the body, and is there none?
    pub(super) fn has_no_body(&self, name: &str) -> bool {
        name == "body" && self.raw.is_empty()
    }

    /// What `processing.input` sees, in the order of [`REQUEST_NAMES`].
    fn variables(&self) -> [Value; REQUEST_NAMES.len()] {
        [
            Value::Record(self.query.clone()),
            self.body.clone(),
            Value::Record(self.headers.clone()),
            Value::Text(self.method.clone()),
            Value::binary(self.raw.to_vec()),
        ]
    }
}
