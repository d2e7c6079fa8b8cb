//! What a run gives.

use super::Remains;
use crate::value::Value;
use ecow::EcoString;

/// What a run gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it returned.
    pub value: Value,
    /// The variables the host gave, in its order, as they are at the end.
    pub variables: Vec<Value>,
    /// The variables that a line of the repl declared, where they were set.
    pub exports: Vec<(EcoString, Value)>,
    /// The steps it took.
    pub steps: u64,
    /// What functions among these values need to be called later, in another run.
    pub remains: Remains,
}
