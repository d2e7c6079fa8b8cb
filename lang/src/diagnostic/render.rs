//! Findings for a terminal: message, place, the line with the place underlined, and a hint.

use super::excerpt::{Excerpt, visible};
use super::{Diagnostic, Severity};
use crate::error::{Place, RunError};
use crate::span::Span;
use codespan_reporting::diagnostic::{Diagnostic as Report, Label, Severity as Level};
use codespan_reporting::term::{Config, emit_to_write_style, termcolor};
use std::fmt::Write;
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

/// Calls of a stack that are shown at each of its ends.
const CALLS: usize = 5;

/// Findings in one text, in their order. `file` names the text in the header.
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
    let spans: Vec<Span> = std::iter::once(finding.span).chain(finding.labels.iter().map(|label| label.span)).collect();
    let texts: Vec<&str> = finding.labels.iter().map(|label| label.text.as_str()).collect();
    with_excerpt(report, file, source, &spans, &texts, colour)
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
    with_excerpt(report, file, source, &[*span], &[], colour)
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

fn with_excerpt(
    report: Report<()>,
    file: &str,
    source: &str,
    spans: &[Span],
    texts: &[&str],
    colour: Colour,
) -> String {
    let excerpt = Excerpt::new(file, source, spans);
    let places = excerpt.places.iter().cloned().enumerate();
    let labels = places.map(|(index, place)| match index.checked_sub(1).and_then(|at| texts.get(at)) {
        Some(text) => Label::secondary((), place).with_message(visible(text)),
        None => Label::primary((), place),
    });
    let report = report.with_labels(labels.collect());
    emit(&report, &excerpt, colour)
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
        // The excerpt holds its places, so this is for the type system only.
        Err(_) => format!("error: {}\n", report.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;
    use crate::error::{ErrorKind, StackEntry};

    /// The line under the excerpt, and the excerpt.
    fn underlined(source: &str, start: usize, end: usize) -> String {
        let finding = Diagnostic::error(codes::UNEXPECTED, Span::new(start, end), "wrong").with_hint("do it right");
        diagnostic(&finding, "a.flow", source, Colour::Never)
    }

    /// The two lines of the excerpt, without the left margin.
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
    fn labels_are_underlined_too() {
        let source = "let a = 1;\n\nlet b = 2;\nlet c = 3;\nlet d = 4; let a = 5;\n";
        let finding = Diagnostic::error(codes::DECLARED_TWICE, Span::new(49, 50), "twice")
            .with_label(Span::new(4, 5), "first here")
            .with_label(Span::new(16, 17), "not \u{1b}here");
        let far = Diagnostic { labels: finding.labels[..1].to_vec(), ..finding.clone() };
        let far = diagnostic(&far, "a.flow", source, Colour::Never);
        assert!(far.contains("first here\n  ·\n5 │ let d"), "{far}");
        assert_eq!(
            diagnostic(&finding, "a.flow", source, Colour::Never),
            "\
error[E0109]: twice
  ┌─ a.flow:5:16
  │
1 │ let a = 1;
  │     - first here
2 │ 
3 │ let b = 2;
  │     - not \u{fffd}here
4 │ let c = 3;
5 │ let d = 4; let a = 5;
  │                ^

"
        );
        let same_line =
            Diagnostic::error(codes::DECLARED_TWICE, Span::new(49, 50), "twice").with_label(Span::new(38, 39), "here");
        let shown = diagnostic(&same_line, "a.flow", source, Colour::Never);
        assert!(shown.contains("  │     -          ^\n") && shown.contains("  │     here\n"), "{shown}");
    }

    #[test]
    fn labels_of_long_lines_are_shown() {
        let source = format!("{}!{}?{}", "a".repeat(5000), "b".repeat(5000), "c".repeat(5000));
        let finding =
            Diagnostic::error(codes::UNEXPECTED, Span::new(10_001, 10_002), "x").with_label(Span::new(5000, 5001), "y");
        let shown = diagnostic(&finding, "a.flow", &source, Colour::Never);
        assert!(shown.contains('!') && shown.contains('?') && shown.len() < 1500, "{shown}");
        for start in 0..=3 {
            let far = Diagnostic::error(codes::UNEXPECTED, Span::new(start, 9), "x").with_label(Span::new(7, 9), "y");
            assert!(diagnostic(&far, "a", "é\n", Colour::Never).contains('x'));
        }
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
