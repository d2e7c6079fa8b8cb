//! Answers with room of their own: an answer counts until it is read, and the room for answers is limited.

use super::app::App;
use super::capacity::{LARGE, Owner};
use super::problem::Problem;
use crate::engine::RunId;
use crate::room::{Full, Held, Payer, Refused};
use axum::body::Body;
use bytes::Bytes;
use ecow::EcoString;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::program::Limits;
use flowscript_stdlib::EncodeError;
use std::sync::Arc;

/// Answers up to this size are not counted: a connection takes as much.
pub const SMALL: usize = 8 << 10;
/// The limits for writing an answer on the thread of its request.
const SOON: Limits = Limits { steps: Some(10_000), depth: 0, memory: 4 * LARGE, text: LARGE, cells: usize::MAX };

/// The receiver of an answer.
#[derive(Clone, Copy)]
pub struct Reader<'r> {
    /// The engine's HTTP side.
    pub app: &'r App,
    /// The owner of the room that it takes.
    pub owner: Owner<'r>,
}

/// Why no answer came.
#[derive(Debug)]
pub enum Unsent {
    /// The value has no such form; the text is the message.
    Unfit(String),
    /// The room is used up.
    NoRoom(Full),
}

impl Unsent {
    /// The problem of an answer without room.
    pub fn no_room(full: Full, run: RunId, status_url: Option<String>) -> Problem {
        let problem = match full {
            Full::Now => Problem::unavailable(
                "The run is kept, but too many answers are waiting to be read; request its result in a moment.",
            ),
            Full::Always => Problem::new(500, "answer-too-large", "Answer too large").with_detail(
                "The run is kept, but its answer is larger than the engine sends to one caller; \
                 `limits.answersInFlight` says how much there is.",
            ),
        };
        let problem = problem.with_run(run);
        match status_url.filter(|_| full == Full::Now) {
            Some(url) => problem.with_status_url(url),
            None => problem,
        }
    }
}

impl Reader<'_> {
    /// A body that `encode` writes; outside the threads that serve requests if it is large.
    pub async fn written(
        self,
        encode: impl Fn(&mut dyn Budget) -> Result<String, EncodeError>,
    ) -> Result<Body, Unsent> {
        match encode(&mut Allowance::new("The answer", SOON, &|| None)) {
            Ok(text) => return self.ready(text),
            Err(EncodeError::Value(reason)) => return Err(Unsent::Unfit(reason)),
            Err(EncodeError::TooLong { .. } | EncodeError::Stopped(_)) => {}
        }
        self.app.capacity.apart(self.owner, || self.large(encode)).await
    }

    fn large(self, encode: impl Fn(&mut dyn Budget) -> Result<String, EncodeError>) -> Result<Body, Unsent> {
        let mut room = self.app.capacity.answer(self.owner);
        let most = room.most();
        // Runs that have ended are also answered while the engine stops.
        let mut payer = Payer::new(Some(&mut room), most, &|| false);
        let written = encode(&mut payer);
        let refused = payer.refused();
        match (written, refused) {
            (Ok(text), _) => {
                // The memory used only during writing is free again.
                let (taken, needed) = (room.bytes(), text.capacity());
                room.shrink(taken.saturating_sub(needed));
                room.grow(needed.saturating_sub(taken)).map_err(Unsent::NoRoom)?;
                Ok(kept(text.into_bytes(), room))
            }
            (Err(_), Some(Refused::Full(full))) => Err(Unsent::NoRoom(full)),
            (Err(EncodeError::TooLong { .. }), _) => Err(Unsent::NoRoom(Full::Always)),
            (Err(error), _) => Err(Unsent::Unfit(error.to_string())),
        }
    }

    /// A body that already exists.
    pub fn ready(self, content: impl AsRef<[u8]> + Into<Bytes> + Send + 'static) -> Result<Body, Unsent> {
        let length = content.as_ref().len();
        if length <= SMALL {
            return Ok(Body::from(content.into()));
        }
        let mut room = self.app.capacity.answer(self.owner);
        room.grow(length).map_err(Unsent::NoRoom)?;
        Ok(kept(content, room))
    }

    /// A body that is a text of the language.
    pub fn text(self, text: &EcoString) -> Result<Body, Unsent> {
        self.ready(Shared(text.clone()))
    }

    /// A body that is binary of the language.
    pub fn binary(self, bytes: &Arc<[u8]>) -> Result<Body, Unsent> {
        self.ready(Shared(bytes.clone()))
    }
}

/// A part of a value, possibly shared.
struct Shared<T>(T);

impl AsRef<[u8]> for Shared<EcoString> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl AsRef<[u8]> for Shared<Arc<[u8]>> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<T> From<Shared<T>> for Bytes
where
    Shared<T>: AsRef<[u8]>,
{
    fn from(shared: Shared<T>) -> Self {
        Self::copy_from_slice(shared.as_ref())
    }
}

/// Content whose room is given back once all of it is sent.
struct Kept<T> {
    content: T,
    _room: Held,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Kept<T> {
    fn as_ref(&self) -> &[u8] {
        self.content.as_ref()
    }
}

fn kept(content: impl AsRef<[u8]> + Send + 'static, room: Held) -> Body {
    Body::from(Bytes::from_owner(Kept { content, _room: room }))
}
