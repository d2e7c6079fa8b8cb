//! What of a run is kept for people, and what is masked once the run needs it no more.

use super::Dispatcher;
use crate::run::{Ended, Given, Work, encoding};
use crate::store::{Fence, Mask, RunState, StepState};
use crate::workflow::history::{Diagnostics, Redact};
use crate::workflow::model::Workflow;
use flowscript_lang::value::Value;

impl Dispatcher {
    /// The diagnostics of a workflow that are in force now: a switch at run time wins.
    pub(crate) fn diagnostics(&self, workflow: &Workflow) -> Diagnostics {
        let entries = self.shared.catalog.current();
        let switch = entries.entry(&workflow.id).map(|entry| entry.diagnostics).unwrap_or_default();
        switch.over(workflow.diagnostics)
    }

    /// Completes the replacements for a run that is kept already by what the store has of it.
    pub(super) async fn mask_kept(&self, fence: Fence, work: &Work, mask: &mut Mask) {
        let redact = &work.workflow.redact;
        if mask.input.is_none()
            && let Ok(run) = self.shared.store.run(fence.run).await
        {
            mask.input = run.input.and_then(|input| masked_fields(redact, &input));
        }
        // What cannot be read now stays as it is in the file; nobody is shown it.
        for step in self.shared.store.steps(fence.run).await.unwrap_or_default() {
            let slot = work.workflow.step_at(&step.position).and_then(|step| step.slot);
            let name = slot.and_then(|slot| work.workflow.names.get(slot)).filter(|name| redact.touches(name));
            if let (Some(name), StepState::Completed, Some(result)) = (name, step.state, &step.result)
                && let Ok(value) = encoding::decode(result)
            {
                let masked = encoding::encode(&redact.mask(name, &value));
                mask.results.push((step.position.clone(), step.attempt, masked));
            }
        }
    }
}

/// The replacements for what `redact` covers, when the run has completed: a retry would need it whole.
pub(super) fn mask(work: &Work, ended: &Ended) -> Option<Mask> {
    let redact = &work.workflow.redact;
    if redact.is_empty() || ended.state != RunState::Completed {
        return None;
    }
    let mut mask = Mask::default();
    match &work.given {
        Given::Request(request) => mask.payload = Some(request.masked(redact).encode()),
        Given::Fields(_) => {}
    }
    mask.input = ended.input.as_ref().and_then(|input| masked_fields(redact, &encoding::encode(input)));
    Some(mask)
}

/// A record of variables in bytes of the store, masked; nothing where it cannot be read.
fn masked_fields(redact: &Redact, bytes: &[u8]) -> Option<Vec<u8>> {
    match encoding::decode(bytes).ok()? {
        Value::Record(fields) => Some(encoding::encode(&Value::Record(redact.mask_fields(&fields)))),
        _ => None,
    }
}
