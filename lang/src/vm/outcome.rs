//! The result of a run.

use super::Remains;
use crate::value::Value;
use ecow::EcoString;

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The returned value.
    pub value: Value,
    /// The variables of the host, in its order, with their final values.
    pub variables: Vec<Value>,
    /// The variables that a line of the repl declared, if they were set.
    pub exports: Vec<(EcoString, Value)>,
    /// The steps it took.
    pub steps: u64,
    /// The data that functions among these values need to be called later, in another run.
    pub remains: Remains,
}
