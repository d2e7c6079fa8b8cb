//! Steps that hold steps, and steps that only the engine itself has to do with, as data.

use super::model::{Slot, StepIndex};
use crate::script::{Content, Script};
use ecow::EcoString;
use flowscript_lang::types::Type;
use std::time::Duration;

/// The place of a list of steps in [`super::model::Workflow::blocks`].
pub type BlockIndex = usize;

/// A list of steps that runs for itself: the workflow's own, a pass of `forEach`, a branch of `parallel`.
#[derive(Debug, Default)]
pub struct Block {
    /// Where it begins; `None` for a list without steps.
    pub first: Option<StepIndex>,
    /// What it gives when it comes to its end.
    pub output: Option<Content>,
    /// Without an `output` it gives what its last step with a result gave.
    pub gives_last: bool,
}

/// `forEach`
#[derive(Debug)]
pub struct ForEach {
    /// The variable of the element.
    pub item: Slot,
    /// The elements.
    pub list: Script,
    /// The steps of a pass.
    pub block: BlockIndex,
    /// How many passes go on at a time.
    pub parallel: u32,
    /// The variables from before the loop that its steps set; each pass hands them to the next one.
    pub writes: Vec<Slot>,
}

/// `call`
#[derive(Debug)]
pub struct Call {
    /// The id of the workflow that is called.
    pub workflow: String,
    /// Its inputs by name.
    pub input: Vec<(EcoString, Content)>,
}

/// `wait`
#[derive(Debug)]
pub struct Wait {
    /// What it waits for.
    pub what: Waiting,
    /// How long it waits for an event at most.
    pub timeout: Option<Duration>,
}

/// What a `wait` waits for.
#[derive(Debug)]
pub enum Waiting {
    /// A span of time.
    For(Duration),
    /// An instant.
    Until(Script),
    /// An event of this name.
    Event(Content),
}

/// `table`
#[derive(Debug)]
pub struct Table {
    /// The variable.
    pub slot: Slot,
    /// What the table begins with.
    pub columns: Columns,
}

/// What a table begins with.
#[derive(Debug)]
pub enum Columns {
    /// No rows, and these columns.
    Named(Vec<(EcoString, Type)>),
    /// These rows.
    From(Script),
}
