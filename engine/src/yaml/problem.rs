//! Problems of a file of the project, as data.

pub use super::codes;
use crate::yaml::Place;
use ecow::EcoString;
use flowscript_lang::diagnostic::{self, Code, Diagnostic, Edit, Label, Severity};
use flowscript_lang::span::Span;

/// A text at a place: a remark about it, or its replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it begins.
    pub place: Place,
    /// Where it ends (after its last character).
    pub end: Place,
    /// The text.
    pub text: String,
}

/// A correction of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Its effect.
    pub title: String,
    /// The replacements.
    pub edits: Vec<Note>,
    /// May be applied without asking.
    pub safe: bool,
}

impl Fix {
    /// Writes `text` between two places.
    pub fn replace(place: Place, end: Place, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { title: format!("write `{text}`"), edits: vec![Note { place, end, text }], safe: false }
    }
}

impl Note {
    fn span_in(&self, text: &str) -> Span {
        let start = self.place.byte_in(text);
        Span::new(start, self.end.byte_in(text).max(start))
    }
}

impl Fix {
    fn in_text(&self, text: &str) -> diagnostic::Fix {
        let edit = |edit: &Note| Edit { span: edit.span_in(text), text: edit.text.clone() };
        diagnostic::Fix { title: self.title.clone(), edits: self.edits.iter().map(edit).collect(), safe: self.safe }
    }
}

/// Parts that few problems have, kept separately so that results stay small.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct More {
    /// Other places that belong to it.
    pub labels: Vec<Note>,
    /// What to write instead.
    pub fixes: Vec<Fix>,
    /// The name that it concerns.
    pub subject: Option<EcoString>,
}

/// One finding in a workflow file: FlowScript inside it included, with the place in the file itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Its code: a row of [`codes`] for the file's structure, of the language's for FlowScript.
    pub code: &'static Code,
    /// The message, without the place.
    pub message: String,
    /// Where it begins.
    pub place: Place,
    /// Where it ends (after its last character), if known.
    pub end: Option<Place>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Parts that few problems have.
    pub more: Box<More>,
    /// A warning does not prevent running.
    pub warning: bool,
    /// It refuses a file, but not a stored version from before the rule: its runs continue.
    pub files_only: bool,
    /// The file, if it is not the workflow's: a module.
    pub file: Option<String>,
}

impl Problem {
    /// An error at `place`.
    pub fn new(code: &'static Code, place: Place, message: impl Into<String>) -> Self {
        debug_assert!(!code.is_warning(), "{code} is a warning");
        Self::of(code, place, message.into())
    }

    /// A warning at `place`.
    pub fn warning(code: &'static Code, place: Place, message: impl Into<String>) -> Self {
        debug_assert!(code.is_warning(), "{code} has no name by which it is switched off");
        Self::of(code, place, message.into())
    }

    fn of(code: &'static Code, place: Place, message: String) -> Self {
        Self {
            code,
            message,
            place,
            end: None,
            hint: None,
            more: Box::default(),
            warning: code.is_warning(),
            files_only: false,
            file: None,
        }
    }

    /// The same for files only: a stored version still loads.
    #[must_use]
    pub fn for_files_only(self) -> Self {
        Self { files_only: true, ..self }
    }

    /// Place and message, as one line: `workflows/a.yaml:3:5: message`. `file` is the workflow's own.
    pub fn line(&self, file: &str) -> String {
        let file = self.file.as_deref().unwrap_or(file);
        let hint = self.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{file}:{}:{}: {} [{}]{hint}", self.place.line, self.place.column, self.message, self.code)
    }

    /// The same as a diagnostic of the file's text.
    pub fn in_text(&self, text: &str) -> Diagnostic {
        let start = self.place.byte_in(text);
        let end = self.end.map_or(start, |end| end.byte_in(text).max(start));
        Diagnostic {
            code: self.code,
            severity: if self.warning { Severity::Warning } else { Severity::Error },
            message: self.message.clone(),
            span: Span::new(start, end),
            labels: self
                .more
                .labels
                .iter()
                .map(|label| Label { span: label.span_in(text), text: label.text.clone() })
                .collect(),
            hint: self.hint.clone(),
            fixes: self.more.fixes.iter().map(|fix| fix.in_text(text)).collect(),
            subject: self.more.subject.clone(),
            module: None,
        }
    }

    /// The same with a fix.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.more.fixes.extend(fix.into());
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A call of a workflow that does not load.
pub fn broken_call(id: &str, place: Place) -> Problem {
    Problem::new(codes::CALL, place, format!("The workflow `{id}` that is called here does not load"))
        .with_hint("Correct that workflow; this one then loads, too.")
}
