//! Stack space for work that follows the nesting of a script.

/// The stack that deep work may need: 200 levels take up to 4 MiB in a debug build.
const NEEDED: usize = 6 << 20;
/// The size of a new stack if less is left.
const GIVEN: usize = 16 << 20;

/// Calls `work` with enough stack for the deepest nesting that the parser allows. If enough is left, this is an
/// ordinary call.
pub(crate) fn with_deep_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(NEEDED, GIVEN, work)
}
