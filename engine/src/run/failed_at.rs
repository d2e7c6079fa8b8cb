//! The position at which a run has failed.

/// The positions of failures that are not swallowed yet, in the order of their occurrence. Parallel strands may fail at
/// the same time, one finally and another inside a step that may fail.
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

    /// The position where the failure that ends the run began.
    pub(super) fn first(&mut self) -> Option<String> {
        std::mem::take(&mut self.0).into_iter().next()
    }
}

/// Is this the position of the step, or of one inside it?
fn is_within(at: &str, step: &str) -> bool {
    at.strip_prefix(step).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
}
