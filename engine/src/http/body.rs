//! Bodies of requests: read within the limits of size, time and room.

use super::App;
use super::problem::Problem;
use crate::trigger::webhook::{BodyProblem, expand, is_unsupported};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How long a body may take to come.
const TIME: Duration = Duration::from_secs(30);

/// How much of a refused body is read and thrown away, in bytes and time.
const DRAIN_BYTES: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// A body as it came, and the room that it takes as long as somebody works on it.
pub struct RawBody {
    /// The bytes, not expanded.
    pub bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most `limit` bytes.
pub async fn read(app: &App, headers: &HeaderMap, body: &mut Option<Body>, limit: usize) -> Result<RawBody, Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(too_large(limit));
    }
    if declared == Some(0) || (declared.is_none() && !headers.contains_key(header::TRANSFER_ENCODING)) {
        return Ok(RawBody { bytes: Bytes::new(), _room: None });
    }
    let packed = headers.contains_key(header::CONTENT_ENCODING);
    let kibibytes = declared.filter(|_| !packed).unwrap_or(limit).div_ceil(1024) as u32;
    let room = app.bodies.clone().try_acquire_many_owned(kibibytes).map_err(|_| {
        Problem::unavailable("The engine is working on too many large requests; try again in a moment.")
    })?;
    let mut body = body.take().unwrap_or_default();
    match tokio::time::timeout(TIME, Limited::new(&mut body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(RawBody { bytes: collected.to_bytes(), _room: Some(room) }),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            drain(body).await;
            Err(too_large(limit))
        }
        Ok(Err(error)) => Err(Problem::bad_request(format!("The body broke off: {error}."))),
        Err(_) => Err(Problem::new(408, "body-too-slow", "Request timeout")
            .with_detail(format!("The body did not come within {} seconds.", TIME.as_secs()))
            .with_header(header::CONNECTION, "close")),
    }
}

/// The body without its content encoding, at most `limit` bytes.
pub fn expanded(raw: &RawBody, headers: &HeaderMap, limit: usize) -> Result<Bytes, Problem> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let encoding = encodings.next().map(|value| value.to_str().unwrap_or("?"));
    if encodings.next().is_some() {
        return Err(unknown_encoding("several"));
    }
    expand(raw.bytes.clone(), encoding, limit).map_err(|problem| match problem {
        BodyProblem::TooLarge { .. } => too_large(limit),
        BodyProblem::Undecodable(reason) => Problem::bad_request(reason),
        BodyProblem::UnknownEncoding(name) => unknown_encoding(&name),
    })
}

/// Refuses a type of body that is not read.
pub fn check_type(headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if body.is_empty() || !is_unsupported(content_type) {
        return Ok(());
    }
    let media = content_type.split(';').next().unwrap_or_default().trim();
    Err(Problem::new(415, "unsupported-media-type", "Unsupported media type").with_detail(format!(
        "A body of the type `{media}` is not read; send JSON, XML, CSV, text or application/x-www-form-urlencoded."
    )))
}

fn unknown_encoding(name: &str) -> Problem {
    Problem::new(415, "unknown-encoding", "Unsupported media type")
        .with_detail(format!("The Content-Encoding `{name}` is not known; send the body as it is, or as gzip."))
        .with_header(header::ACCEPT_ENCODING, "gzip, identity")
}

fn too_large(limit: usize) -> Problem {
    Problem::new(413, "body-too-large", "Content too large")
        .with_detail(format!("The body is larger than {limit} bytes, which are the most."))
}

/// Lets a caller finish sending, within bounds: many do not look for an answer before, and would see a broken
/// connection instead of what is wrong.
pub async fn drain(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DRAIN_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}
