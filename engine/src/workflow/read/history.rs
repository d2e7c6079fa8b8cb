//! The keys for the history and the limits of runs: `diagnostics`, `redact`, `limits`.

use crate::reading::{Key, Reader, Takes, optional};
use crate::workflow::history::{Diagnostics, Keep, Redact, RunLimits};
use crate::workflow::model::REQUEST_NAMES;
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use ecow::EcoString;
use std::time::Duration;

/// Which diagnostics are kept.
const KEPT: Takes = Takes::Word(&["off", "failures", "on"]);
/// The keys of `diagnostics`.
pub(super) const DIAGNOSTICS: &[Key] =
    &[optional("input", KEPT), optional("output", KEPT), optional("variables", KEPT)];
/// The keys of `limits`.
pub(super) const LIMITS: &[Key] = &[
    optional("run", Takes::Duration),
    optional("scriptSteps", Takes::Whole(1, u32::MAX)),
    optional("scriptMemory", Takes::Whole(1, u32::MAX)),
    optional("logLines", Takes::Whole(1, u32::MAX)),
    optional("queue", Takes::Whole(1, u32::MAX)),
];
/// The longest possible limit on a run.
const LONGEST_RUN: Duration = Duration::from_secs(30 * 86_400);
/// The variable of paths into the output, in addition to the names of variables and of the request's parts.
const OUTPUT: &str = "output";

/// Which diagnostics are kept.
pub(super) fn diagnostics(reader: &mut Reader<'_>, node: &Node) -> Diagnostics {
    let file = Diagnostics::default();
    let Some(mut fields) = reader.fields(node, "`diagnostics`", DIAGNOSTICS) else {
        return file;
    };
    Diagnostics {
        input: reader.optional_word(&mut fields, "input", &Keep::WORDS).unwrap_or(file.input),
        output: reader.optional_word(&mut fields, "output", &Keep::WORDS).unwrap_or(file.output),
        variables: reader.optional_word(&mut fields, "variables", &Keep::WORDS).unwrap_or(file.variables),
    }
}

/// A list of paths. Read last: by then all variables are known.
pub(super) fn redact(reader: &mut Reader<'_>, node: &Node) -> Redact {
    let Some(elements) = node.elements() else {
        reader.wrong(node, "`redact` must be a list of paths such as customer.iban");
        return Redact::default();
    };
    let mut paths = Vec::new();
    for element in elements {
        if !reader.pay() {
            break;
        }
        let text = element.scalar().map(|scalar| scalar.text.trim().to_owned()).unwrap_or_default();
        let path: Vec<EcoString> = text.split('.').map(EcoString::from).collect();
        if path.iter().any(EcoString::is_empty) {
            reader.wrong(element, "A path is expected, such as customer.iban");
            continue;
        }
        let first = path.first().map(EcoString::as_str).unwrap_or_default();
        let known = reader.known_slot(first).is_some() || first == OUTPUT || REQUEST_NAMES.contains(&first);
        if !known {
            let message = format!("`redact` names `{first}`, which is not an input, step or variable");
            let problem = Problem::new(codes::WRONG_VALUE, element.place, message);
            reader.report(problem.with_hint("A path begins with one of them, or with output, query, body or headers."));
            continue;
        }
        paths.push(path);
    }
    Redact { paths }
}

/// The limits of runs.
pub(super) fn limits(reader: &mut Reader<'_>, node: &Node) -> RunLimits {
    let mut limits = RunLimits::default();
    let Some(mut fields) = reader.fields(node, "`limits`", LIMITS) else { return limits };
    limits.run = fields.take("run").and_then(|entry| reader.duration(&entry.value, LONGEST_RUN));
    let mut number = |key: &str| fields.take(key).and_then(|entry| reader.whole(&entry.value, key, 1..=u32::MAX));
    limits.script_steps = number("scriptSteps").map(u64::from);
    limits.script_memory = number("scriptMemory").map(|bytes| bytes as usize);
    limits.log_lines = number("logLines");
    limits.queue = number("queue");
    limits
}
