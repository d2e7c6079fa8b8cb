//! Runs a typed tree.

use crate::error::RunError;
use crate::host::Host;
use crate::program::{Outcome, Program, Settings};
use crate::value::Value;

pub(crate) fn run(
    program: &Program,
    variables: Vec<Value>,
    settings: &Settings,
    host: &dyn Host,
) -> Result<Outcome, Box<RunError>> {
    let _ = (program, variables, settings, host);
    unreachable!()
}
