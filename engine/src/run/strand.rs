//! A strand of a run: the steps of one list in progress, with the variables they see.
//!
//! A run is one strand at first. A pass of `forEach`, a branch of `parallel` and a `call` are strands of their own, below
//! the one whose step opened them.

use crate::burden::LEAST;
use crate::script::slot::ERRORS;
use crate::script::{Fault, Slot, weight};
use crate::steps::{Block, BlockIndex, Sleep, Step, StepIndex};
use crate::store::Timestamp;
use crate::workflow::model::Workflow;
use flowscript_lang::value::{Rows, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One strand of a run.
#[derive(Debug)]
pub(super) struct Strand {
    /// The path of the strand whose step opened it; `None` for the run itself.
    pub parent: Option<String>,
    /// Its role in that step.
    pub part: Part,
    /// The workflow whose steps it runs.
    pub workflow: Arc<Workflow>,
    /// Which list of them.
    pub block: BlockIndex,
    /// The variables of its steps.
    pub variables: Variables,
    /// The current step; `None` after the last one.
    pub step: Option<StepIndex>,
    /// Its attempt, counted from 1 over crashes and retries; 0 until the step begins.
    pub attempt: u32,
    /// When the attempt began.
    pub begun: Timestamp,
    /// The place of the attempt in the order of all starts.
    pub number: u32,
    /// How many attempts have failed since the run was last started or retried.
    pub failures: u32,
    /// How often the run had been retried when the attempt began.
    pub retries: u32,
    /// An earlier attempt of the current step ended without a known result: it may have done its work.
    pub repeated: bool,
    /// Its state.
    pub state: State,
    /// The store does not have its current place.
    pub moved: bool,
}

/// The role of a strand in the step that opened it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The run itself.
    Whole,
    /// A pass of a loop, counted from 1.
    Pass(usize),
    /// A branch by name.
    Branch(String),
    /// A called workflow.
    Called,
}

/// The state of a strand.
#[derive(Debug)]
pub(super) enum State {
    /// It can continue.
    Ready(Next),
    /// Its step is performed outside the machine.
    Acting,
    /// It sleeps.
    Asleep(Sleep),
    /// Strands below it perform its step.
    Open(Box<Open>),
}

/// How a strand continues.
#[derive(Debug)]
pub(super) enum Next {
    /// It begins.
    Begin,
    /// The current step begins (again).
    Attempt,
    /// The current step has this result.
    Done(Box<Result<Value, Fault>>),
}

/// A step whose parts are strands of their own.
#[derive(Debug)]
pub(super) struct Open {
    /// The elements of a loop.
    pub items: Option<Rows>,
    /// The store has the elements.
    pub items_kept: bool,
    /// The results of passes and branches.
    pub results: BTreeMap<Part, Value>,
    /// Those of them that the store does not have.
    pub unkept: Vec<Part>,
    /// The part that comes next, counted from 0.
    pub next: usize,
    /// The number of running parts.
    pub running: usize,
    /// A failure, while the other parts continue.
    pub fault: Option<Fault>,
    /// The weight of the results.
    pub weight: usize,
}

impl Open {
    /// A step that has just begun.
    pub(super) fn new(items: Option<Rows>) -> Self {
        Self {
            items,
            items_kept: false,
            results: BTreeMap::new(),
            unkept: Vec::new(),
            next: 0,
            running: 0,
            fault: None,
            weight: 0,
        }
    }
}

impl Open {
    /// Takes the result of a pass or branch.
    pub(super) fn take(&mut self, part: Part, value: Value) {
        self.weight = self.weight.saturating_add(weight(&value));
        self.results.insert(part, value);
    }
}

impl Strand {
    /// A strand at the beginning of a list of steps.
    pub(super) fn new(
        parent: Option<String>,
        part: Part,
        workflow: Arc<Workflow>,
        block: BlockIndex,
        variables: Variables,
        retries: u32,
    ) -> Self {
        let step = workflow.block(block).and_then(|block| block.first);
        Self {
            parent,
            part,
            workflow,
            block,
            variables,
            step,
            attempt: 0,
            begun: Timestamp(0),
            number: 0,
            failures: 0,
            retries,
            repeated: false,
            state: State::Ready(Next::Begin),
            moved: true,
        }
    }

    /// Its list of steps.
    pub(super) fn steps(&self) -> Option<&Block> {
        self.workflow.block(self.block)
    }

    /// The weight of its own values, in bytes.
    pub(super) fn weight(&mut self) -> usize {
        let results = match &self.state {
            State::Open(open) => open.weight,
            State::Ready(_) | State::Acting | State::Asleep(_) => 0,
        };
        self.variables.weight().saturating_add(results)
    }

    /// Its sleep.
    pub(super) fn sleep(&self) -> Option<&Sleep> {
        match &self.state {
            State::Asleep(sleep) => Some(sleep),
            State::Ready(_) | State::Acting | State::Open(_) => None,
        }
    }

    /// Is its step performed outside the machine?
    pub(super) fn is_acting(&self) -> bool {
        match &self.state {
            State::Acting => true,
            State::Ready(_) | State::Asleep(_) | State::Open(_) => false,
        }
    }

