//! Standard error for the engine's log: secrets of connections are masked, and control characters of terminals removed.

use crate::output::safe_log;
use flowscript_engine::outgoing::masked;
use std::io::{Result, Write, stderr};

/// Standard error without secrets. A line of the log comes as one text, and stays one line.
pub struct Masked {
    /// Does the log use colours? Control characters in its messages are escaped before.
    pub has_colours: bool,
}

impl Write for Masked {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let line = masked(&String::from_utf8_lossy(bytes));
        stderr().write_all(safe_log(&line, self.has_colours).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        stderr().flush()
    }
}
