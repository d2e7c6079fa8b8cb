//! Runs programs.
//!
//! The parts of a run: [`run`] fills the program-wide slots, `machine` holds the state, `call` enters functions,
//! `execute` is the loop over the numbers, jumps and calls of compiled functions and `instructions` the rest of it,
//! `context` is the natives' view, `query` and `select` work on whole columns of rows, `limits` stops excessive work,
//! `place` reports where an error happened.
//!
//! `statement` and `expr` walk the tree itself: the expressions of rows, functions that are not compiled, and
//! everything if a test asks for it. Both use the same operators, so that they cannot differ in them.
//!
//! Values are on the machine's stack, in the registers of their frames or in flight above them: so they are visible to
//! the limit on memory.

mod access;
mod append;
mod call;
mod callable;
mod cell;
mod closure;
mod concat;
mod conform;
mod context;
mod execute;
mod expr;
mod fail;
mod fold;
mod frames;
#[cfg(test)]
mod hostile {
    mod tests;
}
mod instructions;
mod kernel;
mod library;
mod limits;
mod machine;
mod meter;
mod names;
mod operators;
mod outcome;
mod path;
mod place;
mod position;
mod query;
mod registers;
mod scalar;
mod scope;
mod select;
mod simple;
mod sort;
mod statement;
#[cfg(test)]
mod tests;
mod variables;

pub use cell::Remains;
pub use outcome::Outcome;

use crate::cache::Cache;
use crate::compile::Executable;
use crate::error::RunError;
use crate::host::{Host, Profiler};
use crate::settings::Settings;
use crate::value::Value;
pub(crate) use machine::Method;

use fail::{Evaluated, Failure};
use machine::Machine;
use std::sync::Arc;

/// Runs a program from its first constant to the last statement of the script.
pub(crate) fn run(
    tree: &Arc<Executable>,
    cache: &Cache,
    variables: Vec<Value>,
    settings: &Settings,
    host: &dyn Host,
    method: Method,
    profiler: Option<&dyn Profiler>,
) -> Result<Outcome, Box<RunError>> {
    let mut machine = Machine::new(tree, cache, settings, host, method);
    machine.profiler = profiler;
    let mut given = variables.into_iter();
    for input in &tree.inputs {
        machine.set_global(input.slot, given.next().unwrap_or_default());
    }
    let mut value = Value::Null;
    for start in &tree.starts {
        let ended = machine.start(tree, *start);
        value = match machine.check_whole().and(ended) {
            Ok(value) => value,
            Err(error) => {
                if !error.kind.is_catchable() {
                    machine.leave_values();
                }
                return Err(place::shortened(error));
            }
        };
    }
    let variables = tree.inputs.iter().map(|input| machine.global(input.slot).cloned().unwrap_or_default()).collect();
    let mut exports = indexmap::IndexMap::new();
    for (name, slot) in &tree.exports {
        // A later variable of the same name takes precedence, once it is set.
        if let Some(value) = machine.global(*slot) {
            exports.insert(name.clone(), value.clone());
        }
    }
    let steps = machine.meter.steps();
    Ok(Outcome { value, variables, exports: exports.into_iter().collect(), steps, remains: machine.finish() })
}
