//! Where errors happen: the place in the text, and the calls that led there.

use super::Failure;
use super::machine::CallInfo;
use crate::error::{Place, StackEntry};
use crate::span::{Span, line_column};

/// Of a deep stack, the innermost and the outermost calls are kept.
const INNERMOST: usize = 25;
const OUTERMOST: usize = 24;

/// Notes where an error happened, unless something further inside has done so.
#[cold]
pub(super) fn placed(mut error: Failure, call: &CallInfo<'_>, span: Span) -> Failure {
    if error.place.is_none() {
        error.place = Some(place(call, span));
        error.stack = stack(call);
    }
    error
}

fn place(call: &CallInfo<'_>, span: Span) -> Place {
    let unit = call.tree.units.get(call.definition.unit as usize);
    let (line, column) = unit.map_or((1, 1), |unit| line_column(&unit.source, span.start));
    let module = unit.and_then(|unit| unit.module.as_ref()).map(ToString::to_string);
    Place { module, span, line, column }
}

/// The calls around `call` and itself, innermost first, without the script.
fn stack(call: &CallInfo<'_>) -> Vec<StackEntry> {
    let calls = || std::iter::successors(Some(call), |call| call.caller).filter(|call| call.caller.is_some());
    let depth = calls().count();
    if depth <= INNERMOST + OUTERMOST + 1 {
        return calls().map(entry).collect();
    }
    let left_out = depth - INNERMOST - OUTERMOST;
    let mut entries: Vec<StackEntry> = calls().take(INNERMOST).map(entry).collect();
    entries.push(StackEntry { function: format!("… {left_out} more calls …"), place: None });
    entries.extend(calls().skip(INNERMOST + left_out).map(entry));
    entries
}

fn entry(call: &CallInfo<'_>) -> StackEntry {
    let name = call.definition.name.as_str();
    let function = if name.is_empty() { "function" } else { name }.to_owned();
    StackEntry { function, place: call.caller.map(|caller| place(caller, call.span)) }
}
