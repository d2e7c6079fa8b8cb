//! Which files a path means.

use crate::output::Stop;
use flowscript_engine::disk::Identity;
use std::path::{Path, PathBuf};

/// A target of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A script or module.
    Script(PathBuf),
    /// One workflow of a project.
    Workflow {
        /// The project's folder.
        project: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// All workflows of a project.
    Project(PathBuf),
}

/// Folders without sources of the author.
const SKIPPED: [&str; 3] = ["data", "node_modules", "target"];
/// How deep folders are followed.
const MAX_FOLDERS: usize = 32;

/// The files for the paths, in their order.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Found>, Stop> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            walk(path, &mut Vec::new(), &mut found)?;
            if found.len() == before {
                let message = format!("`{}` contains nothing to check.", path.display());
                return Err(
                    Stop::new(message).with_hint("scripts are named *.flow, a project has a folder `workflows`")
                );
            }
        } else if has_suffix(path, &["yaml", "yml"]) {
            found.push(workflow(path)?);
        } else {
            found.push(Found::Script(path.clone()));
        }
    }
    Ok(found)
}

/// Walks a folder; `above` are those around it.
fn walk(folder: &Path, above: &mut Vec<Identity>, found: &mut Vec<Found>) -> Result<(), Stop> {
    let unread = |error: std::io::Error| Stop::new(format!("Cannot read `{}`: {error}.", folder.display()));
    // A link may lead to a folder above it.
    let identity = std::fs::metadata(folder).ok().as_ref().and_then(Identity::of);
    if above.len() > MAX_FOLDERS || identity.is_some_and(|identity| above.contains(&identity)) {
        return Ok(());
    }
    if is_project(folder) {
        found.push(Found::Project(folder.to_owned()));
    }
    let entries = std::fs::read_dir(folder).map_err(unread)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<Result<_, _>>().map_err(unread)?;
    entries.sort();
    above.extend(identity);
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || SKIPPED.contains(&name) {
            continue;
        }
        if path.is_dir() {
            walk(&path, above, found)?;
        } else if has_suffix(&path, &["flow"]) {
            found.push(Found::Script(path));
        }
    }
    if identity.is_some() {
        above.pop();
    }
    Ok(())
}

fn is_project(folder: &Path) -> bool {
    folder.join("workflows").is_dir() || folder.join("flowscript.toml").is_file()
}

fn workflow(path: &Path) -> Result<Found, Stop> {
    if !path.is_file() {
        return Err(Stop::new(format!("Cannot read `{}`: the file does not exist.", path.display())));
    }
    let project = path.ancestors().skip(1).find(|folder| folder.file_name().is_some_and(|name| name == "workflows"));
    let Some(workflows) = project else {
        let message = format!("`{}` is not in a project.", path.display());
        return Err(Stop::new(message).with_hint("workflow files are in the folder `workflows` of a project"));
    };
    let project = workflows.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(Found::Workflow { project: project.to_owned(), path: path.to_owned() })
}

fn has_suffix(path: &Path, suffixes: &[&str]) -> bool {
    path.extension().is_some_and(|suffix| suffixes.iter().any(|known| suffix.eq_ignore_ascii_case(known)))
}
