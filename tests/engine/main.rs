//! The engine as its users meet it: the real binary, real sockets, a real SQLite file, real kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod acting;
mod answers;
mod api;
mod attack;
mod bad_input;
mod blocks;
mod commands;
mod connections;
mod crash;
mod diagnostics;
mod doors;
mod encrypted;
mod examples;
mod files;
mod history;
mod hooks;
mod mistakes;
mod openapi;
mod ordered;
mod parameters;
mod peer;
mod postgres;
mod readme;
mod reload;
mod retries;
mod running;
mod schedules;
mod schema;
mod senders;
mod server;
mod signed;
mod smtp;
mod sql;
mod tokens;
mod types;
