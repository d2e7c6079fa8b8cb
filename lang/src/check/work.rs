//! What a check may use: its budget, which can end it.

use crate::budget::Budget;
use crate::error::RunError;

/// The budget of a check.
pub(super) struct Work<'a> {
    budget: &'a mut dyn Budget,
    /// Why the check was ended early.
    ended: Option<Box<RunError>>,
    /// Bytes that this walk holds, and the most that a walk has held.
    held: usize,
    most_held: usize,
}

impl<'a> Work<'a> {
    pub fn new(budget: &'a mut dyn Budget) -> Self {
        Self { budget, ended: None, held: 0, most_held: 0 }
    }

    /// Counts steps; none after the check was ended.
    pub fn spend(&mut self, steps: u64) {
        self.ended = self.budget.spend(steps).err();
    }

    pub fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Why the check was ended, if it was.
    pub fn end(&mut self) -> Option<Box<RunError>> {
        self.ended.take()
    }

    /// Counts memory that is held until the unit has been walked. Only the excess over earlier walks is new.
    pub fn hold(&mut self, bytes: usize) {
        self.held += bytes;
        let more = self.held.saturating_sub(self.most_held);
        if more > 0 && self.ended.is_none() {
            self.most_held = self.held;
            self.ended = self.budget.take(more).err();
        }
    }

    pub fn held(&self) -> usize {
        self.held
    }

    /// Releases memory held beyond `held` bytes.
    pub fn release_to(&mut self, held: usize) {
        self.held = held;
    }
}
