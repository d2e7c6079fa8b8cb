//! W0109: `total // 2`, where a comment hides the rest of an expression.

use super::source::{Source, warning};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::{self, TokenKind};
use crate::span::Span;
use hashbrown::HashSet;

/// Warns of comments after a value that look like a divisor.
pub(super) fn swallowed(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    let words = source.tokens.iter().filter(|(kind, _)| *kind == TokenKind::Word);
    let words: HashSet<&str> = words.map(|(_, span)| span.text(source.text)).collect();
    for (at, (kind, span)) in source.tokens.iter().enumerate() {
        let Some(comment) = comment_behind(source, at) else { continue };
        if !is_operand(source, at, *kind) {
            continue;
        }
        let text = comment.text(source.text);
        let Some(divisor) = divisor(&words, text.trim_start_matches('/').trim(), span.text(source.text)) else {
            continue;
        };
        if is_numbered(source.text, comment) {
            continue;
        }
        let message = "`//` begins a comment, which has taken the rest of this line.";
        let hint = format!("for a division write `… / {divisor}`, and `Floor(… / {divisor})` without its fraction");
        let slashes = Span { end: comment.start + 2, ..comment };
        let fix = Fix::replace(slashes, "/").titled(format!("write `/ {divisor}`"));
        found.push(warning(codes::COMMENT_FOR_DIVISION, comment, message, hint).with_fix(fix));
    }
}

/// The comment that follows a token in its line.
fn comment_behind(source: &Source<'_>, at: usize) -> Option<Span> {
    let end = source.tokens.get(at)?.1.end as usize;
    let rest = source.text.get(end..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    // Lines may be long, and most tokens are not followed by a comment.
    let comment = rest.get(blanks..).filter(|rest| rest.starts_with("//"))?.lines().next()?.trim_end();
    // `///` and `//=` are not divisions.
    let is_comment = !comment[2..].starts_with(['/', '=', '-', '>']);
    is_comment.then(|| Span::new(end + blanks, end + blanks + comment.len()))
}

fn is_operand(source: &Source<'_>, at: usize, kind: TokenKind) -> bool {
    let word = source.token(at);
    match kind {
        TokenKind::Number => true,
        TokenKind::Word => !parse::reserved_words().iter().any(|reserved| reserved.eq_ignore_ascii_case(word)),
        TokenKind::Close => matches!(word, ")" | "]"),
        _ => false,
    }
}

/// The divisor, if a comment looks like the right side of a division. Prose does not.
fn divisor<'a>(words: &HashSet<&str>, text: &'a str, before: &str) -> Option<&'a str> {
    let mut value = text.strip_suffix(';').map_or(text, str::trim_end);
    let mut closed = value.len() < text.len();
    if !value.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '_' | '-')) {
        return None;
    }
    // The comment may include brackets, `log(a // 2);`, or statements, `a // 2; return b;`.
    if !is_expression(value) {
        value = value.trim_end_matches([')', ']', '}', ' ']);
    }
    if let Some((first, rest)) = value.split_once(';') {
        if !parse::parse_script(rest).diagnostics.is_empty() {
            return None;
        }
        (value, closed) = (first.trim_end(), false);
    }
    if !is_expression(value) {
        return None;
    }
    let is_number = value.chars().all(|c| c.is_ascii_digit() || c == '.');
    // A single word is prose, unless the script uses it.
    let is_used = value != before && words.contains(value);
    (closed || is_number || is_used).then_some(value)
}

fn is_expression(text: &str) -> bool {
    parse::parse_expression(text).diagnostics.is_empty()
}

/// Does a neighbouring line have a comment with a number, too? Then they number the lines.
fn is_numbered(text: &str, comment: Span) -> bool {
    let is_number = |line: &str| {
        let behind = line.rsplit_once("//").map(|(_, behind)| behind.trim());
        behind.is_some_and(|behind| !behind.is_empty() && behind.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    let start = text[..comment.start as usize].rfind('\n').unwrap_or(0);
    let before = text[..start].lines().next_back().unwrap_or("");
    let after = text[comment.end as usize..].lines().nth(1).unwrap_or("");
    is_number(before) || is_number(after)
}
