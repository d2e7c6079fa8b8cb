//! The wire: webhooks under `/hooks`, the admin API under `/api/v1`, health. One resource a file.
//!
//! Everything here talks to one [`Engine`](crate::engine::Engine); errors are problems of RFC 9457.

mod accept;
mod access;
mod app;
mod body;
mod callbacks;
mod callers;
mod cors;
mod describe;
mod door;
mod evaluate;
mod events;
mod gate;
mod headers;
mod health;
mod hooks;
mod house;
mod idempotency;
mod input;
mod json;
mod keys;
mod lanes;
mod local;
mod metrics;
mod openapi;
mod paced;
mod problem;
mod reply;
mod routes;
mod runs;
mod schedules;
mod schema;
mod sent;
mod server;
mod shapes;
mod style;
mod token;
mod token_contract;
mod tokens;
mod workflows;

pub use local::Local;
pub use routes::{Routers, Routes, routers};
pub use server::{Server, bind};
pub use token::{AdminToken, Guard};
