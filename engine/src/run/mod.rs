//! One run: from its input through its steps to its end.
//!
//! [`machine`] walks the steps, strand by strand; their actions are in [`crate::steps`], one kind a file. [`ledger`] is
//! the stored form of a run, [`restore`] the way back. All of this runs on a thread of the [pool](crate::pool); short
//! runs that only compute run on the threads of requests, see `dispatch::inline`.

mod attempts;
mod begin;
mod blocks;
mod diffs;
mod ended;
mod failed_at;
mod failing;
mod host;
mod ledger;
mod machine;
mod outlook;
mod places;
mod report;
mod restore;
mod retry;
mod sleep;
mod stop;
mod strand;
mod trace;
mod veil;
mod work;

pub use begin::{INPUT, Prepared, prepare};
pub use diffs::{Change, StepDiff};
pub use ended::Ended;
pub use host::{Callbacks, Calls, CancelledWith, RunHost, StepHost, StopFlag, step_key};
#[cfg(test)]
pub use ledger::kept_position;
pub use machine::Machine;
pub use outlook::shown_steps;
pub use stop::{Act, Acts, Event, Stop};
pub use trace::{History, Progress, StepTrace, decode_history, encode_history};
pub use work::{Given, Room, Work};
