//! The outcome of driving a run.

use crate::run::Ended;
use crate::script::Fault;
use crate::store::{StepEnd, StoreError, Timestamp};
use flowscript_lang::error::ErrorKind;

/// The outcome of driving a run.
pub(super) enum Driven {
    /// It has ended; its end is to be committed, with these results of steps.
    Ended(Box<Ended>, Vec<StepEnd>),
    /// It sleeps, another worker has it, or the engine is about to stop: nothing is left to do here.
    Left,
}

/// Why driving a machine was stopped.
pub(super) enum Left {
    /// The claim is lost, or the engine stops.
    Lost,
    /// A step panicked.
    Panicked,
    /// The store refuses what the run did.
    Refused(StoreError),
}

/// The end of a run whose thread panicked; the panic is in the engine's log.
pub(super) fn panicked(ended_at: Timestamp) -> Ended {
    let fault = Fault::new(ErrorKind::Io, "The engine failed while it ran this step; its log says more.");
    Ended::failed(fault, ended_at)
}
