//! From given values to the inputs of a workflow.

use crate::script::Library;
use crate::workflow::model::Input;
use flowscript_lang::host::Host;
use flowscript_lang::value::{Record, Value};

/// A value that does not fit a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct NoFit {
    /// The parameter.
    pub name: String,
    /// What is wrong, as a sentence that names it.
    pub message: String,
}

/// The values of `inputs`, in their order, from the fields of a record. Fields that are no input are left alone.
pub fn convert_input(
    inputs: &[Input],
    given: &Record,
    library: &Library,
    host: &dyn Host,
) -> Result<Vec<Value>, NoFit> {
    inputs.iter().map(|input| convert(input, given.get(&input.name), library, host)).collect()
}

/// The value of one parameter.
pub fn convert(input: &Input, given: Option<Value>, library: &Library, host: &dyn Host) -> Result<Value, NoFit> {
    let name = input.name.to_string();
    let Some(value) = given else {
        return input.default.clone().ok_or_else(|| {
            let message = format!("The parameter `{name}` is missing; it must be a {}.", input.conversion.written());
            NoFit { name: name.clone(), message }
        });
    };
    input.conversion.convert(value, library, host).map_err(|reason| {
        let message = format!("The parameter `{name}` does not fit: {reason}");
        NoFit { name, message }
    })
}
