//! Limits on work: one budget of steps and memory, with a check whether to stop, for all work for a script or a
//! request.
//!
//! Code that walks a value, a text or a body of unknown size takes a [`Budget`]: it pays for its work while it does it,
//! for memory before it takes it, and ends when the budget says so. A run has a budget; work outside of runs gets an
//! [`Allowance`]. Loops pay through a [`Toll`], which costs little more than counting.

use crate::error::{ErrorKind, RunError};
use crate::host::Interrupt;
use crate::settings::Limits;

/// Paid, or the error that ends the work: of kind `limit` or `cancelled`, which scripts cannot catch.
pub type Paid = Result<(), Box<RunError>>;

/// Bytes that are read, compared or written for one step.
pub const BYTES_OF_STEP: usize = 256;

/// Texts of at most this many bytes are compared without being counted.
pub(crate) const SHORT_TEXT: usize = 4_096;

/// Elements that are looked at or moved for one step.
pub(crate) const ELEMENTS_OF_STEP: usize = 16;

/// The limits on work.
pub trait Budget {
    /// Counts steps, before or during the work that they measure. Checks at intervals whether to stop.
    ///
    /// A step is a pass of a loop, a call, a row of a query, or as much other work as takes about as long as these.
    fn spend(&mut self, steps: u64) -> Paid;

    /// Counts bytes of memory before they are taken. They count until the work is done; the caller that keeps the
    /// result counts it anew.
    fn take(&mut self, bytes: usize) -> Paid;

    /// Bytes that one text may have.
    fn most_text(&self) -> usize;

    /// Cells that one list or table may have.
    fn most_cells(&self) -> usize;

    /// Counts the reading, comparing or writing of `bytes` bytes.
    fn scan(&mut self, bytes: usize) -> Paid {
        let steps = bytes / BYTES_OF_STEP;
        if steps == 0 { Ok(()) } else { self.spend(steps as u64) }
    }

    /// Counts reading or moving `elements` elements.
    fn look(&mut self, elements: usize) -> Paid {
        let steps = elements / ELEMENTS_OF_STEP;
        if steps == 0 { Ok(()) } else { self.spend(steps as u64) }
    }

    /// Counts a text of `bytes` bytes before it is made. A text that would be too long is a `limit` error.
    fn make_text(&mut self, bytes: usize) -> Paid {
        if bytes > self.most_text() {
            return Err(text_too_long(self.most_text()));
        }
        self.take(bytes)?;
        self.scan(bytes)
    }

    /// Counts a list or table of `cells` cells before it is made. Too many cells are a `limit` error.
    fn make_cells(&mut self, cells: usize) -> Paid {
        if cells > self.most_cells() {
            return Err(too_many_cells(self.most_cells()));
        }
        self.take(cells.saturating_mul(size_of::<crate::value::Value>()))?;
        self.look(cells)
    }
}

/// The end of a message about a text of too many bytes.
#[cold]
pub fn longer_text(most: usize) -> String {
    format!("would be longer than {}, the limit.", size(most))
}

/// The end of a message about a list or table of too many cells.
#[cold]
pub fn more_cells(most: usize) -> String {
    format!("would have more than {most} cells, the limit.")
}

/// The error of a text that would be longer than `most` bytes.
#[cold]
pub(crate) fn text_too_long(most: usize) -> Box<RunError> {
    limit(format!("A text {}", longer_text(most)))
}

/// The error of a list or table that would have more than `most` cells.
#[cold]
pub fn too_many_cells(most: usize) -> Box<RunError> {
    limit(format!("A list or table {}", more_cells(most)))
}

/// The error of work that the host has stopped.
#[cold]
pub(crate) fn interrupted(why: Interrupt) -> Box<RunError> {
    match why {
        Interrupt::Cancelled => RunError::new(ErrorKind::Cancelled, "The run was cancelled."),
        Interrupt::Deadline => limit("The run took longer than the time it was given.".to_owned()),
    }
}

fn limit(message: String) -> Box<RunError> {
    RunError::new(ErrorKind::Limit, message)
}

/// A number of bytes for messages; from 1 MiB on in whole MiB.
fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

