//! The outcome of a step: a result, or what must be done for it.

use super::attempt::Perform;
use crate::clock::Timestamp;
use crate::script::{Fault, weight};
use flowscript_lang::value::{Record, Rows, Value};

/// What became of a step.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; this is its result.
    Done(Value),
    /// The run continues by the way of this number in [`Step::ways`](super::Step::ways).
    Way(usize),
    /// The run or the called workflow is over.
    End(Result<Value, Fault>),
    /// This is done outside the walk, and gives the result.
    Act(Action),
    /// The run sleeps.
    Sleep(Sleep),
    /// What the step [opens](super::Opens) gives the result.
    Open(Opening),
}

/// What is done outside the walk.
#[derive(Debug)]
pub enum Action {
    /// Work that takes time.
    Perform(Box<dyn Perform>),
    /// An answer to a waiting caller, given in the commit of the step's start.
    Answer(Reply),
    /// The commit of the step's start, and nothing else.
    Commit,
}

impl Action {
    /// What it carries in addition to the variables, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Perform(work) => work.weight(),
            // It is encoded for the store as well.
            Self::Answer(reply) => reply.body.as_ref().map_or(0, |body| weight(body).saturating_mul(2)),
            Self::Commit => 0,
        }
    }
}

/// What the parts of a step begin with.
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

/// What a caller is answered.
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
    /// The event that wakes it; without it in time the step has failed.
    pub event: Option<String>,
    /// What kind of sleep it is.
    pub kind: SleepKind,
}

/// Kinds of sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SleepKind {
    /// The step is tried again then.
    BackOff,
    /// A time has to pass: a clock that is set back does not prolong it.
    Span,
    /// The wall clock has to show an instant.
    Instant,
}
