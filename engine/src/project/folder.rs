//! Reading the project folder: texts only; of their content only names are checked.
//!
//! An unreadable file is not a missing one. An error that concerns one file or folder (permissions, a dangling link, a
//! pipe) keeps its last good state; an error that concerns all (the limit on open files, a failing disk) fails the
//! whole reading. A file is missing only if its folder was read completely without it.

use crate::disk::{self, MOST_OF_PROJECT};
use crate::outgoing::{Connections, read_connections};
use crate::workflow::id_of_path;
use crate::yaml::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of connections.
pub const CONNECTIONS: &str = "connections.yaml";

/// How deep folders below `workflows/` are followed.
const MAX_FOLDERS: usize = 16;
/// How many files and folders a project may have in `workflows/` and `modules/`.
const MAX_ENTRIES: usize = 100_000;
/// How many bytes their texts may have together.
const MAX_TEXT: u64 = 256 << 20;
/// The most readings of a folder in which files vanish during the reading.
const TRIES: usize = 3;

/// The texts of a project, read as one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folder {
    /// Its path.
    pub root: PathBuf,
    /// Workflow files by id.
    pub workflows: BTreeMap<String, SourceFile>,
    /// Modules by name.
    pub modules: BTreeMap<String, Arc<str>>,
    /// connections.yaml, if it exists.
    pub connections: Option<SourceFile>,
    /// Problems as messages: names that cannot be ids, files and folders that cannot be read.
    pub odd: Vec<String>,
    /// The folders that were read, to be watched.
    pub folders: BTreeSet<PathBuf>,
    /// Something could not be read that may become readable without a change in the project.
    pub is_partial: bool,
    /// Folders that could not be read: their last known content stays.
    unread: Vec<UnreadFolder>,
    /// Modules that could not be read: their last texts stay.
    unread_modules: BTreeSet<String>,
}

/// A file of the project.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFile {
    /// Its path in the project, slashes between folders.
    pub path: String,
    /// Its text, or why it cannot be read.
    pub text: Result<Arc<str>, String>,
}

#[derive(Clone, Debug, PartialEq)]
struct UnreadFolder {
    /// The prefix of the ids of its workflows, or all modules.
    of: Of,
    reason: String,
    /// A dangling link may not be a folder at all.
    is_link: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Of {
    Workflows(String),
    Modules,
}

/// Why a reading ended.
enum End {
    /// A listed file or folder has vanished: read again.
    Vanished(String),
    /// The project cannot be read.
    Failed(String),
}

impl Folder {
    /// Reads `workflows/`, `modules/` and connections.yaml of the project. A missing folder is empty; the error says
    /// what cannot be read if nothing is known of the project.
    pub fn read(project: &Path) -> Result<Self, String> {
        let mut last = String::new();
        for _ in 0..TRIES {
            let mut reader = Reader::new(project);
            match reader.project() {
                Ok(()) => return Ok(reader.folder),
                Err(End::Failed(reason)) => return Err(reason),
                Err(End::Vanished(reason)) => last = reason,
            }
        }
        Err(last)
    }

    /// The same for a project of which nothing is known yet: an unreadable folder is an error then, since it has no
    /// earlier content.
    pub fn read_first(project: &Path) -> Result<Self, String> {
        let folder = Self::read(project)?;
        let unread = folder.unread.iter().find(|unread| !unread.is_link).map(|unread| unread.reason.clone());
        let connections = folder.connections.as_ref().and_then(|file| file.text.as_ref().err());
        let connections = connections.map(|reason| unreadable(CONNECTIONS, reason));
        unread.or(connections).map_or(Ok(folder), Err)
    }

    /// Keeps the known content of files that cannot be read now: the workflows with these ids, and the texts of
    /// `before`.
    pub fn keep_from(&mut self, before: Option<&Self>, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            let below = |unread: &&UnreadFolder| matches!(&unread.of, Of::Workflows(prefix) if id.starts_with(prefix));
            if let Some(unread) = self.unread.iter().find(below)
                && !self.workflows.contains_key(&id)
            {
                let path = format!("workflows/{}.yaml", id.replace('.', "/"));
                self.workflows.insert(id, SourceFile { path, text: Err(unread.reason.clone()) });
            }
        }
        let Some(before) = before else { return };
        if self.unread.iter().any(|unread| unread.of == Of::Modules) {
            self.modules.clone_from(&before.modules);
        }
        for name in &self.unread_modules {
            if let Some(text) = before.modules.get(name) {
                self.modules.insert(name.clone(), text.clone());
            }
        }
        if let Some(SourceFile { text: Err(reason), .. }) = &self.connections {
            self.odd.push(unreadable(CONNECTIONS, reason));
            self.connections.clone_from(&before.connections);
        }
    }

