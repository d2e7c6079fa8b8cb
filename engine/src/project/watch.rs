//! Changes of the project's files.

use super::CONNECTIONS;
use crate::outgoing::secret_files;
use crate::told;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long the folder must be quiet before it is read.
pub const SETTLE: Duration = Duration::from_millis(200);
/// A folder that is never quiet is read after this time.
const LONGEST: Duration = Duration::from_secs(2);
/// The folders that the project is loaded from.
const FOLDERS: [&str; 2] = ["workflows", "modules"];

/// A watch over a project's workflows, modules and connections, with the files of their secrets.
#[derive(Debug)]
pub struct Watch {
    project: PathBuf,
    watcher: Mutex<RecommendedWatcher>,
    /// Folders outside the project that hold secrets.
    secrets: Mutex<BTreeSet<PathBuf>>,
    /// Folders that the project was read from.
    folders: Mutex<BTreeSet<PathBuf>>,
    changed: Arc<Notify>,
}

impl Watch {
    /// Watches the project. The error says why the system refuses to.
    pub fn new(project: &Path) -> Result<Self, String> {
        let changed = Arc::new(Notify::new());
        let notifier = changed.clone();
        let folder = project.to_owned();
        // Events of reading would wake us for our own loading, and those of other files, such as a log, needlessly.
        let handler = move |event: notify::Result<notify::Event>| {
            let matters = |event: notify::Event| {
                event.need_rescan() || !event.kind.is_access() && event.paths.iter().any(|path| matters(&folder, path))
            };
            if event.is_ok_and(matters) {
                notifier.notify_one();
            }
        };
        let failed = |error: notify::Error| format!("{} cannot be watched for changes: {error}", project.display());
        let mut watcher = notify::recommended_watcher(handler).map_err(failed)?;
        // The project itself only for new folders: the store writes below it all the time.
        watcher.watch(project, RecursiveMode::NonRecursive).map_err(failed)?;
        let (watcher, secrets, folders) = (Mutex::new(watcher), Mutex::default(), Mutex::default());
        Ok(Self { project: project.to_owned(), watcher, secrets, folders, changed })
    }

    /// Watches the folders that the project was read from and those of its secrets, and no others: a link may lead
    /// anywhere. What was added to a new folder before it was watched counts as a change. Returns whether all are
    /// watched.
    pub fn follow(&self, folders: &BTreeSet<PathBuf>) -> bool {
        self.watch_secrets();
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in watched.difference(folders) {
            // It may be gone, and its watch with it.
            let _ = watcher.unwatch(folder);
        }
        watched.retain(|folder| folders.contains(folder));
        let mut is_new = false;
        for folder in folders {
            if watched.contains(folder) {
                continue;
            }
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => is_new |= watched.insert(folder.clone()),
                Err(error) => told::warn(&format!("{} cannot be watched for changes: {error}", folder.display())),
            }
        }
        if is_new {
            self.changed.notify_one();
        }
        folders.iter().all(|folder| watched.contains(folder))
    }

    /// Waits for a change, and then until the folder has settled.
    pub async fn changed(&self) {
        self.changed.notified().await;
        let quiet = async { while tokio::time::timeout(SETTLE, self.changed.notified()).await.is_ok() {} };
        let _ = tokio::time::timeout(LONGEST, quiet).await;
        // A folder that was removed and made again is another one.
        self.forget_removed();
    }

    fn watch_secrets(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in secret_files().iter().filter_map(|file| file.parent()) {
            let is_watched = folder == self.project || watched.contains(folder);
            if !is_watched && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok() {
                watched.insert(folder.to_owned());
            }
        }
    }

    /// Watches again folders that may be new ones with the same name.
    fn forget_removed(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|folder| {
            let _ = watcher.unwatch(folder);
            watcher.watch(folder, RecursiveMode::NonRecursive).is_ok()
        });
    }
}

/// Is this a path that the project is loaded from?
fn matters(project: &Path, path: &Path) -> bool {
    let is = |at: &Path| path == at.join(CONNECTIONS) || FOLDERS.iter().any(|folder| path.starts_with(at.join(folder)));
    let is_secret = |file: &PathBuf| {
        // A link may lead elsewhere without being touched itself.
        path == file || (path.parent() == file.parent() && file.is_symlink())
    };
    is(project) || project.canonicalize().is_ok_and(|whole| is(&whole)) || secret_files().iter().any(is_secret)
}
