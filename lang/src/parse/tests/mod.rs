//! Valid sources and their trees, invalid ones, and hostile ones.

mod errors;
mod hostile;
mod messages;
mod print;
mod spans;
mod trees;

use super::{Parsed, parse_expression, parse_script};
use crate::span::line_column;

/// Parses an expression that must be free of errors; gives its tree.
fn expression(source: &str) -> String {
    let parsed = parse_expression(source);
    assert_eq!(messages(source, &parsed), "", "in {source}");
    print::expr(&parsed.tree)
}

/// Parses a script that must be free of errors; gives its tree.
fn script(source: &str) -> String {
    let parsed = parse_script(source);
    assert_eq!(messages(source, &parsed), "", "in {source}");
    print::script(&parsed.tree)
}

/// The findings, one a line: place, code, message, hint.
fn messages<T>(source: &str, parsed: &Parsed<T>) -> String {
    let lines = parsed.diagnostics.iter().map(|diagnostic| {
        let (line, column) = line_column(source, diagnostic.span.start);
        let (end_line, end_column) = line_column(source, diagnostic.span.end);
        let hint = diagnostic.hint.as_deref().unwrap_or("-");
        let message = &diagnostic.message;
        format!("{line}:{column}-{end_line}:{end_column} {} {message} ({hint})", diagnostic.code)
    });
    lines.collect::<Vec<_>>().join("\n")
}
