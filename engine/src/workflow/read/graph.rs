//! How steps follow each other: loose ends of the way so far are tied to the next step that is read.

use crate::workflow::model::{Step, StepIndex, StepKind};

/// A list of steps that was read.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Its first step; `None` where it has none.
    pub(super) first: Option<StepIndex>,
    /// From where the way goes on behind it.
    pub(super) ends: Vec<LooseEnd>,
    /// Can no path reach the place behind it?
    pub(super) closed: bool,
}

/// A place from where the way goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum LooseEnd {
    /// Behind a step.
    Step(StepIndex),
    /// From a branch of a `decide` that has no steps.
    Branch(StepIndex, usize),
}

impl Graph {
    /// Does every path through it end the run?
    pub(super) fn always_ends(&self) -> bool {
        self.closed
    }

    /// Appends a step with its own loose ends; `closed` where no path leads on from it.
    pub(super) fn append(&mut self, steps: &mut [Step], index: StepIndex, ends: Vec<LooseEnd>, closed: bool) {
        for end in self.ends.drain(..) {
            match end {
                LooseEnd::Step(from) => {
                    if let Some(step) = steps.get_mut(from) {
                        step.next = Some(index);
                    }
                }
                LooseEnd::Branch(from, number) => {
                    if let Some(Step { kind: StepKind::Decide(branches), .. }) = steps.get_mut(from)
                        && let Some(branch) = branches.get_mut(number)
                    {
                        branch.first = Some(index);
                    }
                }
            }
        }
        self.first.get_or_insert(index);
        self.ends = ends;
        self.closed = closed;
    }
}
