//! W0110: `` `Hi ${name}` ``, the placeholder of JavaScript and of shells.

use super::source::{Source, warning};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::TokenKind;
use crate::span::Span;

/// Warns of a `$` right before the `{` of a template's part.
pub(super) fn dollar(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    for (at, (kind, span)) in source.tokens.iter().enumerate() {
        let is_part = *kind == TokenKind::TemplateText && source.token(at + 1) == "{";
        if !is_part || !span.text(source.text).ends_with('$') {
            continue;
        }
        let dollar = Span { start: span.end - 1, end: span.end };
        let hint = "a part of a template is just `{…}`; for a dollar sign before it write `{'$'}{…}`";
        let warning = warning(codes::DOLLAR_PLACEHOLDER, dollar, "This `$` is part of the text.", hint);
        let as_part = Fix::replace(dollar, "{'$'}");
        found.push(warning.with_fix(Fix::remove(dollar, "the `$`")).with_fix(as_part));
    }
}
