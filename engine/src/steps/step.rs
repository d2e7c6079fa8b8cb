//! A step of a workflow: the settings shared by all kinds, and the step after it.

use super::kind::{BlockIndex, Effect, Facts, Opens, Retries, Scene, StepKind};
use super::outcome::Outcome;
use crate::script::{Content, Fault, Script, Slot};
use crate::yaml::Place;
use flowscript_lang::value::Value;
use std::time::Duration;

/// The place of a step in the list of all steps of its workflow.
pub type StepIndex = usize;

/// One step and its successors.
#[derive(Debug)]
pub struct Step {
    /// The variable that gets its result.
    pub slot: Option<Slot>,
    /// The list it belongs to.
    pub block: BlockIndex,
    /// The path of ids and numbers that names it in its list.
    pub position: String,
    /// Where it begins in the file.
    pub place: Place,
    /// For display: its name, its id, or its kind.
    pub title: String,
    /// It is skipped if this is false.
    pub when: Option<Script>,
    /// How often it is tried again after a failure.
    pub retry: Option<Retry>,
    /// After a crash it does not run again: the run fails as interrupted.
    pub once: bool,
    /// Its failure is recorded in `errors`, and the run continues.
    pub continue_on_fail: bool,
    /// The step after it; `None` if the run ends.
    pub next: Option<StepIndex>,
    /// The first steps of the paths that it may choose instead.
    pub ways: Vec<Option<StepIndex>>,
    what: What,
}

/// The kind's part of a step.
#[derive(Debug)]
pub(super) struct What {
    /// The key of its kind.
    key: &'static str,
    retries: Retries,
    kind: Box<dyn StepKind>,
    facts: Facts,
}

impl What {
    /// A step of the kind of this key.
    pub(super) fn new(key: &'static str, retries: Retries, kind: Box<dyn StepKind>) -> Self {
        let facts = kind.facts();
        Self { key, retries, kind, facts }
    }

    /// The facts about the step before it runs.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// The settings that all steps share; all are required.
pub(super) struct Shape {
    pub(super) slot: Option<Slot>,
    pub(super) block: BlockIndex,
    pub(super) position: String,
    pub(super) place: Place,
    pub(super) title: String,
    pub(super) when: Option<Script>,
    pub(super) retry: Option<Retry>,
    pub(super) once: bool,
    pub(super) continue_on_fail: bool,
    pub(super) ways: Vec<Option<StepIndex>>,
}

impl Step {
    pub(super) fn new(shape: Shape, what: What) -> Self {
        let Shape { slot, block, position, place, title, when, retry, once, continue_on_fail, ways } = shape;
        Self { slot, block, position, place, title, when, retry, once, continue_on_fail, next: None, ways, what }
    }

    /// The key of its kind.
    pub fn kind(&self) -> &'static str {
        self.what.key
    }

    /// Does it change something outside, so that its start and its result are committed?
    pub fn acts(&self) -> bool {
        self.what.facts.effect == Effect::Acts
    }

    /// Does it wait for nothing, not even a file?
    pub fn only_computes(&self) -> bool {
        self.what.facts.effect == Effect::Computes
    }

    /// Has it a result, even if that is null?
    pub fn gives_result(&self) -> bool {
        self.what.facts.gives_result
    }

    /// Does it answer the caller of the run?
    pub fn answers(&self) -> bool {
        self.what.facts.answers
    }

    /// Does it end the run, or the called workflow?
    pub fn ends(&self) -> bool {
        self.what.facts.ends
    }

    /// The variables that it sets, apart from the one of its `id`.
    pub fn sets(&self) -> &[Slot] {
        &self.what.facts.sets
    }

    /// The strands that it opens.
    pub fn opens(&self) -> &Opens {
        &self.what.facts.opens
    }

    /// The id of the workflow that it calls.
    pub fn calls(&self) -> Option<&str> {
        match self.opens() {
            Opens::Workflow(id) => Some(id),
            Opens::Nothing | Opens::Passes(_) | Opens::Branches(_) => None,
        }
    }

    /// Is this failure worth another attempt, if `retry` has no `on`?
    pub fn may_pass(&self, fault: &Fault) -> bool {
        self.what.retries.counts(fault)
    }

    /// Runs it, or returns the work to be done for it. Its `when` is true.
    pub fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let outcome = self.what.kind.run(variables, scene)?;
        debug_assert!(self.what.facts.allow(&outcome), "`{}` does what its facts do not say", self.kind());
        Ok(outcome)
    }
}

/// A list of steps that runs by itself: the workflow's own, a pass of a loop, a branch.
#[derive(Debug, Default)]
pub struct Block {
    /// Where it begins; `None` for a list without steps.
    pub first: Option<StepIndex>,
    /// Its output at its end.
    pub output: Option<Content>,
    /// Without an `output` its result is that of its last step with one.
    pub gives_last: bool,
}

/// `retry`
#[derive(Debug)]
pub struct Retry {
    /// How many times more.
    pub times: u32,
    /// How long to wait before the first of them; each wait is varied by a fifth.
    pub delay: Duration,
    /// Does each wait double?
    pub exponential: bool,
    /// The longest wait.
    pub max_delay: Duration,
    /// Which failures count; sees `error` in its slot [`ERROR`](crate::script::slot::ERROR).
    pub on: Option<Script>,
}
