//! Diagnostics as plain data: what was wrong, where, and what to do. Rendering is in a module of its own.

pub mod allow;
mod code;
pub mod codes;
mod excerpt;
pub mod fix;
pub mod json;
pub mod render;

use crate::span::Span;
pub use code::{Class, Code, Example, OtherFile};
pub use fix::{Edit, Fix};

/// Its severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// Everything runs, but the author should look.
    Warning,
}

/// Another place that belongs to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where, in the same source.
    pub span: Span,
    /// The remark, as in "declared here".
    pub text: String,
}

/// One finding of the parser or the checker.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Its code: a row of the tables in [`codes`].
    pub code: &'static Code,
    /// Error or warning.
    pub severity: Severity,
    /// The message, without the place.
    pub message: String,
    /// Where, in the source it was found in.
    pub span: Span,
    /// Other places that belong to it.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The fixes.
    pub fixes: Vec<Fix>,
    /// The name that it concerns.
    pub subject: Option<ecow::EcoString>,
    /// The module it was found in; `None` for the script itself.
    pub module: Option<ecow::EcoString>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        debug_assert!(!code.is_warning(), "{code} is a warning");
        Self::new(code, Severity::Error, span, message)
    }

    /// A warning at `span`.
    pub fn warning(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        debug_assert!(code.is_warning(), "{code} has no name by which it is switched off");
        Self::new(code, Severity::Warning, span, message)
    }

    fn new(code: &'static Code, severity: Severity, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            span,
            labels: Vec::new(),
            hint: None,
            fixes: Vec::new(),
            subject: None,
            module: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with another place.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// The same with a fix.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.fixes.extend(fix.into());
        self
    }

    /// The same about a name.
    #[must_use]
    pub fn about(mut self, name: impl Into<ecow::EcoString>) -> Self {
        self.subject = Some(name.into());
        self
    }

    /// The same with the hint to write `text` in its place.
    #[must_use]
    pub fn with_write(self, text: &str) -> Self {
        let fix = Fix::replace(self.span, text);
        self.with_hint(fix.title.clone()).with_fix(fix)
    }

    /// The same with a suggestion of `near`, if it is given.
    #[must_use]
    pub fn did_you_mean(self, near: Option<&str>) -> Self {
        let Some(near) = near else { return self };
        let fix = Fix::replace(self.span, near);
        self.with_hint(format!("did you mean `{near}`?")).with_fix(fix)
    }

    /// The same with its only fix marked as safe.
    #[must_use]
    pub fn surely(mut self) -> Self {
        self.fixes.iter_mut().for_each(|fix| fix.safe = true);
        self
    }

    /// Does it keep the script from running?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
