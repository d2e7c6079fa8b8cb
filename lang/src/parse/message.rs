//! Words a syntax error for somebody who knows spreadsheets, not compilers.

use super::grammar::Rule;
use super::layout::Layout;
use super::token::{Kind, Token};
use crate::diagnostic::{Diagnostic, codes};
use crate::span::Span;

/// Where the grammar stopped, and what it could have gone on with.
pub(super) struct Failure {
    /// The byte.
    pub(super) at: usize,
    /// The nesting limit was reached.
    pub(super) too_deep: bool,
    /// What was tried there.
    pub(super) expected: Vec<Rule>,
}

impl Failure {
    /// Could this have followed?
    pub(super) fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    fn expects_value(&self) -> bool {
        self.expected.iter().any(|rule| {
            matches!(
                rule,
                Rule::expression
                    | Rule::logic
                    | Rule::level_6
                    | Rule::operand
                    | Rule::hole
                    | Rule::number
                    | Rule::paren
                    | Rule::all
                    | Rule::expression_statement
                    | Rule::record_field
                    | Rule::select_value
            )
        })
    }

    fn expects_name(&self) -> bool {
        self.expected.iter().any(|rule| {
            matches!(rule, Rule::name | Rule::word | Rule::label | Rule::parameter | Rule::alias | Rule::type_field)
        })
    }

