//! The findings of a check, up to a limit on their number and on the length of their texts.

use crate::diagnostic::{Diagnostic, Severity, codes};
use crate::span::Span;

/// The most errors reported; the same for warnings.
const MOST_REPORTED: usize = 1_000;

/// The most bytes of a message or hint.
const LONGEST_MESSAGE: usize = 2_000;

/// The findings of a check.
#[derive(Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    left_out: LeftOut,
}

/// The numbers of findings that are not reported.
#[derive(Clone, Copy, Default)]
pub(super) struct LeftOut {
    errors: usize,
    warnings: usize,
}

impl Findings {
    /// Adds a finding, unless there are too many of its kind.
    pub fn add(&mut self, mut diagnostic: Diagnostic) {
        let left_out = match diagnostic.severity {
            Severity::Error => &mut self.left_out.errors,
            Severity::Warning => &mut self.left_out.warnings,
        };
        if self.list.len() >= MOST_REPORTED {
            let same = self.list.iter().filter(|known| known.severity == diagnostic.severity).count();
            if same >= MOST_REPORTED {
                *left_out += 1;
                return;
            }
        }
        shorten(&mut diagnostic.message);
        diagnostic.hint.iter_mut().for_each(shorten);
        diagnostic.labels.iter_mut().for_each(|label| shorten(&mut label.text));
        // An edit cannot be cut.
        diagnostic.fixes.retain(|fix| fix.edits.iter().map(|edit| edit.text.len()).sum::<usize>() <= LONGEST_MESSAGE);
        diagnostic.fixes.iter_mut().for_each(|fix| shorten(&mut fix.title));
        self.list.push(diagnostic);
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Are there errors, reported or not?
    pub fn has_errors(&self) -> bool {
        self.left_out.errors > 0 || self.list.iter().any(Diagnostic::is_error)
    }

    /// Removes all after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    /// Those after the first `len`.
    pub fn since(&self, len: usize) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().skip(len)
    }

    /// Those after the first `len`, to add to them.
    pub fn since_mut(&mut self, len: usize) -> impl Iterator<Item = &mut Diagnostic> {
        self.list.iter_mut().skip(len)
    }

    /// Removes those after the first `len` that `keep` rejects.
    pub fn retain_since(&mut self, len: usize, mut keep: impl FnMut(&Diagnostic) -> bool) {
        let mut at = 0;
        self.list.retain(|diagnostic| {
            at += 1;
            at <= len || keep(diagnostic)
        });
    }

    /// The numbers of findings that are not reported so far.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// Resets the numbers, for a walk that finds the same again.
    pub fn set_left_out(&mut self, left_out: LeftOut) {
        self.left_out = left_out;
    }

    /// Resets the number of warnings that are not reported: the author does not want to know it.
    pub fn forget_warnings_left_out(&mut self) {
        self.left_out.warnings = 0;
    }

    /// All findings.
    pub fn take(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.list)
    }

    /// The report at `end` that there are more findings.
    pub fn more(&self, end: Span) -> Vec<Diagnostic> {
        let LeftOut { errors, warnings } = self.left_out;
        let mut more = Vec::new();
        if errors > 0 {
            let message = format!("There are {errors} more errors, which are not reported.");
            more.push(Diagnostic::error(codes::TOO_MANY, end, message).with_hint("correct the first ones"));
        }
        if warnings > 0 {
            let message = format!("There are {warnings} more warnings, which are not reported.");
            more.push(Diagnostic::warning(codes::MORE_WARNINGS, end, message).with_hint("look at the first ones"));
        }
        more
    }
}

fn shorten(text: &mut String) {
    if text.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}
