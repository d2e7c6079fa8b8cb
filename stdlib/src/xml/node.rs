//! An element being turned into a value.

use super::chars::is_blank;
use crate::shapes::Shapes;
use ecow::{EcoString, eco_format};
use flowscript_lang::value::Value;
use indexmap::IndexMap;
use indexmap::map::Entry;
use std::borrow::Cow;

/// The parts of an element read so far.
#[derive(Default)]
pub(super) struct Node {
    pub name: EcoString,
    attributes: Vec<(EcoString, Value)>,
    /// Children by name, in the order of their first appearance.
    children: IndexMap<EcoString, Children>,
    text: String,
}

/// The children of one name; mostly there is one.
enum Children {
    One(Value),
    Many(Vec<Value>),
}

impl Children {
    fn push(&mut self, value: Value) {
        match self {
            Self::One(first) => *self = Self::Many(vec![std::mem::take(first), value]),
            Self::Many(values) => values.push(value),
        }
    }
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
        match self.children.entry(name) {
            Entry::Occupied(mut children) => children.get_mut().push(value),
            Entry::Vacant(place) => {
                place.insert(Children::One(value));
            }
        }
    }

    /// The text of an element without attributes and children; else their record, with `#text` if it has text other
    /// than layout.
    pub(super) fn into_value(self, shapes: &mut Shapes) -> Value {
        if self.attributes.is_empty() && self.children.is_empty() {
            return self.text.into();
        }
        let (mut names, mut cells): (Vec<EcoString>, Vec<Value>) = self.attributes.into_iter().unzip();
        for (name, children) in self.children {
            names.push(name);
            cells.push(match children {
                Children::One(only) => only,
                Children::Many(values) => Value::list(values),
            });
        }
        if !self.text.trim_matches(is_blank).is_empty() {
            names.push("#text".into());
            cells.push(self.text.into());
        }
        Value::Record(shapes.record(names, cells))
    }
}
