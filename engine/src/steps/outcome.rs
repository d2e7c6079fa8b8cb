//! The outcome of a step: a result, or what must be done for it.

use super::attempt::Perform;
use crate::clock::Timestamp;
use crate::script::{Fault, weight};
use flowscript_lang::value::{Record, Rows, Value};

/// The outcome of a step.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; this is its result.
    Done(Value),
    /// The run continues on the path of this number in [`Step::ways`](super::Step::ways).
    Way(usize),
    /// The run or the called workflow is over.
    End(Result<Value, Fault>),
    /// This is performed outside the walk, and gives the result.
    Act(Action),
    /// The run sleeps.
    Sleep(Sleep),
    /// The strands that the step [opens](super::Opens) give the result.
    Open(Opening),
}

/// The work performed outside the walk.
#[derive(Debug)]
pub enum Action {
    /// Slow work.
    Perform(Box<dyn Perform>),
    /// An answer to a waiting caller, given in the commit of the step's start.
    Answer(Reply),
    /// Only the commit of the step's start.
    Commit,
}

impl Action {
    /// The weight of its inputs in addition to the variables, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Perform(work) => work.weight(),
            // It is encoded for the store as well.
            Self::Answer(reply) => reply.body.as_ref().map_or(0, |body| weight(body).saturating_mul(2)),
            Self::Commit => 0,
        }
    }
}

/// The inputs of the parts of a step.
#[derive(Debug)]
pub enum Opening {
    /// A pass for each of these.
    Each(Rows),
    /// All branches.
    Branches,
    /// A called workflow with these inputs.
    Call(Record),
}

impl Opening {
    /// The elements of a loop.
    pub fn items(&self) -> Option<Rows> {
        match self {
            Self::Each(rows) => Some(rows.clone()),
            Self::Branches | Self::Call(_) => None,
        }
    }
}

/// The answer to a caller.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; nothing is sent without one.
    pub body: Option<Value>,
}

/// What a run sleeps for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sleep {
    /// When it wakes by itself.
    pub due: Option<Timestamp>,
    /// The event that wakes it; if it does not arrive in time, the step fails.
    pub event: Option<String>,
    /// What kind of sleep it is.
    pub kind: SleepKind,
}

/// Kinds of sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SleepKind {
    /// The step is retried then.
    BackOff,
    /// A duration: a clock that is set back does not prolong it.
    Span,
    /// An instant of the wall clock.
    Instant,
}
