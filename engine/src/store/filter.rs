//! Conditions on runs, which lists, counts and bulk decisions share.

use super::{RunState, Timestamp, Trigger};

/// A condition, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Runs of which it does not hold.
    pub negated: bool,
    /// What holds of a run.
    pub condition: Condition,
}

/// What holds of a run. Where a condition has several values, one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It is in one of these states.
    State(Vec<RunState>),
    /// It has this mark.
    Is(Mark),
    /// It is of one of these workflows; a `*` at the end stands for any rest.
    Workflow(Vec<String>),
    /// It was started by one of these.
    Trigger(Vec<Trigger>),
    /// It has exactly one of these labels.
    Label(Vec<String>),
    /// It is or was in one of these lanes of its webhook.
    Lane(Vec<String>),
    /// The hash of its version begins with one of these.
    Version(Vec<String>),
    /// The message of its error begins with one of these, in any case of ASCII letters.
    Error(Vec<String>),
    /// It ended more than so many milliseconds after its first start.
    TookOver(u64),
    /// It ended less than so many milliseconds after its first start.
    TookUnder(u64),
    /// Id, label, lane key or error message begins with this, in any case of ASCII letters.
    Text(String),
}

/// A mark of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It completed, and a step of it failed.
    WithErrors,
    /// It failed, and holds its lane.
    Held,
}

super::names::names! { Mark, "mark of a run": WithErrors = "withErrors", Held = "held" }

/// How many runs a filter finds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The number of runs by state, without states that have none.
    pub states: Vec<(RunState, u64)>,
    /// The same for each stretch of time, from the first that has runs to the last.
    pub stretches: Vec<Stretch>,
    /// The search ended here, before it was through; `None` if it counted all.
    pub searched_to: Option<Timestamp>,
}

/// The runs of a filter that were accepted in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its beginning: a multiple of its length.
    pub start: Timestamp,
    /// The number of runs by state, without states that have none.
    pub states: Vec<(RunState, u64)>,
}
