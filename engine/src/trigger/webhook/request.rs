//! A request as a run sees it and as it is stored: without its credentials.

use super::body;
use super::model::{Method, REQUEST_NAMES, Webhook};
use crate::redact::Redact;
use crate::script::{Fault, Input, encode_json, encoding};
use bytes::Bytes;
use ecow::EcoString;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::program::Limits;
use flowscript_lang::value::{Record, Value};

/// Headers that scripts and the store never see.
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// The parts of a request before its body is decoded.
#[derive(Debug)]
pub struct RequestParts<'a> {
    /// `GET` or `POST`
    pub method: &'a str,
    /// Names in lower case, and values, in the order received; those of one name are together.
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
    /// Decodes the body, for which `budget` pays; `query` are the declared parameters, converted. The error is a
    /// message.
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

    /// A request with these fields: in its body, and those that are declared as parameters in its query, too.
    pub fn of_fields(webhook: &Webhook, fields: &Record) -> Result<Self, Fault> {
        let body = Value::Record(fields.clone());
        let parameter = |input: &Input| fields.get(&input.name).or_else(|| input.default.clone()).unwrap_or_default();
        let query = webhook.query.iter().map(|input| (input.name.clone(), parameter(input)));
        let raw = encode_json(&body).map_err(|reason| Fault::new(ErrorKind::Value, reason))?;
        Ok(Self {
            method: Method::Post.as_str().into(),
            query: Record::from_fields(query),
            headers: Record::from_fields([]),
            raw: raw.into(),
            body,
        })
    }

    /// The parameters, and the fields of a body that is a record; the body has precedence.
    pub fn plain_fields(&self) -> Record {
        let mut fields: Vec<(EcoString, Value)> = self.query.iter().map(|(n, v)| (n.clone(), v)).collect();
        if let Value::Record(body) = &self.body {
            fields.extend(body.iter().map(|(name, value)| (name.clone(), value)));
        }
        Record::from_fields(fields)
    }

    /// Its stored form.
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode_fields([
            ("method", &Value::Text(self.method.clone())),
            ("query", &Value::Record(self.query.clone())),
            ("headers", &Value::Record(self.headers.clone())),
            ("body", &Value::binary(self.raw.as_ref())),
        ])
    }

    /// The request from its stored bytes. The error says what is wrong with them.
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
        // It was decoded before, within the limits of its caller.
        let mut budget = Allowance::new("The body", Limits::default(), &|| None);
        let body = body::decode(&raw, content_type.as_deref(), &mut budget)?;
        Ok(Self { method, query, headers, raw, body })
    }

    /// The request for display: the body as it was decoded.
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

    /// The request, masked: its own parts, and its parameters and fields of the body that are inputs of these names. A
    /// decoded body becomes JSON; its original bytes are dropped.
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

    /// The masked texts, as [`Request::masked`] masks them.
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

    /// The first parameter that is also a field of the body.
    pub fn given_twice(&self) -> Option<&EcoString> {
        let body = self.body_record()?;
        self.query.shape().names().iter().find(|name| body.get(name).is_some())
    }

    /// The value of one of [`REQUEST_NAMES`]; `None` for any other name.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        let at = REQUEST_NAMES.iter().position(|known| *known == name)?;
        self.variables().into_iter().nth(at)
    }

    /// Is this the name of the body, and is the body missing?
    pub(super) fn has_no_body(&self, name: &str) -> bool {
        name == "body" && self.raw.is_empty()
    }

    /// The variables of `processing.input`, in the order of [`REQUEST_NAMES`].
    pub(super) fn variables(&self) -> [Value; REQUEST_NAMES.len()] {
        [
            Value::Record(self.query.clone()),
            self.body.clone(),
            Value::Record(self.headers.clone()),
            Value::Text(self.method.clone()),
            Value::binary(self.raw.to_vec()),
        ]
    }
}
