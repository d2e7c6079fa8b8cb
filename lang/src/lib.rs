//! The FlowScript language: pure, without I/O, clock or threads.
//!
//! A script passes through `parse → check → compile → vm`, each with a type of its own: a source becomes an [`ast`] with
//! diagnostics, the checker turns it into a typed [`tree`], which is compiled to code for registers when it first runs. A
//! [`Program`] runs any number of times.
//!
//! ```
//! use flowscript_lang::function::{Effect, Registry};
//! use flowscript_lang::host::{Host, LogLevel};
//! use flowscript_lang::types::Type;
//! use flowscript_lang::value::{Number, Value};
//! use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, Variable, compile};
//!
//! /// Clock, randomness and log of scripts.
//! struct Fixed;
//!
//! impl Host for Fixed {
//!     fn now(&self) -> (i64, u32) {
//!         (1_767_225_600, 0)
//!     }
//!
//!     fn random(&self) -> u64 {
//!         4
//!     }
//!
//!     fn log(&self, level: LogLevel, message: &str) {
//!         println!("{}: {message}", level.name());
//!     }
//! }
//!
//! // The variables that the host gives to scripts, and the functions that scripts can call.
//! let variables = [Variable { name: "price".into(), ty: Type::Number, writable: false }];
//! let registry = Registry::new([]);
//! let options = CompileOptions {
//!     mode: Mode::Script,
//!     variables: &variables,
//!     registry: &registry,
//!     modules: &NoModules,
//!     effect: Effect::Host,
//! };
//!
//! // Mistakes are found before anything runs.
//! let compiled = compile("return prize * 0.9;", &options);
//! assert_eq!(compiled.diagnostics[0].message, "There is no variable `prize`.");
//!
//! let compiled = compile("return case when price > 100 then price * 0.9 else price end;", &options);
//! let program = compiled.program.ok_or("the script has errors")?;
//! let outcome = program.run(vec![Value::Number(Number::from(250))], &Settings::default(), &Fixed)?;
//! assert_eq!(outcome.value.to_literal(60), "225");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything outside a script (clock, randomness, log, HTTP) is reached through [`host::Host`]; other crates register
//! the functions that scripts call in a [`function::Registry`]. Start reading at [`ast`], which shows what can be
//! written, and continue with [`compile()`].
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
