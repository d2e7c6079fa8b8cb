//! The usage of a run: steps, time and memory.

use super::Failure;
use super::fail::limit_error;
use crate::budget::{POLL, Polls};
use crate::settings::Limits;

/// The counters of a run, against its limits.
pub(super) struct Meter {
    /// Passes of loops, calls and rows of queries.
    steps: u64,
    most_steps: u64,
    /// Steps and other work, until the host is asked whether to stop.
    polls: Polls,
    /// Bytes added since the live values were last measured.
    added: usize,
    /// Bytes that may be added before they are measured again.
    allowance: usize,
    /// Bytes held by values under construction outside the machine's stack: columns of a query, lists of natives.
    held: usize,
    memory: usize,
    text: usize,
    cells: usize,
}

impl Meter {
    pub fn new(limits: &Limits) -> Self {
        Self {
            steps: 0,
            most_steps: limits.steps.unwrap_or(u64::MAX),
            polls: Polls::every(POLL),
            added: 0,
            allowance: limits.memory,
            held: 0,
            memory: limits.memory,
            text: limits.text,
            cells: limits.cells,
        }
    }

    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Bytes that one text may have.
    #[inline]
    pub fn text(&self) -> usize {
        self.text
    }

    /// Cells that one list or table may have.
    #[inline]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Counts steps; the work of taking them is counted by [`Meter::work`].
    #[inline]
    pub fn step(&mut self, steps: u64) -> Result<(), Failure> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.most_steps { Err(self.too_many_steps()) } else { Ok(()) }
    }

    #[cold]
    fn too_many_steps(&self) -> Failure {
        limit_error(format!(
            "The run took more than {} steps, its limit. Steps are passes of loops, calls and rows of queries.",
            self.most_steps
        ))
    }

    /// Are there more than this many steps left?
    #[inline]
    pub fn has_steps(&self, steps: u64) -> bool {
        self.most_steps - self.steps.min(self.most_steps) > steps
    }

    /// Steps that may be taken before they are settled.
    #[inline]
    pub fn grant(&self) -> u64 {
        let steps = self.most_steps.saturating_sub(self.steps);
        self.polls.left().saturating_sub(1).min(steps)
    }

    /// Counts steps that were granted.
    #[inline]
    pub fn settle(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
        self.polls.count(steps);
    }

    /// Counts work. `true` if the host must be asked whether to stop.
    #[inline]
    pub fn work(&mut self, work: u64) -> bool {
        self.polls.count(work)
    }

    /// The host is being asked whether to stop.
    pub fn polled(&mut self) {
        self.polls.asked();
    }

    /// Counts the growth of values in bytes.
    #[inline]
    pub fn add(&mut self, bytes: usize) {
        self.added = self.added.saturating_add(bytes);
    }

    /// Must the live values be measured?
    #[inline]
    pub fn is_due(&self) -> bool {
        self.added > self.allowance
    }

    /// Records the bytes of the live values; more than the limit is an error.
    pub fn measured(&mut self, live: usize) -> Result<(), Failure> {
        let live = live.saturating_add(self.held);
        if live > self.memory {
            return Err(limit_error(format!(
                "The values of the run need about {} MiB, more than the limit of {} MiB.",
                live.div_ceil(1 << 20),
                self.memory >> 20
            )));
        }
        // Measuring takes time in proportion to the live values. Up to a sixteenth more than the limit is accepted, so
        // that it is rare.
        self.added = 0;
        self.allowance = (self.memory - live).max(self.memory / 16);
        Ok(())
    }

    /// The known bytes of the live values: those last measured, and those added since.
    pub fn seen(&self) -> usize {
        self.added.saturating_add(self.memory.saturating_sub(self.allowance))
    }

    /// Bytes held outside the machine's stack.
    #[inline]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Counts bytes that are held outside the machine's stack until they are released.
    #[inline]
    pub fn hold(&mut self, bytes: usize) {
        self.held = self.held.saturating_add(bytes);
    }

    /// Releases memory held beyond `held` bytes.
    #[inline]
    pub fn release_to(&mut self, held: usize) {
        self.held = held;
    }
}
