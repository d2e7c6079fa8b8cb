//! What may go wrong around the engine, one kind a module: each ends in a clear state, and the engine goes on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod callers;
mod clock;
mod disk;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../engine/peer.rs"]
mod peer;
#[allow(dead_code, reason = "the engine's tests use the rest of it")]
#[path = "../engine/server.rs"]
mod server;
mod steps;

use server::{Project, Server, bearer};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Faults of one engine, switched on and off while it runs.
struct Faults(TempDir);

impl Faults {
    /// Builds what is preloaded into the engine.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/faults.c");
        let library = folder.path().join("faults.so");
        let mut compiler = Command::new("cc");
        let built = compiler.args(["-shared", "-fPIC", "-O2", "-o"]).args([&library, &source]).arg("-ldl").status();
        assert!(built.unwrap().success(), "faults.c does not compile");
        Self(folder)
    }

    /// An engine with these faults.
    fn serve(&self, project: &Project) -> Server {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
        Server::start_with(project.path(), &[], &environment)
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        [("LD_PRELOAD", path("faults.so")), ("FAULTS", path(""))]
    }

    /// Switches a fault on: whoever looks sees all of the text or none of it.
    fn set(&self, name: &str, text: &str) {
        let beside = self.0.path().join("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, self.0.path().join(name)).unwrap();
    }

    fn clear(&self, name: &str) {
        std::fs::remove_file(self.0.path().join(name)).unwrap();
    }
}

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