    /// The connections of connections.yaml with their secrets, and the problems of the file. None can reach the file
    /// `store`; entries that are the same as in `before` keep their pools.
    pub fn read_connections(&self, store: &Path, before: &Connections) -> (Connections, Vec<Problem>) {
        match self.connections.as_ref().map(|file| file.text.as_ref()) {
            // An unreadable one is among the problems, or an error of the first reading.
            None | Some(Err(_)) => (Connections::default(), Vec::new()),
            Some(Ok(text)) => read_connections(text, &self.root, store, before),
        }
    }
}

fn unreadable(path: &str, reason: &str) -> String {
    format!("{path} cannot be read: {reason}")
}

/// A reading of the folder.
struct Reader {
    folder: Folder,
    entries: usize,
    bytes: u64,
}

/// An entry of a folder.
struct Entry {
    name: String,
    path: PathBuf,
}

impl Reader {
    fn new(project: &Path) -> Self {
        Self { folder: Folder { root: project.to_owned(), ..Folder::default() }, entries: 0, bytes: 0 }
    }

    fn project(&mut self) -> Result<(), End> {
        let root = self.folder.root.clone();
        let top =
            list(&root).map_err(|error| End::Failed(unreadable(&root.display().to_string(), &error.to_string())))?;
        let has = |name: &str| top.iter().any(|entry| entry.name == name);
        if has("workflows") {
            let at = root.join("workflows");
            let identity = |path: &Path| std::fs::metadata(path).ok().as_ref().and_then(disk::Identity::of);
            self.workflows(&at, "", &mut [&root, &at].into_iter().filter_map(|path| identity(path)).collect())?;
        }
        if has("modules") {
            self.modules(&root.join("modules"))?;
        }
        if has(CONNECTIONS) {
            let text = self.text(&root.join(CONNECTIONS), CONNECTIONS)?;
            self.folder.connections = Some(SourceFile { path: CONNECTIONS.to_owned(), text });
        }
        Ok(())
    }

    /// Reads a folder of workflows; `above` is the folder itself and those around it.
    fn workflows(&mut self, at: &Path, prefix: &str, above: &mut Vec<disk::Identity>) -> Result<(), End> {
        let shown = format!("workflows/{prefix}");
        let of = || Of::Workflows(prefix.replace('/', "."));
        let Some(entries) = self.entries(at, shown.trim_end_matches('/'), of)? else { return Ok(()) };
        for Entry { name, path } in entries {
            let relative = format!("{prefix}{name}");
            let shown = format!("workflows/{relative}");
            let suffix = path.extension().and_then(|suffix| suffix.to_str()).map(str::to_ascii_lowercase);
            let is_yaml = matches!(suffix.as_deref(), Some("yaml" | "yml"));
            match std::fs::metadata(&path) {
                // A folder with the name of a workflow is not a workflow.
                Ok(metadata) if metadata.is_dir() && !is_yaml => {
                    let identity = disk::Identity::of(&metadata);
                    if identity.is_some_and(|identity| above.contains(&identity)) {
                        self.odd(format!("{shown} is not read: it is a link to a folder that contains it"));
                    } else if above.len() > MAX_FOLDERS + 1 {
                        self.odd(format!("{shown} is not read: it is nested in more than {MAX_FOLDERS} folders"));
                    } else {
                        above.extend(identity);
                        self.workflows(&path, &format!("{relative}/"), above)?;
                        if identity.is_some() {
                            above.pop();
                        }
                    }
                    continue;
                }
                Ok(_) => {}
                Err(error) if !is_listed(&path) => return Err(End::Vanished(unreadable(&shown, &error.to_string()))),
                Err(error) if disk::is_general(&error) => {
                    return Err(End::Failed(unreadable(&shown, &error.to_string())));
                }
                // A link, or missing permissions: it may be a folder of workflows.
                Err(error) if suffix.is_none() => {
                    let of = Of::Workflows(format!("{}.", relative.replace('/', ".")));
                    self.unread(of, unreadable(&shown, &error.to_string()), path.is_symlink());
                }
                Err(_) => {}
            }
            if !is_yaml {
                continue;
            }
            if path.extension().is_none_or(|suffix| suffix != "yaml") {
                self.odd(format!("{shown} is not loaded: names of workflow files end with .yaml"));
                continue;
            }
            match id_of_path(&relative) {
                Err(reason) => self.odd(format!("{shown} is not loaded: {reason}")),
                Ok(id) => {
                    if let Some(other) = self.folder.workflows.get(&id) {
                        let first = &other.path;
                        self.odd(format!("{shown} is not loaded: {first} has the id `{id}` already"));
                    } else {
                        let text = self.text(&path, &shown)?;
                        self.folder.workflows.insert(id, SourceFile { path: shown, text });
                    }
                }
            }
        }
        Ok(())
    }

