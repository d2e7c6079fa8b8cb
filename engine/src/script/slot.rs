//! The places of variables. The first are the engine's own, then come the inputs of the workflow in their order.

/// The place of a variable in a run.
pub type Slot = usize;

/// The variable `run`.
pub const RUN: Slot = 0;
/// The variable `errors`.
pub const ERRORS: Slot = 1;
/// The variable `output`, which only `processing.output` sees.
pub const OUTPUT: Slot = 2;
/// The variable `error`, which only `retry.on` sees.
pub const ERROR: Slot = 3;
/// The result of the last step with one, which is the result of a pass or branch without `output`.
pub const LAST: Slot = 4;
/// The first input.
pub const FIRST_INPUT: Slot = 5;
