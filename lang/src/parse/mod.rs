//! From text to tree. Parsing never fails: it returns a tree and the errors found.
//!
//! `grammar.pest` is the grammar, `build/` makes the tree from its matches. Where it does not match, `recover/` words
//! the error (`message/`), mends the place and continues. Only this folder uses pest.

mod build;
mod grammar;
mod incomplete;
mod layout;
mod message;
mod parsed;
mod recover;
#[cfg(test)]
mod tests;
mod token;
mod words;

pub use incomplete::is_incomplete;
pub use parsed::Parsed;
pub(crate) use token::Kind as TokenKind;
pub use words::{reserved_words, soft_words};

use crate::ast::{Expr, Script, TemplatePart, TypeExpr};
use crate::span::Span;
use crate::stack::with_deep_stack;

/// Parses a whole script.
pub fn parse_script(source: &str) -> Parsed<Script> {
    with_deep_stack(|| in_sentences(recover::script(source, &mut |_| true)))
}

/// The same while `go_on` allows it. Its argument is the number of bytes about to be read. It is asked each time a
/// source is mended.
pub(crate) fn parse_script_while(source: &str, go_on: &mut dyn FnMut(usize) -> bool) -> Parsed<Script> {
    with_deep_stack(|| in_sentences(recover::script(source, go_on)))
}

/// Parses a source that is exactly one expression.
pub fn parse_expression(source: &str) -> Parsed<Expr> {
    with_deep_stack(|| in_sentences(recover::expression(source)))
}

/// Parses a template of a workflow: text with `{expression}` parts, `\{` for a brace (docs/workflows.md).
pub fn parse_template(source: &str) -> Parsed<Vec<TemplatePart>> {
    with_deep_stack(|| in_sentences(recover::template(source)))
}

/// Parses a source that is exactly one type.
pub fn parse_type(source: &str) -> Parsed<TypeExpr> {
    with_deep_stack(|| in_sentences(recover::type_expr(source)))
}

/// The tokens of a source, broken or not: words, texts, brackets. Blanks and comments lie between them.
pub(crate) fn tokens(source: &str) -> Vec<(TokenKind, Span)> {
    let tokens = token::scan(source, token::Start::Code, token::Quotes::AsWritten);
    tokens.into_iter().map(|token| (token.kind, token.span())).collect()
}

/// The tokens of a template of a workflow.
pub(crate) fn template_tokens(source: &str) -> Vec<(TokenKind, Span)> {
    let tokens = token::scan(source, token::Start::Template, token::Quotes::AsWritten);
    tokens.into_iter().map(|token| (token.kind, token.span())).collect()
}

/// Are two pieces of source equal except for blanks, comments, and the case of functions and keywords?
pub(crate) fn same_tokens(first: &str, second: &str) -> bool {
    token::same(first, second, |word| reserved_words().iter().any(|reserved| reserved.eq_ignore_ascii_case(word)))
}

/// The escapes of a text or template literal (its source, with the quotes) that are unknown: they stay as written.
/// Places are bytes from the start of `literal`. A malformed `\u` and half a surrogate pair count.
pub fn unknown_escapes(literal: &str) -> Vec<Span> {
    build::unknown_escapes(literal)
}

/// The findings as whole sentences; the places that report them use fragments.
fn in_sentences<T>(mut parsed: Parsed<T>) -> Parsed<T> {
    for finding in &mut parsed.diagnostics {
        let mut letters = finding.message.chars();
        if let Some(first) = letters.next() {
            let end = if finding.message.ends_with(['.', '?', '!']) { "" } else { "." };
            finding.message = format!("{}{}{end}", first.to_uppercase(), letters.as_str());
        }
    }
    parsed
}
