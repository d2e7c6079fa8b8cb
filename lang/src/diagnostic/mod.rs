//! Diagnostics as plain data: what was wrong, where, and what to do. Rendering is beside it.

mod code;
pub mod codes;
pub mod json;
pub mod render;

use crate::span::Span;
pub use code::{Code, Phase};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// Everything runs; somebody should look.
    Warning,
}

/// One finding of the parser or the checker.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// What it is: a row of the tables in [`codes`].
    pub code: &'static Code,
    /// Error or warning.
    pub severity: Severity,
    /// In the user's words, without the place.
    pub message: String,
    /// Where, in the source it was found in.
    pub span: Span,
    /// What to do about it.
    pub hint: Option<String>,
    /// The module it was found in; `None` for the script itself.
    pub module: Option<ecow::EcoString>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), span, hint: None, module: None }
    }

    /// A warning at `span`.
    pub fn warning(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, message: message.into(), span, hint: None, module: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Does it keep the script from running?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
