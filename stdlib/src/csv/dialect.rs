//! The dialects of CSV.

/// The dialect of a CSV text.
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