    fn modules(&mut self, at: &Path) -> Result<(), End> {
        let Some(entries) = self.entries(at, "modules", || Of::Modules)? else { return Ok(()) };
        for Entry { name, path } in entries {
            let Some(module) = name.strip_suffix(".flow") else { continue };
            let shown = format!("modules/{name}");
            match self.text(&path, &shown)? {
                Ok(text) => {
                    self.folder.modules.insert(module.to_owned(), text);
                }
                Err(reason) => {
                    self.odd(unreadable(&shown, &reason));
                    self.folder.unread_modules.insert(module.to_owned());
                }
            }
        }
        Ok(())
    }

    /// The entries of a listed folder; `None` if this folder cannot be read.
    fn entries(&mut self, at: &Path, shown: &str, of: impl Fn() -> Of) -> Result<Option<Vec<Entry>>, End> {
        let entries = match list(at) {
            Ok(entries) => entries,
            Err(error) => {
                let reason = unreadable(shown, &error.to_string());
                if !is_listed(at) {
                    return Err(End::Vanished(reason));
                }
                if disk::is_general(&error) {
                    return Err(End::Failed(reason));
                }
                self.unread(of(), reason, false);
                return Ok(None);
            }
        };
        self.folder.folders.insert(at.to_owned());
        self.entries += entries.len();
        if self.entries > MAX_ENTRIES {
            let reason = format!("the project has more than {MAX_ENTRIES} files; a link may lead to other folders");
            return Err(End::Failed(unreadable(shown, &reason)));
        }
        Ok(Some(entries))
    }

    /// The text of a file that was listed, or why it has none.
    fn text(&mut self, path: &Path, shown: &str) -> Result<Result<Arc<str>, String>, End> {
        let unread = match disk::read_text(path, MOST_OF_PROJECT) {
            Ok(text) => {
                self.bytes += text.len() as u64;
                if self.bytes > MAX_TEXT {
                    let reason = format!("the files of the project have more than {MAX_TEXT} bytes together");
                    return Err(End::Failed(unreadable(shown, &reason)));
                }
                return Ok(Ok(text.into()));
            }
            Err(unread) => unread,
        };
        if unread.is_missing() && !is_listed(path) {
            return Err(End::Vanished(unreadable(shown, &unread.to_string())));
        }
        if unread.is_general() {
            return Err(End::Failed(unreadable(shown, &unread.to_string())));
        }
        self.folder.is_partial |= unread.may_pass();
        Ok(Err(unread.to_string()))
    }

    fn unread(&mut self, of: Of, reason: String, is_link: bool) {
        self.odd(reason.clone());
        self.folder.is_partial = true;
        self.folder.unread.push(UnreadFolder { of, reason, is_link });
    }

    fn odd(&mut self, line: String) {
        self.folder.odd.push(line);
    }
}

/// Does this name exist, even as a dangling link?
fn is_listed(path: &Path) -> bool {
    !path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Names and paths in a folder, sorted; without hidden ones, which editors create. An incomplete list is an error.
fn list(at: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(at)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push(Entry { name, path: entry.path() });
        }
        if entries.len() > MAX_ENTRIES {
            break;
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}
