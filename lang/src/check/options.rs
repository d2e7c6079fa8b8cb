//! What a source is compiled against, and what compiling gives.

use crate::diagnostic::Diagnostic;
use crate::function::{Effect, Registry};
use crate::program::Program;
use crate::types::Type;
use ecow::EcoString;
use std::sync::Arc;

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Statements with `return`.
    Script,
    /// Exactly one expression.
    Expression,
    /// Plain text with `{expression}` parts (docs/workflows.md).
    Template,
    /// A line of the repl: a script whose last expression is its result, `return` and the last `;` left out.
    Line,
}

/// A variable the host gives.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: EcoString,
    /// What is known of its value.
    pub ty: Type,
    /// May the script set it?
    pub writable: bool,
}

/// Where modules come from.
pub trait ModuleLoader {
    /// The text of module `name`, in any case; `None` for an unknown module. The error says why it cannot be read.
    fn load(&self, name: &str) -> Option<Result<String, String>>;

    /// The names of all modules, for suggestions.
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// No modules.
pub struct NoModules;

impl ModuleLoader for NoModules {
    fn load(&self, _name: &str) -> Option<Result<String, String>> {
        None
    }
}

/// What a source is compiled against.
pub struct CompileOptions<'a> {
    /// What the source is.
    pub mode: Mode,
    /// The variables the host will give, in the order it gives them.
    pub variables: &'a [Variable],
    /// The library.
    pub registry: &'a Registry,
    /// The modules.
    pub modules: &'a dyn ModuleLoader,
    /// The strongest effect allowed here; functions beyond it are an error.
    pub effect: Effect,
}

/// A source after parsing and checking.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program; `None` where there is an error among the diagnostics.
    pub program: Option<Program>,
    /// Errors and warnings, in the order of the text; those of modules name them.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of the modules it reached, by name.
    pub modules: Vec<(EcoString, Arc<str>)>,
    /// What is known of the result.
    pub result: Type,
}

impl Compiled {
    /// Did anything keep it from running?
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
