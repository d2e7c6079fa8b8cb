//! A workflow as data: model, reading with positions, validation, content hash. No I/O: texts come in, models go out.

pub mod auth;
pub mod blocks;
pub mod explain;
pub mod history;
pub mod model;
pub mod outside;
pub mod problem;
mod read;
pub mod sql;
#[cfg(test)]
mod tests;
mod text;

pub use read::{Callee, Callees, Read, read};
pub use text::{WorkflowText, id_of_path};
