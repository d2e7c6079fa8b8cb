//! What parsing gives.

use crate::diagnostic::Diagnostic;

/// What was read, and what was wrong with it, in the order of the source. With errors the tree holds `Invalid` parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The tree.
    pub tree: T,
    /// All findings, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}
