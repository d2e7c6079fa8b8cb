//! A webhook as configured in the file.

use super::auth::Auth;
use crate::script::{Input, Script};
use crate::yaml::Place;
use flowscript_lang::types::Type;
use std::time::Duration;

/// The webhook of a workflow.
#[derive(Debug)]
pub struct Webhook {
    /// The part of the address after `/hooks/`.
    pub path: String,
    /// The place of the path in the file, or of the webhook if it has none.
    pub place: Place,
    /// Its methods.
    pub methods: Vec<Method>,
    /// Who may call.
    pub auth: Auth,
    /// The origins whose pages may call, as browsers write them; `*` means all.
    pub cors: Vec<String>,
    /// Whether callers wait for the end.
    pub response: Response,
    /// How long they wait, from the request on.
    pub timeout: Duration,
    /// After that time the caller gets the answer that the run is accepted, instead of a timeout.
    pub accept_on_timeout: bool,
    /// Whether messages run one at a time, in the order of their acceptance.
    pub ordered: Option<Ordered>,
    /// The declared query parameters.
    pub query: Vec<Input>,
    /// Query parameters fill `input` by name, since neither `query` nor `processing.input` is set.
    pub fills_input: bool,
    /// From the request to the input; its slots are [`REQUEST_NAMES`].
    pub processing_input: Option<Script>,
    /// From the output to the answer. The output is in its slot [`OUTPUT`](crate::script::slot::OUTPUT).
    pub processing_output: Option<Script>,
    /// The known type of the answer of a run that ends.
    pub answer: Type,
}

/// Ordered delivery.
#[derive(Debug)]
pub struct Ordered {
    /// The key whose messages keep their order; without one all messages do. Its slots are [`REQUEST_NAMES`].
    pub key: Option<Script>,
    /// A failed message holds the lane until it is retried, run again or skipped.
    pub pause: bool,
}

/// The variables of `processing.input` and `ordered.key`, by slot.
pub const REQUEST_NAMES: [&str; 5] = ["query", "body", "headers", "method", "rawBody"];

/// Methods a webhook may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Get,
    /// With one.
    Post,
}

impl Method {
    /// The name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// When a webhook answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// When the run has ended, with its output.
    Wait,
    /// At once, with the run's id.
    Accept,
}
