//! Steps: one kind a file.
//!
//! A kind's file holds the data of a step, its reading from YAML, its facts, its work, and its entry in the reference.
//! [`KINDS`] is the table of all of them, above the kinds. [`walk`] reads lists of steps by the table that it is given;
//! a run asks a [`Step`] for its facts and never for its kind.
#![deny(dead_code)] // a kind that is not in the table is an error

mod address;
mod answered;
mod assert;
pub mod attempt;
mod call;
mod checkpoint;
mod decide;
mod email;
mod end;
mod file;
mod for_each;
mod fork;
mod graph;
mod http;
pub mod kind;
mod log;
pub mod outcome;
mod parallel;
mod parts;
pub mod reference;
mod respond;
mod retry;
pub mod schema;
mod script;
mod set;
mod sql;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod wait;
pub mod walk;

pub use kind::{BlockIndex, Opens, Scene};
pub use outcome::{Action, Opening, Outcome, Reply, Sleep, SleepKind};
pub use step::{Block, Retry, Step, StepIndex};
pub use walk::{Callable, Walk};

use walk::Row;

/// The kinds of steps, in the order of the reference.
pub static KINDS: &[Row] = &[
    set::KIND,
    table::KIND,
    script::KIND,
    decide::KIND,
    for_each::KIND,
    parallel::KIND,
    assert::KIND,
    log::KIND,
    http::KIND,
    sql::KIND,
    file::KIND,
    email::KIND,
    call::KIND,
    wait::KIND,
    checkpoint::KIND,
    respond::KIND,
    end::KIND,
];
