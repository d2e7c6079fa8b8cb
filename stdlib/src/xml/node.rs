//! An element on its way to becoming a value.

use super::chars::is_blank;
use crate::shapes::Shapes;
use ecow::{EcoString, eco_format};
use flowscript_lang::value::Value;
use indexmap::IndexMap;
use std::borrow::Cow;

/// What has been read of an element.
#[derive(Default)]
pub(super) struct Node {
    pub name: EcoString,
    attributes: Vec<(EcoString, Value)>,
    /// Children by name, in the order of their first appearance.
    children: IndexMap<EcoString, Vec<Value>>,
    text: String,
}

impl Node {
    pub(super) fn new(name: &str, attributes: &[(&str, Cow<'_, str>)]) -> Self {
        let attributes =
            attributes.iter().map(|(name, value)| (eco_format!("@{name}"), Value::from(value.as_ref()))).collect();
        Self { name: name.into(), attributes, ..Self::default() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn push_child(&mut self, name: EcoString, value: Value) {
        self.children.entry(name).or_default().push(value);
    }

    /// The text of an element without attributes and children; else the record of them, with `#text` where there is
    /// text that is no layout.
    pub(super) fn into_value(self, shapes: &mut Shapes) -> Value {
        if self.attributes.is_empty() && self.children.is_empty() {
            return self.text.into();
        }
        let (mut names, mut cells): (Vec<EcoString>, Vec<Value>) = self.attributes.into_iter().unzip();
        for (name, mut values) in self.children {
            names.push(name);
            cells.push(match (values.len(), values.pop()) {
                (1, Some(only)) => only,
                (_, last) => Value::list(values.into_iter().chain(last).collect()),
            });
        }
        if !self.text.trim_matches(is_blank).is_empty() {
            names.push("#text".into());
            cells.push(self.text.into());
        }
        Value::Record(shapes.record(names, cells))
    }
}
