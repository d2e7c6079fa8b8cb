//! Invalid tokens: characters, numbers and operators that the language does not have.

use super::{Situation, excerpt};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::parse::token::{Kind, is_letter};
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
            "texts are in plain quotes: 'text' or \"text\""
        }
        '\u{A0}' | '\u{2007}' | '\u{202F}' => "replace it with an ordinary space",
        '\u{2013}' | '\u{2014}' | '\u{2212}' => "write `-`",
        '\u{D7}' => "write `*`",
        '\u{2264}' => "write `<=`",
        '\u{2265}' => "write `>=`",
        '\u{2260}' => "write `!=`",
        '~' => "write `not`",
        '#' => "a comment begins with `//`",
        '$' => "names are letters, digits and `_`; in a template a value is written in `{` and `}`",
        '@' => "it is allowed only before a text, as in @'C:\\temp'",
        '\\' => "a backslash is allowed only in a text",
        _ if invisible => "remove it",
        _ => "remove it, or put it in a text in quotes",
    };
    // Other possible meanings are only in the hint.
    let (text, sure) = match character {
        '\u{2018}'..='\u{201B}' | '\u{2039}' | '\u{203A}' => ("'", false),
        '\u{201C}'..='\u{201E}' | '\u{AB}' | '\u{BB}' => ("\"", false),
        '\u{A0}' | '\u{2007}' | '\u{202F}' => (" ", true),
        '\u{2013}' | '\u{2014}' | '\u{2212}' => ("-", true),
        '\u{D7}' => ("*", true),
        '\u{2264}' => ("<=", true),
        '\u{2265}' => (">=", true),
        '\u{2260}' => ("!=", true),
        '~' => ("not ", false),
        '#' => ("//", false),
        _ => ("", false),
    };
    let fix = match text {
        "" => Fix::remove(place, "the character"),
        " " => Fix::replace(place, text).titled("write a space"),
        text => Fix::replace(place, text),
    };
    let is_guess = matches!(character, '$' | '@' | '\\');
    let fix = (!is_guess).then_some(Fix { safe: sure, ..fix });
    let error = Diagnostic::error(codes::UNKNOWN_CHARACTER, place, format!("{name} has no meaning here"));
    error.with_hint(hint).with_fix(fix)
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
            Kind::Text => self.doubled_quote(),
            Kind::Close => self.count_of_star(),
            Kind::Open => self.list_of_type(),
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
                self.error(codes::MALFORMED_NUMBER, format!("`{}` is neither a number nor a name", excerpt(text)))
                    .with_hint("numbers are written like `1200`, `0.5` or `1e3`; a name cannot begin with a digit")
            });
        }
        match text {
            "." if digits_follow && self.failure.expects_value() => {
                let number = next.map_or("", |next| next.text(self.source));
                Some(
                    self.error(codes::MALFORMED_NUMBER, "a number cannot begin with `.`")
                        .with_hint(format!("write `0.{}`", excerpt(number)))
                        .with_fix(Fix::insert(self.place.start, "0").safe()),
                )
            }
            "," if digits_follow && after_number && self.failure.could_end() => {
                let hint = format!("write `{}.{}`", excerpt(self.before_text()), self.layout.text(self.index + 1));
                let error = self.error(codes::MALFORMED_NUMBER, "numbers are written with a dot, not a comma");
                Some(error.with_hint(hint).with_fix(Fix::replace(self.place, ".")))
            }
            _ if self.before_text() == "." && self.failure.expects(Rule::word) => {
                let before = self.index.checked_sub(2).and_then(|index| self.layout.tokens.get(index))?;
                let place = Span::new(before.start, self.before()?.end);
                (before.kind == Kind::Number).then(|| {
                    Diagnostic::error(codes::MALFORMED_NUMBER, place, "a digit is missing after the dot of this number")
                        .with_hint(format!("write `{0}` or `{0}.0`", excerpt(before.text(self.source))))
                        .with_fix(Fix::insert(place.end, "0").safe())
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
            "->" if self.failure.expects(Rule::colon) => "the type of the result follows `:`; a value follows `=>`",
            "->" => "a function is written with `=>`; `->` is only for the type of one",
            _ => return None,
        };
        let error = self.error(codes::FOREIGN_OPERATOR, format!("`{text}` is not an operator here"));
        Some(error.with_hint(hint).with_fix(self.own_operator().or_else(|| self.rewritten())))
    }

    /// The FlowScript operator to write in place of an operator of another language.
    fn own_operator(&self) -> Option<Fix> {
        let (word, sure) = match self.text() {
            "&&" => ("and", true),
            "||" => ("or", true),
            "|" => ("or", false),
            "!" => ("not", false),
            "===" => ("=", true),
            "!==" => ("!=", true),
            "%" => ("mod", false),
            "->" if self.failure.expects(Rule::colon) => (":", true),
            "->" => ("=>", false),
            _ => return None,
        };
        let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic());
        let blank = |text: &str| if is_word && !text.is_empty() && !text.contains(' ') { " " } else { "" };
        let (start, end) = (self.place.start as usize, self.place.end as usize);
        let before = self.source.get(..start).and_then(|text| text.chars().next_back());
        let after = self.source.get(end..).and_then(|text| text.chars().next());
        let apart = |c: Option<char>| c.filter(|c| !c.is_whitespace()).map(String::from).unwrap_or_default();
        let text = format!("{}{word}{}", blank(&apart(before)), blank(&apart(after)));
        Some(Fix { safe: sure, ..Fix::replace(self.place, text) })
    }

    /// `'it's'`: the quote inside has ended the text.
    fn text_cut_short(&self) -> Option<Diagnostic> {
        let before = self.before().filter(|before| before.kind == Kind::Text && self.is_glued())?;
        let quote = before.text(self.source).chars().next_back()?;
        Some(text_cut_short(self.place, self.text(), quote))
    }
}

