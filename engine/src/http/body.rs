//! Bodies of requests: read within the limits of size, time, pace and room.

use super::app::App;
use super::capacity::{LARGE, Owner, no_room};
use super::problem::Problem;
use crate::room::{Full, Held, Payer, Refused};
use crate::trigger::webhook::{BodyProblem, expand, is_unsupported};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flowscript_lang::budget::Budget;
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::Instant;

/// The longest time in which a body must arrive.
const TIME: Duration = Duration::from_secs(30);
/// After this time a body must have arrived at the minimum rate, on average.
const PATIENCE: Duration = Duration::from_secs(5);
/// The minimum rate, in bytes a second.
const PACE: u64 = 1024;

/// How much of a refused body is read and discarded, in bytes and time.
const DRAIN_BYTES: usize = 8 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// The same once the engine stops: well below the time that connections have to end, so that the answer is sent.
const LAST_DRAIN_TIME: Duration = Duration::from_millis(250);

/// A body, and the room that it takes while it is processed.
#[derive(Default)]
pub struct RawBody {
    /// The bytes.
    pub bytes: Bytes,
    /// `None` without a body.
    pub room: Option<Held>,
}

/// Reads a body of at most `limit` bytes. Room is taken for the bytes received, not for the length announced.
pub async fn read(
    app: &App,
    owner: Owner<'_>,
    headers: &HeaderMap,
    body: &mut Option<Body>,
    limit: usize,
) -> Result<RawBody, Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(too_large(limit));
    }
    if declared == Some(0) || (declared.is_none() && !headers.contains_key(header::TRANSFER_ENCODING)) {
        return Ok(RawBody::default());
    }
    let mut room = app.capacity.body(owner);
    let mut unread = body.take().unwrap_or_default();
    let collected = collect(app, &mut unread, &mut room, declared, limit).await;
    match collected {
        Ok(bytes) => Ok(RawBody { bytes, room: Some(room) }),
        Err((problem, rest)) => {
            drop(room);
            if rest == Rest::MayCome {
                drain(app, unread).await;
            }
            Err(problem)
        }
    }
}

/// Reads a body as [`read`] does. The rest of one that is refused is discarded, so that the answer is read.
pub async fn read_whole(
    app: &App,
    owner: Owner<'_>,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<RawBody, Problem> {
    let mut body = Some(body);
    let raw = read(app, owner, headers, &mut body, limit).await;
    if raw.is_err()
        && let Some(unread) = body
    {
        drain(app, unread).await;
    }
    raw
}

/// The treatment of the rest of a refused body.
#[derive(PartialEq)]
enum Rest {
    MayCome,
    Ends,
}

/// The bytes of a body in one packed buffer: callers choose how small its pieces are.
async fn collect(
    app: &App,
    unread: &mut Body,
    room: &mut Held,
    declared: Option<usize>,
    limit: usize,
) -> Result<Bytes, (Problem, Rest)> {
    let begun = Instant::now();
    let slow = tokio::time::sleep_until(begun + PATIENCE);
    tokio::pin!(slow);
    let mut buffer = Vec::new();
    loop {
        let frame = tokio::select! {
            biased;
            frame = unread.frame() => frame,
            () = &mut slow => {
                let due = due(begun, buffer.len());
                if due <= Instant::now() {
                    return Err((too_slow(), Rest::Ends));
                }
                slow.as_mut().reset(due);
                continue;
            }
            () = app.engine.stopped() => {
                return Err((stopping(), Rest::MayCome));
            }
        };
        let data = match frame {
            None => return Ok(buffer.into()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                // Trailers are not part of the body.
                Err(_) => continue,
            },
            Some(Err(error)) => {
                return Err((Problem::bad_request(format!("The body was cut off: {error}.")), Rest::Ends));
            }
        };
        if buffer.len() + data.len() > limit {
            return Err((too_large(limit), Rest::MayCome));
        }
        make_room(&mut buffer, data.len(), declared.unwrap_or(limit), room)
            .map_err(|full| (no_room(full), Rest::MayCome))?;
        buffer.extend_from_slice(&data);
    }
}

/// The instant at which a body of which `received` bytes have arrived is too slow.
fn due(begun: Instant, received: usize) -> Instant {
    begun + TIME.min(PATIENCE + Duration::from_millis(received as u64 * 1000 / PACE))
}

/// Grows the buffer if `more` bytes do not fit: to twice its size, but beyond `most` only if needed.
fn make_room(buffer: &mut Vec<u8>, more: usize, most: usize, room: &mut Held) -> Result<(), Full> {
    let needed = buffer.len() + more;
    if needed > buffer.capacity() {
        let capacity = (2 * buffer.capacity()).min(most).max(needed);
        room.grow(capacity - buffer.capacity())?;
        buffer.reserve_exact(capacity - buffer.len());
    }
    Ok(())
}

