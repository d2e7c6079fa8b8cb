//! Tokens that are wrong in themselves: characters, numbers and operators that the language does not have.

use super::{Situation, excerpt};
use crate::diagnostic::{Diagnostic, codes};
use crate::parse::grammar::Rule;
use crate::parse::token::Kind;
use crate::span::Span;

/// A character outside of the language.
pub(in crate::parse) fn unknown_character(character: char, place: Span) -> Diagnostic {
    let invisible = character.is_control() || character.is_whitespace() || character == '\u{200B}';
    let name = match character {
        '\u{A0}' | '\u{2007}' | '\u{202F}' => "this non-breaking space".to_owned(),
        c if invisible => format!("the invisible character U+{:04X}", c as u32),
        c => format!("the character `{c}`"),
    };
    let hint = match character {
        '\u{2018}'..='\u{201E}' | '\u{AB}' | '\u{BB}' | '\u{2039}' | '\u{203A}' => {
            "texts stand in plain quotes: 'text' or \"text\""
        }
        '\u{A0}' | '\u{2007}' | '\u{202F}' => "replace it with an ordinary space",
        '\u{2013}' | '\u{2014}' | '\u{2212}' => "write `-`",
        '\u{D7}' => "write `*`",
        '\u{2264}' => "write `<=`",
        '\u{2265}' => "write `>=`",
        '\u{2260}' => "write `!=`",
        '~' => "write `not`",
        '#' => "a comment begins with `//`",
        '$' => "names are letters, digits and `_`; in a template a value stands in `{` and `}`",
        '@' => "it only stands before a text, as in @'C:\\temp'",
        '\\' => "a backslash can only stand in a text",
        _ if invisible => "remove it",
        _ => "remove it, or put it in a text in quotes",
    };
    Diagnostic::error(codes::UNKNOWN_CHARACTER, place, format!("{name} has no meaning here")).with_hint(hint)
}

impl Situation<'_> {
    /// A character, number or operator that the language does not have.
    pub(super) fn wrong_token(&self) -> Option<Diagnostic> {
        let text = self.text();
        match self.kind()? {
            Kind::Unknown if !matches!(text, "!" | "|" | "%" | "^") => {
                Some(unknown_character(text.chars().next()?, self.place))
            }
            Kind::Number | Kind::Symbol => self.wrong_number().or_else(|| self.foreign_operator()),
            Kind::Word => self.text_cut_short(),
            _ => self.foreign_operator(),
        }
    }

    /// `12abc`, `1.`, `.5`, `1,5`
    fn wrong_number(&self) -> Option<Diagnostic> {
        let text = self.text();
        let next = self.layout.tokens.get(self.index + 1);
        let digits_follow = next.is_some_and(|next| next.kind == Kind::Number && next.start == self.place.end as usize);
        let after_number = self.is_glued() && self.before().is_some_and(|before| before.kind == Kind::Number);
        if self.kind() == Some(Kind::Number) {
            let sound = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            return (!sound && self.failure.expects_value()).then(|| {
                self.error(codes::MALFORMED_NUMBER, format!("`{}` is no number and no name", excerpt(text)))
                    .with_hint("numbers are written like `1200`, `0.5` or `1e3`; a name cannot begin with a digit")
            });
        }
        match text {
            "." if digits_follow && self.failure.expects_value() => {
                let number = next.map_or("", |next| next.text(self.source));
                Some(
                    self.error(codes::MALFORMED_NUMBER, "a number cannot begin with `.`")
                        .with_hint(format!("write `0.{}`", excerpt(number))),
                )
            }
            "," if digits_follow && after_number && self.failure.could_end() => {
                let hint = format!("write `{}.{}`", excerpt(self.before_text()), self.layout.text(self.index + 1));
                Some(self.error(codes::MALFORMED_NUMBER, "numbers are written with a dot, not a comma").with_hint(hint))
            }
            _ if self.before_text() == "." && self.failure.expects(Rule::word) => {
                let before = self.index.checked_sub(2).and_then(|index| self.layout.tokens.get(index))?;
                let place = Span::new(before.start, self.before()?.end);
                (before.kind == Kind::Number).then(|| {
                    Diagnostic::error(codes::MALFORMED_NUMBER, place, "a digit is missing after the dot of this number")
                        .with_hint(format!("write `{0}` or `{0}.0`", excerpt(before.text(self.source))))
                })
            }
            _ => None,
        }
    }

    /// Operators of other languages.
    fn foreign_operator(&self) -> Option<Diagnostic> {
        let text = self.text();
        let hint = match text {
            "&&" => "write `and`",
            "||" | "|" => "write `or`",
            "!" => "write `not`",
            "===" => "write `=`",
            "!==" => "write `!=`",
            "%" => "the remainder of a division is `a mod b`",
            "^" => "a power is `Pow(a, b)`",
            "++" | "--" => "write `set x = x + 1;`",
            "+=" | "-=" | "*=" | "/=" | "&=" => "write `set x = x + value;`",
            "?" if self.failure.could_end() || self.failure.could_close() => {
                "write `case when condition then a else b end`, or `a ?? b` for a value in place of null"
            }
            "->" if self.failure.expects(Rule::colon) => {
                "the type of the result stands behind `:`; a value behind `=>`"
            }
            "->" => "a function is written with `=>`; `->` is only for the type of one",
            _ => return None,
        };
        Some(self.error(codes::FOREIGN_OPERATOR, format!("`{text}` is no operator here")).with_hint(hint))
    }

    /// `'it's'`: the quote inside has ended the text.
    fn text_cut_short(&self) -> Option<Diagnostic> {
        let before = self.before().filter(|before| before.kind == Kind::Text && self.is_glued())?;
        let quote = before.text(self.source).chars().next_back()?;
        Some(text_cut_short(self.place, self.text(), quote))
    }
}

/// A word that touches the quote that ended a text.
pub(in crate::parse) fn text_cut_short(place: Span, word: &str, quote: char) -> Diagnostic {
    let other = if quote == '\'' { '"' } else { '\'' };
    Diagnostic::error(codes::UNCLOSED_TEXT, place, format!("the quote before `{}` ends the text", excerpt(word)))
        .with_hint(format!("write \\{quote} for a quote inside the text, or put the text in {other}"))
}
