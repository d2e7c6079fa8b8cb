//! The FlowScript language: pure, without I/O, clock or threads.
//!
//! The way of a script is `parse → check → compile → run`. Start reading at [`ast`], which shows what can be written.

pub mod ast;
pub mod diagnostic;
pub mod error;
pub mod function;
pub mod host;
pub mod program;
mod run;
pub mod span;
pub mod tree;
pub mod types;
pub mod value;
