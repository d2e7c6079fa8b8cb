//! Words syntax errors for readers who know spreadsheets, not compilers.
//!
//! The grammar reports where it stopped and what it had tried there. From that, and from the tokens around the place,
//! the first matching check words the error: an invalid token (`token.rs`), brackets that do not match, a missing part
//! of the construct (`part.rs`), and last an unexpected token.
//! that do not match, a part that the construct needs (`part.rs`), and at last what does not fit.

mod part;
mod place;
mod rewrite;
mod word;

pub(super) use place::{text_cut_short, unknown_character};

use super::grammar::Rule;
use super::layout::Layout;
use super::token::{Kind, Token};
use super::words::is_reserved;
use crate::diagnostic::{Code, Diagnostic, Fix, codes};
use crate::span::Span;

/// Where the grammar stopped, and what it expected.
pub(super) struct Failure {
    /// The byte.
    pub(super) at: usize,
    /// The nesting limit was reached.
    pub(super) too_deep: bool,
    /// What was tried there.
    pub(super) expected: Vec<Rule>,
}

impl Failure {
    /// Is this rule expected?
    pub(super) fn expects(&self, rule: Rule) -> bool {
        self.expected.contains(&rule)
    }

    /// Is any of these rules expected?
    fn expects_any(&self, rules: &[Rule]) -> bool {
        rules.iter().any(|rule| self.expects(*rule))
    }

    fn expects_value(&self) -> bool {
        self.expects_any(&[
            Rule::expression,
            Rule::logic,
            Rule::level_6,
            Rule::operand,
            Rule::hole,
            Rule::number,
            Rule::paren,
            Rule::all,
            Rule::expression_statement,
            Rule::record_field,
            Rule::select_value,
            Rule::group_key,
            Rule::order_key,
        ])
    }

    fn expects_name(&self) -> bool {
        self.expects_any(&[Rule::name, Rule::word, Rule::label, Rule::parameter, Rule::alias, Rule::type_field])
    }

