//! Paths: a subset of XPath.

use crate::show::{quoted, short};
use std::borrow::Cow;

/// The longest path, in bytes.
const LONGEST_PATH: usize = 64 << 10;

/// A path of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub steps: Vec<Step>,
    pub target: Target,
}

/// The wanted part of the elements found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Element,
    Text,
    /// An attribute, or all of them.
    Attribute(Option<String>),
}

/// A step down from an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Children at any depth, or direct ones only.
    pub deep: bool,
    /// Any name if `None`.
    pub name: Option<String>,
    pub conditions: Vec<Condition>,
}

/// The condition in brackets after a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The n-th of its parent, from 1.
    Position(u32),
    /// Has the attribute, with this value if one is given.
    Attribute(String, Option<String>),
}

impl Step {
    pub(super) fn takes_name(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
    }
}

impl Condition {
    /// Does it hold for the `position`-th element that it is applied to?
    pub(super) fn holds(&self, position: u32, attributes: &[(&str, Cow<'_, str>)]) -> bool {
        match self {
            Self::Position(wanted) => position == *wanted,
            Self::Attribute(name, value) => attributes
                .iter()
                .any(|(known, found)| known == name && value.as_deref().is_none_or(|value| value == found)),
        }
    }
}

impl Path {
    /// Reads a path. The error says what is wrong with it.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let bad = |what: &str| format!("the path {} {what}.", quoted(source));
        if source.len() > LONGEST_PATH {
            return Err(bad(&format!("is longer than {LONGEST_PATH} bytes, the limit")));
        }
        let mut rest = source.trim();
        let mut path = Self { steps: Vec::new(), target: Target::Element };
        if !rest.starts_with('/') && !rest.is_empty() {
            path.step(&mut rest, false).map_err(|what| bad(&what))?;
        }
        while !rest.is_empty() {
            if path.target != Target::Element {
                return Err(bad("continues after an attribute or text"));
            }
            let Some(after) = rest.strip_prefix('/') else {
                return Err(bad("has something other than / after a step"));
            };
            let deep = after.starts_with('/');
            rest = after.strip_prefix('/').unwrap_or(after);
            path.step(&mut rest, deep).map_err(|what| bad(&what))?;
        }
        if path.steps.is_empty() {
            return Err(bad("names no element: write /a/b or //b"));
        }
        Ok(path)
    }

    fn step(&mut self, rest: &mut &str, deep: bool) -> Result<(), String> {
        if let Some(after) = rest.strip_prefix('@') {
            let name = take_name(after);
            *rest = &after[name.len()..];
            self.target = Target::Attribute(wildcard(name)?);
            if deep {
                self.steps.push(Step { deep: true, name: None, conditions: Vec::new() });
            }
            return Ok(());
        }
        for text in ["text()", "#text"] {
            if let Some(after) = rest.strip_prefix(text) {
                *rest = after;
                self.target = Target::Text;
                return Ok(());
            }
        }
        let name = take_name(rest);
        *rest = &rest[name.len()..];
        let mut step = Step { deep, name: wildcard(name)?, conditions: Vec::new() };
        while let Some(after) = rest.strip_prefix('[') {
            let end = closing(after).ok_or("has a [ without its ]")?;
            step.conditions.push(condition(after[..end].trim())?);
            *rest = &after[end + 1..];
        }
        self.steps.push(step);
        Ok(())
    }
}

/// The characters up to the next one that ends a name.
fn take_name(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || "/[]@='\"()#".contains(c)).unwrap_or(text.len());
    &text[..end]
}

fn wildcard(name: &str) -> Result<Option<String>, String> {
    match name {
        "" => Err("has a step without a name".into()),
        "*" => Ok(None),
        name => Ok(Some(name.into())),
    }
}

/// The position of the `]` outside quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| match (quote, c) {
        (None, ']') => Some(at),
        (None, '\'' | '"') => {
            quote = Some(c);
            None
        }
        (Some(open), c) if c == open => {
            quote = None;
            None
        }
        _ => None,
    })
}

fn condition(text: &str) -> Result<Condition, String> {
    if let Ok(position @ 1..) = text.parse() {
        return Ok(Condition::Position(position));
    }
    let wrong = || format!("has the condition [{}]; conditions are [2], [@x] and [@x='v']", short(text));
    let attribute = text.strip_prefix('@').ok_or_else(wrong)?;
    let name = take_name(attribute);
    if name.is_empty() {
        return Err(wrong());
    }
    let rest = attribute[name.len()..].trim();
    if rest.is_empty() {
        return Ok(Condition::Attribute(name.into(), None));
    }
    let value = rest.strip_prefix('=').map(str::trim).ok_or_else(wrong)?;
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote).filter(|inside: &&str| !inside.contains(quote));
    let value = quoted('\'').or_else(|| quoted('"')).ok_or_else(wrong)?;
    Ok(Condition::Attribute(name.into(), Some(value.into())))
}
