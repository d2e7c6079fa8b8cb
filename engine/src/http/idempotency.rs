//! Keys with which callers name the runs of their requests, and ids with which senders name their deliveries.

use super::door::Visitor;
use super::headers::text;
use super::problem::Problem;
use crate::access::Delivery;
use crate::engine::IdempotencyKey;
use crate::script::encode_json;
use crate::trigger::webhook::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use flowscript_lang::value::{Record, Value};
use sha2::{Digest, Sha256};

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// The key in the header `name`, if it is present.
pub fn key_in(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let key = text(headers, name).unwrap_or_default().trim();
    if key.is_empty() || key.len() > MAX_KEY {
        let detail = format!("The {name} must have 1 to {MAX_KEY} visible ASCII characters, once.");
        return Err(Problem::bad_request(detail));
    }
    Ok(Some(key.to_owned()))
}

/// The key that names the run of a message, for this workflow and API key, with what must be equal when it is used
/// again. For a signed delivery it is the sender's id: another `Idempotency-Key`, which is not signed, would let an
/// attacker who has seen the delivery start its run again.
pub fn of_message(
    workflow: &str,
    visitor: &Visitor<'_>,
    parts: &Parts,
    body: &Bytes,
    request: &Request,
) -> Result<Option<IdempotencyKey>, Problem> {
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let digest_with =
        |body: &[u8]| digest([parts.method.as_str().as_bytes(), visitor.query.as_bytes(), content_type, body]);
    let delivery = visitor.delivery();
    if let Some(key) = delivery.map(|delivery| delivery_id(delivery, &parts.headers, request)).transpose()?.flatten() {
        // Separate from keys that callers choose.
        let scope = format!("{workflow}/delivery");
        let request = digest_with(&compared(delivery, body, request));
        return Ok(Some(IdempotencyKey { scope, key, request }));
    }
    let Some(key) = key_in(&parts.headers, "Idempotency-Key")? else { return Ok(None) };
    let scope = format!("{workflow}/{}", visitor.key.map(|id| id.to_string()).unwrap_or_default());
    Ok(Some(IdempotencyKey { scope, key, request: digest_with(body) }))
}

/// The id of a delivery, if it has one.
fn delivery_id(delivery: Delivery, headers: &HeaderMap, request: &Request) -> Result<Option<String>, Problem> {
    match delivery {
        Delivery::Headers(names) => names.iter().find_map(|name| key_in(headers, name).transpose()).transpose(),
        Delivery::Field { name, .. } => match request.body_field(name) {
            Some(Value::Text(id)) if (1..=MAX_KEY).contains(&id.trim().len()) => Ok(Some(id.trim().to_owned())),
            _ => Ok(None),
        },
    }
}

/// The part of the body that must be equal when a delivery is sent again.
fn compared(delivery: Option<Delivery>, body: &Bytes, request: &Request) -> Vec<u8> {
    let Some(Delivery::Field { varies: Some(varies), .. }) = delivery else { return body.to_vec() };
    let Some(record) = request.body_record() else { return body.to_vec() };
    let fields = record.iter().filter(|(name, _)| name.as_str() != varies);
    let same = Value::Record(Record::from_fields(fields.map(|(name, value)| (name.clone(), value))));
    encode_json(&same).map_or_else(|_| body.to_vec(), String::into_bytes)
}

/// A hash over parts of a request, each with its length: what must be equal when a key is used again.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
