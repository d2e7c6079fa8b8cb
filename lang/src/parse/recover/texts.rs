//! Unterminated texts, templates and comments.

use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::layout::Layout;
use crate::parse::message;
use crate::parse::token::{self, Kind, Quotes, Start};
use crate::span::Span;

/// More errors than this are not reported: the rest follows from the first ones.
pub(super) const MOST_ERRORS: usize = 100;

/// The structure of a source, and its unterminated texts and comments.
pub(super) fn read(source: &str, start: Start) -> (Layout<'_>, Vec<Diagnostic>) {
    let mut tokens = token::scan(source, start, Quotes::AsWritten);
    if tokens.iter().any(|token| token.kind == Kind::UnclosedText) {
        tokens = token::scan(source, start, Quotes::Guess);
    }
    let layout = Layout::new(source, tokens);
    let mut diagnostics = Vec::new();
    let cut_short: Vec<(usize, usize)> = cut_short_texts(&layout, source).collect();
    for (index, token) in layout.tokens.iter().enumerate().filter(|(_, token)| token.is_unclosed()).take(MOST_ERRORS) {
        if let Ok(at) = cut_short.binary_search_by_key(&index, |(_, text)| *text) {
            let word = layout.tokens[cut_short[at].0];
            let quote = source[..word.start].chars().next_back().unwrap_or('\'');
            diagnostics.push(message::text_cut_short(word.span(), word.text(source), quote));
            continue;
        }
        let (message, hint) = match token.kind {
            Kind::UnclosedText => ("this text is never closed", closing_hint(token.text(source))),
            _ => ("this comment is never closed", "`*/` is missing at its end".to_owned()),
        };
        let first_line = token.text(source).lines().next().map_or(1, str::len);
        let place = Span::new(token.start, token.start + first_line);
        let fix = match token.kind {
            Kind::UnclosedText => closing_quote(token.text(source), place),
            _ => Some(Fix::insert(token.end as u32, "*/")),
        };
        diagnostics.push(Diagnostic::error(codes::UNCLOSED_TEXT, place, message).with_hint(hint).with_fix(fix));
    }
    (layout, diagnostics)
}

/// The quote that closes a text at the end of its first line, before a `;` or bracket there.
fn closing_quote(text: &str, place: Span) -> Option<Fix> {
    let line = text.lines().next()?;
    let quote = text.trim_start_matches('@').chars().next()?;
    let inside = line.trim_end().trim_end_matches([';', ')', ']', '}', ',']);
    match text.match_indices(&format!("\\{quote}")).collect::<Vec<_>>().as_slice() {
        [] => Some(Fix::insert(place.start + inside.len() as u32, quote)),
        [(at, _)] if !text.starts_with('@') => {
            let fix = Fix::insert(place.start + *at as u32, "\\");
            Some(fix.titled(format!("write `\\\\{quote}`")))
        }
        _ => None,
    }
}

/// The hint for closing a text with only its first quote.
fn closing_hint(text: &str) -> String {
    let verbatim = text.starts_with('@');
    let quote = text.trim_start_matches('@').chars().next().unwrap_or('\'');
    if verbatim {
        format!("{quote} is missing at its end; a {quote} inside is written twice")
    } else if text.contains(&format!("\\{quote}")) {
        format!("\\{quote} is a quote inside the text; write \\\\{quote} where the text ends with a backslash")
    } else {
        format!("{quote} is missing at its end")
    }
}

/// Words that touch the end of a text, as in `'it's'`, with the unmatched quote that follows in their line.
pub(super) fn cut_short_texts<'a>(layout: &'a Layout, source: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let tokens = &layout.tokens;
    let unclosed = (0..tokens.len()).filter(|at| tokens[*at].kind == Kind::UnclosedText);
    unclosed.filter_map(move |text| {
        let line = source[..tokens[text].start].rfind('\n').map_or(0, |at| at + 1);
        let word = (1..text).rev().take_while(|at| tokens[at - 1].start >= line).find(|at| {
            let before = tokens[at - 1];
            tokens[*at].kind == Kind::Word && before.kind == Kind::Text && before.end == tokens[*at].start
        })?;
        Some((word, text))
    })
}
