//! Faults for an engine in a process of its own: a library that is preloaded into it, and the files that it reads.

use crate::server::{Project, Server};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Faults of one engine, switched on and off while it runs.
pub struct Faults(TempDir);

impl Faults {
    /// Builds the library.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/faults.c");
        let library = folder.path().join("faults.so");
        let mut compiler = Command::new("cc");
        let built = compiler.args(["-shared", "-fPIC", "-O2", "-o"]).args([&library, &source]).arg("-ldl").status();
        assert!(built.unwrap().success(), "faults.c does not compile");
        Self(folder)
    }

    /// An engine with these faults.
    pub fn serve(&self, project: &Project) -> Server {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
        Server::start_with(project.path(), &[], &environment)
    }

    /// The environment of an engine with these faults.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        [("LD_PRELOAD", path("faults.so")), ("FAULTS", path(""))]
    }

    /// Switches a fault on: a reader sees all of the text or none of it.
    pub fn set(&self, name: &str, text: &str) {
        let beside = self.0.path().join("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, self.0.path().join(name)).unwrap();
    }

    /// Switches it off.
    pub fn clear(&self, name: &str) {
        std::fs::remove_file(self.0.path().join(name)).unwrap();
    }
}
