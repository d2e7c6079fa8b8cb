//! `--input`: a JSON object whose fields become variables.

use crate::output::Stop;
use crate::script::source;
use flowscript_lang::Variable;
use flowscript_lang::budget::Unlimited;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use std::path::Path;

/// Variables with their values.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Their types for the checker.
    pub variables: Vec<Variable>,
    /// Their values, in the same order.
    pub values: Vec<Value>,
}

impl Input {
    /// The fields of the JSON object in `argument`, or in the file that follows an `@`.
    pub fn read(argument: &str) -> Result<Self, Stop> {
        let Some(path) = argument.strip_prefix('@') else {
            return Self::decode(argument, "--input").map_err(|stop| match stop.hint {
                None => stop.with_hint("as in --input '{\"customer\": 17}', or --input @file.json"),
                Some(_) => stop,
            });
        };
        let text = source::read_text(Path::new(path))
            .map_err(|reason| Stop::new(format!("Cannot read the input from `{path}`: {reason}")))?;
        Self::decode(&text, path)
    }

    /// The fields of the JSON object in `text`, which messages call `name`.
    pub fn decode(text: &str, name: &str) -> Result<Self, Stop> {
        let value = flowscript_stdlib::json::decode(text, &mut Unlimited)
            .map_err(|error| Stop::new(format!("{name} is not JSON: {error}")))?;
        let Value::Record(record) = &value else {
            let given = value.to_literal(40);
            let message = format!("{name} must be a JSON object, whose fields become variables, not {given}.");
            return Err(Stop::new(message));
        };
        let mut input = Self::default();
        for (name, value) in record.iter() {
            input.variables.push(Variable { name: name.clone(), ty: Type::of_value(&value), writable: true });
            input.values.push(value);
        }
        Ok(input)
    }
}
