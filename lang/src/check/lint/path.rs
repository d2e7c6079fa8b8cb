//! W0112: `"C:\temp\new"`, where `\t` and `\n` are a tab and a line break.

use super::source::{Source, warning};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::TokenKind;
use crate::span::Span;

/// Warns of escapes in a text that looks like a Windows path.
pub(super) fn escaped(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    for (at, (kind, span)) in source.tokens.iter().enumerate() {
        let written = span.text(source.text);
        let inner = match kind {
            TokenKind::Text if !written.starts_with('@') => written.get(1..written.len() - 1).unwrap_or(""),
            TokenKind::TemplateText if at > 0 && source.token(at - 1) == "`" => written,
            _ => continue,
        };
        if !is_path(inner) {
            continue;
        }
        let Some(escape) = first_escape(inner) else { continue };
        let start = span.start as usize + (written.len() - inner.len()).min(1) + escape;
        let place = Span::new(start, start + 2);
        let what = match place.text(source.text) {
            "\\t" => "a tab",
            "\\n" => "a line break",
            "\\r" => "a carriage return",
            "\\0" => "the character zero",
            _ => "an escape",
        };
        let message = format!("`{}` is {what} here, in what reads as a path.", place.text(source.text));
        let hint = match kind {
            TokenKind::Text => format!("write @{written}, or double the backslashes"),
            _ => "double the backslashes".to_owned(),
        };
        let fix = match kind {
            // A quote with a backslash would end a verbatim text.
            TokenKind::Text if !inner.contains("\\'") && !inner.contains("\\\"") => {
                Some(Fix::insert(span.start, "@").titled(format!("write `@{written}`")))
            }
            TokenKind::TemplateText if !inner.contains("\\\\") && !inner.contains("\\`") => {
                let doubled = Fix::replace(*span, inner.replace('\\', "\\\\"));
                Some(doubled.titled("double the backslashes"))
            }
            _ => None,
        };
        found.push(warning(codes::ESCAPE_IN_PATH, place, message, hint).with_fix(fix));
    }
}

/// Does it begin like a path: with a drive, a server, a folder relative to another, or a variable?
fn is_path(text: &str) -> bool {
    let mut letters = text.chars();
    let letter = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    // `x:\n` is a label and a line break.
    let drive = letter && letters.as_str().strip_prefix(":\\").is_some_and(|rest| rest.len() > 2);
    let server = text.strip_prefix("\\\\").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let variable = text.starts_with('%') && text[1..].split_once("%\\").is_some_and(|(name, _)| !name.is_empty());
    drive || server || variable || text.starts_with(".\\") || text.starts_with("..\\")
}

/// The place of the first backslash that changes the letter after it.
fn first_escape(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'\\' {
            at += 1;
            continue;
        }
        if matches!(bytes.get(at + 1), Some(b't' | b'n' | b'r' | b'0')) {
            return Some(at);
        }
        at += 2;
    }
    None
}
