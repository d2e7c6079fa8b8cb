//! Where a run has failed.

/// The positions of failures that nothing has swallowed yet, in the order in which they came. Strands side by side may
/// fail at the same time, one for good and another one inside a step that may fail.
#[derive(Debug, Default)]
pub(super) struct FailedAt(Vec<String>);

impl FailedAt {
    /// A step has failed, by itself or because a step inside it has.
    pub(super) fn note(&mut self, position: &str) {
        if !self.0.iter().any(|at| is_within(at, position)) {
            self.0.push(position.to_owned());
        }
    }

    /// The failure of a step, or of one inside it, was swallowed or is tried again.
    pub(super) fn forget(&mut self, position: &str) {
        self.0.retain(|at| !is_within(at, position));
    }

    /// Where the failure began that ends the run.
    pub(super) fn first(&mut self) -> Option<String> {
        std::mem::take(&mut self.0).into_iter().next()
    }
}

/// Is this the position of the step, or of one inside it?
fn is_within(at: &str, step: &str) -> bool {
    at.strip_prefix(step).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
}
