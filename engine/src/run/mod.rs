//! One run: from its input over its steps to its end.
//!
//! [`machine`] walks the steps; what they do stands in `steps`, one kind a file. Everything here runs on a thread of
//! the [`pool`], never on the async side.

pub mod encoding;
mod host;
mod input;
mod machine;
mod pool;
mod steps;
mod trace;

pub use host::{RunHost, Stop};
pub use input::{NoFit, convert, convert_input};
pub use machine::{Ended, Given, Prepared, Room, Work, perform, prepare};
pub use pool::{Panicked, Pool, STACK_BYTES};
pub use steps::file::Files;
pub use trace::{StepTrace, decode_trace, encode_trace};
