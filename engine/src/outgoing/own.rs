//! The engine's own files, which no step can reach under any path: the folder `data/` and the store.

use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

/// Where the engine keeps its own files.
#[derive(Clone, Debug)]
pub(super) struct Own {
    data: PathBuf,
    store: PathBuf,
}

impl Own {
    /// The own files of an engine with this project and this store.
    pub fn new(project: &Path, store: &Path) -> Self {
        Self { data: project.join("data"), store: store.to_owned() }
    }

    /// Is the file at `path` one of them, or would it become one? Links, hard links and other cases of letters are
    /// resolved.
    pub fn holds(&self, path: &Path) -> bool {
        let whole = whole(path);
        let inside = |folder: &Path| folded(&whole).starts_with(folded(folder));
        if inside(&self.data) || inside(&resolved(&self.data)) {
            return true;
        }
        let same = |own: &Path| folded(&whole) == folded(&resolved(own)) || is_same_file(path, own);
        self.files().iter().any(|own| same(own))
    }

    /// Does a folder hold them?
    pub fn is_below(&self, folder: &Path) -> bool {
        let folder = folded(&whole(folder));
        self.files().iter().any(|own| folded(&resolved(own)).starts_with(&folder))
    }

    /// The folder, its files, and the store with the files that SQLite keeps with it.
    fn files(&self) -> Vec<PathBuf> {
        let beside = |suffix: &str| {
            let mut name = self.store.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let data = std::fs::read_dir(&self.data).into_iter().flatten().flatten().map(|entry| entry.path());
        let store = ["", "-wal", "-shm", "-journal"].map(beside);
        [self.data.clone()].into_iter().chain(store).chain(data).collect()
    }
}

/// The path without links. The last part of one that does not exist is taken as it is.
pub(super) fn resolved(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The path without links and without `..`, from the root on.
fn whole(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(resolved(path)).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Some file systems do not distinguish `DATA` from `data`.
fn folded(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().to_lowercase().into()
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (std::fs::metadata(one), std::fs::metadata(other)) {
        (Ok(one), Ok(other)) => is_one(&one, &other),
        _ => false,
    }
}

#[cfg(unix)]
fn is_one(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Paths decide where files have no numbers.
#[cfg(not(unix))]
fn is_one(_: &Metadata, _: &Metadata) -> bool {
    false
}
