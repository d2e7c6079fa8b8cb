//! How steps follow each other: loose ends of the way so far are tied to the next step that is read.

use super::step::{Step, StepIndex};
use super::walk::{Given, Walk};
use crate::script::Scope;
use crate::yaml::Node;
use std::collections::HashSet;

/// A list of steps that was read.
#[derive(Debug, Default)]
pub struct Graph {
    /// Its first step; `None` where it has none.
    first: Option<StepIndex>,
    /// From where the way goes on after it.
    ends: Vec<LooseEnd>,
    /// Can no path reach the place after it?
    closed: bool,
}

/// A place from where the way goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum LooseEnd {
    /// After a step.
    Step(StepIndex),
    /// From the way of this number of a step, on which there are no steps.
    Way(StepIndex, usize),
}

impl Graph {
    /// Its first step.
    pub(super) fn first(&self) -> Option<StepIndex> {
        self.first
    }

    /// Does every path through it end the run?
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Goes on as if a path led here.
    pub(super) fn open(&mut self) {
        self.closed = false;
    }

    /// Appends a step with its own loose ends. Without any, no path leads on from it.
    pub(super) fn append(&mut self, steps: &mut [Option<Step>], index: StepIndex, ends: Vec<LooseEnd>) {
        for end in self.ends.drain(..) {
            let (LooseEnd::Step(from) | LooseEnd::Way(from, _)) = end;
            let Some(Some(step)) = steps.get_mut(from) else { continue };
            match end {
                LooseEnd::Step(_) => step.next = Some(index),
                LooseEnd::Way(_, number) => {
                    if let Some(way) = step.ways.get_mut(number) {
                        *way = Some(index);
                    }
                }
            }
        }
        self.first.get_or_insert(index);
        self.closed = ends.is_empty();
        self.ends = ends;
    }
}

/// The ways that a step may choose.
#[derive(Debug)]
pub struct Ways {
    firsts: Vec<Option<StepIndex>>,
    ends: Vec<LooseEnd>,
    /// It may choose none of them, and the run goes on after the step.
    may_choose_none: bool,
}

impl Ways {
    pub(super) fn may_choose_none(&self) -> bool {
        self.may_choose_none
    }

    /// The first steps of the ways, and from where the run goes on after them.
    pub(super) fn into_parts(self) -> (Vec<Option<StepIndex>>, Vec<LooseEnd>) {
        (self.firsts, self.ends)
    }
}

/// A place where ways part. Each begins with what was known before; after it is known what all of them set.
pub(super) struct Fork {
    path: String,
    index: StepIndex,
    before: Scope,
    ids: HashSet<String>,
    after: Option<Scope>,
    firsts: Vec<Option<StepIndex>>,
    ends: Vec<LooseEnd>,
}

impl Walk<'_> {
    /// Ways part at the step that is given.
    pub(super) fn fork(&mut self, given: &Given<'_>) -> Fork {
        Fork {
            path: format!("{}/", given.position()),
            index: given.index(),
            before: self.reader().scope().clone(),
            ids: self.ids().clone(),
            after: None,
            firsts: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Counts a way: what is known and the ids are copied for it. False when the reading has been ended.
    pub(super) fn pay_for_way(&mut self) -> bool {
        let copied = self.reader().scope().width() + self.ids().len();
        self.reader().loading().pay(copied as u64)
    }

    /// Reads the steps of one way. `number` is that in their positions.
    pub(super) fn way(&mut self, fork: &mut Fork, number: usize, steps: &Node) {
        let others = self.swap_ids(fork.ids.clone());
        let way = self.list(steps, &format!("{}{number}/", fork.path));
        self.add_ids(others);
        let scope = self.reader().scope();
        if !way.closed {
            match &mut fork.after {
                None => fork.after = Some(scope.clone()),
                Some(after) => after.meet(scope),
            }
        }
        self.reader().set_scope(fork.before.clone());
        if way.first.is_none() {
            fork.ends.push(LooseEnd::Way(fork.index, fork.firsts.len()));
        }
        fork.firsts.push(way.first);
        fork.ends.extend(way.ends);
    }

    /// All ways were read. `may_choose_none`: the run may go on without taking any of them.
    pub(super) fn join(&mut self, fork: Fork, may_choose_none: bool) -> Ways {
        let Fork { before, mut after, firsts, ends, .. } = fork;
        if let Some(after) = after.as_mut().filter(|_| may_choose_none) {
            after.meet(&before);
        }
        if let Some(after) = after {
            self.reader().set_scope(after);
        }
        Ways { firsts, ends, may_choose_none }
    }
}
