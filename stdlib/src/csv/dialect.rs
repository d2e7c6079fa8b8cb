//! How CSV is written.

/// How a CSV text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The ASCII character between cells.
    pub delimiter: u8,
    /// Does the first row name the columns?
    pub header: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', header: true }
    }
}
