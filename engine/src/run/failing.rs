//! Failures of steps: which are retried, recorded, or end the run.

use super::machine::{Machine, Pause, context};
use super::retry;
use super::strand::{State, Strand};
use crate::script::{Fault, TIMEOUT};
use crate::steps::{Sleep, SleepKind, Step};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;

impl Machine {
    /// A failure: retried later, recorded in `errors`, or the end of the strand.
    pub(super) fn fail(
        &mut self,
        strand: &mut Strand,
        step: &Step,
        position: &str,
        mut fault: Fault,
    ) -> Result<Option<Pause>, Fault> {
        let file = strand.workflow.file();
        fault.name_file(&file);
        if fault.places.is_empty() {
            fault.add_place(&file, step.place);
        }
        self.failed_at.note(position);
        let ends = self.ends_all(&fault);
        if !ends {
            strand.failures += 1;
            let context = context(&self.room, &self.host);
            let delay = match retry::delay(step, &fault, strand.failures, &mut strand.variables, context) {
                Ok(delay) => delay,
                Err(second) if self.ends_all(&second) => return Err(second),
                // The step fails for its own reason, and the error says why it is not retried.
                Err(second) => {
                    let reason = fault.message.trim_end_matches('.');
                    fault.message = format!("{reason}. Its `retry.on` failed: {}", second.message);
                    None
                }
            };
            if let Some(delay) = delay {
                strand.attempt = strand.attempt.saturating_add(1);
                strand.moved = true;
                let due = Some(self.host.instant().plus_millis(delay.as_millis() as i64));
                strand.state = State::Asleep(Sleep { due, event: None, kind: SleepKind::BackOff });
                self.must_commit = true;
                self.failed_at.forget(position);
                return Ok(Some(Pause::Stopped));
            }
        }
        if ends || !step.continue_on_fail {
            return Err(fault);
        }
        self.with_errors = true;
        self.failed_at.forget(position);
        strand.note_error(step, &fault);
        fault.note_place(self.host.as_ref());
        if let Some(slot) = step.slot {
            strand.variables.set(slot, Value::Null);
        }
        Ok(None)
    }

    /// Is the run's time over?
    pub(super) fn is_over(&self, fault: &Fault) -> bool {
        (fault.kind == ErrorKind::Limit.name() || fault.kind == TIMEOUT) && self.host.is_late()
    }
}
