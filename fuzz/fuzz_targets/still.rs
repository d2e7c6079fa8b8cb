//! A host in which nothing changes, so that the same input has the same result.

use flowscript_lang::host::{Host, LogLevel};

/// Its clock does not move, and its random numbers are always the same.
pub struct StillHost;

impl Host for StillHost {
    fn now(&self) -> (i64, u32) {
        (1_700_000_000, 0)
    }

    fn random(&self) -> u64 {
        4
    }

    fn log(&self, _level: LogLevel, _message: &str) {}
}
