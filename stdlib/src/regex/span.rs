//! The place of a match.

/// Start and end of a match in bytes.
pub(super) type Span = (usize, usize);
