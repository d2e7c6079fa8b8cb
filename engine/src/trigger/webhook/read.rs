//! FlowScript of a workflow that reads a request: the input of the run, and the key of its lane.

use super::model::Webhook;
use super::request::Request;
use super::unfit::{fault_of, no_record};
use crate::script::{Context, Failed, Fault, Script};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Record, Value, to_text};

/// The longest key of a lane, in characters.
const MAX_LANE: usize = 256;

impl Request {
    /// The fields that become the input: the result of `processing.input`, else the parameters and the body's fields.
    pub fn input_fields(&self, webhook: Option<&Webhook>, context: Context<'_>) -> Result<Record, Fault> {
        let Some(script) = webhook.and_then(|webhook| webhook.processing_input.as_ref()) else {
            return Ok(self.plain_fields());
        };
        match script.run_and_trace(&mut self.variables(), context) {
            Ok(Value::Record(record)) => Ok(record),
            Ok(other) => Err(no_record(&other, script.as_read().as_ref(), self)),
            Err(failed) => Err(self.refusal(*failed, context)),
        }
    }

    /// The message to the sender about a failure of FlowScript that reads the request; the log has the details for the
    /// author.
    fn refusal(&self, failed: Failed, context: Context<'_>) -> Fault {
        failed.fault.note_place(context.host);
        Fault { places: Vec::new(), ..fault_of(failed, self) }
    }

    /// The key of this message's lane. A key that is empty, too long or not a simple value is an error.
    pub fn lane(&self, key: &Script, context: Context<'_>) -> Result<String, Fault> {
        let value = key.run_and_trace(&mut self.variables(), context);
        let value = value.map_err(|failed| self.refusal(*failed, context))?;
        let refused = |reason: String| {
            let what = key.as_read().map_or_else(|| "The key of the order".to_owned(), |read| format!("`{read}`"));
            Fault { status: Some(400), ..Fault::new(ErrorKind::Value, format!("{what} {reason}")) }
        };
        let text = match &value {
            Value::Null => return Err(refused("is null; the message must have it for its place in the order.".into())),
            value => to_text(value).map_err(|_| {
                refused(format!("must be a simple value for the place in the order, not a {}.", value.type_name()))
            })?,
        };
        match text.chars().count() {
            0 => Err(refused("is empty; the message must have it for its place in the order.".into())),
            length if length > MAX_LANE => {
                Err(refused(format!("has {length} characters; at most {MAX_LANE} can give a place in the order.")))
            }
            _ => Ok(text.to_string()),
        }
    }
}
