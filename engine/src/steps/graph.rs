//! The order of steps: loose ends of the path so far are connected to the next step that is read.

use super::step::{Step, StepIndex};

/// A list of steps that has been read.
#[derive(Debug, Default)]
pub struct Graph {
    /// Its first step; `None` without steps.
    first: Option<StepIndex>,
    /// The places from which the run continues after it.
    ends: Vec<LooseEnd>,
    /// Can no path reach the place after it?
    closed: bool,
}

/// A place from which the run continues.
#[derive(Clone, Copy, Debug)]
pub(super) enum LooseEnd {
    /// After a step.
    Step(StepIndex),
    /// From the path of this number of a step, which has no steps.
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

    /// The places from which the run continues after it.
    pub(super) fn into_ends(self) -> Vec<LooseEnd> {
        self.ends
    }

    /// Appends a step with its own loose ends. Without any, no path continues after it.
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

/// The paths that a step may choose.
#[derive(Debug)]
pub struct Ways {
    firsts: Vec<Option<StepIndex>>,
    ends: Vec<LooseEnd>,
    /// It may choose none of them, and the run continues after the step.
    may_choose_none: bool,
}

impl Ways {
    /// Paths with these first steps, and the places from which the run continues after them.
    pub(super) fn new(firsts: Vec<Option<StepIndex>>, ends: Vec<LooseEnd>, may_choose_none: bool) -> Self {
        Self { firsts, ends, may_choose_none }
    }

    pub(super) fn may_choose_none(&self) -> bool {
        self.may_choose_none
    }

    /// The first steps of the paths, and the places from which the run continues after them.
    pub(super) fn into_parts(self) -> (Vec<Option<StepIndex>>, Vec<LooseEnd>) {
        (self.firsts, self.ends)
    }
}