    fn expects_type(&self) -> bool {
        self.expected.iter().any(|rule| matches!(rule, Rule::r#type | Rule::type_name | Rule::type_group))
    }

    /// The token at which it stopped. Too deep nesting is told one token late.
    pub(super) fn token(&self, layout: &Layout) -> usize {
        let index = layout.token_at(self.at);
        let inside = layout.tokens.get(index).is_some_and(|token| token.start < self.at);
        if self.too_deep && !inside { index.saturating_sub(1) } else { index }
    }

    /// Could a bracket or block have been closed here, or the statement have ended?
    pub(super) fn could_close(&self) -> bool {
        let closing = [Rule::closing_brace, Rule::closing_bracket, Rule::closing_paren, Rule::k_done];
        self.could_end() || closing.into_iter().any(|rule| self.expects(rule))
    }

    /// Could the statement have ended here?
    pub(super) fn could_end(&self) -> bool {
        self.expects(Rule::semicolon)
    }
}

/// The diagnostic for a failure.
pub(super) fn describe(source: &str, layout: &Layout, failure: &Failure) -> Diagnostic {
    let index = failure.token(layout);
    let place = layout.tokens.get(index).map_or_else(|| end_of(source), |token| token.span());
    if failure.too_deep {
        return Diagnostic::error(codes::TOO_DEEP, place, "nested deeper than 200 levels")
            .with_hint("give the inner parts names of their own with `let` or `function`");
    }
    let Some(token) = layout.tokens.get(index).copied() else { return at_end(source, layout, failure) };
    if let Some(open) = layout.block_for_record(index) {
        return misplaced_block(layout, open);
    }
    let situation = Situation { source, layout, failure, index, token, place };
    situation
        .lexical()
        .or_else(|| situation.foreign())
        .or_else(|| situation.bracket())
        .or_else(|| situation.semicolon())
        .or_else(|| situation.word())
        .or_else(|| situation.missing())
        .unwrap_or_else(|| situation.unexpected())
}

/// A character outside of the language.
pub(super) fn unknown_character(character: char, place: Span) -> Diagnostic {
    let (name, hint) = match character {
        '\u{2018}' | '\u{2019}' | '\u{201C}' | '\u{201D}' | '\u{201E}' => {
            (format!("the typographic quote {character}"), "texts stand in plain quotes: 'text' or \"text\"")
        }
        '\u{A0}' | '\u{2007}' | '\u{202F}' => {
            ("this non-breaking space".to_owned(), "replace it with an ordinary space")
        }
        '\u{2013}' | '\u{2014}' | '\u{2212}' => (format!("the dash {character}"), "write `-`"),
        c if c.is_control() || c.is_whitespace() || (c.is_alphanumeric() && !c.is_ascii()) || c == '\u{200B}' => {
            (format!("the character U+{:04X}", c as u32), "remove it, or put it in a text in quotes")
        }
        c => (format!("the character {c}"), "remove it, or put it in a text in quotes"),
    };
    Diagnostic::error(codes::UNKNOWN_CHARACTER, place, format!("{name} has no meaning here")).with_hint(hint)
}

/// The last character of the source that is no blank, or its start.
fn end_of(source: &str) -> Span {
    let end = source.trim_end().len();
    Span::new(end, end)
}

/// An error at the end of the source.
fn at_end(source: &str, layout: &Layout, failure: &Failure) -> Diagnostic {
    let place = end_of(source);
    let index = layout.tokens.len();
    if failure.could_close()
        && let Some(open) = layout.unclosed_before(index)
    {
        return unclosed(layout, open, "the end");
    }
    if failure.expects_value() {
        return Diagnostic::error(codes::VALUE_EXPECTED, place, "a value is missing at the end")
            .with_hint("the script stops in the middle of a statement");
    }
    if let Some(open) = layout.unclosed_before(index) {
        return unclosed(layout, open, "the end");
    }
    Diagnostic::error(codes::UNEXPECTED, place, "the script stops in the middle of a statement")
        .with_hint(format!("{} could follow", expectation(failure)))
}

/// A block of statements where a value should stand.
fn misplaced_block(layout: &Layout, open: usize) -> Diagnostic {
    let before = open.checked_sub(1).map_or("", |before| layout.text(before));
    let place = layout.tokens[open].span();
    if before == "=>" {
        return Diagnostic::error(
            codes::STATEMENT_IN_EXPRESSION,
            place,
            "a value must follow `=>`, not a block of statements",
        )
        .with_hint("write `function (x) { … }` for a function with statements");
    }
    Diagnostic::error(
        codes::VALUE_EXPECTED,
        place,
        format!("a value is missing between `{}` and `{{`", excerpt(before)),
    )
    .with_hint("a block of statements is no value")
}

/// A bracket that is not closed before `before`.
pub(super) fn unclosed(layout: &Layout, open: usize, before: &str) -> Diagnostic {
    let bracket = layout.text(open);
    let closing = closing_of(bracket);
    let what = if bracket == "`" { "template" } else { "bracket" };
    let what = if layout.is_block(open) { "block" } else { what };
    Diagnostic::error(
        codes::UNCLOSED_BRACKET,
        layout.tokens[open].span(),
        format!("the {what} that begins with `{bracket}` here is never closed"),
    )
    .with_hint(format!("`{closing}` is missing before {before}"))
}

/// The counterpart of an opening bracket.
pub(super) fn closing_of(bracket: &str) -> &'static str {
    match bracket {
        "(" => ")",
        "[" => "]",
        "{" => "}",
        "`" => "`",
        _ => "done",
    }
}

/// An error at a token.
struct Situation<'a> {
    source: &'a str,
    layout: &'a Layout<'a>,
    failure: &'a Failure,
    index: usize,
    token: Token,
    place: Span,
}

