//! Any text is read as the file of a workflow: every problem has its place in the text, and a workflow can be stored
//! and read again.
#![no_main]

use flowscript_engine::script::Library;
use flowscript_engine::workflow::{Callee, read};
use flowscript_lang::value::Zone;
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

fuzz_target!(|source: &str| {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| Library::new(Zone::UTC, "en-US", 100_000, 16 << 20));
    let found = read("w", source, library, &mut |_| Callee::Missing);
    let lines = source.split('\n').count();
    for problem in &found.problems {
        assert!(problem.place.line as usize <= lines + 1, "{problem:?}");
    }
    assert!(found.workflow.is_some() || !found.problems.is_empty());
});
