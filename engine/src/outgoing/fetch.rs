//! The body of an answer: fetched within its limits, and decoded.

use super::encoded::{expand, is_encoded};
use super::exchange::{Incoming, Unsent, chain};
use super::pace::{self, Pace};
use crate::burden::Load;
use bytes::BytesMut;
use reqwest::header::{self, HeaderValue};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Bodies up to this size do not count among the values of their run while they are fetched.
const SMALL: usize = 64 << 10;
/// The value of a body takes this many times its size: its bytes, and its text.
const AS_VALUE: usize = 3;
/// Bodies of up to this many bytes are decoded on the thread that receives them; they may become a thousand times as
/// large.
const DECODED_HERE: usize = 4 << 10;

/// Fetches the body of an answer.
pub(super) async fn fetch(
    mut answer: reqwest::Response,
    url: &str,
    most: usize,
    load: Option<&Arc<Load>>,
) -> Result<Incoming, Unsent> {
    let status = answer.status();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let too_large = || Unsent::new(format!("the answer of {url} is larger than {most} bytes"));
    if answer.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    let mut pace = Pace::new();
    let (mut beside, mut counted) = (load.map(|load| load.beside(0)), SMALL);
    if let Some(length) = answer.content_length().filter(|length| *length > SMALL as u64)
        && let Some(beside) = &mut beside
    {
        // Counted all at once, with the value made of it: bodies that each wait with a part would wait for each other.
        counted = length as usize;
        beside.grow(counted.saturating_mul(AS_VALUE)).await;
        pace = Pace::new();
    }
    loop {
        let chunk = match tokio::time::timeout(pace.left(), answer.chunk()).await {
            Ok(chunk) => chunk,
            Err(_) if pace.goes_on() => continue,
            Err(_) => {
                let message = format!("the answer of {url} comes at less than {} bytes a second", pace::LEAST_RATE);
                return Err(Unsent::new(message).late(true));
            }
        };
        match chunk {
            Ok(Some(chunk)) if body.len() + chunk.len() > most => return Err(too_large()),
            Ok(Some(chunk)) => {
                pace.came(chunk.len());
                if body.len() + chunk.len() > counted
                    && let Some(beside) = &mut beside
                {
                    counted = (body.len() + chunk.len()).next_power_of_two().min(most);
                    beside.grow(counted).await;
                    pace = Pace::new();
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break,
            Err(error) => {
                let message = format!("the answer of {url} broke off: {}", chain(&error));
                return Err(Unsent::new(message).late(error.is_timeout()));
            }
        }
    }
    let reason = status.canonical_reason().unwrap_or_default().to_owned();
    let incoming = Incoming { status: status.as_u16(), reason, headers, body: body.freeze(), beside };
    decoded(incoming, most, load)
        .await
        .map_err(|reason| Unsent::new(format!("the answer of {url} cannot be read: {reason}")))
}

/// An answer with its body as it was before it was encoded.
async fn decoded(incoming: Incoming, most: usize, load: Option<&Arc<Load>>) -> Result<Incoming, String> {
    let named = incoming.headers.iter().filter(|(name, _)| name == header::CONTENT_ENCODING.as_str());
    let encodings = named.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",");
    if incoming.body.is_empty() || !is_encoded(&encodings) {
        return Ok(incoming);
    }
    let Incoming { status, reason, mut headers, body, mut beside } = incoming;
    let body = if body.len() <= DECODED_HERE {
        expand(body.to_vec(), &encodings, most)
    } else {
        let _permit = may_decode(load).await;
        let expanded = tokio::task::spawn_blocking(move || expand(body.to_vec(), &encodings, most));
        let body = expanded.await.map_err(|error| error.to_string())?;
        if let (Some(beside), Ok(body)) = (&mut beside, &body) {
            beside.set(body.len());
        }
        body
    };
    // These headers describe the encoded body.
    headers.retain(|(name, _)| {
        ![header::CONTENT_ENCODING, header::CONTENT_LENGTH].iter().any(|gone| name == gone.as_str())
    });
    Ok(Incoming { status, reason, headers, body: body?.into(), beside })
}

/// Waits until a body may be decoded: a few at a time, and none for a run whose load may not grow.
async fn may_decode(load: Option<&Arc<Load>>) -> Option<SemaphorePermit<'static>> {
    static DECODED: Semaphore = Semaphore::const_new(4);
    loop {
        let Some(load) = load else { return DECODED.acquire().await.ok() };
        // Without the permit: the runs that this waits for may need it.
        load.room().await;
        let permit = DECODED.acquire().await.ok();
        if load.may_grow() {
            return permit;
        }
    }
}
