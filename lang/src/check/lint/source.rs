//! The input of the rules, and shared helpers.

use super::super::suggest::is_plain_name;
use crate::ast::{Expr, ExprKind, Script};
use crate::diagnostic::{Code, Diagnostic, Fix};
use crate::function::Registry;
use crate::parse::TokenKind;
use crate::span::Span;

/// A source for the rules.
pub(super) struct Source<'a> {
    pub text: &'a str,
    pub script: &'a Script,
    pub registry: &'a Registry,
    pub tokens: Vec<(TokenKind, Span)>,
}

impl<'a> Source<'a> {
    /// The text of a token; empty outside.
    pub fn token(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |(_, span)| span.text(self.text))
    }
}

pub(super) fn warning(
    code: &'static Code,
    span: Span,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Diagnostic {
    Diagnostic::warning(code, span, message).with_hint(hint)
}

/// The expression inside parentheses.
pub(super) fn bare(expr: &Expr) -> &Expr {
    let mut inner = expr;
    while let ExprKind::Paren(next) = &inner.kind {
        inner = next;
    }
    inner
}

/// The column `name` in place of a text in quotes. Outside of rows only a plain name can be written without quotes.
pub(super) fn column_fix(literal: &Expr, name: &str, in_rows: bool) -> Option<Fix> {
    if is_plain_name(name) {
        return Some(Fix::replace(literal.span, name));
    }
    (in_rows && !name.contains(['\'', '\\'])).then(|| Fix::replace(literal.span, format!("row['{name}']")))
}
