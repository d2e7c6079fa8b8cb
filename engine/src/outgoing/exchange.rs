//! A request, its answer, and why no answer came.

use crate::burden::Beside;
use crate::secret::masked;
use bytes::Bytes;
use std::time::Duration;

/// A request to send.
#[derive(Clone)]
pub struct Outgoing {
    /// `GET` …
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The same for messages: without logins and secrets.
    pub shown: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Bytes>,
    /// For the whole exchange, redirects included.
    pub timeout: Duration,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").field("method", &self.method).field("url", &self.shown).finish_non_exhaustive()
    }
}

/// The answer.
#[derive(Debug)]
pub struct Incoming {
    /// 200 …
    pub status: u16,
    /// `OK` …
    pub reason: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Its load among the values of the run that has asked for it.
    pub beside: Option<Beside>,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// It took too long.
    pub timed_out: bool,
    /// For messages.
    pub message: String,
}

impl Unsent {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { timed_out: false, message: masked(&message.into()) }
    }

    pub(super) fn late(self, timed_out: bool) -> Self {
        Self { timed_out, ..self }
    }
}

/// Why a request failed, without the address, which the outer error repeats.
pub fn reason(error: &reqwest::Error) -> String {
    std::error::Error::source(error).map_or_else(|| chain(error), chain)
}

/// An error with its causes: the outer one alone says little.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut inner = error.source();
    while let Some(error) = inner {
        let text = error.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        inner = error.source();
    }
    texts.join(": ")
}
