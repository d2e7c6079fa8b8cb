//! A loaded workflow: all of it is checked and compiled, and no name is left to look up.

use super::history::{Diagnostics, Redact, RunLimits};
use crate::outgoing::NamedConnections;
use crate::script::slot::FIRST_INPUT;
use crate::script::{Content, Input, Slot};
use crate::steps::{Block, BlockIndex, Callable, Step, StepIndex};
use crate::store::VersionHash;
use crate::trigger::schedule::Schedule;
pub use crate::trigger::webhook::{Auth, Method, Ordered, REQUEST_NAMES, Response, Webhook};
use crate::yaml::Place;
use ecow::EcoString;
use flowscript_lang::types::Type;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A workflow that can run.
#[derive(Debug)]
pub struct Workflow {
    /// The path of its file without the suffix, folders joined by a dot.
    pub id: String,
    /// The hash of its text and everything it uses.
    pub version: VersionHash,
    /// The texts that were hashed, in stored form.
    pub text: Arc<[u8]>,
    /// For display; the id by default.
    pub name: String,
    /// For display.
    pub description: String,
    /// Whether its triggers work, unless a switch overrides it.
    pub active: bool,
    /// Shown and searchable in the history.
    pub label: Option<Content>,
    /// The parameters of the start step.
    pub inputs: Vec<Input>,
    /// Its webhook, if it has one.
    pub webhook: Option<Webhook>,
    /// When runs start by themselves.
    pub schedules: Vec<Schedule>,
    /// How many of its runs may be worked on at a time, over all engines.
    pub concurrency: Option<u32>,
    /// The workflow that starts when a run of this one fails for good.
    pub on_failure: Option<String>,
    /// Whether answers wait until history is on disk.
    pub durability: Durability,
    /// Which diagnostics are kept, unless a switch overrides it.
    pub diagnostics: Diagnostics,
    /// The masked values.
    pub redact: Redact,
    /// The limits of its runs.
    pub limits: RunLimits,
    /// All steps, nested ones too, in the order of the file.
    pub steps: Vec<Step>,
    /// The lists of steps that run by themselves. The first is the workflow's own.
    pub blocks: Vec<Block>,
    /// The known type of a run's result.
    pub result: Type,
    /// The workflows it calls, by id.
    pub callees: BTreeMap<String, Arc<Workflow>>,
    /// Where it calls them.
    pub calls: Vec<(String, Place)>,
    /// The names of all variables by slot.
    pub names: Vec<EcoString>,
    /// The workflows it names, and where.
    pub references: Vec<(String, Place)>,
    /// The connections it names, and where.
    pub connections: NamedConnections,
    /// The events it waits for, and where.
    pub events: Vec<(String, Place)>,
}

/// Whether answers wait until history is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// They do.
    Strict,
    /// History follows within a second; only for runs that act on nothing.
    Relaxed,
}

impl Callable for Workflow {
    fn id(&self) -> &str {
        &self.id
    }

    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn result(&self) -> &Type {
        &self.result
    }

    fn depth(&self) -> usize {
        1 + self.callees.values().map(|callee| callee.depth()).max().unwrap_or(0)
    }
}

impl Workflow {
    /// Does a step of it, or of a workflow that it calls, have external effects?
    pub fn acts(&self) -> bool {
        self.steps.iter().any(Step::acts) || self.callees.values().any(|callee| callee.acts())
    }

    /// The path of its file in the project.
    pub fn file(&self) -> String {
        format!("workflows/{}.yaml", self.id.replace('.', "/"))
    }

    /// Whether it is the workflow `id`, or calls it, perhaps through others.
    pub fn reaches(&self, id: &str) -> bool {
        self.id == id || self.callees.values().any(|callee| callee.reaches(id))
    }

    /// Does it, or a workflow that it calls, answer by `respond`?
    pub fn responds(&self) -> bool {
        self.steps.iter().any(Step::answers) || self.callees.values().any(|callee| callee.responds())
    }

    /// The list of steps at `index`.
    pub fn block(&self, index: BlockIndex) -> Option<&Block> {
        self.blocks.get(index)
    }

    /// The step at `index`.
    pub fn step(&self, index: StepIndex) -> Option<&Step> {
        self.steps.get(index)
    }

    /// The input of this name, with its slot.
    pub fn input(&self, name: &str) -> Option<(Slot, &Input)> {
        self.inputs.iter().enumerate().find(|(_, input)| input.name == name).map(|(i, input)| (FIRST_INPUT + i, input))
    }

    /// Can a request be performed first and stored with its end in one commit? Not if it needs a place in a lane or a
    /// slot, has external effects, or may wait to try again.
    pub fn is_direct(&self) -> bool {
        let ordered = self.webhook.as_ref().is_some_and(|webhook| webhook.ordered.is_some());
        self.concurrency.is_none() && !ordered && self.goes_through()
    }

    fn goes_through(&self) -> bool {
        self.steps.iter().all(|step| !step.acts() && step.retry.is_none())
            && self.callees.values().all(|callee| callee.goes_through())
    }

    /// Do its steps only compute, so that a run of it waits for nothing?
    pub fn only_computes(&self) -> bool {
        self.steps.iter().all(|step| step.retry.is_none() && step.only_computes())
            && self.callees.values().all(|callee| callee.only_computes())
    }

    /// The step at a position in a run: the path of its pass or branch may precede its own.
    pub fn step_at(&self, position: &str) -> Option<&Step> {
        let fits = |step: &&Step| {
            position.strip_suffix(step.position.as_str()).is_some_and(|path| path.is_empty() || path.ends_with('/'))
        };
        self.steps.iter().filter(fits).max_by_key(|step| step.position.len())
    }

    /// The same if the position may lead through called workflows.
    pub fn step_of_run(&self, position: &str) -> Option<&Step> {
        for (at, _) in position.match_indices('/') {
            if let Some((call, below)) = position.split_at_checked(at)
                && let Some(called) = self.step_at(call).and_then(Step::calls)
            {
                return self.callees.get(called)?.step_of_run(below.get(1..)?);
            }
        }
        self.step_at(position)
    }

    /// How many slots a run needs.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The step with this position in a list.
    pub fn index_of(&self, block: BlockIndex, position: &str) -> Option<StepIndex> {
        self.steps.iter().position(|step| step.block == block && step.position == position)
    }
}
