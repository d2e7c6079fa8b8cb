//! The replacement of `RegexReplace`: text and groups.

use super::sets::is_word;
use super::span::Span;
use super::tree::Groups;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;

/// A part of a replacement.
pub(super) enum Part<'a> {
    Text(&'a str),
    Group(usize),
    /// The text before the match.
    Before,
    /// The text after it.
    After,
    /// The whole text.
    Whole,
}

impl<'a> Part<'a> {
    /// Its text for a match in `text`.
    pub(super) fn text(&self, text: &'a str, groups: &[Option<Span>]) -> &'a str {
        let span = |slot: usize| groups.get(slot).copied().flatten();
        match self {
            Self::Text(part) => part,
            Self::Group(slot) => span(*slot).map_or("", |(start, end)| &text[start..end]),
            Self::Before => span(0).map_or("", |(start, _)| &text[..start]),
            Self::After => span(0).map_or("", |(_, end)| &text[end..]),
            Self::Whole => text,
        }
    }
}

/// The parts of a replacement; a reference to a missing group is text.
pub(super) fn parse<'a>(
    replacement: &'a str,
    groups: &Groups,
    toll: &mut Toll<'_>,
) -> Result<Vec<Part<'a>>, Box<RunError>> {
    let mut parts = Vec::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        toll.scan(at + PART + groups.len())?;
        toll.take(4 * size_of::<Part<'_>>())?;
        parts.push(Part::Text(before));
        let (part, used) = match reference(&dollar[1..], groups) {
            Some((part, used)) => (part, used + 1),
            None => (Part::Text("$"), 1),
        };
        parts.push(part);
        rest = &dollar[used..];
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// The cost of a part, in bytes looked at.
const PART: usize = 128;

/// What follows a dollar, and its length.
fn reference<'a>(text: &str, groups: &Groups) -> Option<(Part<'a>, usize)> {
    let part = match text.chars().next()? {
        '$' => Part::Text("$"),
        '&' => Part::Group(0),
        '`' => Part::Before,
        '\'' => Part::After,
        '+' => Part::Group(groups.last()),
        '_' => Part::Whole,
        '{' => {
            let inside = &text[1..];
            let name = &inside[..inside.find(|c| !is_word(c))?];
            let slot = if name.starts_with(|c: char| c.is_ascii_digit()) {
                groups.by_number(name.parse().ok()?)
            } else {
                groups.by_name(name)
            };
            return inside[name.len()..].starts_with('}').then_some((Part::Group(slot?), name.len() + 2));
        }
        _ => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let slot = text[..digits].parse().ok().and_then(|number| groups.by_number(number))?;
            return Some((Part::Group(slot), digits));
        }
    };
    Some((part, 1))
}
