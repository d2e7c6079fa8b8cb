//! The excerpt of a source in a finding.

use crate::span::{Span, line_column};
use codespan_reporting::files::{Error as FileError, Files};
use std::collections::BTreeMap;
use std::ops::Range;

/// Characters of a longer line that are shown before and after a place.
const AROUND: usize = 100;

/// The lines of some places. A place of several lines is shown by its first one.
#[derive(Default)]
pub(super) struct Excerpt {
    file: String,
    /// The column of the first place.
    column: u32,
    /// The lines, or parts of them where they are long.
    text: String,
    /// The byte ranges of the lines in `text`, by line number from 0.
    lines: BTreeMap<usize, Range<usize>>,
    /// The places in `text`, in bytes.
    pub(super) places: Vec<Range<usize>>,
}

/// A line of the source, and its shown part.
struct Line {
    bytes: Range<usize>,
    /// The places that begin in it, by their number, as bytes of the source.
    places: Vec<(usize, Range<usize>)>,
}

impl Excerpt {
    /// The lines of `spans`; the finding points at the first one.
    pub(super) fn new(file: &str, source: &str, spans: &[Span]) -> Self {
        let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
        let mut column = 1;
        for (index, span) in spans.iter().enumerate() {
            let start = floor(source, span.start as usize);
            let (number, at) = line_column(source, span.start);
            if index == 0 {
                column = at;
            }
            let bytes = line_of(source, start);
            let start = start.min(bytes.end);
            let end = floor(source, span.end as usize).clamp(start, bytes.end);
            let line = lines.entry(number as usize - 1).or_insert_with(|| Line { bytes, places: Vec::new() });
            line.places.push((index, start..end));
        }
        fill_gaps(source, &mut lines);
        let mut excerpt = Self { file: visible(file), column, ..Self::default() };
        excerpt.places = vec![0..0; spans.len()];
        for (number, line) in lines {
            if !excerpt.text.is_empty() {
                excerpt.text.push('\n');
            }
            let from = excerpt.text.len();
            excerpt.line(source, &line);
            excerpt.lines.insert(number, from..excerpt.text.len());
        }
        excerpt
    }

    /// Adds the shown part of a line: all that is near the start or end of a place.
    fn line(&mut self, source: &str, line: &Line) {
        let text = source.get(line.bytes.clone()).unwrap_or_default();
        let offset = |byte: usize| byte - line.bytes.start;
        let starts = line.places.iter().map(|(_, place)| offset(place.start));
        let ends = line.places.iter().map(|(_, place)| offset(place.end));
        let known: Vec<usize> = starts.clone().chain(ends.clone()).collect();
        let mut kept: Vec<Range<usize>> = starts.map(|at| back(text, at)..forward(text, at)).collect();
        kept.extend(ends.map(|at| at..forward(text, at)));
        if kept.is_empty() {
            kept.push(0..forward(text, 0));
        }
        kept.sort_by_key(|range| (range.start, range.end));
        // The new positions of the starts and ends.
        let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
        let mut at = 0;
        for range in kept {
            if range.start > at {
                self.text.push('…');
            }
            at = at.max(range.start);
            for (byte, character) in text.get(at..range.end).unwrap_or_default().char_indices() {
                if known.contains(&(at + byte)) {
                    moved.insert(at + byte, self.text.len());
                }
                self.text.push(visible_character(character));
            }
            at = at.max(range.end);
        }
        if at < text.len() {
            self.text.push('…');
        }
        let end = self.text.len();
        for (index, place) in &line.places {
            let at = |byte: usize| moved.get(&offset(byte)).copied().unwrap_or(end);
            self.places[*index] = at(place.start)..at(place.end);
        }
    }
}

/// A byte so far before another one that enough of the line is shown.
fn back(text: &str, byte: usize) -> usize {
    text[..byte].char_indices().rev().nth(AROUND).map_or(0, |(at, _)| at)
}

/// The byte this far after another one.
fn forward(text: &str, byte: usize) -> usize {
    text[byte..].char_indices().nth(AROUND).map_or(text.len(), |(at, _)| byte + at)
}

/// The bytes of the line around a byte, without its end.
fn line_of(source: &str, byte: usize) -> Range<usize> {
    let start = source[..byte].rfind('\n').map_or(0, |at| at + 1);
    let end = source[byte..].find('\n').map_or(source.len(), |at| byte + at);
    start..start + source[start..end].trim_end_matches('\r').len()
}

/// A single line between two others is shown, too.
fn fill_gaps(source: &str, lines: &mut BTreeMap<usize, Line>) {
    let numbers: Vec<usize> = lines.keys().copied().collect();
    for number in numbers {
        let Some(end) = lines.get(&number).map(|line| line.bytes.end) else { continue };
        let next = source.get(end..).and_then(|rest| rest.find('\n')).map(|at| end + at + 1);
        if let (Some(next), true, false) = (next, lines.contains_key(&(number + 2)), lines.contains_key(&(number + 1)))
        {
            lines.insert(number + 1, Line { bytes: line_of(source, next), places: Vec::new() });
        }
    }
}

impl<'a> Files<'a> for Excerpt {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, FileError> {
        Ok(&self.file)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, FileError> {
        Ok(&self.text)
    }

    fn line_index(&'a self, (): (), byte: usize) -> Result<usize, FileError> {
        let line = self.lines.iter().find(|(_, range)| byte <= range.end);
        Ok(line.map_or(0, |(number, _)| *number))
    }

    fn column_number(&'a self, (): (), _: usize, _: usize) -> Result<usize, FileError> {
        Ok(self.column as usize)
    }

    fn line_range(&'a self, (): (), line: usize) -> Result<Range<usize>, FileError> {
        let range = self.lines.get(&line).cloned();
        range.ok_or(FileError::LineTooLarge { given: line, max: self.lines.keys().next_back().copied().unwrap_or(0) })
    }
}

/// The start of the character at a byte.
fn floor(source: &str, byte: usize) -> usize {
    let mut byte = byte.min(source.len());
    while !source.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// The text that a terminal may receive: no control characters and none that change the direction of text.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(visible_character).collect()
}

fn visible_character(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}'..='\u{200F}' | '\u{FEFF}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    }
}
