//! Where a match is.

/// Start and end of a match in bytes.
pub(super) type Span = (usize, usize);
