//! `Log`: a line of the run's log.

use crate::EncodeError;
use crate::arguments::too_long;
use crate::json;
use crate::row::{Row, fails, gives, row};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::host::LogLevel;
use flowscript_lang::value::{Value, to_text};

pub(crate) const ROWS: &[Row] = &[row(
    "Log(message: any, level: text = 'info') -> null",
    "Writes a line to the log.",
    log,
)
.rules(
    "Levels are `debug`, `info`, `warning` and `error`. Simple values are written in their text form, others as JSON. \
         The logarithms are `Ln`, `Log10` and `Maths.Log`.",
)
.examples(&[
    gives("Log('started')", "null"),
    gives("Log('low stock', 'warning')", "null"),
    fails("Log('x', 'loud')", "level"),
])
.asks_host()];

fn log(call: &mut Call<'_>) -> NativeResult {
    let Some(level) = LogLevel::parse(call.text(1)) else {
        return Err(call.refuse(1, "debug, info, warning or error"));
    };
    let message = match to_text(call.value(0)) {
        Ok(text) => text.to_string(),
        Err(_) => {
            let value = call.take(0);
            json::encode(&value, call.budget()).map_err(|error| match error {
                EncodeError::Stopped(stopped) => stopped,
                EncodeError::TooLong { most } => too_long(call, most),
                EncodeError::Value(problem) => call.value_error(problem),
            })?
        }
    };
    call.context.host().log(level, &message);
    Ok(Value::Null)
}