    /// Is a step of it performed outside that leaves no record?
    pub(super) fn is_read_by_others(&self) -> bool {
        let step = self.step.and_then(|index| self.workflow.step(index));
        self.is_acting() && step.is_some_and(|step| !step.acts())
    }

    /// Moves to another step, or past the last one.
    pub(super) fn go_to(&mut self, step: Option<StepIndex>) {
        self.step = step;
        self.attempt = 0;
        self.failures = 0;
        self.repeated = false;
        self.moved = true;
    }

    /// Adds a failure to `errors`.
    pub(super) fn note_error(&mut self, step: &Step, fault: &Fault) {
        let name = step.slot.and_then(|slot| self.workflow.names.get(slot)).cloned();
        if let (Some(name), Value::Record(errors)) = (name, self.variables.get(ERRORS)) {
            let errors = Value::Record(errors.clone().with(&name, fault.to_value()));
            self.variables.set(ERRORS, errors);
        }
    }
}

/// The path of the strand that is this part of a step; it is the prefix of the positions of all its steps.
pub(super) fn path_of(parent: &str, position: &str, part: &Part) -> String {
    match part {
        Part::Whole => String::new(),
        Part::Pass(number) => format!("{parent}{position}[{number}]/"),
        Part::Branch(name) => format!("{parent}{position}/{name}/"),
        Part::Called => format!("{parent}{position}/"),
    }
}

/// The variables of a strand, and which of them the store does not have in their current state.
#[derive(Clone, Debug)]
pub(super) struct Variables {
    /// By slot.
    pub values: Vec<Value>,
    changed: Vec<bool>,
    /// Which of them have been set in this strand.
    touched: Vec<bool>,
    /// Those that have not been weighed since they were set, and the weight of the large ones.
    unweighed: Vec<Slot>,
    weights: BTreeMap<Slot, usize>,
}

impl Variables {
    /// All null.
    pub(super) fn new(width: usize) -> Self {
        let (values, unset) = (vec![Value::Null; width], vec![false; width]);
        let (unweighed, weights) = (Vec::new(), BTreeMap::new());
        Self { values, changed: unset.clone(), touched: unset, unweighed, weights }
    }

    /// A copy for a strand below: variables that stay the same need not be stored twice.
    pub(super) fn below(&self) -> Self {
        let unset = vec![false; self.values.len()];
        let (values, unweighed, weights) = (self.values.clone(), Vec::new(), BTreeMap::new());
        Self { values, changed: unset.clone(), touched: unset, unweighed, weights }
    }

    /// Sets a variable that the store must get.
    pub(super) fn set(&mut self, slot: Slot, value: Value) {
        self.set_known(slot, value);
        self.touch(slot);
    }

    /// Sets a variable that the store has, or never gets.
    pub(super) fn set_known(&mut self, slot: Slot, value: Value) {
        if let Some(variable) = self.values.get_mut(slot) {
            *variable = value;
            self.unweigh(slot);
        }
    }

    /// A script may have changed it.
    pub(super) fn touch(&mut self, slot: Slot) {
        for flags in [&mut self.changed, &mut self.touched] {
            if let Some(flag) = flags.get_mut(slot) {
                *flag = true;
            }
        }
        self.unweigh(slot);
    }

    fn unweigh(&mut self, slot: Slot) {
        if !self.unweighed.contains(&slot) {
            self.unweighed.push(slot);
        }
    }

    /// The weight of the variables that were set in this strand, in bytes.
    fn weight(&mut self) -> usize {
        for slot in std::mem::take(&mut self.unweighed) {
            let weight = self.values.get(slot).map_or(0, weight);
            if weight < LEAST {
                self.weights.remove(&slot);
            } else {
                self.weights.insert(slot, weight);
            }
        }
        self.weights.values().fold(0, |sum, weight| sum.saturating_add(*weight))
    }

    /// Sets a variable that was set in this strand before and that the store has.
    pub(super) fn set_kept(&mut self, slot: Slot, value: Value) {
        self.set_known(slot, value);
        if let Some(touched) = self.touched.get_mut(slot) {
            *touched = true;
        }
    }

    /// Was it set in this strand?
    pub(super) fn is_touched(&self, slot: Slot) -> bool {
        self.touched.get(slot) == Some(&true)
    }

    /// Must the store still get it?
    pub(super) fn is_changed(&self, slot: Slot) -> bool {
        self.changed.get(slot) == Some(&true)
    }

    /// The slots that the store must still get.
    pub(super) fn changed(&self) -> impl Iterator<Item = Slot> + '_ {
        self.changed.iter().enumerate().filter_map(|(slot, changed)| changed.then_some(slot))
    }

    /// Marks all changes as stored.
    pub(super) fn keep_changes(&mut self) {
        self.changed.fill(false);
    }

    pub(super) fn get(&self, slot: Slot) -> &Value {
        self.values.get(slot).unwrap_or(&Value::Null)
    }
}

/// The variable `errors` at the beginning, without failures.
pub(super) fn no_errors(workflow: &Workflow) -> Value {
    let failing = workflow.steps.iter().filter(|step| step.continue_on_fail);
    let names = failing.filter_map(|step| workflow.names.get(step.slot?));
    Value::record(names.map(|name| (name.clone(), Value::Null)).collect::<Vec<_>>())
}
