//! The declarations of a kind of step: the facts of one step, and what its kind allows.
//!
//! Nothing here has defaults: a kind that leaves out a fact does not compile.

use super::outcome::{Action, Opening, Outcome};
use crate::files::Files;
use crate::script::{Context, Fault, Slot, TIMEOUT};
use crate::yaml::Node;
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;
use std::fmt::Debug;

/// The place of a block in the list of all blocks of its workflow.
pub type BlockIndex = usize;

/// The data of one step, and its facts.
pub trait StepKind: Debug + Send + Sync {
    /// The facts about this step before it runs.
    fn facts(&self) -> Facts;

    /// Runs the step, or returns the work to be done for it. Its `when` is true.
    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault>;
}

/// The context of a step, in addition to the variables.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Settings and host of scripts.
    pub context: Context<'a>,
    /// The project's own files.
    pub files: &'a Files,
}

/// The facts of one step, which may depend on its data.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its effect on the world outside the run.
    pub effect: Effect,
    /// It has a result, even if that is null.
    pub gives_result: bool,
    /// It answers the caller of the run.
    pub answers: bool,
    /// It ends the run, or the called workflow.
    pub ends: bool,
    /// The variables that it sets, apart from the one of its `id`.
    pub sets: Vec<Slot>,
    /// The strands that it opens.
    pub opens: Opens,
}

/// The effect of a step on the world outside the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it computes, and waits for nothing.
    Computes,
    /// It may wait, and changes nothing: after a crash it may run again.
    Reads,
    /// It changes something, so its start and its result are committed.
    Acts,
}

/// The strands that a step opens.
#[derive(Clone, Debug)]
pub enum Opens {
    /// Nothing.
    Nothing,
    /// Its steps once for each element of a list; the result is a list.
    Passes(Passes),
    /// Lists of steps at the same time, by name; the result is a record.
    Branches(Vec<(EcoString, BlockIndex)>),
    /// The workflow of this id, as part of the run; the result is that of the workflow.
    Workflow(String),
}

/// The passes of a loop.
#[derive(Clone, Debug)]
pub struct Passes {
    /// The variable of the element.
    pub item: Slot,
    /// The steps of a pass.
    pub block: BlockIndex,
    /// How many passes run at a time.
    pub parallel: u32,
    /// The variables from before the loop that its steps set; each pass hands them to the next one.
    pub writes: Vec<Slot>,
}

/// Whether a step may have a key.
#[derive(Clone, Copy, Debug)]
pub enum May {
    /// It may.
    Yes,
    /// It may not, for this reason.
    No(&'static str),
}

/// Whether the steps of a kind may have `retry`, and which failures it counts if it has no `on`.
#[derive(Clone, Copy, Debug)]
pub enum Retries {
    /// All.
    All,
    /// Temporary ones: connections that fail, time-outs, and the statuses 429 and 5xx.
    Passing,
    /// They may not have it, for this reason.
    No(&'static str),
}

impl Retries {
    /// Is this failure of a step worth another attempt, if its `retry` has no `on`?
    pub fn counts(self, fault: &Fault) -> bool {
        match self {
            Self::All => true,
            Self::No(_) => false,
            Self::Passing => {
                let unanswered = fault.kind == ErrorKind::Io.name() && fault.status.is_none();
                let asks_for_it = fault.status.is_some_and(|status| status == 429 || status >= 500);
                fault.kind == TIMEOUT || unanswered || asks_for_it
            }
        }
    }
}

impl Facts {
    /// Do they permit this outcome of a step? A step that acts without declaring it would act without a commit.
    pub(super) fn allow(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Done(_) | Outcome::Way(_) => true,
            Outcome::End(_) => self.ends,
            Outcome::Act(Action::Perform(_)) => self.effect != Effect::Computes,
            Outcome::Act(Action::Answer(_)) => self.effect == Effect::Acts && self.answers,
            Outcome::Act(Action::Commit) | Outcome::Sleep(_) => self.effect == Effect::Acts,
            Outcome::Open(opening) => match (opening, &self.opens) {
                (Opening::Each(_), Opens::Passes(_))
                | (Opening::Branches, Opens::Branches(_))
                | (Opening::Call(_), Opens::Workflow(_)) => true,
                (
                    Opening::Each(_) | Opening::Branches | Opening::Call(_),
                    Opens::Nothing | Opens::Passes(_) | Opens::Branches(_) | Opens::Workflow(_),
                ) => false,
            },
        }
    }
}

/// Keys shared by all steps, which some kinds do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// `timeout`
    Timeout,
    /// `retry`
    Retry,
    /// `once`
    Once,
    /// `continueOnFail`
    ContinueOnFail,
}

impl Shared {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Timeout, Self::Retry, Self::Once, Self::ContinueOnFail];

    /// The key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Retry => "retry",
            Self::Once => "once",
            Self::ContinueOnFail => "continueOnFail",
        }
    }
}

/// For [`Row::names_set`](super::walk::Row::names_set): steps of the kind set no variables but the one of their `id`.
pub fn sets_nothing(_: &Node, _: &mut Vec<String>) {}
