//! A line is checked after the declarations of earlier lines; what is found must point into the line itself.

use crate::output::Texts;
use crate::script::FolderModules;
use flowscript_lang::Compiled;
use flowscript_lang::diagnostic::{Diagnostic, Severity};
use flowscript_lang::error::{Place, RunError};
use flowscript_lang::span::{Span, line_column};

/// The name in messages for the declarations of earlier lines. They are shown as if they were a module.
const EARLIER: &str = "<earlier lines>";

/// A line and the text before it.
pub struct LineTexts<'a> {
    /// The name of the line in messages.
    pub name: &'a str,
    /// The line.
    pub line: &'a str,
    /// The declarations of earlier lines.
    pub prelude: &'a str,
}

impl<'a> LineTexts<'a> {
    /// With the texts of the modules that it uses.
    pub fn with(self, compiled: &'a Compiled, folder: &FolderModules) -> Texts<'a> {
        let modules = compiled.modules.iter().map(|(name, text)| (name.as_str(), folder.file(name), &**text));
        let modules = modules.chain([(EARLIER, EARLIER.to_owned(), self.prelude)]).collect();
        Texts { name: self.name, text: self.line, modules }
    }
}

/// The findings with their places in the line. Warnings about earlier lines have been given with them.
pub fn own(diagnostics: &[Diagnostic], prelude: &str) -> Vec<Diagnostic> {
    let is_earlier = |d: &Diagnostic| d.module.is_none() && (d.span.start as usize) < prelude.len();
    let told = diagnostics.iter().filter(|d| !(is_earlier(d) && d.severity == Severity::Warning));
    told.cloned()
        .map(|mut diagnostic| {
            if is_earlier(&diagnostic) {
                diagnostic.module = Some(EARLIER.into());
                diagnostic.labels.retain(|label| (label.span.end as usize) <= prelude.len());
            } else if diagnostic.module.is_none() {
                let in_line = |span: Span| span.start as usize >= prelude.len();
                diagnostic.span = behind(diagnostic.span, prelude);
                diagnostic.labels.retain(|label| in_line(label.span));
                diagnostic.labels.iter_mut().for_each(|label| label.span = behind(label.span, prelude));
                diagnostic.fixes.retain(|fix| fix.edits.iter().all(|edit| in_line(edit.span)));
                let edits = diagnostic.fixes.iter_mut().flat_map(|fix| &mut fix.edits);
                edits.for_each(|edit| edit.span = behind(edit.span, prelude));
            }
            diagnostic
        })
        .collect()
}

/// The error with its places in the line.
pub fn moved(mut error: RunError, prelude: &str, line: &str) -> RunError {
    let moved = |place: &mut Place| {
        if place.module.is_some() {
            return;
        }
        if (place.span.start as usize) < prelude.len() {
            place.module = Some(EARLIER.to_owned());
        } else {
            place.span = behind(place.span, prelude);
            (place.line, place.column) = line_column(line, place.span.start);
        }
    };
    error.place.iter_mut().for_each(moved);
    error.stack.iter_mut().filter_map(|entry| entry.place.as_mut()).for_each(moved);
    error
}

fn behind(span: Span, prelude: &str) -> Span {
    let before = prelude.len() as u32;
    Span { start: span.start.saturating_sub(before), end: span.end.saturating_sub(before) }
}
