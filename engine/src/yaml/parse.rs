//! From the events of the YAML parser to a tree.

use super::{Entry, Kind, Node, Place, Places, Scalar};
use crate::yaml::problem::{Problem, codes};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};
use std::collections::HashMap;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// How deep lists and maps may be nested.
pub const MAX_LEVELS: usize = 64;

/// The tree of a file with one document, or its first problem.
pub fn parse(source: &str) -> Result<Node, Problem> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if source.len() > MAX_BYTES {
        let message = format!("The file has {} bytes; the limit is {MAX_BYTES} (1 MiB)", source.len());
        return Err(Problem::new(codes::TOO_LARGE, Place { line: 1, column: 1 }, message)
            .with_hint("Keep data in files/ and read it with a `file` step."));
    }
    refuse_lone_return(source)?;
    let mut reader = Reader {
        source,
        line_starts: std::iter::once(0).chain(source.match_indices('\n').map(|(i, _)| i + 1)).collect(),
        char_starts: if source.is_ascii() { Vec::new() } else { source.char_indices().map(|(i, _)| i).collect() },
        events: Parser::new_from_str(source),
        end: Place { line: 1, column: 1 },
    };
    reader.document()
}

/// YAML takes a carriage return alone as the end of a line, FlowScript and most editors do not: places would differ.
fn refuse_lone_return(source: &str) -> Result<(), Problem> {
    let lone = |(at, _): &(usize, &str)| !source.get(at + 1..).is_some_and(|rest| rest.starts_with('\n'));
    let Some((at, _)) = source.match_indices('\r').find(lone) else { return Ok(()) };
    let before = source.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let place = Place { line: before.matches('\n').count() as u32 + 1, column: line.chars().count() as u32 + 1 };
    let message = "A carriage return (CR) without a line feed is here; lines end in LF or in CRLF";
    Err(Problem::new(codes::SYNTAX, place, message).with_hint("Save the file with the line ends of Unix or Windows."))
}

struct Reader<'a> {
    source: &'a str,
    line_starts: Vec<usize>,
    /// Byte offsets of characters; empty if the two are the same.
    char_starts: Vec<usize>,
    events: Parser<'a, StrInput<'a>>,
    /// The end of the last event.
    end: Place,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => {
                    return root.ok_or_else(|| {
                        let message = "The file is empty; a workflow is a map with at least `steps` or `output`";
                        Problem::new(codes::SYNTAX, Place { line: 1, column: 1 }, message)
                    });
                }
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_none() => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, 0)?);
                }
                _ => {
                    let message = "A second document begins here; a file holds one";
                    return Err(Problem::new(codes::SYNTAX, place(span.start), message)
                        .with_hint("Put each workflow into a file of its own."));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, level: usize) -> Result<Node, Problem> {
        let place = place(span.start);
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_anchor(anchor, place)?;
                Kind::Scalar(self.scalar(&text, style, tag.as_ref().map(AsRef::as_ref), span)?)
            }
            Event::SequenceStart(anchor, tag) => {
                may_enter(anchor, tag.as_ref().map(AsRef::as_ref), place, level)?;
                Kind::List(self.elements(level + 1)?)
            }
            Event::MappingStart(anchor, tag) => {
                may_enter(anchor, tag.as_ref().map(AsRef::as_ref), place, level)?;
                Kind::Map(self.entries(level + 1)?)
            }
            Event::Alias(_) => {
                return Err(Problem::new(codes::ANCHOR, place, "Aliases (`*name`) are not part of workflow files")
                    .with_hint("Write the value out where it is needed."));
            }
            _ => return Err(Problem::new(codes::SYNTAX, place, "A value is missing here")),
        };
        Ok(Node { place, end: self.end, kind })
    }

    fn elements(&mut self, level: usize) -> Result<Vec<Node>, Problem> {
        let mut elements = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(elements);
            }
            elements.push(self.node(event, span, level)?);
        }
    }

    fn entries(&mut self, level: usize) -> Result<Vec<Entry>, Problem> {
        let mut entries = Vec::new();
        let mut lines = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(entries);
            }
            let key = self.node(event, span, level)?;
            let place = key.place;
            let Kind::Scalar(Scalar { text: key, plain: is_plain, .. }) = key.kind else {
                return Err(Problem::new(codes::SYNTAX, place, "A key must be a text, not a list or a map")
                    .with_hint("A template that begins a value needs quotes: \"{name}\"."));
            };
            if let Some(line) = lines.insert(key.clone(), place.line) {
                let message = format!("The key `{key}` is given here a second time; the first is in line {line}");
                return Err(Problem::new(codes::DUPLICATE_KEY, place, message).with_hint("Remove one of the two."));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, level)?;
            entries.push(Entry { key, place, is_plain, value });
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Scalar, Problem> {
        let start = place(span.start);
        if let Some(tag) = tag {
            return Err(refuse_tag(tag, start));
        }
        let places = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                // The parser's span begins with the first line that is not empty.
                let empty_lines = text.bytes().take_while(|b| *b == b'\n').count() as u32;
                let line = start.line.saturating_sub(empty_lines).max(1);
                Places::of_block(text, line, self.rest_from_line(line))
            }
            _ => Places::of_flow(text, style, start, self.rest(span.start)),
        };
        let quote = match style {
            ScalarStyle::SingleQuoted => Some('\''),
            ScalarStyle::DoubleQuoted => Some('"'),
            _ => None,
        };
        Ok(Scalar { text: text.to_owned(), plain: style == ScalarStyle::Plain, quote, places })
    }

    /// The source from the beginning of a line (from 1) on.
    fn rest_from_line(&self, line: u32) -> &'a str {
        self.line_starts.get(line as usize - 1).and_then(|start| self.source.get(*start..)).unwrap_or("")
    }

    /// The source from a marker on.
    fn rest(&self, marker: Marker) -> &'a str {
        let start = self.char_starts.get(marker.index()).copied().unwrap_or(marker.index());
        self.source.get(start..).unwrap_or("")
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                self.end = place(span.end);
                Ok((event, span))
            }
            Some(Err(error)) => {
                let message = format!("This is not YAML: {}", error.info());
                Err(Problem::new(codes::SYNTAX, place(*error.marker()), message).with_hint(
                    "Look at the indentation and at quotes; a value with `: ` or that begins with `{` needs quotes.",
                ))
            }
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }
}

/// The checks at the start of lists and maps.
fn may_enter(anchor: usize, tag: Option<&Tag>, place: Place, level: usize) -> Result<(), Problem> {
    refuse_anchor(anchor, place)?;
    if let Some(tag) = tag {
        return Err(refuse_tag(tag, place));
    }
    if level >= MAX_LEVELS {
        let message = format!("More than {MAX_LEVELS} lists and maps are nested here");
        return Err(Problem::new(codes::TOO_DEEP, place, message));
    }
    Ok(())
}

fn refuse_anchor(anchor: usize, place: Place) -> Result<(), Problem> {
    if anchor == 0 {
        return Ok(());
    }
    Err(Problem::new(codes::ANCHOR, place, "Anchors (`&name`) are not part of workflow files")
        .with_hint("Write the value out where it is needed."))
}

fn refuse_tag(tag: &Tag, place: Place) -> Problem {
    Problem::new(codes::ANCHOR, place, format!("The tag `{tag}` is not part of workflow files"))
        .with_hint("Leave it out; quote a value that must be text.")
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}
