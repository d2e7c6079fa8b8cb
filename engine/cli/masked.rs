//! Standard error for the engine's log, the secrets of connections masked.

use flowscript_engine::outgoing::masked;
use std::io::{Result, Write, stderr};

/// Standard error without secrets. A line of the log comes as one text.
pub struct Masked;

impl Write for Masked {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        stderr().write_all(masked(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        stderr().flush()
    }
}
