//! The inputs of a machine, and its stops.

use super::Ended;
use crate::script::Fault;
use crate::steps::Action;
use crate::store::{Changes, Timestamp};
use flowscript_lang::value::Value;

/// The input of a machine.
#[derive(Debug)]
pub enum Event {
    /// Begin, or continue where the run was left.
    Go,
    /// Time has passed.
    Tick,
    /// These events have arrived, by name.
    Came(Vec<(String, Value)>),
    /// A step performed outside has this result.
    Done {
        /// The strand of the step.
        strand: String,
        /// The result.
        result: Result<Value, Fault>,
    },
}

/// Where a machine stops.
#[derive(Debug)]
pub enum Stop {
    /// Steps are to be performed outside. If there are no new ones, earlier ones are still running.
    Act(Box<Acts>),
    /// The run sleeps until then, or until one of these events comes.
    Sleep {
        /// When it continues by itself.
        due: Option<Timestamp>,
        /// What it waits for.
        events: Vec<String>,
        /// What is committed when it begins.
        changes: Changes,
    },
    /// The run is over.
    Ended(Box<Ended>),
}

/// Steps that are performed outside.
#[derive(Debug, Default)]
pub struct Acts {
    /// They begin now.
    pub acts: Vec<Act>,
    /// What is committed before they do; `None` if they only read.
    pub changes: Option<Changes>,
    /// Strands whose steps are no longer needed.
    pub dropped: Vec<String>,
    /// When a sleeping strand wants to continue.
    pub wake: Option<Timestamp>,
    /// Events that strands wait for while other steps are running.
    pub events: Vec<String>,
}

/// A step that is performed outside.
#[derive(Debug)]
pub struct Act {
    /// The strand it belongs to.
    pub strand: String,
    /// Its position in the run.
    pub position: String,
    /// The key of its kind.
    pub kind: &'static str,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// Its start and its result are committed.
    pub commits: bool,
    /// An earlier attempt ended without a known result: it may have done the work.
    pub repeated: bool,
    /// What is to be done.
    pub action: Action,
}
