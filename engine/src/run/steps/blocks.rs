//! Steps that hold steps, and steps that only the engine itself has to do with: what they begin with.

use super::{Opening, Outcome};
use crate::run::strand::{Sleep, SleepKind};
use crate::run::work::Room;
use crate::script::{Context, Fault};
use crate::store::Timestamp;
use crate::workflow::model::{Call, Columns, ForEach, Table, Wait, Waiting};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::{Type, Types};
use flowscript_lang::value::{Record, Rows, RowsBuilder, Table as Rowed, Value, to_datetime};
use std::time::Duration;

/// The longest name of an event, in characters.
const MAX_EVENT: usize = 200;

/// The elements of a loop: evaluated once.
pub(super) fn each(each: &ForEach, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    let value = each.list.run(variables, context)?;
    match Rows::of(&value) {
        Some(rows) => Ok(Outcome::Open(Opening::Each(rows))),
        None => {
            let message = format!("`in` must be a list or a table; it is a {}.", value.type_name());
            Err(Fault::new(ErrorKind::Type, message))
        }
    }
}

/// The inputs of a called workflow.
pub(super) fn call(call: &Call, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    let mut fields = Vec::with_capacity(call.input.len());
    for (name, content) in &call.input {
        fields.push((name.clone(), content.value(variables, context)?));
    }
    Ok(Outcome::Open(Opening::Call(Record::from_fields(fields))))
}

/// What the run sleeps for.
pub(super) fn wait(wait: &Wait, variables: &mut [Value], context: Context<'_>, room: &Room) -> Result<Outcome, Fault> {
    let (seconds, nanos) = context.host.now();
    let now = Timestamp(seconds.saturating_mul(1000).saturating_add(i64::from(nanos / 1_000_000)));
    let after = |span: Duration| Some(now.plus_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
    let sleep = |due, event, kind| Ok(Outcome::Sleep(Sleep { due, event, kind }));
    match &wait.what {
        Waiting::For(span) => sleep(after(*span), None, SleepKind::Span),
        Waiting::Until(script) => {
            let value = script.run(variables, context)?;
            let at = to_datetime(&value, room.library.settings().zone).map_err(|_| {
                let message = format!("`until` must give a datetime; it gives {}.", value.to_literal(60));
                Fault::new(ErrorKind::Type, message)
            })?;
            let millis = i64::from(at.nanos() / 1_000_000) + i64::from(at.nanos() % 1_000_000 > 0);
            sleep(
                Some(Timestamp(at.unix_seconds().saturating_mul(1000).saturating_add(millis))),
                None,
                SleepKind::Instant,
            )
        }
        Waiting::Event(name) => {
            let name = name.text("The name of an event", variables, context)?;
            if name.is_empty() || name.chars().count() > MAX_EVENT {
                let message = format!("The name of an event has 1 to {MAX_EVENT} characters; this one is `{name}`.");
                return Err(Fault::new(ErrorKind::Value, message));
            }
            sleep(wait.timeout.and_then(after), Some(name.to_string()), SleepKind::Span)
        }
    }
}

/// Makes a table.
pub(super) fn table(table: &Table, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    let rows = match &table.columns {
        Columns::Named(columns) => {
            let types = Types::default();
            let Some((shape, row_type)) = types.row_type(&Type::closed_record(columns.clone())) else {
                return Err(Fault::new(ErrorKind::Type, "These columns make no table."));
            };
            Value::table(Rowed::empty(shape, Some(row_type)))
        }
        Columns::From(script) => {
            let value = script.run(variables, context)?;
            let rows = Rows::of(&value).ok_or_else(|| {
                let message = format!("`from` must give rows; it gives a {}.", value.type_name());
                Fault::new(ErrorKind::Type, message)
            })?;
            if let Some(odd) = rows.iter().find(|row| !matches!(row, Value::Record(_))) {
                let message = format!("A row of `from` is {}; rows of a table are records.", odd.to_literal(60));
                return Err(Fault::new(ErrorKind::Type, message));
            }
            let mut builder = RowsBuilder::default();
            match rows {
                Rows::Table(table) => Value::Table(table),
                rows @ Rows::List(_) => {
                    rows.iter().for_each(|row| builder.push(row));
                    builder.finish()
                }
            }
        }
    };
    if let Some(variable) = variables.get_mut(table.slot) {
        *variable = rows;
    }
    Ok(Outcome::Done(Value::Null))
}
