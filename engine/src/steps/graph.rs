//! How steps follow each other: loose ends of the way so far are tied to the next step that is read.

use super::step::{Step, StepIndex};

/// A list of steps that was read.
#[derive(Debug, Default)]
pub struct Graph {
    /// Its first step; `None` where it has none.
    first: Option<StepIndex>,
    /// From where the way continues after it.
    ends: Vec<LooseEnd>,
    /// Can no path reach the place after it?
    closed: bool,
}

/// A place from where the way continues.
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

    /// Continues as if a path led here.
    pub(super) fn open(&mut self) {
        self.closed = false;
    }

    /// From where the way continues after it.
    pub(super) fn into_ends(self) -> Vec<LooseEnd> {
        self.ends
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
    /// It may choose none of them, and the run continues after the step.
    may_choose_none: bool,
}

impl Ways {
    /// Ways with these first steps, and the places from where the run continues after them.
    pub(super) fn new(firsts: Vec<Option<StepIndex>>, ends: Vec<LooseEnd>, may_choose_none: bool) -> Self {
        Self { firsts, ends, may_choose_none }
    }

    pub(super) fn may_choose_none(&self) -> bool {
        self.may_choose_none
    }

    /// The first steps of the ways, and from where the run continues after them.
    pub(super) fn into_parts(self) -> (Vec<Option<StepIndex>>, Vec<LooseEnd>) {
        (self.firsts, self.ends)
    }
}