    fn expects_type(&self) -> bool {
        self.expects_any(&[Rule::r#type, Rule::type_name, Rule::type_group])
    }

    /// The token at which it stopped. Too deep nesting is reported one token late.
    pub(super) fn token(&self, layout: &Layout) -> usize {
        let index = layout.token_at(self.at);
        let inside = layout.tokens.get(index).is_some_and(|token| token.start < self.at);
        if self.too_deep && !inside { index.saturating_sub(1) } else { index }
    }

    /// Could a bracket or block have been closed here, or the statement have ended?
    pub(super) fn could_close(&self) -> bool {
        let closing = [Rule::closing_brace, Rule::closing_bracket, Rule::closing_paren, Rule::k_done];
        self.could_end() || self.expects_any(&closing)
    }

    /// Could the statement have ended here?
    pub(super) fn could_end(&self) -> bool {
        self.expects(Rule::semicolon)
    }

    /// Could the body of an `if` or a loop have begun here?
    pub(super) fn expects_body(&self) -> bool {
        self.expects(Rule::block)
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
    if let Some(open) = layout.block_for_record(index) {
        return misplaced_block(layout, open);
    }
    let situation = Situation { source, layout, failure, index, place };
    if index >= layout.tokens.len() {
        return situation.at_end();
    }
    situation
        .wrong_token()
        .or_else(|| situation.wrong_word())
        .or_else(|| situation.bracket())
        .or_else(|| situation.missing_semicolon())
        .or_else(|| situation.missing_part())
        .or_else(|| situation.misspelt_word())
        .or_else(|| situation.missing_piece())
        .unwrap_or_else(|| situation.unexpected())
}

/// A bracket that is not closed before `before`, the token `index`.
pub(super) fn unclosed(layout: &Layout, open: usize, before: &str, index: usize) -> Diagnostic {
    let bracket = layout.text(open);
    let place = layout.tokens[open].span();
    let (message, closing) = if bracket == "`" {
        ("this template is never closed".to_owned(), "a backtick".to_owned())
    } else {
        let what = if layout.is_block(open) { "block" } else { "bracket" };
        (format!("the {what} that begins with `{bracket}` here is never closed"), format!("`{}`", closing_of(bracket)))
    };
    let end = index.checked_sub(1).and_then(|last| layout.tokens.get(last)).map_or(place.end, |last| last.end as u32);
    let text = closing_of(bracket);
    let fix = Fix::insert(end, if text == "done" { " done" } else { text });
    Diagnostic::error(codes::UNCLOSED_BRACKET, place, message)
        .with_hint(format!("{closing} is missing before {before}"))
        .with_fix(fix)
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

/// The end of the text of the source.
fn end_of(source: &str) -> Span {
    let end = source.trim_end().len();
    Span::new(end, end)
}

/// A block of statements where a value is expected.
fn misplaced_block(layout: &Layout, open: usize) -> Diagnostic {
    let before = open.checked_sub(1).map_or("", |before| layout.text(before));
    let place = layout.tokens[open].span();
    if before == "=>" {
        return Diagnostic::error(
            codes::STATEMENT_IN_EXPRESSION,
            place,
            "a value must follow `=>`, not a block of statements",
        )
        .with_hint("write `function (x) { … }` for a function with statements")
        .with_fix(function_of(layout, open - 1));
    }
    let (message, hint) = match before.to_ascii_lowercase().as_str() {
        word @ ("if" | "elseif" | "while") => {
            (format!("the condition of this `{word}` is missing"), format!("write `{word} condition {{ … }}`"))
        }
        "in" => ("the rows of this loop are missing".to_owned(), "write `for row in rows { … }`".to_owned()),
        _ => (
            format!("a value is missing between `{}` and `{{`", excerpt(before)),
            "`{` begins a block of statements here, and a block is not a value".to_owned(),
        ),
    };
    Diagnostic::error(codes::VALUE_EXPECTED, place, message).with_hint(hint)
}

/// `x => { … }` as `function (x) { … }`; `arrow` is the token `=>`.
fn function_of(layout: &Layout, arrow: usize) -> Option<Fix> {
    let head = arrow.checked_sub(1)?;
    let place = layout.tokens.get(arrow)?.span();
    if layout.tokens[head].kind == Kind::Word {
        let name = layout.text(head);
        return Some(Fix::replace(layout.tokens[head].span().to(place), format!("function ({name})")));
    }
    let open = (0..head).rev().find(|open| layout.text(*open) == "(" && layout.closing(*open) == Some(head))?;
    let fix = Fix::insert(layout.tokens[open].start as u32, "function ");
    let arrow = Span { start: layout.tokens[head].end as u32, ..place };
    Some(fix.and(arrow, "").titled("write `function (…) { … }`"))
}

/// A piece of source in a message, short and on one line.
fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= 24 && line.len() == text.len() {
        return text.to_owned();
    }
    format!("{}…", line.chars().take(24).collect::<String>())
}

/// An error with its surroundings.
struct Situation<'a> {
    source: &'a str,
    layout: &'a Layout<'a>,
    failure: &'a Failure,
    index: usize,
    place: Span,
}

impl<'a> Situation<'a> {
    /// The token; none at the end.
    fn token(&self) -> Option<Token> {
        self.layout.tokens.get(self.index).copied()
    }

    fn kind(&self) -> Option<Kind> {
        self.token().map(|token| token.kind)
    }

    fn text(&self) -> &'a str {
        self.layout.text(self.index)
    }

    /// The token before.
    fn before(&self) -> Option<Token> {
        self.index.checked_sub(1).and_then(|before| self.layout.tokens.get(before)).copied()
    }

    fn before_text(&self) -> &'a str {
        self.before().map_or("", |token| token.text(self.source))
    }

    /// Do the token and the one before it touch?
    fn is_glued(&self) -> bool {
        self.before().is_some_and(|before| self.token().is_some_and(|token| before.end == token.start))
    }

    /// Does a value begin with the token?
    fn begins_value(&self) -> bool {
        match self.kind() {
            Some(Kind::Number | Kind::Text | Kind::UnclosedText | Kind::Open) => true,
            Some(Kind::Word) => !is_reserved(self.text()),
            _ => false,
        }
    }

