//! Query parameters: the declared ones, converted, or those that fill `input`; all others are ignored.

use super::body::pairs;
use crate::script::{Input, Library, NoFit, convert};
use flowscript_lang::host::Host;
use flowscript_lang::value::{Record, Value};
use std::collections::HashMap;

/// The record of the declared parameters. A missing one without a default, one that does not fit and a repeated one
/// that is not a list are errors that name it.
pub fn parse_query(declared: &[Input], text: &str, library: &Library, host: &dyn Host) -> Result<Record, NoFit> {
    let mut fields = Vec::with_capacity(declared.len());
    for (input, value) in declared.iter().zip(given(declared, text)?) {
        fields.push((input.name.clone(), convert(input, value, library, host)?));
    }
    Ok(Record::from_fields(fields))
}

/// The parameters that have the names of inputs, as texts and lists of texts. A repeated one that is not a list is an
/// error that names it.
pub fn input_parameters(inputs: &[Input], text: &str) -> Result<Record, NoFit> {
    if text.is_empty() {
        return Ok(Record::from_fields([]));
    }
    let given = inputs.iter().zip(given(inputs, text)?);
    Ok(Record::from_fields(given.filter_map(|(input, value)| Some((input.name.clone(), value?)))))
}

/// The values in the query for each of the inputs; other names are ignored.
fn given(inputs: &[Input], text: &str) -> Result<Vec<Option<Value>>, NoFit> {
    let mut given: Vec<Vec<Value>> = inputs.iter().map(|_| Vec::new()).collect();
    let mut places = None;
    for (name, value) in pairs(text) {
        // A name that cannot be decoded is not one of them.
        let Ok(name) = name else { continue };
        let places: &HashMap<&str, usize> =
            places.get_or_insert_with(|| inputs.iter().zip(0..).map(|(input, at)| (input.name.as_str(), at)).collect());
        let found = places.get(name.as_str()).copied();
        if let Some(values) = found.and_then(|at| given.get_mut(at)) {
            let value = value.map_err(|reason| NoFit {
                message: format!("The parameter `{name}` cannot be read: {reason}"),
                name: name.clone(),
            })?;
            values.push(Value::text(value));
        }
    }
    let one = |(input, mut values): (&Input, Vec<Value>)| match values.len() {
        0 => Ok(None),
        _ if input.conversion.takes_list() => Ok(Some(Value::list(values))),
        1 => Ok(values.pop()),
        times => {
            let message = format!("The parameter `{}` is given {times} times; once is enough.", input.name);
            Err(NoFit { name: input.name.to_string(), message })
        }
    };
    inputs.iter().zip(given).map(one).collect()
}

/// The value of the parameter `name`, if it occurs once, and the query without it.
pub fn parameter(query: &str, name: &str) -> (Option<String>, String) {
    let is_it = |part: &&str| {
        let written = part.split_once('=').map_or(*part, |(name, _)| name);
        pairs(written).next().is_some_and(|(decoded, _)| decoded.is_ok_and(|decoded| decoded == name))
    };
    let (found, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_it);
    let value = match found.as_slice() {
        [one] => pairs(one).next().and_then(|(_, value)| value.ok()),
        _ => None,
    };
    (value, rest.join("&"))
}
