//! The parts of an XML text, one after the other: elements, attributes and text with all references resolved.

use crate::show::{quoted, short};
use quick_xml::errors::Error;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// How deep elements may be nested (language.md §8).
pub(super) const MAX_NESTING: usize = 200;

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlError {
    /// The line, from 1.
    pub line: usize,
    /// What was wrong.
    pub problem: String,
    /// Was it a limit of the run?
    pub limit: bool,
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for XmlError {}

/// What takes the parts of a text. Its errors end the reading.
pub(super) trait Sink {
    fn open(&mut self, name: &str, attributes: &[(&str, Cow<'_, str>)]) -> Result<(), Refusal>;
    fn text(&mut self, text: &str);
    fn close(&mut self) -> Result<(), Refusal>;
}

/// An error without its place.
pub(super) struct Refusal {
    pub problem: String,
    pub limit: bool,
}

impl From<String> for Refusal {
    fn from(problem: String) -> Self {
        Self { problem, limit: false }
    }
}

/// Hands the parts of a text to a sink.
pub(super) fn read(text: &str, sink: &mut dyn Sink) -> Result<(), XmlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    let mut state = State { depth: 0, roots: 0 };
    loop {
        let event = reader.read_event();
        let at = reader.error_position().max(reader.buffer_position()) as usize;
        let step = match event {
            Ok(Event::Eof) => state.end(),
            Ok(event) => state.take(&event, sink),
            Err(error) => Err(describe(&error).into()),
        };
        match step {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(Refusal { problem, limit }) => {
                let before = text.get(..at).unwrap_or(text);
                return Err(XmlError { line: before.matches('\n').count() + 1, problem, limit });
            }
        }
    }
}

struct State {
    depth: usize,
    roots: usize,
}

impl State {
    /// Takes an event; true as long as more follow.
    fn take(&mut self, event: &Event<'_>, sink: &mut dyn Sink) -> Result<bool, Refusal> {
        match event {
            Event::Start(tag) => self.open(tag, sink)?,
            Event::Empty(tag) => {
                self.open(tag, sink)?;
                self.close(sink)?;
            }
            Event::End(_) => self.close(sink)?,
            Event::Text(text) => self.text(&text.xml10_content(), sink)?,
            Event::CData(text) => self.text(&text.xml10_content(), sink)?,
            Event::GeneralRef(reference) => {
                let found = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                let name = reference.clone().into_inner();
                match (found, resolve_xml_entity(&name)) {
                    (Some(c), _) => self.text(c.encode_utf8(&mut [0; 4]), sink)?,
                    (None, Some(known)) => self.text(known, sink)?,
                    (None, None) => return Err(format!("the entity &{}; is unknown.", short(&name)).into()),
                }
            }
            Event::DocType(doctype) if doctype.contains("<!ENTITY") || doctype.contains('[') => {
                return Err("a DOCTYPE with entities or other declarations is not allowed.".to_owned().into());
            }
            Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(true)
    }

    fn open(&mut self, tag: &BytesStart<'_>, sink: &mut dyn Sink) -> Result<(), Refusal> {
        if self.depth == 0 {
            self.roots += 1;
            if self.roots > 1 {
                return Err("there is more than one root element.".to_owned().into());
            }
        }
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(format!("elements are nested more than {MAX_NESTING} deep.").into());
        }
        let mut attributes = Vec::new();
        // The reader's own check compares each attribute with all before it.
        let mut seen = HashSet::new();
        let mut all = tag.attributes();
        all.with_checks(false);
        let all: Vec<_> = all.collect();
        for attribute in &all {
            let attribute = attribute.as_ref().map_err(|error| format!("an attribute is malformed: {error}."))?;
            let name = attribute.key.into_inner();
            if !seen.insert(name) {
                return Err(format!("an attribute is malformed: {} is given twice.", short(name)).into());
            }
            // Line ends and tabs within an attribute are blanks.
            let raw: Cow<'_, str> = if attribute.value.contains(['\n', '\r', '\t']) {
                attribute.value.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ").into()
            } else {
                Cow::Borrowed(&attribute.value)
            };
            let value = unescape(&raw).map_err(|error| error.to_string())?.into_owned();
            attributes.push((name, Cow::Owned(value)));
        }
        sink.open(tag.name().into_inner(), &attributes)
    }

    fn close(&mut self, sink: &mut dyn Sink) -> Result<(), Refusal> {
        self.depth = self.depth.saturating_sub(1);
        sink.close()
    }

    fn text(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Refusal> {
        if self.depth > 0 {
            sink.text(text);
        } else if !text.trim().is_empty() {
            return Err(format!("there is text outside the root element: {}.", quoted(text.trim())).into());
        }
        Ok(())
    }

    fn end(&self) -> Result<bool, Refusal> {
        if self.depth > 0 {
            return Err("the text ends inside an element.".to_owned().into());
        }
        if self.roots == 0 {
            return Err("there is no element.".to_owned().into());
        }
        Ok(false)
    }
}

fn describe(error: &Error) -> String {
    let text = error.to_string();
    let plain = text.split_once(": ").map_or(text.as_str(), |(_, plain)| plain);
    format!("{plain}.")
}
