//! Query parameters: the declared ones, converted; all others are left alone.

use super::body::pairs;
use crate::run::{NoFit, convert};
use crate::script::Library;
use crate::workflow::model::Input;
use flowscript_lang::host::Host;
use flowscript_lang::value::{Record, Value};

/// The record of the declared parameters. A missing one without a default, one that does not fit and one that is given
/// twice without being a list is an error that names it.
pub fn parse_query(declared: &[Input], text: &str, library: &Library, host: &dyn Host) -> Result<Record, NoFit> {
    let mut given: Vec<Vec<Value>> = declared.iter().map(|_| Vec::new()).collect();
    for (name, value) in pairs(text) {
        // A name that cannot be decoded is not a declared one.
        let Ok(name) = name else { continue };
        let found = declared.iter().position(|input| input.name == name);
        if let Some(values) = found.and_then(|at| given.get_mut(at)) {
            let value = value.map_err(|reason| NoFit {
                message: format!("The parameter `{name}` cannot be read: {reason}"),
                name: name.clone(),
            })?;
            values.push(Value::text(value));
        }
    }
    let mut fields = Vec::with_capacity(declared.len());
    for (input, mut values) in declared.iter().zip(given) {
        let value = match values.len() {
            0 => None,
            _ if input.conversion.takes_list() => Some(Value::list(values)),
            1 => values.pop(),
            times => {
                let message = format!("The parameter `{}` is given {times} times; once is enough.", input.name);
                return Err(NoFit { name: input.name.to_string(), message });
            }
        };
        fields.push((input.name.clone(), convert(input, value, library, host)?));
    }
    Ok(Record::from_fields(fields))
}

/// The value of the parameter `name`, if it is there once, and the query without it.
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
