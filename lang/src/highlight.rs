//! The kinds of the parts of a source, for colour: in the repl, in editors, on pages. Works on broken sources, too.

use crate::parse::{TokenKind, reserved_words, soft_words, tokens};
use crate::span::Span;

/// The kind of a part of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word of the language.
    Keyword,
    /// A name that is called.
    Function,
    /// Any other name.
    Name,
    /// A number.
    Number,
    /// A text, or the text of a template.
    Text,
    /// A comment.
    Comment,
    /// A bracket.
    Bracket,
    /// An operator or punctuation.
    Operator,
    /// Text that is not allowed in a script: an unknown character, an unterminated text.
    Invalid,
}

/// A part and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its span in the source.
    pub span: Span,
    /// Its kind.
    pub kind: Kind,
}

/// The parts of a source, in order. Only blanks lie between them.
pub fn highlight(source: &str) -> Vec<Part> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |(_, span)| span.text(source));
    let mut parts = Vec::with_capacity(tokens.len());
    let mut end = 0;
    for (at, (kind, span)) in tokens.iter().enumerate() {
        parts.extend(comment(source, end, span.start));
        end = span.end;
        let before = at.checked_sub(1).map_or("", text);
        let kind = match kind {
            TokenKind::Word => word(text(at), before, text(at + 1)),
            TokenKind::Number => Kind::Number,
            TokenKind::Text | TokenKind::TemplateText => Kind::Text,
            TokenKind::Open | TokenKind::Close if text(at) == "`" => Kind::Text,
            TokenKind::Open | TokenKind::Close => Kind::Bracket,
            TokenKind::Symbol => Kind::Operator,
            TokenKind::UnclosedComment => Kind::Comment,
            TokenKind::UnclosedText | TokenKind::Unknown => Kind::Invalid,
        };
        parts.push(Part { span: *span, kind });
    }
    parts.extend(comment(source, end, source.len() as u32));
    parts
}

/// The bracket at byte `at`, or else right before it, and the one that belongs to it, in order.
pub fn matching_brackets(source: &str, at: usize) -> Option<(Span, Span)> {
    let mut open: Vec<Span> = Vec::new();
    let mut pairs = Vec::new();
    for (kind, span) in tokens(source) {
        match kind {
            TokenKind::Open => open.push(span),
            TokenKind::Close => pairs.extend(open.pop().map(|start| (start, span))),
            _ => {}
        }
    }
    let one_of = |is: fn(Span, usize) -> bool| pairs.iter().find(|(a, b)| is(*a, at) || is(*b, at)).copied();
    one_of(|span, at| span.start as usize == at).or_else(|| one_of(|span, at| span.end as usize == at))
}

fn word(word: &str, before: &str, after: &str) -> Kind {
    let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let name = matches!(before, "." | "?.") || after == ":";
    let called = after == "(";
    if !name && (is(reserved_words()) || (!called && is(soft_words()))) {
        Kind::Keyword
    } else if called {
        Kind::Function
    } else {
        Kind::Name
    }
}

/// The text between two tokens is a comment unless it is blank.
fn comment(source: &str, start: u32, end: u32) -> Option<Part> {
    let between = source.get(start as usize..end as usize)?;
    let trimmed = between.trim();
    let first = between.find(trimmed).filter(|_| !trimmed.is_empty())?;
    let start = start as usize + first;
    Some(Part { span: Span::new(start, start + trimmed.len()), kind: Kind::Comment })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> String {
        let letter = |kind| match kind {
            Kind::Keyword => 'k',
            Kind::Function => 'f',
            Kind::Name => 'n',
            Kind::Number => '1',
            Kind::Text => 't',
            Kind::Comment => 'c',
            Kind::Bracket => 'b',
            Kind::Operator => 'o',
            Kind::Invalid => '!',
        };
        let mut out = " ".repeat(source.len());
        for part in highlight(source) {
            let range = part.span.start as usize..part.span.end as usize;
            out.replace_range(range.clone(), &letter(part.kind).to_string().repeat(range.len()));
        }
        out
    }

    #[test]
    fn parts_are_told_apart() {
        for (source, wanted) in [
            ("LET x = Upper('a') & 1; // end", "kkk n o fffffbtttb o 1o cccccc"),
            ("t order by end", "n kkkkk kk kkk"),
            ("{order: 1, type: r.end}", "bnnnnno 1o nnnno nonnnb"),
            ("map(t, x) map t as {a}", "fffbno nb kkk n kk bnb"),
            ("`a{b}` /* c */ 'x", "ttbnbt ccccccc !!"),
        ] {
            assert_eq!(shown(source), wanted, "{source}");
        }
    }

    #[test]
    fn brackets_find_each_other() {
        let pair = |source, at| matching_brackets(source, at).map(|(a, b)| (a.start, b.start));
        assert_eq!(pair("f([1, ')'])", 1), Some((1, 10)));
        assert_eq!(pair("f([1, ')'])", 11), Some((1, 10)));
        assert_eq!(pair("f([1, ')'])", 10), Some((1, 10)));
        assert_eq!(pair("f(]", 0), None);
    }
}
