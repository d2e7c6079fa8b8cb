//! What was probably meant as an expression and is none.

use super::Reader;
use crate::script::{Kind, compile};
use crate::workflow::problem::{Fix, Problem, codes};
use crate::yaml::{self, Core, Node, Place, Scalar};

impl Reader<'_> {
    /// Texts without quotes that are expressions over variables, and braces that YAML takes for a map.
    pub(super) fn warn_of_bare_expressions(&mut self, node: &Node) {
        match &node.kind {
            yaml::Kind::Scalar(scalar) => self.warn_of_bare_expression(scalar, node.place, node.end),
            yaml::Kind::List(elements) => elements.iter().for_each(|element| self.warn_of_bare_expressions(element)),
            yaml::Kind::Map(entries) => match bare_braces(node) {
                Some(problem) => self.report(problem),
                None => entries.iter().for_each(|entry| self.warn_of_bare_expressions(&entry.value)),
            },
        }
    }

    fn warn_of_bare_expression(&mut self, scalar: &Scalar, place: Place, end: Place) {
        let Core::Text(text) = scalar.core() else { return };
        if !self.loading.scan(text.len()) || !scalar.plain || text.contains(['{', '\\']) {
            return;
        }
        let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let mut names_variable = false;
        while let Some(word) = words.next().filter(|_| !names_variable) {
            if let Some(slot) = self.known_slot(word) {
                let width = self.scope().width();
                names_variable = self.loading.look(width) && self.scope().knows(slot);
            }
        }
        if !names_variable {
            return;
        }
        let scope = self.take_scope();
        let compiled = compile(scalar, Kind::Expression, &scope, self.library, &mut self.loading);
        self.set_scope(scope);
        if !compiled.script.is_some_and(|script| script.uses_variables()) {
            return;
        }
        let message = format!("`{text}` is a text here, not the value of an expression");
        let hint = format!("Write `\"{{{text}}}\"` for the value, or quote the text: `'{text}'`.");
        let value = Fix::replace(place, end, format!("\"{{{text}}}\""));
        let quoted = Fix::replace(place, end, format!("'{text}'"));
        // On one line, without quotes of its own.
        let is_simple = place.line == end.line && !text.contains(['\'', '"']);
        let problem = Problem::warning(codes::BARE_EXPRESSION, place, message).with_hint(hint);
        let problem = problem.with_fix(is_simple.then_some(value)).with_fix(is_simple.then_some(quoted));
        self.report(problem);
    }
}

/// The problem of `{x}` without quotes: a map of YAML with a key and no value.
pub(super) fn bare_braces(node: &Node) -> Option<Problem> {
    let entries = node.entries()?;
    let is_empty = |node: &Node| node.scalar().is_some_and(|scalar| scalar.plain && scalar.text.is_empty());
    let first = entries.first()?;
    // A map of its own lines begins where its first key does.
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

/// The problem of braces around what is an expression already.
pub(super) fn braces_around_expression(node: &Node) -> Option<Problem> {
    let problem = bare_braces(node)?;
    let keys: Vec<&str> = node.entries()?.iter().map(|entry| entry.key.as_str()).collect();
    let hint = format!("This key takes an expression; leave out the braces: `{}`.", keys.join(", "));
    let mut problem = Problem { warning: false, ..problem }.with_hint(hint);
    // The one for a text does not hold here.
    problem.more.fixes.clear();
    let bare = match keys.as_slice() {
        [key] => Some(Fix::replace(node.place, node.end, *key)),
        _ => None,
    };
    Some(problem.with_fix(bare))
}
