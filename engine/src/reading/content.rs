//! Values of the file: constants, and texts with `{expression}` parts.

use super::Reader;
use super::braces::bare_braces;
use crate::script::{Content, Kind};
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{Core, Node, Scalar};
use ecow::EcoString;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use std::collections::HashSet;

impl Reader<'_> {
    /// A template that must be one text: a message, a path, a label.
    pub fn template(&mut self, node: &Node) -> Option<Content> {
        if node.scalar().is_none() {
            match bare_braces(node) {
                Some(problem) => self.report(Problem { warning: false, ..problem }),
                None => self.wrong(node, "A text is expected here"),
            }
            return None;
        }
        self.content_of(node).0
    }

    /// Any value: each text in it is a template. Returns it with its known type. Warns of texts that were probably
    /// meant as expressions.
    pub fn content(&mut self, node: &Node) -> (Option<Content>, Type) {
        self.warn_of_bare_expressions(node);
        self.content_of(node)
    }

    fn content_of(&mut self, node: &Node) -> (Option<Content>, Type) {
        match &node.kind {
            crate::yaml::Kind::Scalar(scalar) => self.scalar_content(scalar),
            crate::yaml::Kind::List(elements) => {
                let contents: Vec<(Option<Content>, Type)> = elements.iter().map(|e| self.content_of(e)).collect();
                let contents: Option<Vec<Content>> = contents.into_iter().map(|(content, _)| content).collect();
                (contents.map(Content::List), Type::Any.many())
            }
            crate::yaml::Kind::Map(entries) => {
                let mut fields: Option<Vec<(EcoString, Content)>> = Some(Vec::new());
                let mut types = Vec::new();
                for entry in entries {
                    let (content, ty) = self.content_of(&entry.value);
                    types.push((entry.key.as_str().into(), ty));
                    match (content, &mut fields) {
                        (Some(content), Some(fields)) => fields.push((entry.key.as_str().into(), content)),
                        _ => fields = None,
                    }
                }
                (fields.map(Content::Record), Type::closed_record(types))
            }
        }
    }

    fn scalar_content(&mut self, scalar: &Scalar) -> (Option<Content>, Type) {
        let is_text = matches!(scalar.core(), Core::Text(_));
        if is_text && scalar.text.contains(['{', '\\']) {
            let (script, ty) = self.compile(scalar, Kind::Template);
            return (script.map(Content::Template), ty);
        }
        let value = constant(scalar);
        let ty = Type::of_value(&value);
        (Some(Content::Constant(value)), ty)
    }

    /// Reports names that are in a list twice.
    pub fn refuse_twice<'n>(&mut self, nodes: impl Iterator<Item = (&'n str, &'n Node)>) {
        let mut seen = HashSet::new();
        for (name, node) in nodes {
            if !seen.insert(name) {
                self.report(Problem::new(codes::WRONG_VALUE, node.place, format!("`{name}` is given here twice")));
            }
        }
    }
}

/// A value without templates: the default of an input. Braces in it are literal.
pub fn literal(node: &Node) -> Value {
    match &node.kind {
        crate::yaml::Kind::Scalar(scalar) => constant(scalar),
        crate::yaml::Kind::List(elements) => Value::list(elements.iter().map(literal).collect()),
        crate::yaml::Kind::Map(entries) => {
            Value::record(entries.iter().map(|e| (e.key.as_str(), literal(&e.value))).collect::<Vec<_>>())
        }
    }
}

fn constant(scalar: &Scalar) -> Value {
    match scalar.core() {
        Core::Null => Value::Null,
        Core::Bool(value) => Value::Bool(value),
        Core::Number(number) => Value::Number(number),
        Core::Text(text) => Value::text(text),
    }
}
