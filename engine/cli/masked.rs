//! Standard error for the engine's log: the secrets of connections masked, and nothing that acts on a terminal.

use crate::output::safe_log;
use flowscript_engine::outgoing::masked;
use std::io::{Result, Write, stderr};

/// Standard error without secrets. A line of the log comes as one text, and stays one line.
pub struct Masked {
    /// Has the log colours of its own? What its messages hold of them is escaped before it comes here.
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
