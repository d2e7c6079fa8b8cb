//! Braces that YAML reads as a map, where an expression was meant.

use crate::yaml::Node;
use crate::yaml::problem::{Fix, Problem, codes};

/// The problem of `{x}` without quotes: a map of YAML with a key and no value.
pub(super) fn bare_braces(node: &Node) -> Option<Problem> {
    let entries = node.entries()?;
    let is_empty = |node: &Node| node.scalar().is_some_and(|scalar| scalar.plain && scalar.text.is_empty());
    let first = entries.first()?;
    // A map on lines of its own begins at its first key.
    let is_flow = first.place != node.place;
    if !is_flow || !entries.iter().all(|entry| is_empty(&entry.value)) {
        return None;
    }
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let written = keys.join(", ");
    let message = format!("`{{{written}}}` without quotes is a map of YAML with keys and no values");
    let hint = format!("Put it in quotes: `\"{{{written}}}\"`.");
    let problem = Problem::warning(codes::BARE_BRACES, node.place, message).with_hint(hint);
    let quoted = Fix::replace(node.place, node.end, format!("\"{{{written}}}\""));
    Some(problem.with_fix((!written.contains(['"', '\\'])).then_some(quoted)))
}

/// The problem of braces around an expression.
pub(super) fn braces_around_expression(node: &Node) -> Option<Problem> {
    let problem = bare_braces(node)?;
    let keys: Vec<&str> = node.entries()?.iter().map(|entry| entry.key.as_str()).collect();
    let hint = format!("This key takes an expression; leave out the braces: `{}`.", keys.join(", "));
    let mut problem = Problem { warning: false, ..problem }.with_hint(hint);
    // The fix for a text is not valid here.
    problem.more.fixes.clear();
    let bare = match keys.as_slice() {
        [key] => Some(Fix::replace(node.place, node.end, *key)),
        _ => None,
    };
    Some(problem.with_fix(bare))
}
