//! The formats of files.

use std::path::Path;

/// The value that the bytes of a file become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Any value.
    Json,
    /// A list of values, one a line.
    Ndjson,
    /// A table of texts, the first row names the columns.
    Csv,
    /// A text.
    Text,
    /// Bytes.
    Binary,
}

impl FileFormat {
    /// The format that the suffix of a file means.
    pub(super) fn by_suffix(file: &Path) -> Self {
        let suffix = file.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default().to_ascii_lowercase();
        match suffix.as_str() {
            "json" => Self::Json,
            "ndjson" | "jsonl" => Self::Ndjson,
            "csv" => Self::Csv,
            "txt" | "md" | "log" | "xml" | "html" => Self::Text,
            _ => Self::Binary,
        }
    }
}