impl Situation<'_> {
    /// `'it''s'`, as other languages write a quote inside a text.
    fn doubled_quote(&self) -> Option<Diagnostic> {
        let quote = self.text().chars().next()?;
        let is_text = |at: &usize| self.layout.tokens.get(*at).is_some_and(|token| token.kind == Kind::Text);
        let glued = |at: &usize| {
            at.checked_sub(1).is_some_and(|before| self.layout.text(before).ends_with(quote))
                && self.layout.tokens[at - 1].end == self.layout.tokens[*at].start
        };
        if !self.is_glued() || !self.before_text().ends_with(quote) || !is_text(&(self.index - 1)) {
            return None;
        }
        let pieces = (self.index + 1..self.layout.tokens.len()).take_while(|at| is_text(at) && glued(at)).count();
        let (first, last) = (self.before()?, self.layout.tokens[self.index + pieces]);
        let place = Span::new(first.start, last.end);
        let whole = place.text(self.source);
        let inside = whole.get(1..whole.len() - 1)?.replace(&format!("{quote}{quote}"), &format!("\\{quote}"));
        let message = format!("a quote inside a text is written \\{quote}, not {quote}{quote}");
        let hint = match whole.chars().count() {
            ..=60 if !whole.contains('\n') => format!("write {quote}{inside}{quote}, or @{whole}"),
            _ => format!("write \\{quote}, or put an @ before the text"),
        };
        let fix = Fix::replace(place, format!("{quote}{inside}{quote}")).safe();
        Some(Diagnostic::error(codes::UNCLOSED_TEXT, place, message).with_hint(hint).with_fix(fix))
    }

    /// `count(*)`
    fn count_of_star(&self) -> Option<Diagnostic> {
        let star = self.before().filter(|before| before.text(self.source) == "*")?;
        let back = |count: usize| self.index.checked_sub(count).map_or("", |at| self.layout.text(at));
        let name = back(3);
        if self.text() != ")" || back(2) != "(" || !name.starts_with(is_letter) {
            return None;
        }
        let error = |message: String| Diagnostic::error(codes::FOREIGN_OPERATOR, star.span(), message);
        if name.eq_ignore_ascii_case("count") {
            let error = error("rows are counted by `count()`, without `*`".to_owned()).with_hint("write `count()`");
            return Some(error.with_fix(Fix::remove(star.span(), "the `*`").safe()));
        }
        Some(error(format!("`{name}(*)` takes nothing here")).with_hint(format!("write `{name}(column)`")))
    }

    /// `text[]`
    fn list_of_type(&self) -> Option<Diagnostic> {
        let is_list = self.text() == "[" && self.layout.text(self.index + 1) == "]";
        let before = self.before().filter(|_| is_list && self.failure.expects(Rule::type_suffix))?;
        let name = before.text(self.source);
        let place = self.place.to(self.layout.tokens[self.index + 1].span());
        let message = format!("a list of `{name}` is not written with `[]`");
        let fix = Fix::replace(place, "*").safe();
        Some(
            Diagnostic::error(codes::TYPE_EXPECTED, place, message).with_hint(format!("write `{name}*`")).with_fix(fix),
        )
    }
}

/// A word that touches the quote that ended a text.
pub(in crate::parse) fn text_cut_short(place: Span, word: &str, quote: char) -> Diagnostic {
    let other = if quote == '\'' { '"' } else { '\'' };
    Diagnostic::error(codes::UNCLOSED_TEXT, place, format!("the quote before `{}` ends the text", excerpt(word)))
        .with_hint(format!("write \\{quote} for a quote inside the text, or put the text in {other}"))
        .with_fix(Fix::insert(place.start.saturating_sub(1), "\\").titled(format!("write `\\{quote}`")))
}