/// The work between two questions to the host whether to stop; a step is one piece of work.
pub(crate) const POLL: u64 = 1_000;

/// Counts work until the next question whether to stop.
#[derive(Debug)]
pub struct Polls {
    every: u64,
    work: u64,
    /// The work after which the question is due.
    next: u64,
}

impl Polls {
    /// A question after each `work`.
    pub const fn every(work: u64) -> Self {
        Self { every: work, work: 0, next: work }
    }

    /// Counts work. `true` if the question is due; [`Polls::asked`] begins anew.
    #[inline]
    pub fn count(&mut self, work: u64) -> bool {
        self.work = self.work.saturating_add(work);
        self.work >= self.next
    }

    /// The question is being asked.
    pub fn asked(&mut self) {
        self.next = self.work.saturating_add(self.every);
    }

    /// The work after which the question is due.
    #[inline]
    pub fn left(&self) -> u64 {
        self.next.saturating_sub(self.work)
    }
}

/// Bytes of memory that count as one piece of work: filling them takes about as long as a step.
pub(crate) const BYTES_OF_WORK: usize = 1_024;

/// A budget of its own, for work outside of runs: decoding a body, writing an answer, checking a script.
pub struct Allowance<'s> {
    what: &'static str,
    steps: u64,
    most_steps: u64,
    memory: usize,
    limits: Limits,
    polls: Polls,
    stop: &'s dyn Fn() -> Option<Interrupt>,
}

impl<'s> Allowance<'s> {
    /// An allowance of these steps and this memory. `what` names the work in messages, as in `The body`; `stop` is asked
    /// during the work.
    pub fn new(what: &'static str, limits: Limits, stop: &'s dyn Fn() -> Option<Interrupt>) -> Self {
        let most_steps = limits.steps.unwrap_or(u64::MAX);
        Self { what, steps: 0, most_steps, memory: 0, limits, polls: Polls::every(POLL), stop }
    }

    /// The steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The bytes of memory so far.
    pub fn memory(&self) -> usize {
        self.memory
    }

    fn work(&mut self, work: u64) -> Paid {
        if !self.polls.count(work) {
            return Ok(());
        }
        self.polls.asked();
        (self.stop)().map_or(Ok(()), |why| Err(interrupted(why)))
    }
}

impl std::fmt::Debug for Allowance<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Allowance").field("steps", &self.steps).field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Budget for Allowance<'_> {
    fn spend(&mut self, steps: u64) -> Paid {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.most_steps {
            return Err(limit(format!("{} takes more than {} steps, the limit.", self.what, self.most_steps)));
        }
        self.work(steps)
    }

    fn take(&mut self, bytes: usize) -> Paid {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > self.limits.memory {
            return Err(limit(format!("{} needs more than {}, the limit.", self.what, size(self.limits.memory))));
        }
        self.work((bytes / BYTES_OF_WORK) as u64)
    }

    fn most_text(&self) -> usize {
        self.limits.text
    }

    fn most_cells(&self) -> usize {
        self.limits.cells
    }
}

/// No limit: for values that a program made itself, whose size it knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn spend(&mut self, _steps: u64) -> Paid {
        Ok(())
    }

    fn take(&mut self, _bytes: usize) -> Paid {
        Ok(())
    }

    fn most_text(&self) -> usize {
        usize::MAX
    }

    fn most_cells(&self) -> usize {
        usize::MAX
    }
}

/// Pays a budget in bulk, for loops whose passes are short. [`Toll::settle`] pays the rest at the end.
pub struct Toll<'b> {
    budget: &'b mut dyn Budget,
    /// The work that is not paid yet, in bytes read: a step is [`BYTES_OF_STEP`] of them.
    work: u64,
    /// The memory that is not paid yet.
    bytes: usize,
}

/// The work that is paid at once, in bytes read: 128 steps.
const BULK_WORK: u64 = 128 * BYTES_OF_STEP as u64;

/// Bytes that are paid at once.
const BULK_BYTES: usize = 32 << 10;

impl<'b> Toll<'b> {
    /// Pays this budget.
    pub fn new(budget: &'b mut dyn Budget) -> Self {
        Self { budget, work: 0, bytes: 0 }
    }

