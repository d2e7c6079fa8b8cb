//! Findings as a person reads them on a terminal: what, where, the line with the place underlined, and a hint.

use super::{Diagnostic, Severity};
use crate::error::{Place, RunError};
use crate::span::{Span, line_column};
use codespan_reporting::diagnostic::{Diagnostic as Report, Label, Severity as Level};
use codespan_reporting::files::{Error as FileError, Files};
use codespan_reporting::term::{Config, emit_to_write_style, termcolor};
use std::fmt::Write;
use std::ops::Range;
use termcolor::{Ansi, NoColor};

/// Is the text coloured?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    #[default]
    Never,
    /// With the colour codes of terminals.
    Always,
}

/// Characters of a longer line that are shown before and behind a place.
const AROUND: usize = 100;
/// Calls of a stack that are shown at each of its ends.
const CALLS: usize = 5;

/// Findings in one text, in their order. `file` is what its header calls the text.
pub fn diagnostics(findings: &[Diagnostic], file: &str, source: &str, colour: Colour) -> String {
    findings.iter().map(|finding| diagnostic(finding, file, source, colour)).collect()
}

/// One finding in `source`.
pub fn diagnostic(finding: &Diagnostic, file: &str, source: &str, colour: Colour) -> String {
    let level = match finding.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    let notes = finding.hint.iter().map(|hint| format!("hint: {}", visible(hint))).collect();
    let report =
        Report::new(level).with_code(finding.code.id).with_message(visible(&finding.message)).with_notes(notes);
    with_excerpt(report, file, source, finding.span, colour)
}

/// An error that ended a run, with the calls that led there. `text` gives file and source of a module by its name, and
/// of the script itself for `None`.
pub fn run_error<'a>(error: &RunError, text: impl Fn(Option<&str>) -> (&'a str, &'a str), colour: Colour) -> String {
    let report = Report::error()
        .with_code(error.kind.name())
        .with_message(visible(&error.message))
        .with_notes(stack_notes(error, &text));
    let Some(Place { module, span, .. }) = &error.place else { return emit(&report, &Excerpt::default(), colour) };
    let (file, source) = text(module.as_deref());
    with_excerpt(report, file, source, *span, colour)
}

fn stack_notes<'a>(error: &RunError, text: &impl Fn(Option<&str>) -> (&'a str, &'a str)) -> Vec<String> {
    if error.stack.is_empty() {
        return Vec::new();
    }
    let mut note = String::from("calls, the last one first:");
    let hidden = error.stack.len().saturating_sub(2 * CALLS);
    for (index, entry) in error.stack.iter().enumerate() {
        if hidden > 1 && (CALLS..CALLS + hidden).contains(&index) {
            if index == CALLS {
                let _ = write!(note, "\n  … {hidden} more …");
            }
            continue;
        }
        let _ = write!(note, "\n  {}", visible(&entry.function));
        if let Some(place) = &entry.place {
            let (file, _) = text(place.module.as_deref());
            let _ = write!(note, " called at {file}:{}:{}", place.line, place.column);
        }
    }
    vec![note]
}

fn with_excerpt(report: Report<()>, file: &str, source: &str, span: Span, colour: Colour) -> String {
    let excerpt = Excerpt::new(file, source, span);
    let label = Label::primary((), excerpt.place.clone());
    emit(&report.with_labels(vec![label]), &excerpt, colour)
}

fn emit(report: &Report<()>, excerpt: &Excerpt, colour: Colour) -> String {
    let config = Config::default();
    let (result, bytes) = match colour {
        Colour::Never => {
            let mut out = NoColor::new(Vec::new());
            (emit_to_write_style(&mut out, &config, excerpt, report), out.into_inner())
        }
        Colour::Always => {
            let mut out = Ansi::new(Vec::new());
            (emit_to_write_style(&mut out, &config, excerpt, report), out.into_inner())
        }
    };
    match result {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        // The excerpt is one line that holds its place, so this is for the type system only.
        Err(_) => format!("error: {}\n", report.message),
    }
}

/// The line of a place. A place of several lines is shown by its first one.
#[derive(Default)]
struct Excerpt {
    file: String,
    line: u32,
    column: u32,
    /// The line, or a part of it where it is long.
    text: String,
    /// The place in `text`, in bytes.
    place: Range<usize>,
}

impl Excerpt {
    fn new(file: &str, source: &str, span: Span) -> Self {
        let start = floor(source, span.start as usize);
        let (line, column) = line_column(source, span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let line_end = line_start + source[line_start..line_end].trim_end_matches('\r').len();
        let start = start.min(line_end);
        let end = floor(source, span.end as usize).clamp(start, line_end);
        let (before, marked, after) = (&source[line_start..start], &source[start..end], &source[end..line_end]);

        let mut text = String::new();
        text.push_str(&visible(&last_characters(before)));
        let from = text.len();
        text.push_str(&visible(&first_characters(marked)));
        let to = text.len();
        text.push_str(&visible(&first_characters(after)));
        Self { file: visible(file), line, column, text, place: from..to }
    }
}

impl<'a> Files<'a> for Excerpt {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, FileError> {
        Ok(&self.file)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, FileError> {
        Ok(&self.text)
    }

    fn line_index(&'a self, (): (), _: usize) -> Result<usize, FileError> {
        Ok(0)
    }

    fn line_number(&'a self, (): (), _: usize) -> Result<usize, FileError> {
        Ok(self.line as usize)
    }

