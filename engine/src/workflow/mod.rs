//! A workflow as data: model, reading with positions, validation, content hash. No I/O: texts come in, models go out.

pub mod history;
#[cfg(test)]
mod hostile;
pub mod model;
pub mod outline;
mod read;
pub mod schema;
#[cfg(test)]
mod tests;
mod text;

/// The input of a run that `onFailure` starts. (`run` is the name of its own run.)
pub const FAILURE_INPUTS: [&str; 2] = ["failedRun", "error"];

pub use crate::reading::id_of_path;
pub use read::{Callee, Callees, Read, read};
pub use text::WorkflowText;
