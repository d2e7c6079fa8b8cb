//! Checks a file of FlowScript: a script, or a module where it is one.

use crate::output::{Report, Stop, Texts};
use crate::script::{FolderModules, Input, Source};
use flowscript_lang::ast::StatementKind;
use flowscript_lang::function::Effect;
use flowscript_lang::{CompileOptions, Mode, compile, parse};
use std::path::Path;

/// Checks the file in `path`; `input` gives the variables of scripts.
pub fn check(path: &Path, input: &Input, report: &mut Report) -> Result<usize, Stop> {
    let source = Source::read(path)?;
    let modules = FolderModules::beside(&source.folder);
    let registry = flowscript_stdlib::registry();
    let options = |mode, variables| CompileOptions {
        mode,
        variables,
        registry: &registry,
        modules: &modules,
        effect: Effect::Outside,
    };
    match module_name(path, &source.text) {
        Some(name) => {
            // A module is checked as those see it that use it.
            let compiled = compile(&format!("open {name};"), &options(Mode::Line, &[]));
            report.diagnostics(&Texts::new(&source, &compiled), &compiled.diagnostics);
        }
        None => {
            let compiled = compile(&source.text, &options(Mode::Script, &input.variables));
            report.diagnostics(&Texts::new(&source, &compiled), &compiled.diagnostics);
        }
    }
    Ok(1)
}

/// Its name, if it is a module: it stands in a folder `modules`, or holds declarations only.
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