impl Situation<'_> {
    fn text(&self) -> &str {
        self.layout.text(self.index)
    }

    fn before(&self) -> &str {
        self.index.checked_sub(1).map_or("", |before| self.layout.text(before))
    }

    fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.place, message)
    }

    /// The token itself is wrong.
    fn lexical(&self) -> Option<Diagnostic> {
        let text = self.text();
        match self.token.kind {
            Kind::Unknown if !matches!(text, "!" | "|" | "%" | "^" | "~") => {
                Some(unknown_character(text.chars().next()?, self.place))
            }
            Kind::Number if self.failure.expects_value() => Some(malformed_number(text, self.place)),
            _ => None,
        }
    }

    /// Operators and words of other languages.
    fn foreign(&self) -> Option<Diagnostic> {
        let text = self.text();
        // `&&` and `==` in a row begin with an operator of ours, so the error is at their second half.
        let previous = self.layout.tokens.get(self.index.wrapping_sub(1));
        let glued = previous.filter(|token| token.end == self.token.start).map_or("", |token| token.text(self.source));
        let (what, hint) = match text {
            "&&" => ("&&", "write `and`"),
            "||" | "|" => (text, "write `or`"),
            "!" => ("!", "write `not`"),
            "===" => ("===", "write `=`"),
            "!==" => ("!==", "write `!=`"),
            "%" => ("%", "the remainder of a division is `a mod b`"),
            "^" => ("^", "powers are `Power(a, b)`"),
            "++" | "--" => (text, "write `set x = x + 1;`"),
            "+=" | "-=" | "*=" | "/=" | "&=" => (text, "write `set x = x + value;`"),
            "?" if !glued.is_empty() || self.failure.could_end() => {
                ("?", "write `case when condition then a else b end`")
            }
            "->" => ("->", "a function is written with `=>`; `->` is only for its type"),
            _ => return self.foreign_word(),
        };
        Some(self.error(codes::FOREIGN_OPERATOR, format!("`{what}` is no operator here")).with_hint(hint))
    }

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
            "import" | "using" => "a file `name.flow` beside the script is used as `name.function(…)` without import",
            "unless" | "until" => "write `if not …` or `while not …`",
            _ => return None,
        };
        let place = self.layout.tokens[start].span();
        // A variable may have such a name; then the error is somewhere else.
        let name = self.layout.tokens.get(start + 1).is_some_and(|next| next.kind == Kind::Symbol);
        (start < self.index || self.failure.at == place.start as usize).then_some(())?;
        (!name).then(|| {
            Diagnostic::error(codes::FOREIGN_WORD, place, format!("`{first}` begins no statement")).with_hint(hint)
        })
    }

    /// Brackets that do not match.
    fn bracket(&self) -> Option<Diagnostic> {
        if self.layout.is_stray(self.index) {
            let text = self.text();
            let opening = match text {
                ")" => "`(`",
                "]" => "`[`",
                "}" => "`{`",
                "`" => "a backtick",
                _ => "`do`",
            };
            return Some(
                self.error(codes::STRAY_CLOSING, format!("this `{text}` closes nothing"))
                    .with_hint(format!("remove it, or look above for a missing {opening}")),
            );
        }
        let open = self.layout.unclosed_before(self.index)?;
        if self.failure.expects_value() && self.text() == ";" {
            return None;
        }
        Some(unclosed(self.layout, open, &format!("`{}`", excerpt(self.text()))))
    }

    /// A whole statement stands before the place.
    fn semicolon(&self) -> Option<Diagnostic> {
        if !self.failure.could_end() || self.index == 0 {
            return None;
        }
        let starts = self.layout.begins_line(self.index) || self.layout.is_statement_word(self.index);
        if !starts || self.token.kind != Kind::Word && !self.layout.begins_line(self.index) {
            return None;
        }
        if self.layout.is_branch_word(self.index) {
            return None;
        }
        let end = self.layout.tokens[self.index - 1].end;
        let last = self.source[..end].chars().next_back().map_or(0, char::len_utf8);
        Some(
            Diagnostic::error(codes::SEMICOLON, Span::new(end - last, end), "a `;` is missing after this statement")
                .with_hint(format!("write `;` before `{}`", excerpt(self.text()))),
        )
    }

    /// Words in the wrong place.
    fn word(&self) -> Option<Diagnostic> {
        if self.token.kind != Kind::Word {
            return None;
        }
        let text = self.text();
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "else" | "elseif" => {
                return Some(
                    self.error(codes::STRAY_BRANCH, format!("this `{text}` belongs to no `if`"))
                        .with_hint("it must follow the block of an `if`, or the `;` of `if condition: statement;`"),
                );
            }
            "catch" => {
                return Some(
                    self.error(codes::STRAY_BRANCH, "this `catch` belongs to no `try`")
                        .with_hint("write `try { … } catch e { … }`"),
                );
            }
            "then" | "when" | "end" if !self.failure.expects_value() || self.failure.could_end() => {
                let hint = if lower == "then" {
                    "an `if` has no `then`: write `if condition { … }`; a value is `case when … then … end`"
                } else {
                    "write `case when condition then value else value end`"
                };
                return Some(
                    self.error(codes::STRAY_BRANCH, format!("this `{text}` belongs to no `case`")).with_hint(hint),
                );
            }
            _ => {}
        }
        let statement = self.layout.is_statement_word(self.index);
        if self.failure.expects_name() && !self.failure.expects_value() && is_reserved(&lower) {
            return Some(
                self.error(codes::RESERVED_WORD, format!("`{text}` is a word of the language and cannot be a name"))
                    .with_hint(format!("choose another name, such as `{lower}_` or `my_{lower}`")),
            );
        }
        if statement && self.failure.expects_value() {
            let message = if self.layout.begins_line(self.index) {
                return None;
            } else {
                format!("`{text}` begins a statement and cannot stand inside an expression")
            };
            return Some(self.error(codes::STATEMENT_IN_EXPRESSION, message).with_hint(
                "end the statement before it with `;`; a choice between values is `case when … then … else … end`",
            ));
        }
        None
    }

    /// Something is missing before the place.
    fn missing(&self) -> Option<Diagnostic> {
        let text = excerpt(self.text());
        let before = self.before();
        if self.failure.expects_value() {
            let message = if before.is_empty() {
                format!("a statement cannot begin with `{text}`")
            } else {
                format!("a value is missing between `{}` and `{text}`", excerpt(before))
            };
            return Some(self.error(codes::VALUE_EXPECTED, message));
        }
        if self.failure.expects_type() {
            return Some(self.error(codes::TYPE_EXPECTED, format!("a type is missing before `{text}`")).with_hint(
                "types are `number`, `text`, `boolean`, `datetime`, `{name: type}` or a name given with `type`",
            ));
        }
        if self.failure.expects_name() {
            return Some(self.error(codes::NAME_EXPECTED, format!("a name is missing before `{text}`")));
        }
        None
    }

    fn unexpected(&self) -> Diagnostic {
        let text = excerpt(self.text());
        let error = self.error(codes::UNEXPECTED, format!("`{text}` does not fit here"));
        error.with_hint(format!("{} could stand here", expectation(self.failure)))
    }
}

