//! The masking of a run once the run no longer needs the values.

use crate::run::{Ended, Given, Work};
use crate::script::encoding;
use crate::store::{Fence, Mask, RunState, StepState, Store};
use crate::workflow::history::Redact;
use flowscript_lang::value::Value;

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
    mask.input = ended.input.as_ref().and_then(|input| masked_fields(redact, input));
    Some(mask)
}

/// A record of variables, masked, in the store's encoding; `None` if it is not a record.
fn masked_fields(redact: &Redact, fields: &Value) -> Option<Vec<u8>> {
    let Value::Record(fields) = fields else {
        return None; // a damaged one: it stays as it is, and is never shown
    };
    Some(encoding::encode(&Value::Record(redact.mask_fields(fields))))
}

/// Completes the replacements for a stored run by its records in the store.
pub(super) async fn complete(mask: &mut Mask, store: &dyn Store, fence: Fence, work: &Work) {
    let redact = &work.workflow.redact;
    if mask.input.is_none()
        && let Ok(run) = store.run(fence.run).await
    {
        mask.input = run.input.and_then(|input| masked_fields(redact, &encoding::decode(&input).ok()?));
    }
    // What cannot be read now stays as it is in the file, and is never shown.
    for step in store.steps(fence.run).await.unwrap_or_default() {
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
