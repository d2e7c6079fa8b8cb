//! Where errors happen: the place in the text, and the calls that led there.

use super::Failure;
use super::machine::CallInfo;
use crate::error::{Place, StackEntry};
use crate::span::{Span, line_column};
use crate::tree::FunctionDef;

/// Of a deep stack, the innermost and the outermost calls are kept.
const INNERMOST: usize = 25;
const OUTERMOST: usize = 24;

/// Records where an error happened, unless code further inside has done so.
#[cold]
pub(crate) fn placed(mut error: Failure, call: CallInfo<'_>, span: Span) -> Failure {
    if error.place.is_none() {
        error.place = Some(place(call, span));
    }
    error
}

/// Records the call that an error leaves: of `function`, written in `caller` at `span`.
#[cold]
pub(crate) fn left(mut error: Failure, function: &FunctionDef, caller: CallInfo<'_>, span: Span) -> Failure {
    // Without a place it happened before the function was entered.
    if error.place.is_some() {
        let name = function.name.as_str();
        let function = if name.is_empty() { "function" } else { name }.to_owned();
        error.stack.push(StackEntry { function, place: Some(place(caller, span)) });
    }
    error
}

/// Leaves out the middle of a deep stack.
pub(super) fn shortened(mut error: Failure) -> Failure {
    let left_out = error.stack.len().saturating_sub(INNERMOST + OUTERMOST);
    if left_out > 1 {
        let note = StackEntry { function: format!("… {left_out} more calls …"), place: None };
        error.stack.splice(INNERMOST..INNERMOST + left_out, [note]);
    }
    error
}

fn place(call: CallInfo<'_>, span: Span) -> Place {
    let unit = call.tree.units.get(call.definition.unit as usize);
    let (line, column) = unit.map_or((1, 1), |unit| line_column(&unit.source, span.start));
    let module = unit.and_then(|unit| unit.module.as_ref()).map(ToString::to_string);
    Place { module, span, line, column }
}
