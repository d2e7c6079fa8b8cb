//! The engine as its users meet it: the real binary, real sockets, a real SQLite file, real kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod acting;
mod api;
mod attack;
mod bad_input;
mod blocks;
mod commands;
mod crash;
mod diagnostics;
mod doors;
mod hooks;
mod ordered;
mod peer;
mod readme;
mod reload;
mod running;
mod schema;
mod server;
mod signed;
mod tokens;