    /// Adds `text` after the previous token.
    fn after_last(&self, text: &str) -> Option<Fix> {
        self.before().map(|before| Fix::insert(before.end as u32, text))
    }

    fn error(&self, code: &'static Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.place, message)
    }

    /// The source ends too early.
    fn at_end(&self) -> Diagnostic {
        if self.failure.could_close()
            && let Some(open) = self.layout.unclosed_before(self.index)
        {
            return unclosed(self.layout, open, "the end", self.index);
        }
        if let Some(diagnostic) = self.missing_part() {
            return diagnostic;
        }
        if self.failure.expects_value() && self.index == 0 {
            return self.error(codes::VALUE_EXPECTED, "there is no expression here");
        }
        if self.failure.expects_value() {
            return self
                .error(codes::VALUE_EXPECTED, "a value is missing at the end")
                .with_hint(format!("it must follow `{}`", excerpt(self.before_text())));
        }
        if let Some(open) = self.layout.unclosed_before(self.index) {
            return unclosed(self.layout, open, "the end", self.index);
        }
        let what = if self.failure.expects_type() {
            "a type"
        } else if self.failure.expects_name() {
            "a name"
        } else {
            "something"
        };
        self.error(codes::UNEXPECTED, format!("{what} is missing at the end"))
            .with_hint("the source stops in the middle of a statement")
    }

    /// Brackets that do not match.
    fn bracket(&self) -> Option<Diagnostic> {
        let text = self.text();
        if self.layout.is_stray(self.index) {
            let opening = match text {
                ")" => "`(`",
                "]" => "`[`",
                "}" => "`{`",
                "`" => "backtick",
                _ => "`do`",
            };
            return Some(
                self.error(codes::STRAY_CLOSING, format!("this `{text}` closes nothing"))
                    .with_hint(format!("remove it, or look before it for a missing {opening}"))
                    .with_fix(Fix::remove(self.place, &format!("the `{text}`"))),
            );
        }
        if self.failure.expects_value() && text == ";" {
            return None;
        }
        let mut open = self.layout.unclosed_before(self.index);
        if open.is_none() && (text == ";" || self.layout.is_statement_word(self.index)) {
            // The part of a template continues after a `;`.
            open = self.layout.parent(self.index).filter(|open| !self.layout.is_block(*open));
            if text == ";" && open.is_some_and(|open| matches!(self.layout.text(open), "(" | "[")) {
                let error = self.error(codes::UNEXPECTED, "a `;` is not allowed between brackets");
                let fix = Fix::replace(self.place, ",");
                return Some(error.with_hint("values in brackets are separated by `,`").with_fix(fix));
            }
        }
        open.map(|open| unclosed(self.layout, open, &format!("`{}`", excerpt(text)), self.index))
    }

    /// A whole statement ends before the place.
    fn missing_semicolon(&self) -> Option<Diagnostic> {
        if !self.failure.could_end() || self.layout.is_branch_word(self.index) || self.kind() == Some(Kind::Symbol) {
            return None;
        }
        if !self.layout.begins_line(self.index) && !self.layout.is_statement_word(self.index) {
            return None;
        }
        let end = self.before()?.end;
        let last = self.source[..end].chars().next_back().map_or(0, char::len_utf8);
        let comment = self.source[end..].lines().next().unwrap_or("").trim();
        let hint = if comment.starts_with("//") && comment.ends_with(';') {
            "`//` begins a comment, which has taken the `;`; a division is `a / b`".to_owned()
        } else {
            format!("write `;` before `{}`", excerpt(self.text()))
        };
        let place = Span::new(end - last, end);
        let fix = Fix::insert(place.end, ";").safe();
        let error = Diagnostic::error(codes::SEMICOLON, place, "a `;` is missing after this statement");
        Some(error.with_hint(hint).with_fix(fix))
    }