/// A number with something stuck to it.
fn malformed_number(text: &str, place: Span) -> Diagnostic {
    Diagnostic::error(codes::MALFORMED_NUMBER, place, format!("`{}` is no number and no name", excerpt(text)))
        .with_hint("numbers are written like `12`, `0.5` or `1e3`; a name cannot begin with a digit")
}

/// A piece of source in a message, short and on one line.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= 24 && line.len() == text.len() {
        return text.to_owned();
    }
    format!("{}…", line.chars().take(24).collect::<String>())
}

/// What could have followed, in words.
fn expectation(failure: &Failure) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut add = |part: &'static str| {
        if !parts.contains(&part) {
            parts.push(part);
        }
    };
    for rule in &failure.expected {
        match rule {
            Rule::semicolon => add("`;`"),
            Rule::comma => add("`,`"),
            Rule::colon => add("`:`"),
            Rule::equals => add("`=`"),
            Rule::arrow => add("`=>`"),
            Rule::closing_paren => add("`)`"),
            Rule::closing_bracket => add("`]`"),
            Rule::closing_brace => add("`}`"),
            Rule::block => add("`{`"),
            Rule::parameters => add("`(`"),
            Rule::k_in => add("`in`"),
            Rule::k_then => add("`then`"),
            Rule::k_end => add("`end`"),
            Rule::case_when => add("`when`"),
            Rule::k_from => add("`from`"),
            Rule::k_catch => add("`catch`"),
            Rule::k_done => add("`done`"),
            Rule::s_as => add("`as`"),
            Rule::s_by => add("`by`"),
            Rule::s_on => add("`on`"),
            Rule::s_join => add("`join`"),
            _ => {}
        }
    }
    if failure.could_end() {
        add("an operator");
    }
    match parts.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn is_reserved(word: &str) -> bool {
    use pest::Parser;
    super::grammar::Grammar::parse(Rule::reserved, word).is_ok_and(|pairs| pairs.as_str().len() == word.len())
}
