//! The line editor's callbacks while a line is typed: is it complete, what could follow, what colour has it.

use super::commands;
use super::session::Session;
use flowscript_lang::complete::{Known, complete};
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::highlight::{Kind, highlight, matching_brackets};
use flowscript_lang::parse;
use flowscript_lang::span::Span;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};
use std::borrow::Cow;
use std::fmt::Write;

/// The session, as the line editor sees it.
pub struct SessionHelper {
    /// The session.
    pub session: Session,
}

/// Is the input incomplete? Something is open, or the missing part belongs at the end; an empty line ends it.
pub fn goes_on(text: &str) -> bool {
    if text.trim_start().starts_with(':') {
        return false;
    }
    if parse::is_incomplete(text) {
        return true;
    }
    let end = text.trim_end().len();
    let finished = text.get(end..).is_some_and(|blank| blank.contains('\n'));
    let mut errors = parse::parse_script(text).diagnostics.into_iter().filter(Diagnostic::is_error);
    !finished && end > 0 && errors.next().is_some_and(|first| first.span.start as usize >= end)
}

impl Helper for SessionHelper {}

impl Hinter for SessionHelper {
    type Hint = String;
}

impl Validator for SessionHelper {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let goes_on = goes_on(context.input());
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for SessionHelper {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _context: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let pair = |text: &str| Pair { display: text.to_owned(), replacement: text.to_owned() };
        if line.starts_with(':') && !line.contains(char::is_whitespace) {
            return Ok((0, commands::names().filter(|name| name.starts_with(line)).map(pair).collect()));
        }
        let (variables, names) = (self.session.host_variables(), self.session.names());
        let known = Known { registry: self.session.registry(), variables: &variables, names: &names };
        let (start, candidates) = complete(line, at, &known);
        Ok((start, candidates.iter().map(|candidate| pair(&candidate.text)).collect()))
    }
}

impl Highlighter for SessionHelper {
    fn highlight<'l>(&self, line: &'l str, at: usize) -> Cow<'l, str> {
        if line.starts_with(':') {
            return Cow::Borrowed(line);
        }
        let pair = matching_brackets(line, at);
        let is_matched = |span: Span| pair.is_some_and(|(open, close)| open == span || close == span);
        let mut out = String::with_capacity(line.len() * 2);
        let mut end = 0;
        for part in highlight(line) {
            let start = part.span.start as usize;
            out.push_str(line.get(end..start).unwrap_or_default());
            end = part.span.end as usize;
            let colour = match part.kind {
                _ if is_matched(part.span) => "1;4",
                Kind::Keyword => "1;34",
                Kind::Function => "36",
                Kind::Number => "35",
                Kind::Text => "32",
                Kind::Comment => "2",
                Kind::Invalid => "31",
                Kind::Name | Kind::Bracket | Kind::Operator => "",
            };
            let text = part.span.text(line);
            if colour.is_empty() {
                out.push_str(text);
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "\x1b[{colour}m{text}\x1b[0m");
            }
        }
        out.push_str(line.get(end..).unwrap_or_default());
        Cow::Owned(out)
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        Cow::Owned(format!("\x1b[1;32m{prompt}\x1b[0m"))
    }

    fn highlight_char(&self, _line: &str, _at: usize, kind: CmdKind) -> bool {
        kind != CmdKind::ForcedRefresh
    }
}

#[cfg(test)]
mod tests {
    use super::goes_on;

    #[test]
    fn lines_go_on_where_something_is_missing_at_their_end() {
        for text in ["f(", "if x {", "let x =", "1 +", "select a", "'abc", "if x {\n  f();", "x ="] {
            assert!(goes_on(text), "{text}");
        }
        for text in ["", "1", "1 + 2", "let x = 1;", "let = 1", "1 +\n\n", "// note", ":type (", "x)"] {
            assert!(!goes_on(text), "{text}");
        }
    }
}
