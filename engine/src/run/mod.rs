//! One run: from its input over its steps to its end.
//!
//! [`machine`] walks the steps; what they do stands in `steps`, one kind a file. Everything here runs on a thread of
//! the [`pool`], never on the async side.

pub mod encoding;
mod ended;
mod host;
mod input;
mod machine;
mod pool;
mod progress;
mod retry;
mod steps;
mod trace;
mod work;

pub use ended::Ended;
pub use host::{Calls, RunHost, StopFlag, step_key};
pub use input::{NoFit, convert, convert_input};
pub use machine::{Act, Event, Machine, Prepared, Stop, prepare};
pub use pool::{Panicked, Pool, STACK_BYTES};
pub use steps::file::Files;
pub use steps::http::Answered;
pub use steps::{Action, Reply};
pub use trace::{StepTrace, decode_trace, encode_trace};
pub use work::{Given, Room, Work};