impl RawBody {
    /// Counts its sender as known from now on.
    pub fn know(&mut self) {
        if let Some(room) = &mut self.room {
            room.know();
        }
    }

    /// Processes it; outside the threads that serve requests if that may take long.
    pub async fn work<T>(
        &mut self,
        app: &App,
        owner: Owner<'_>,
        headers: &HeaderMap,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let is_packed = !self.bytes.is_empty() && headers.contains_key(header::CONTENT_ENCODING);
        if is_packed || self.bytes.len() > LARGE { app.capacity.apart(owner, || work(self)).await } else { work(self) }
    }

    /// Undoes the content encoding: at most `limit` bytes.
    pub fn expand(&mut self, headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
        let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
        let encoding = encodings.next().map(|value| value.to_str().unwrap_or("?"));
        if encodings.next().is_some() {
            return Err(unknown_encoding("several"));
        }
        let packed = self.bytes.len();
        let room = &mut self.room;
        let grow = |more| room.as_mut().map_or(Ok(()), |room| room.grow(more));
        let expanded = expand(self.bytes.clone(), encoding, limit, grow).map_err(|problem| match problem {
            BodyProblem::TooLarge { .. } => too_large(limit),
            BodyProblem::Undecodable(reason) => Problem::bad_request(reason),
            BodyProblem::UnknownEncoding(name) => unknown_encoding(&name),
            BodyProblem::NoRoom(full) => no_room(full),
        })?;
        // The packed bytes have no other owner; if nothing was packed, they are the same.
        if expanded.as_ptr() != self.bytes.as_ptr()
            && let Some(room) = &mut self.room
        {
            room.shrink(packed);
        }
        self.bytes = expanded;
        Ok(())
    }

    /// Decodes it, and pays for the value from its room. `failed` gives the problem of a body that cannot be decoded.
    pub fn decode<T, E>(
        &mut self,
        app: &App,
        failed: impl FnOnce(E) -> Problem,
        decode: impl FnOnce(&Bytes, &mut dyn Budget) -> Result<T, E>,
    ) -> Result<T, Problem> {
        let stop = || app.engine.is_stopping();
        let mut payer = Payer::new(self.room.as_mut(), usize::MAX, &stop);
        let decoded = decode(&self.bytes, &mut payer);
        decoded.map_err(|error| match payer.refused() {
            Some(Refused::Full(full)) => no_room(full),
            Some(Refused::Stopped) => stopping(),
            None => failed(error),
        })
    }
}

/// Refuses an unsupported type of body.
pub fn check_type(headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if body.is_empty() || !is_unsupported(content_type) {
        return Ok(());
    }
    let media = content_type.split(';').next().unwrap_or_default().trim();
    Err(Problem::new(415, "unsupported-media-type", "Unsupported media type").with_detail(format!(
        "Bodies of the type `{media}` are not supported; send JSON, XML, CSV, text or application/x-www-form-urlencoded."
    )))
}

fn unknown_encoding(name: &str) -> Problem {
    Problem::new(415, "unknown-encoding", "Unsupported media type")
        .with_detail(format!("The Content-Encoding `{name}` is not known; send the body as it is, or as gzip."))
        .with_header(header::ACCEPT_ENCODING, "gzip, identity")
}

fn stopping() -> Problem {
    Problem::unavailable("The engine is stopping.")
}

fn too_large(limit: usize) -> Problem {
    Problem::new(413, "body-too-large", "Content too large")
        .with_detail(format!("The body is larger than the limit of {limit} bytes."))
}

fn too_slow() -> Problem {
    let (patience, time) = (PATIENCE.as_secs(), TIME.as_secs());
    Problem::new(408, "body-too-slow", "Request timeout")
        .with_detail(format!(
            "The body came too slowly: after {patience} seconds it must have come at {PACE} bytes a second, and whole \
             after {time}."
        ))
        .with_header(header::CONNECTION, "close")
}

/// Lets a caller finish sending, within bounds: many callers read the answer only then, and would see a broken
/// connection instead of the problem.
pub async fn drain(app: &App, mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > DRAIN_BYTES {
                break;
            }
        }
    };
    let stopped = async {
        app.engine.stopped().await;
        tokio::time::sleep(LAST_DRAIN_TIME).await;
    };
    tokio::select! {
        () = reading => {}
        () = tokio::time::sleep(DRAIN_TIME) => {}
        () = stopped => {}
    }
}
