//! Room on the stack for work that follows the nesting of a script.

/// What deep work may need: 200 levels take up to 4 MiB in a debug build.
const NEEDED: usize = 6 << 20;
/// What it gets where less is left.
const GIVEN: usize = 16 << 20;

/// Calls `work` with enough stack for a script that is nested as deep as the parser lets it be. Where enough is left,
/// this is an ordinary call.
pub(crate) fn with_deep_stack<R>(work: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(NEEDED, GIVEN, work)
}
