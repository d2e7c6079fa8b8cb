//! The replacement of `RegexReplace`: text and groups.

use super::pattern::{Pattern, Span};

/// A part of a replacement.
pub(super) enum Part<'a> {
    Text(&'a str),
    Group(usize),
}

impl<'a> Part<'a> {
    /// What it puts in for a match in `text`.
    pub(super) fn text(&self, text: &'a str, groups: &[Option<Span>]) -> &'a str {
        match self {
            Self::Text(part) => part,
            Self::Group(group) => groups.get(*group).copied().flatten().map_or("", |(start, end)| &text[start..end]),
        }
    }
}

/// The parts of a replacement; what names no group of the pattern is text.
pub(super) fn parse<'a>(replacement: &'a str, pattern: &Pattern) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        parts.push(Part::Text(before));
        let (part, used) = match reference(&dollar[1..], pattern) {
            Some((part, used)) => (part, used + 1),
            None => (Part::Text("$"), 1),
        };
        parts.push(part);
        rest = &dollar[used..];
    }
    parts.push(Part::Text(rest));
    parts
}

/// What stands behind a dollar, and its length.
fn reference<'a>(text: &'a str, pattern: &Pattern) -> Option<(Part<'a>, usize)> {
    let group = |name: &str| {
        let number = name.parse().ok().filter(|number| *number < pattern.group_count());
        let named = || pattern.named_groups().find(|(_, known)| *known == name).map(|(number, _)| number);
        number.or_else(named).map(Part::Group)
    };
    if text.starts_with('$') {
        return Some((Part::Text("$"), 1));
    }
    if let Some(inside) = text.strip_prefix('{') {
        let end = inside.find('}')?;
        return Some((group(&inside[..end])?, end + 2));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| group(&text[..digits])).flatten().map(|part| (part, digits))
}
