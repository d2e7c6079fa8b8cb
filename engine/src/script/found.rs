//! The findings of the checker, with their places in the workflow file.

use super::library::Modules;
use super::loading::Loading;
use crate::yaml::problem::{Fix, More, Note, Problem};
use crate::yaml::{Place, Scalar};
use ecow::EcoString;
use flowscript_lang::diagnostic::{self, Diagnostic, Edit, Label};
use flowscript_lang::span::line_column;
use std::sync::Arc;

/// Diagnostics with their places in the workflow file. `shift` is that of [`problem`].
pub(super) fn problems(
    diagnostics: &[Diagnostic],
    source: &Scalar,
    shift: usize,
    modules: &Modules,
    loading: &mut Loading<'_>,
) -> Vec<Problem> {
    let told = diagnostics.iter().map_while(|found| {
        // Finding a place walks through the text.
        let text = match &found.module {
            None => source.text.len(),
            Some(module) => modules.iter().find(|(name, _)| name == module).map_or(0, |(_, text)| text.len()),
        };
        let edits: usize = found.fixes.iter().map(|fix| fix.edits.len()).sum();
        let places = 1 + found.labels.len() + edits;
        loading.scan(text.saturating_mul(places)).then(|| problem(found, source, shift, modules))
    });
    told.collect()
}

/// A diagnostic with its place in the workflow file, or in the module's file. `shift` bytes preceded the scalar's text
/// when it was compiled.
fn problem(diagnostic: &Diagnostic, source: &Scalar, shift: usize, modules: &[(EcoString, Arc<str>)]) -> Problem {
    let text = diagnostic
        .module
        .as_ref()
        .map(|module| modules.iter().find(|(name, _)| name == module).map_or("", |(_, text)| text));
    let at = |offset: u32| match text {
        None => source.places.at(&source.text, (offset as usize).saturating_sub(shift)),
        Some(text) => {
            let (line, column) = line_column(text, offset);
            Place { line, column }
        }
    };
    let (place, end) = (at(diagnostic.span.start), at(diagnostic.span.end));
    let file = diagnostic.module.as_ref().map(|module| format!("modules/{module}.flow"));
    let label = |label: &Label| Note { place: at(label.span.start), end: at(label.span.end), text: label.text.clone() };
    let labels = diagnostic.labels.iter().map(label).collect();
    let edit = |edit: &Edit| {
        let (place, end, text) = match text {
            Some(_) => (at(edit.span.start), at(edit.span.end), edit.text.clone()),
            None => {
                let byte = |offset: u32| (offset as usize).checked_sub(shift);
                source.edit(byte(edit.span.start)?..byte(edit.span.end)?, &edit.text)?
            }
        };
        Some(Note { place, end, text })
    };
    // A fix that the form of the scalar cannot hold is left out.
    let fix = |fix: &diagnostic::Fix| {
        let edits = fix.edits.iter().map(edit).collect::<Option<_>>()?;
        Some(Fix { title: fix.title.clone(), edits, safe: fix.safe })
    };
    let fixes = diagnostic.fixes.iter().filter_map(fix).collect();
    Problem {
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        place,
        end: Some(end),
        hint: diagnostic.hint.clone(),
        more: Box::new(More { labels, fixes, subject: diagnostic.subject.clone() }),
        warning: !diagnostic.is_error(),
        files_only: false,
        file,
    }
}
