//! Finding elements while a text is read: only matches are kept.

use super::events::read;
use super::node::Node;
use super::path::{Path, Target};
use super::sink::{Refusal, Sink, XmlError};
use crate::shapes::Shapes;
use ecow::EcoString;
use flowscript_lang::budget::{Budget, Toll, too_many_cells};
use flowscript_lang::value::{Record, Value};
use std::borrow::Cow;

/// The value of an XML text: a record with the root element.
/// The budget pays for reading and for the value.
pub fn decode(text: &str, budget: &mut dyn Budget) -> Result<Record, XmlError> {
    let path = Path::parse("/*").map_err(XmlError::of_path)?;
    let mut root = None;
    visit(text, &path, budget, &mut |_, name, value| {
        root = Some(single(name, value));
        Ok(())
    })?;
    Ok(root.unwrap_or_else(|| Record::from_fields([])))
}

/// The record with one field.
fn single(name: &str, value: Value) -> Record {
    Record::from_fields([(name.into(), value)])
}

/// The matches of a path in an XML text, in the order of the text.
pub fn select(text: &str, path: &str, budget: &mut dyn Budget) -> Result<Vec<Value>, XmlError> {
    let path = Path::parse(path).map_err(XmlError::of_path)?;
    by_path(text, &path, budget)
}

pub(super) fn by_path(text: &str, path: &Path, budget: &mut dyn Budget) -> Result<Vec<Value>, XmlError> {
    let mut found = Vec::new();
    visit(text, path, budget, &mut |toll, _, value| {
        toll.one_more(found.len(), 1)?;
        found.push(value);
        Ok(())
    })?;
    Ok(found)
}

/// Receives the name and value of a match.
type Found<'a> = dyn FnMut(&mut Cost<'_>, &str, Value) -> Result<(), Refusal> + 'a;

/// The payment for reading and for the value.
pub(super) struct Cost<'b>(Toll<'b>);

/// The cost of reading a byte, in bytes looked at.
const READING: usize = 8;

/// The memory of an element besides its texts and names, while it is read and as a record, in bytes.
const ELEMENT: usize = 320;

/// The memory of an attribute besides its text.
const ATTRIBUTE: usize = 96;

impl Cost<'_> {
    /// Pays for one more element of a list, or row of `width` columns, after the first `before`.
    pub(super) fn one_more(&mut self, before: usize, width: usize) -> Result<(), Refusal> {
        let most = self.0.most_cells();
        if before.saturating_add(1).saturating_mul(width) > most {
            return Err(too_many_cells(most).into());
        }
        Ok(self.0.take(width.saturating_mul(size_of::<Value>()))?)
    }
}

/// Passes the matches of a path to `found`, in the order of the text.
pub(super) fn visit(text: &str, path: &Path, budget: &mut dyn Budget, found: &mut Found<'_>) -> Result<(), XmlError> {
    let mut walk = Walk {
        path,
        frames: vec![Frame { waiting: vec![0], ..Frame::default() }],
        pending: Vec::new(),
        done: 0,
        shapes: Shapes::default(),
        found,
        cost: Cost(Toll::new(budget)),
    };
    read(text, &mut walk)
}

/// An open element.
#[derive(Default)]
struct Frame {
    /// The steps that its children may match.
    waiting: Vec<usize>,
    /// How many of its children reached a condition: by step and condition.
    counts: Vec<((usize, usize), u32)>,
    /// Its content so far, if it or an element around it is wanted.
    node: Option<Node>,
    /// Its place among the matches.
    slot: Option<usize>,
}

struct Walk<'a> {
    path: &'a Path,
    frames: Vec<Frame>,
    /// Matches that wait for an earlier one to close.
    pending: Vec<Option<(EcoString, Value)>>,
    /// The places that have been passed on.
    done: usize,
    shapes: Shapes,
    found: &'a mut Found<'a>,
    cost: Cost<'a>,
}

