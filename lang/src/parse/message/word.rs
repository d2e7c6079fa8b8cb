//! Words at the wrong place, of other languages, or misspelt.

use super::{Situation, excerpt};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::parse::token::Kind;
use crate::parse::words::is_reserved;
use crate::span::Span;

/// Words that begin a statement.
const BEGINNINGS: [&str; 18] = [
    "let", "set", "if", "for", "while", "try", "return", "break", "continue", "function", "type", "open", "exec",
    "assert", "else", "elseif", "catch", "private",
];
/// Words that continue after a value.
const CONTINUATIONS: [&str; 12] =
    ["and", "or", "mod", "in", "not", "like", "is", "where", "with", "except", "order by", "group by"];

impl Situation<'_> {
    /// A reserved word that is not allowed here, or a word of another language.
    pub(super) fn wrong_word(&self) -> Option<Diagnostic> {
        if self.kind() != Some(Kind::Word) {
            return self.foreign_query_word();
        }
        self.reserved_name()
            .or_else(|| self.foreign_word())
            .or_else(|| self.stray_branch())
            .or_else(|| self.statement())
    }

    fn reserved_name(&self) -> Option<Diagnostic> {
        let text = self.text();
        let name = self.failure.expects_name() && !self.failure.expects_value() && !self.failure.could_end();
        (name && is_reserved(text)).then(|| {
            self.error(codes::RESERVED_WORD, format!("`{text}` is a word of the language and cannot be a name"))
                .with_hint(format!("choose another name, such as `my_{text}`"))
                .with_fix(Fix::replace(self.place, format!("my_{text}")))
        })
    }

    /// Words of other languages at the start of the statement, or here.
    fn foreign_word(&self) -> Option<Diagnostic> {
        let start = self.layout.statement(self.index).start;
        let first = self.layout.text(start);
        let hint = match first.to_ascii_lowercase().as_str() {
            "elif" | "elsif" => "write `elseif`",
            "foreach" => "write `for row in rows { … }`",
            "var" | "const" | "dim" => "write `let name = value;`",
            "def" | "func" | "fn" | "sub" => "write `function name(a, b) { … }`",
            "switch" => "write `if … elseif …`, or `case when … then … end` for a value",
            "throw" | "raise" => "write `error 'message';`",
            "import" | "using" => {
                "a file `name.flow` in the folder of the script is used as `name.function(…)` without import"
            }
            "unless" | "until" => "write `if not …` or `while not …`",
            _ => return self.foreign_query_word(),
        };
        // A variable may have such a name, and then the mistake is elsewhere.
        let word_follows = self.layout.tokens.get(start + 1).is_some_and(|next| next.kind == Kind::Word);
        (start <= self.index && self.index <= start + 2 && word_follows).then(|| {
            let place = self.layout.tokens[start].span();
            let fix = match first.to_ascii_lowercase().as_str() {
                "elif" | "elsif" => Some(Fix::replace(place, "elseif").safe()),
                "foreach" => Some(Fix::replace(place, "for")),
                "var" | "const" | "dim" => Some(Fix::replace(place, "let").safe()),
                "def" | "func" | "fn" | "sub" => Some(Fix::replace(place, "function")),
                "throw" | "raise" => Some(Fix::replace(place, "error")),
                _ => None,
            };
            let error = Diagnostic::error(codes::FOREIGN_WORD, place, format!("`{first}` begins no statement"));
            error.with_hint(hint).with_fix(fix)
        })
    }

    fn foreign_query_word(&self) -> Option<Diagnostic> {
        if self.kind() != Some(Kind::Word) && !self.begins_value() {
            return None;
        }
        if !self.failure.could_end() || (self.layout.begins_line(self.index) && self.index > 0) {
            return None;
        }
        // A word that could be an alias is reported at the value after it.
        let before = self.before().filter(|before| before.kind == Kind::Word && self.begins_value());
        let before = before.filter(|before| !is_reserved(before.text(self.source)));
        self.foreign_query(self.index).or_else(|| self.foreign_query(before.map(|_| self.index - 1)?))
    }

    /// A word of another query language.
    fn foreign_query(&self, at: usize) -> Option<Diagnostic> {
        let text = self.layout.text(at);
        let place = self.layout.tokens.get(at)?.span();
        let by_follows = self.layout.is_keyword(at + 1, "by");
        let (hint, fix) = match text.to_ascii_lowercase().as_str() {
            "sort" | "sorted" if by_follows => ("write `order by`", Some(Fix::replace(place, "order").safe())),
            "sort" | "sorted" => ("write `order by`", Some(Fix::replace(place, "order by"))),
            "orderby" => ("write `order by`", Some(Fix::replace(place, "order by").safe())),
            "groupby" => ("write `group by`", Some(Fix::replace(place, "group by").safe())),
            "limit" | "top" => ("the first rows are `Take((query), n)`", self.first_rows(at)),
            "union" => ("rows are joined with `&`", Some(Fix::replace(place, "&"))),
            "between" => ("write `x >= a and x <= b`", self.two_comparisons(at)),
            "contains" => (
                "write `'part' in whole`, or `whole like '%part%'`",
                self.operands_of(at, |whole, part| format!("{part} in {whole}")),
            ),
            "div" => ("write `Floor(a / b)`", self.operands_of(at, |left, right| format!("Floor({left} / {right})"))),
            "xor" => ("write `a != b`", Some(Fix::replace(place, "!="))),
            _ => return None,
        };
        let message = format!("`{text}` is not a word of a query or expression");
        Some(Diagnostic::error(codes::FOREIGN_WORD, place, message).with_hint(hint).with_fix(fix))
    }

    /// `else`, `catch`, `then`, `end` without their beginning.
    fn stray_branch(&self) -> Option<Diagnostic> {
        let text = self.text();
        let (owner, hint, fix) = match text.to_ascii_lowercase().as_str() {
            "else" | "elseif" if !self.failure.expects(Rule::k_end) => {
                let after_block = self.index >= 2 && self.layout.text(self.index - 2) == "}";
                let semicolon = self.before().filter(|before| before.text(self.source) == ";" && after_block);
                let (hint, fix) = if let Some(semicolon) = semicolon {
                    let fix = Fix::remove(semicolon.span(), "the `;`").safe();
                    ("remove the `;` between the block and this word", Some(fix))
                } else if self.failure.could_end() {
                    ("a `;` is missing before it", self.after_last(";"))
                } else {
                    ("it follows the block of an `if`, or the `;` of `if condition: statement;`", None)
                };
                ("if", hint, fix)
            }
            "catch" => ("try", "write `try { … } catch e { … }`", None),
            "then" if self.failure.expects_body() => {
                let error = self.error(codes::FOREIGN_WORD, "an `if` has no `then`");
                let word = Span { start: self.before()?.end as u32, ..self.place };
                let fix = match self.layout.text(self.index + 1) {
                    "{" => Fix::remove(word, "the `then`").safe(),
                    _ => Fix::replace(word, ":"),
                };
                let hint = "write `if condition { … }`, or `case when … then … end` for a value";
                return Some(error.with_hint(hint).with_fix(fix));
            }
            "then" | "when" | "end" if !self.failure.expects_value() || !self.inside_case() => {
                ("case", "write `case when condition then value else value end`", None)
            }
            _ => return None,
        };
        let error = self.error(codes::STRAY_BRANCH, format!("this `{text}` belongs to no `{owner}`"));
        Some(error.with_hint(hint).with_fix(fix))
    }

    /// Is there a `case` before the place in its statement?
    fn inside_case(&self) -> bool {
        let start = self.layout.statement(self.index).start;
        (start..self.index).any(|index| self.layout.is_keyword(index, "case"))
    }

    /// A statement where a value is expected.
    fn statement(&self) -> Option<Diagnostic> {
        let alone = self.index == 0 || !self.layout.begins_line(self.index);
        let starts = self.layout.is_statement_word(self.index) && alone;
        if !starts || !self.failure.expects_value() || self.failure.could_end() {
            return None;
        }
        let text = self.text();
        let hint = if text.eq_ignore_ascii_case("if") {
            "a choice between values is `case when condition then a else b end`"
        } else if self.index == 0 {
            "only an expression is allowed here, such as `a + 1`"
        } else {
            "end the statement before it with a value and `;`"
        };
        let message = format!("`{text}` begins a statement and is not allowed inside an expression");
        Some(self.error(codes::STATEMENT_IN_EXPRESSION, message).with_hint(hint))
    }

    /// `retrun x`, `a adn b`
    pub(super) fn misspelt_word(&self) -> Option<Diagnostic> {
        if !self.failure.could_end() {
            return None;
        }
        let start = self.layout.statement(self.index).start;
        let first = self.layout.tokens.get(start)?;
        if self.index == start + 1 && self.begins_value() {
            let first = first.text(self.source).to_ascii_lowercase();
            let message = match first.as_str() {
                "break" | "continue" => format!("nothing can follow `{first}` but `;`"),
                "open" => "the name of a module must follow `open`".to_owned(),
                "exec" => "the name of a function must follow `exec`".to_owned(),
                _ => String::new(),
            };
            if !message.is_empty() {
                return Some(self.error(codes::UNEXPECTED, message));
            }
        }
        if first.kind == Kind::Word
            && self.index == start + 1
            && self.begins_value()
            && let Some(word) = similar(first.text(self.source), &BEGINNINGS)
        {
            let message = format!("`{}` begins no statement", excerpt(first.text(self.source)));
            let error = Diagnostic::error(codes::UNEXPECTED, first.span(), message);
            return Some(error.did_you_mean(Some(word)));
        }
        let word = similar(self.text(), &CONTINUATIONS).filter(|_| self.kind() == Some(Kind::Word))?;
        let message = format!("`{}` does not fit here", excerpt(self.text()));
        Some(self.error(codes::UNEXPECTED, message).did_you_mean(Some(word)))
    }
}

/// The word that was probably intended.
fn similar(text: &str, words: &[&'static str]) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let close = |word: &&&str| {
        let longest = if word.len() > 4 { 2 } else { 1 };
        word.len() > 2 && text.len() > 2 && (1..=longest).contains(&strsim::osa_distance(word, &text))
    };
    words.iter().find(close).copied()
}
