//! The result of parsing.

use crate::diagnostic::Diagnostic;

/// The tree, and its errors in the order of the source. With errors the tree contains `Invalid` parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The tree.
    pub tree: T,
    /// All findings, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}
