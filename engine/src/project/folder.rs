//! Reading the project folder: texts only, nothing is judged here but names.

use crate::outgoing::{Connections, read_connections};
use crate::workflow::id_of_path;
use crate::workflow::problem::{Problem, codes};
use crate::yaml::Place;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of connections.
pub const CONNECTIONS: &str = "connections.yaml";

/// How deep folders below `workflows/` are followed.
const MAX_FOLDERS: usize = 16;

/// The texts of a project, read as one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folder {
    /// Where it is.
    pub root: PathBuf,
    /// Workflow files by id.
    pub workflows: BTreeMap<String, SourceFile>,
    /// Modules by name.
    pub modules: BTreeMap<String, Arc<str>>,
    /// connections.yaml, if it is there.
    pub connections: Option<SourceFile>,
    /// Files that are neither, in words: names that cannot be ids.
    pub odd: Vec<String>,
}

/// A file of the project.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFile {
    /// Its path in the project, slashes between folders.
    pub path: String,
    /// Its text, or why it cannot be read.
    pub text: Result<Arc<str>, String>,
}

impl Folder {
    /// Reads `workflows/` and `modules/` of the project. A folder that is not there is empty.
    pub fn read(project: &Path) -> Self {
        let mut folder = Self { root: project.to_owned(), ..Self::default() };
        folder.read_workflows(&project.join("workflows"), "", MAX_FOLDERS);
        folder.read_modules(&project.join("modules"));
        let connections = project.join(CONNECTIONS);
        if connections.exists() {
            let text = read_text(&connections);
            folder.connections = Some(SourceFile { path: CONNECTIONS.to_owned(), text });
        }
        folder
    }

    /// The connections of connections.yaml with their secrets, and what is wrong with the file. None reaches the
    /// file `store`; entries that are the same as `before` keep their pools.
    pub fn read_connections(&self, store: &Path, before: &Connections) -> (Connections, Vec<Problem>) {
        match self.connections.as_ref().map(|file| file.text.as_ref()) {
            None => (Connections::default(), Vec::new()),
            Some(Ok(text)) => read_connections(text, &self.root, store, before),
            Some(Err(reason)) => {
                let message = format!("The file cannot be read: {reason}");
                let problem = Problem::new(codes::UNREADABLE, Place { line: 1, column: 1 }, message);
                (Connections::default(), vec![problem])
            }
        }
    }

    fn read_workflows(&mut self, at: &Path, prefix: &str, levels: usize) {
        for (name, path) in entries(at) {
            let relative = format!("{prefix}{name}");
            if path.is_dir() {
                if levels > 0 {
                    self.read_workflows(&path, &format!("{relative}/"), levels - 1);
                }
                continue;
            }
            match path.extension().and_then(|suffix| suffix.to_str()) {
                Some("yaml") => {}
                Some(suffix) if suffix.eq_ignore_ascii_case("yml") || suffix.eq_ignore_ascii_case("yaml") => {
                    self.odd
                        .push(format!("workflows/{relative} is not loaded: names of workflow files end with .yaml"));
                    continue;
                }
                _ => continue,
            }
            match id_of_path(&relative) {
                Err(reason) => self.odd.push(format!("workflows/{relative} is not loaded: {reason}")),
                Ok(id) => {
                    let file = SourceFile { path: format!("workflows/{relative}"), text: read_text(&path) };
                    if let Some(other) = self.workflows.get(&id) {
                        let first = &other.path;
                        self.odd.push(format!("workflows/{relative} is not loaded: {first} has the id `{id}` already"));
                    } else {
                        self.workflows.insert(id, file);
                    }
                }
            }
        }
    }

    fn read_modules(&mut self, at: &Path) {
        for (name, path) in entries(at) {
            if let Some(module) = name.strip_suffix(".flow") {
                match read_text(&path) {
                    Ok(text) => {
                        self.modules.insert(module.to_owned(), text);
                    }
                    Err(reason) => self.odd.push(format!("modules/{name} cannot be read: {reason}")),
                }
            }
        }
    }
}

/// Names and paths in a folder, sorted; without hidden ones, which editors use for their own.
fn entries(at: &Path) -> Vec<(String, std::path::PathBuf)> {
    let Ok(entries) = std::fs::read_dir(at) else { return Vec::new() };
    let mut entries: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            (!name.starts_with('.')).then(|| (name, entry.path()))
        })
        .collect();
    entries.sort();
    entries
}

fn read_text(path: &Path) -> Result<Arc<str>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map(Arc::from).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })
}
