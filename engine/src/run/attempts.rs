//! The number of the next attempt of a step. A number is used once, so that no attempt overwrites another in the
//! history.

use super::trace::StepTrace;
use crate::store::StepRecord;
use std::collections::HashMap;

/// The newest attempts before a run was resumed, by position. A position occurs at most once more in the continued run.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<String, u32>);

impl Attempts {
    /// The attempts of these steps.
    pub(super) fn of(records: &[StepRecord], trace: &[StepTrace]) -> Self {
        let recorded = records.iter().map(|step| (&step.position, step.attempt));
        let mut newest: HashMap<String, u32> = HashMap::new();
        for (position, attempt) in recorded.chain(trace.iter().map(|step| (&step.position, step.attempt))) {
            match newest.get_mut(position) {
                Some(known) => *known = attempt.max(*known),
                None => {
                    newest.insert(position.clone(), attempt);
                }
            }
        }
        Self(newest)
    }

    /// The number of the next attempt at a position, counted from 1.
    pub(super) fn next(&self, position: &str) -> u32 {
        self.0.get(position).map_or(1, |newest| newest.saturating_add(1))
    }
}