    /// A part before the place is missing.
    fn missing_piece(&self) -> Option<Diagnostic> {
        let text = excerpt(self.text());
        let before = excerpt(self.before_text());
        let failure = self.failure;
        if self.text() == ";" && (before.is_empty() || matches!(&*before, ";" | "{" | "}" | "do" | "done" | ":")) {
            let code = codes::UNEXPECTED;
            let error = self.error(code, "there is no statement before this `;`").with_hint("remove the `;`");
            return Some(error.with_fix(Fix::remove(self.place, "the `;`").safe()));
        }
        if self.text() == ";" && failure.expects(Rule::EOI) {
            let error = self.error(codes::UNEXPECTED, "a single expression or type is expected here, without `;`");
            let is_last = self.index + 1 == self.layout.tokens.len();
            let fix = is_last.then(|| Fix::remove(self.place, "the `;`").safe());
            return Some(error.with_hint("remove the `;` and what follows it").with_fix(fix));
        }
        if failure.expects_value() && !self.begins_value() {
            let message = if matches!(&*before, "" | ";" | "}" | "do" | "done") {
                format!("a statement cannot begin with `{text}`")
            } else {
                format!("a value is missing between `{before}` and `{text}`")
            };
            return Some(self.error(codes::VALUE_EXPECTED, message));
        }
        if failure.expects_type() {
            return Some(self.error(codes::TYPE_EXPECTED, format!("a type is missing before `{text}`")).with_hint(
                "types are `number`, `text`, `boolean`, `datetime`, `{name: type}` or a name given with `type`",
            ));
        }
        if failure.expects_name() && !failure.could_end() {
            return Some(
                self.error(codes::NAME_EXPECTED, format!("a name is missing between `{before}` and `{text}`")),
            );
        }
        if !self.begins_value() || before.is_empty() {
            return None;
        }
        if failure.expects(Rule::comma) {
            let bracket = self.layout.parent(self.index).map_or("", |open| self.layout.text(open));
            if failure.expects(Rule::colon) && matches!(bracket, "{" | "[") {
                let message = format!("a `:` or `,` is missing between `{before}` and `{text}`");
                return Some(self.error(codes::PART_MISSING, message));
            }
            let error = self.error(codes::PART_MISSING, format!("a `,` is missing between `{before}` and `{text}`"));
            return Some(error.with_fix(self.after_last(",")));
        }
        if failure.could_close() || failure.expects(Rule::EOI) {
            let error = self.error(
                codes::UNEXPECTED,
                format!("there is nothing between `{before}` and `{text}` that connects them"),
            );
            let is_text = |token: Option<Token>| token.is_some_and(|token| token.kind == Kind::Text);
            let hint = match failure.could_end() && (is_text(self.before()) || is_text(self.token())) {
                true => {
                    let error = error.with_hint("texts are joined with `&`; a statement ends with `;`");
                    return Some(error.with_fix(self.after_last(" &")));
                }
                _ if failure.could_end() => "an operator such as `+` or `&` is missing, or a `;`",
                _ => "an operator such as `+` or `&` is missing",
            };
            return Some(error.with_hint(hint));
        }
        None
    }

    fn unexpected(&self) -> Diagnostic {
        let text = excerpt(self.text());
        let error = self.error(codes::UNEXPECTED, format!("`{text}` does not fit here"));
        match self.expectation() {
            Some(expected) => error.with_hint(format!("{expected} is expected here")),
            None => error,
        }
    }

    /// The expected rules as text.
    fn expectation(&self) -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        for rule in &self.failure.expected {
            let part = match rule {
                Rule::semicolon => "`;`",
                Rule::comma => "`,`",
                Rule::colon => "`:`",
                Rule::equals => "`=`",
                Rule::closing_paren => "`)`",
                Rule::closing_bracket => "`]`",
                Rule::closing_brace => "`}`",
                Rule::k_else => "`else`",
                _ => continue,
            };
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if self.failure.could_end() {
            parts.push("an operator");
        }
        match parts.as_slice() {
            [] => None,
            [one] => Some((*one).to_owned()),
            [first @ .., last] => Some(format!("{} or {last}", first.join(", "))),
        }
    }
}
