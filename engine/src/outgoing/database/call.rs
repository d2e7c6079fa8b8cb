//! A call of a database by a step, and its result.

use super::trouble::Trouble;
use super::values::Space;
use crate::outgoing::named::ConnectionName;
use crate::sql::{SqlWork, Statement};
use flowscript_lang::value::{Value, Zone};
use std::time::Duration;

/// The work for a database.
#[derive(Clone, Debug)]
pub struct SqlCall {
    /// The name of the connection.
    pub connection: ConnectionName,
    /// The statements.
    pub work: SqlWork,
    /// The parameters by name.
    pub params: Vec<(String, Value)>,
    /// The longest time that it may take.
    pub timeout: Duration,
    /// The zone of instants, and of local times without one.
    pub zone: Zone,
    /// The longest text or blob that it may produce, in bytes.
    pub longest: usize,
    /// The room for its result.
    pub space: Space,
}

/// The values of a statement's parameters, by number.
pub(super) fn bound(statement: &Statement, params: &[(String, Value)]) -> Result<Vec<Value>, Trouble> {
    let value = |name: &String| match params.iter().find(|(known, _)| known == name) {
        Some((_, value)) => Ok(value.clone()),
        None => Err(Trouble::Unfit(format!("the parameter `{name}` has no value"))),
    };
    statement.names.iter().map(value).collect()
}

/// The result of `execute`: for each statement the number of changed rows or the rows that it returns; for a list of
/// statements a list of these.
pub(super) fn changed(mut results: Vec<Value>, is_list: bool) -> Value {
    if is_list { Value::list(results) } else { results.pop().unwrap_or_default() }
}
