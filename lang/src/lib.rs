//! The FlowScript language: pure, without I/O, clock or threads.
//!
//! The way of a script is `parse → check → compile → vm`, one struct a stage: a source becomes an [`ast`] with
//! diagnostics, the checker turns that into a typed [`tree`], which is compiled to registers when it is first run; a
//! [`Program`] runs any number of times. What comes from outside
//! (clock, randomness, log, HTTP) comes in through [`host::Host`]; what scripts call is registered in a
//! [`function::Registry`] by other crates. Start reading at [`ast`], which shows what can be written, then read
//! [`compile()`].
//!
//! The crate must not know of workflows, files, networks or the library's functions.

// The code that pest generates names it, since it is used without `std`.
extern crate alloc;

pub mod ast;
pub mod budget;
mod cache;
pub mod check;
mod compile;
pub mod complete;
pub mod diagnostic;
pub mod error;
pub mod function;
pub mod highlight;
pub mod host;
mod operator;
pub mod parse;
pub mod program;
mod query;
pub mod settings;
pub mod span;
mod stack;
pub mod suggest;
pub mod tree;
pub mod types;
pub mod value;
mod vm;

pub use check::{
    CompileOptions, Compiled, Mode, ModuleLoader, NoModules, Variable, compile, compile_within, input_type,
};
pub use program::{Outcome, Program};
pub use settings::{Limits, Settings};
