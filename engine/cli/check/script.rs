//! Checks a file of FlowScript: a script or a module.

use super::fix;
use crate::output::{Report, Stop, Texts};
use crate::script::{FolderModules, Input, Source};
use flowscript_engine::config::{Config, SETTINGS};
use flowscript_lang::ast::StatementKind;
use flowscript_lang::diagnostic::fix::settle;
use flowscript_lang::diagnostic::{Code, Diagnostic};
use flowscript_lang::function::Effect;
use flowscript_lang::{CompileOptions, Compiled, Mode, ModuleLoader, compile, parse};
use std::path::Path;

/// Checks the file in `path`; `input` gives the variables of scripts. With `fix` it is corrected first.
pub fn check(path: &Path, input: &Input, fix: bool, report: &mut Report) -> Result<usize, Stop> {
    let mut source = Source::read(path)?;
    if fix {
        let settled = settle(&source.text, |text| Some(of_file(path, &source.folder, text, input)));
        fix::write(path, &source.text, &settled, report)?;
        source.text = settled.text;
    }
    let mut compiled = compiled(path, &source.folder, &source.text, input);
    let allowed = allowed(path);
    let is_allowed = |code: &Code| code.lint().is_some_and(|lint| allowed.iter().any(|name| name == lint));
    compiled.diagnostics.retain(|found| found.is_error() || !is_allowed(found.code));
    report.diagnostics(&Texts::new(&source, &compiled), &compiled.diagnostics);
    Ok(1)
}

/// The warnings that the project around a file switches off. Mistakes in its settings are reported when the project is
/// checked.
fn allowed(path: &Path) -> Vec<String> {
    let path = path.canonicalize().unwrap_or_default();
    let project = path.ancestors().skip(1).find(|folder| folder.join(SETTINGS).is_file());
    project.and_then(|project| Config::load(project).ok()).map(|config| config.lints.allow).unwrap_or_default()
}

/// The findings in the file itself, not in the modules that it uses.
fn of_file(path: &Path, folder: &Path, text: &str, input: &Input) -> Vec<Diagnostic> {
    let own = module_name(path, text).map(str::to_lowercase);
    let mut found = compiled(path, folder, text, input).diagnostics;
    found.retain(|found| found.module.as_deref() == own.as_deref());
    found
}

fn compiled(path: &Path, folder: &Path, text: &str, input: &Input) -> Compiled {
    let registry = flowscript_stdlib::registry();
    let name = module_name(path, text);
    let modules = Edited { name: name.map(str::to_lowercase), text, others: FolderModules::beside(folder) };
    let options = |mode, variables| CompileOptions {
        mode,
        variables,
        registry: &registry,
        modules: &modules,
        effect: Effect::Outside,
    };
    match name {
        // A module is checked as its users see it.
        Some(name) => compile(&format!("open {name};"), &options(Mode::Line, &[])),
        None => compile(text, &options(Mode::Script, &input.variables)),
    }
}

/// The modules in the folder of a file, which is one of them, with a text that may not be saved yet.
struct Edited<'a> {
    name: Option<String>,
    text: &'a str,
    others: FolderModules,
}

impl ModuleLoader for Edited<'_> {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        match &self.name {
            Some(own) if *own == name.to_lowercase() => Some(Ok(self.text.to_owned())),
            _ => self.others.load(name),
        }
    }

    fn names(&self) -> Vec<String> {
        self.others.names()
    }
}

/// Its name, if it is a module: it is in a folder `modules`, or has only declarations.
fn module_name<'a>(path: &'a Path, text: &str) -> Option<&'a str> {
    let name = path.file_stem()?.to_str()?;
    let is_name = !name.starts_with(|c: char| c.is_numeric()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let among_modules = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "modules");
    let parsed = parse::parse_script(text);
    let declares = |kind: &StatementKind| {
        use StatementKind::{Assert, Function, Let, Open, Type};
        matches!(kind, Let { .. } | Function { .. } | Type { .. } | Assert(_) | Open(_))
    };
    let mut statements = parsed.tree.statements.iter();
    let only_declares = statements.len() > 0 && statements.all(|statement| declares(&statement.kind));
    (is_name && (among_modules || only_declares)).then_some(name)
}