    fn column_number(&'a self, (): (), _: usize, _: usize) -> Result<usize, FileError> {
        Ok(self.column as usize)
    }

    fn line_range(&'a self, (): (), _: usize) -> Result<Range<usize>, FileError> {
        Ok(0..self.text.len())
    }
}

/// The start of the character at a byte.
fn floor(source: &str, byte: usize) -> usize {
    let mut byte = byte.min(source.len());
    while !source.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// What a terminal may be given: no control characters and none that turn the direction of text around.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' | '\n' => c,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}'..='\u{200F}' | '\u{FEFF}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    };
    text.chars().map(shown).collect()
}

fn first_characters(text: &str) -> String {
    match text.char_indices().nth(AROUND) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn last_characters(text: &str) -> String {
    match text.char_indices().rev().nth(AROUND) {
        Some((start, _)) => format!("…{}", &text[start..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;
    use crate::error::{ErrorKind, StackEntry};

    /// What stands under the excerpt, and the excerpt.
    fn underlined(source: &str, start: usize, end: usize) -> String {
        let finding = Diagnostic::error(codes::UNEXPECTED, Span::new(start, end), "wrong").with_hint("do it right");
        diagnostic(&finding, "a.flow", source, Colour::Never)
    }

    /// The two lines of the excerpt, without what stands left of them.
    fn lines(source: &str, start: usize, end: usize) -> (String, String) {
        let text = underlined(source, start, end);
        let mut lines = text.lines().filter_map(|line| line.split_once("│ ")).map(|(_, line)| line.to_owned());
        (lines.next().unwrap(), lines.next().unwrap())
    }

    #[test]
    fn a_finding_has_place_excerpt_and_hint() {
        assert_eq!(
            underlined("let a = 1;\nlet b = ;\n", 19, 20),
            "\
error[E0001]: wrong
  ┌─ a.flow:2:9
  │
2 │ let b = ;
  │         ^
  │
  = hint: do it right

"
        );
    }

    #[test]
    fn the_underline_stands_under_the_place() {
        assert_eq!(lines("\tx = y", 1, 2), ("    x = y".into(), "    ^".into()));
        assert_eq!(lines("'日本' + b", 11, 12), ("'日本' + b".into(), "         ^".into()));
        assert_eq!(lines("'😀' + b", 9, 10), ("'😀' + b".into(), "       ^".into()));
        assert_eq!(lines("'é' + b", 7, 8), ("'é' + b".into(), "      ^".into()));
        assert_eq!(lines("ab\r\ncd\r\n", 4, 6), ("cd".into(), "^^".into()));
        assert_eq!(lines("ab\r\ncd", 2, 6), ("ab".into(), "  ^".into()));
        assert_eq!(lines("a +", 3, 3), ("a +".into(), "   ^".into()));
        assert_eq!(lines("a\nb", 0, 3), ("a".into(), "^".into()));
        assert_eq!(lines("é", 1, 2), ("é".into(), "^".into()));
    }

    #[test]
    fn any_place_is_shown() {
        for source in ["", "\n", "a", "é\r\n\t😀"] {
            for start in 0..=source.len() + 2 {
                for end in start..=source.len() + 3 {
                    assert!(underlined(source, start, end).contains("hint: do it right"));
                }
            }
        }
    }

    #[test]
    fn long_lines_are_cut() {
        let source = format!("{}!{}", "a".repeat(5000), "b".repeat(5000));
        let text = underlined(&source, 5000, 5001);
        assert!(text.contains("a.flow:1:5001") && text.len() < 700, "{text}");
        let (line, mark) = lines(&source, 5000, 5001);
        assert_eq!(line.chars().position(|c| c == '!'), mark.chars().position(|c| c == '^'));
    }

    #[test]
    fn nothing_reaches_the_terminal_that_could_control_it() {
        let text = underlined("a \u{1b}[31m \u{202e} b", 0, 1);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn colour_is_an_option() {
        let finding = Diagnostic::warning(codes::UNUSED_VARIABLE, Span::new(0, 1), "x is not used");
        assert!(diagnostic(&finding, "a.flow", "x", Colour::Always).contains("\u{1b}["));
        assert!(diagnostic(&finding, "a.flow", "x", Colour::Never).starts_with("warning[W0101]: x is not used\n"));
    }

    #[test]
    fn run_errors_show_their_calls() {
        let place = |start, line| Some(Place { module: None, span: Span::new(start, start + 1), line, column: 1 });
        let entry = |line| StackEntry { function: "f".into(), place: place(0, line) };
        let mut error = RunError::new(ErrorKind::Value, "Left: `length` must be a number, not 'x'");
        error.place = place(2, 2);
        error.stack = vec![entry(7)];
        let text = |_: Option<&str>| ("a.flow", "a\nb");
        assert_eq!(
            run_error(&error, text, Colour::Never),
            "\
error[value]: Left: `length` must be a number, not 'x'
  ┌─ a.flow:2:1
  │
2 │ b
  │ ^
  │
  = calls, the last one first:
      f called at a.flow:7:1

"
        );
        error.stack = (0..1000).map(entry).collect();
        let shown = run_error(&error, text, Colour::Never);
        assert!(shown.contains("a.flow:4:1\n      … 990 more …\n      f called at a.flow:995:1"), "{shown}");
        error.place = None;
        error.stack.clear();
        let shown = run_error(&error, text, Colour::Never);
        assert_eq!(shown.trim_end(), "error[value]: Left: `length` must be a number, not 'x'");
    }
}
