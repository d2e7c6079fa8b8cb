//! Texts that were probably meant as expressions.

use super::Reader;
use super::braces::bare_braces;
use crate::script::{Kind, compile};
use crate::yaml::problem::{Fix, Problem, codes};
use crate::yaml::{self, Core, Node, Place, Scalar};

impl Reader<'_> {
    /// Unquoted texts that are expressions over variables, and braces that YAML reads as a map.
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
