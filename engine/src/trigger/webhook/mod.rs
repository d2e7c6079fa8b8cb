//! Webhooks: from a request to the input of a run. A faulty request is refused here, before anything is stored.

pub mod auth;
mod body;
mod credential;
mod model;
mod query;
mod read;
mod request;
#[cfg(test)]
mod tests;
mod unfit;

pub use auth::Auth;
pub use body::{BodyProblem, decode as decode_body, expand, is_unsupported};
pub use credential::{Credential, credential};
pub use model::{Method, Ordered, REQUEST_NAMES, Response, Webhook};
pub use query::{input_parameters, parameter, parse_query};
pub use request::{Request, RequestParts};
