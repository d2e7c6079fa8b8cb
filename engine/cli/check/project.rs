//! Checks the workflows of a project.

use super::fix;
use crate::output::{Report, Stop, Texts};
use flowscript_engine::config::Config;
use flowscript_engine::outgoing::Connections;
use flowscript_engine::project::{CONNECTIONS, Folder, LoadedFile, load, unknown_names};
use flowscript_engine::script::Library;
use flowscript_engine::yaml::codes;
use flowscript_engine::yaml::problem::Problem;
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::diagnostic::fix::settle;
use std::collections::BTreeSet;
use std::path::Path;

/// Checks all workflows of the project in `project`, or the one in `only`; returns the number of files. With `fix` they
/// are corrected first.
pub fn check(project: &Path, only: Option<&Path>, fix: bool, report: &mut Report) -> Result<usize, Stop> {
    let config = Config::load(project).map_err(Stop::new)?;
    let limits = &config.limits;
    let library = Library::new(config.time_zone, &config.culture, limits.script_steps, limits.script_memory)
        .with_callbacks(config.public_url.is_some())
        .with_allowed(&config.lints.allow);
    if only.is_none() {
        unknown_names(&config.lints.allow).into_iter().for_each(|message| report.warning(&Stop::new(message)));
    }
    let mut folder = Folder::read_first(project).map_err(Stop::new)?;
    if only.is_none() {
        folder.odd.iter().for_each(|message| report.problem(&Stop::new(message.clone())));
    }
    let (connections, problems) =
        folder.read_connections(&config.store_file(project).unwrap_or_default(), &Connections::default());
    if only.is_none() {
        problems.iter().for_each(|problem| report.problem(&Stop::new(problem.line(CONNECTIONS))));
    }
    if fix {
        let loaded = load(&folder, &library, &connections, |_| None, &BTreeSet::new());
        let is_fixable =
            |file: &LoadedFile| file.problems.iter().any(|problem| problem.more.fixes.iter().any(|fix| fix.safe));
        for id in loaded.into_iter().filter(|(_, file)| is_fixable(file)).map(|(id, _)| id) {
            let Some(path) = folder.workflows.get(&id).map(|file| project.join(&file.path)) else { continue };
            if only.is_none_or(|only| same_file(only, &path)) {
                correct(&mut folder, &id, &path, &library, &connections, report)?;
            }
        }
    }
    let loaded = load(&folder, &library, &connections, |_| None, &BTreeSet::new());
    let wanted = |file: &&LoadedFile| only.is_none_or(|only| same_file(only, &project.join(&file.path)));
    let files: Vec<&LoadedFile> = loaded.values().filter(wanted).collect();
    if let (Some(only), []) = (only, files.as_slice()) {
        let name = only.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let reason = folder.odd.iter().find(|message| message.contains(&name)).cloned();
        return Err(Stop::new(reason.unwrap_or_else(|| format!("`{}` is not loaded.", only.display()))));
    }
    for file in &files {
        for problem in &file.problems {
            tell(project, file, &folder, problem, report);
        }
    }
    Ok(files.len())
}

/// Corrects the file of a workflow.
fn correct(
    folder: &mut Folder,
    id: &str,
    path: &Path,
    library: &Library,
    connections: &Connections,
    report: &mut Report,
) -> Result<(), Stop> {
    let Some(Ok(text)) = folder.workflows.get(id).map(|file| file.text.clone()) else { return Ok(()) };
    let settled = settle(&text, |text| {
        folder.workflows.get_mut(id)?.text = Ok(text.into());
        let loaded = load(folder, library, connections, |_| None, &BTreeSet::new());
        let own = loaded.get(id)?.problems.iter().filter(|problem| problem.file.is_none());
        let found: Vec<Diagnostic> = own.map(|problem| problem.in_text(text)).collect();
        // A fix of FlowScript must keep the structure of the file.
        (!found.iter().any(|found| found.code == codes::SYNTAX)).then_some(found)
    });
    if let Some(file) = folder.workflows.get_mut(id) {
        file.text = Ok(settled.text.as_str().into());
    }
    fix::write(path, &text, &settled, report)
}

fn tell(project: &Path, file: &LoadedFile, folder: &Folder, problem: &Problem, report: &mut Report) {
    let path = problem.file.as_deref().unwrap_or(&file.path);
    let workflow = folder.workflows.values().find(|source| source.path == path);
    let module = || folder.modules.iter().find(|(name, _)| path == format!("modules/{name}.flow"));
    let text = workflow.and_then(|source| source.text.as_deref().ok()).or_else(|| module().map(|(_, text)| &**text));
    let text = text.unwrap_or_default();
    let name = project.join(path).display().to_string();
    report.diagnostics(&Texts { name: &name, text, modules: Vec::new() }, &[problem.in_text(text)]);
}

fn same_file(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole(a) == whole(b)
}
