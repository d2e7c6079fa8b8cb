//! The HTTP server: webhooks under `/hooks`, the admin API under `/api/v1`, the dashboard at `/`, health. Each resource has its file.
//!
//! All parts use one [`Engine`](crate::engine::Engine); errors are problems of RFC 9457.

mod accept;
mod api;
mod app;
mod body;
mod callbacks;
mod callers;
mod capacity;
mod cors;
mod describe;
mod door;
mod gate;
mod headers;
mod health;
mod hooks;
mod idempotency;
mod json;
mod local;
mod metrics;
mod paced;
mod pages;
mod problem;
mod reply;
mod routes;
mod schema;
mod sent;
mod server;
mod style;
mod token;
mod token_contract;
mod tries;

pub use local::Local;
pub use routes::{Routers, Routes, routers};
pub use server::{Server, bind};
pub use token::{AdminToken, Guard};
