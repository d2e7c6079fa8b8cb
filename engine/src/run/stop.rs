//! What a machine is told, and where it stops.

use super::Ended;
use crate::script::Fault;
use crate::steps::Action;
use crate::store::{Changes, Timestamp};
use flowscript_lang::value::Value;

/// What a machine is told.
#[derive(Debug)]
pub enum Event {
    /// Begin, or go on where the run was left.
    Go,
    /// Time has passed.
    Tick,
    /// These events have come, by name.
    Came(Vec<(String, Value)>),
    /// A step that somebody else did has this result.
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
    /// Steps are to be done by somebody else. There may be no new ones: then earlier ones are still at work.
    Act(Box<Acts>),
    /// The run sleeps until then, or until one of these events comes.
    Sleep {
        /// When it goes on by itself.
        due: Option<Timestamp>,
        /// What it waits for.
        events: Vec<String>,
        /// What is committed when it begins.
        changes: Changes,
    },
    /// The run is over.
    Ended(Box<Ended>),
}

/// Steps that somebody else does.
#[derive(Debug, Default)]
pub struct Acts {
    /// They begin now.
    pub acts: Vec<Act>,
    /// What is committed before they do; nothing where they only read.
    pub changes: Option<Changes>,
    /// Strands whose steps nobody wants any more.
    pub dropped: Vec<String>,
    /// When a strand that sleeps wants to go on.
    pub wake: Option<Timestamp>,
    /// Events that strands wait for beside the steps at work.
    pub events: Vec<String>,
}

/// A step that somebody else does.
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
