//! Failures of the engine's surroundings, one kind a module: each ends in a clear state, and the engine continues.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod callers;
mod clock;
mod disk;
#[path = "../support/faults.rs"]
mod faults;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/peer.rs"]
mod peer;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../support/server.rs"]
mod server;
mod steps;

use faults::Faults;
use server::{Server, bearer};

/// Accepts a message and gives the id of its run.
fn accept(server: &Server, path: &str, body: &str) -> String {
    let accepted = server.post(path, body);
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

/// A decision of the admin API.
fn act(server: &Server, path: &str) -> server::Answer {
    server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(b""))
}