    /// Pays the amount owed so far.
    #[inline]
    pub fn settle(&mut self) -> Paid {
        if self.work < BYTES_OF_STEP as u64 && self.bytes == 0 { Ok(()) } else { self.pay() }
    }

    #[cold]
    fn pay(&mut self) -> Paid {
        let bytes = std::mem::take(&mut self.bytes);
        let steps = self.work / BYTES_OF_STEP as u64;
        self.work %= BYTES_OF_STEP as u64;
        if bytes > 0 {
            self.budget.take(bytes)?;
        }
        if steps > 0 { self.budget.spend(steps) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Toll<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toll").field("work", &self.work).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Budget for Toll<'_> {
    #[inline]
    fn spend(&mut self, steps: u64) -> Paid {
        self.work = self.work.saturating_add(steps.saturating_mul(BYTES_OF_STEP as u64));
        if self.work >= BULK_WORK { self.pay() } else { Ok(()) }
    }

    #[inline]
    fn take(&mut self, bytes: usize) -> Paid {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= BULK_BYTES { self.pay() } else { Ok(()) }
    }

    fn most_text(&self) -> usize {
        self.budget.most_text()
    }

    fn most_cells(&self) -> usize {
        self.budget.most_cells()
    }

    /// Short pieces add up.
    #[inline]
    fn scan(&mut self, bytes: usize) -> Paid {
        self.work = self.work.saturating_add(bytes as u64);
        if self.work >= BULK_WORK { self.pay() } else { Ok(()) }
    }

    #[inline]
    fn look(&mut self, elements: usize) -> Paid {
        self.scan(elements.saturating_mul(BYTES_OF_STEP / ELEMENTS_OF_STEP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn limits(steps: u64, memory: usize) -> Limits {
        Limits { steps: Some(steps), memory, text: 1_000, cells: 100, ..Limits::default() }
    }

    #[test]
    fn polls_are_due_after_work() {
        let mut polls = Polls::every(10);
        assert!(!polls.count(9) && polls.left() == 1 && polls.count(1) && polls.left() == 0);
        // It stays due until it is asked.
        assert!(polls.count(5));
        polls.asked();
        assert!(polls.left() == 10 && !polls.count(9) && polls.count(u64::MAX) && polls.left() == 0);
        polls.asked();
        assert_eq!(polls.left(), 0);
    }

    #[test]
    fn an_allowance_ends_what_takes_more() {
        let mut allowance = Allowance::new("The body", limits(10, 64), &|| None);
        assert!(allowance.spend(10).is_ok() && allowance.take(64).is_ok());
        let steps = allowance.spend(1).expect_err("too many steps");
        assert_eq!((steps.kind, &*steps.message), (ErrorKind::Limit, "The body takes more than 10 steps, the limit."));
        let bytes = allowance.take(1).expect_err("too much memory");
        assert_eq!((bytes.kind, &*bytes.message), (ErrorKind::Limit, "The body needs more than 64 bytes, the limit."));
        assert!(allowance.make_text(1_001).expect_err("too long").message.contains("1000 bytes"));
        assert!(allowance.make_cells(101).expect_err("too many").message.contains("100 cells"));
    }

    #[test]
    fn an_allowance_asks_whether_to_stop() {
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            (asked.get() > 3).then_some(Interrupt::Cancelled)
        };
        let mut allowance = Allowance::new("The body", Limits::default(), &stop);
        let stopped = (0..).find_map(|_| allowance.scan(BYTES_OF_STEP * 10).err()).expect("it stops");
        assert_eq!(stopped.kind, ErrorKind::Cancelled);
        assert_eq!(allowance.steps(), 4 * POLL);
    }

    #[test]
    fn a_toll_pays_all_of_it() {
        let mut allowance = Allowance::new("The body", Limits::default(), &|| None);
        let mut toll = Toll::new(&mut allowance);
        for _ in 0..1_000 {
            toll.spend(1).and_then(|()| toll.take(7)).and_then(|()| toll.scan(64)).expect("no limit");
        }
        toll.settle().expect("no limit");
        assert_eq!((allowance.steps(), allowance.memory()), (1_250, 7_000));
    }
}
