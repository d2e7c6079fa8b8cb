//! The engine for its users: the real binary, real sockets, a real SQLite file, real kills.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod acting;
mod addresses;
mod answers;
mod api;
mod attention;
mod bad_input;
mod blocks;
mod commands;
mod connections;
mod crash;
mod diagnostics;
mod door;
mod doors;
mod encrypted;
mod examples;
mod files;
mod filters;
mod greedy_peers;
mod ground;
mod history;
mod hooks;
mod mistakes;
mod odd;
mod openapi;
mod ordered;
mod pages;
mod parameters;
#[path = "../support/peer.rs"]
mod peer;
mod places;
#[path = "../support/postgres.rs"]
mod postgres;
mod readme;
mod reload;
mod retries;
mod running;
mod schedules;
mod schema;
mod secrets;
mod senders;
#[path = "../support/server.rs"]
mod server;
mod shared_parts;
mod signed;
#[path = "../support/smtp.rs"]
mod smtp;
mod sql;
mod statistics;
mod stopping;
mod tokens;
mod types;
mod workflows;