impl Sink for Walk<'_> {
    fn pay(&mut self, bytes: usize) -> Result<(), Refusal> {
        Ok(self.cost.0.scan(bytes * READING)?)
    }

    fn take(&mut self, bytes: usize) -> Result<(), Refusal> {
        Ok(self.cost.0.take(bytes)?)
    }

    fn open(&mut self, name: &str, attributes: &[(&str, Cow<'_, str>)]) -> Result<(), Refusal> {
        let path = self.path;
        let Some(parent) = self.frames.last_mut() else { return Ok(()) };
        let mut frame = Frame::default();
        let mut is_found = false;
        for at in parent.waiting.clone() {
            let Some(step) = path.steps.get(at) else { continue };
            if step.deep {
                frame.waiting.push(at);
            }
            let takes = step.takes_name(name)
                && step.conditions.iter().enumerate().all(|(position, condition)| {
                    condition.holds(count(&mut parent.counts, (at, position)), attributes)
                });
            if takes && at + 1 == path.steps.len() {
                is_found = true;
            } else if takes {
                frame.waiting.push(at + 1);
            }
        }
        frame.waiting.sort_unstable();
        frame.waiting.dedup();
        match &path.target {
            Target::Attribute(wanted) if is_found => {
                for (name, value) in attributes {
                    if wanted.as_deref().is_none_or(|wanted| wanted == *name) {
                        self.cost.0.take(ATTRIBUTE + value.len())?;
                        (self.found)(&mut self.cost, name, value.as_ref().into())?;
                    }
                }
            }
            Target::Element | Target::Text if is_found => {
                frame.slot = Some(self.done + self.pending.len());
                self.pending.push(None);
            }
            _ => {}
        }
        if frame.slot.is_some() || parent.node.is_some() {
            let texts = attributes.iter().map(|(name, value)| ATTRIBUTE + name.len() + value.len()).sum::<usize>();
            self.cost.0.take(ELEMENT + name.len() + texts)?;
            frame.node = Some(Node::new(name, attributes));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        if let Some(node) = self.frames.last_mut().and_then(|frame| frame.node.as_mut()) {
            // It is copied into the value in the end.
            self.cost.0.take(text.len() * 2)?;
            node.push_text(text);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let Some(node) = frame.node else { return Ok(()) };
        let name = node.name.clone();
        let text = (self.path.target == Target::Text).then(|| Value::from(node.text()));
        let parent = self.frames.last_mut().and_then(|parent| parent.node.as_mut());
        if frame.slot.is_none() && parent.is_none() {
            return Ok(());
        }
        let value = node.into_value(&mut self.shapes);
        match (parent, frame.slot) {
            (Some(parent), Some(slot)) => {
                parent.push_child(name.clone(), value.clone());
                self.finish(slot, name, text.unwrap_or(value))
            }
            (Some(parent), None) => {
                parent.push_child(name, value);
                Ok(())
            }
            (None, Some(slot)) => self.finish(slot, name, text.unwrap_or(value)),
            (None, None) => Ok(()),
        }
    }
}

impl Walk<'_> {
    /// Passes on the matches before which all others have closed.
    fn finish(&mut self, slot: usize, name: EcoString, value: Value) -> Result<(), Refusal> {
        if let Some(place) = self.pending.get_mut(slot - self.done) {
            *place = Some((name, value));
        }
        if self.pending.iter().all(Option::is_some) {
            self.done += self.pending.len();
            for (name, value) in std::mem::take(&mut self.pending).into_iter().flatten() {
                (self.found)(&mut self.cost, &name, value)?;
            }
        }
        Ok(())
    }
}

/// Counts one more and returns the number.
fn count(counts: &mut Vec<((usize, usize), u32)>, key: (usize, usize)) -> u32 {
    if let Some((_, number)) = counts.iter_mut().find(|(known, _)| *known == key) {
        *number += 1;
        return *number;
    }
    counts.push((key, 1));
    1
}
