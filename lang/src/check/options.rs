//! The inputs and the result of compiling.

use crate::diagnostic::Diagnostic;
use crate::function::{Effect, Registry};
use crate::program::Program;
use crate::types::Type;
use ecow::EcoString;
use std::sync::Arc;

/// The form of a source.
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

/// A variable of the host.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: EcoString,
    /// The known type of its value.
    pub ty: Type,
    /// May the script set it?
    pub writable: bool,
}

/// The source of modules.
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

/// Modules by their names in small letters.
impl ModuleLoader for &[(&str, &str)] {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        let name = name.to_lowercase();
        let module = self.iter().find(|(known, _)| *known == name);
        module.map(|(_, text)| Ok((*text).to_owned()))
    }

    fn names(&self) -> Vec<String> {
        self.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// The inputs of compiling a source.
pub struct CompileOptions<'a> {
    /// The form of the source.
    pub mode: Mode,
    /// The variables of the host, in the order of their values.
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
    /// The program; `None` if there is an error among the diagnostics.
    pub program: Option<Program>,
    /// Errors and warnings, in the order of the text; those of modules name them.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts of the modules it uses, by name.
    pub modules: Vec<(EcoString, Arc<str>)>,
    /// The known type of the result.
    pub result: Type,
}

impl Compiled {
    /// Is there an error that keeps it from running?
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
