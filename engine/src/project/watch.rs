//! Changes of the project's files.

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long the folder must be quiet before it is read.
pub const SETTLE: Duration = Duration::from_millis(200);
/// A folder that is never quiet is read all the same.
const LONGEST: Duration = Duration::from_secs(2);
/// The folders that are watched with everything below them.
const FOLDERS: [&str; 2] = ["workflows", "modules"];

/// A watch over a project's workflows and modules.
#[derive(Debug)]
pub struct Watch {
    project: PathBuf,
    watcher: Mutex<RecommendedWatcher>,
    changed: Arc<Notify>,
}

impl Watch {
    /// Watches the project. The error says why the system refuses to.
    pub fn new(project: &Path) -> Result<Self, String> {
        let changed = Arc::new(Notify::new());
        let notifier = changed.clone();
        // Events of reading would wake us for our own loading.
        let handler = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                notifier.notify_one();
            }
        };
        let failed = |error: notify::Error| format!("{} cannot be watched for changes: {error}", project.display());
        let mut watcher = notify::recommended_watcher(handler).map_err(failed)?;
        // The project itself only to see its folders come: the store writes below it all the time.
        watcher.watch(project, RecursiveMode::NonRecursive).map_err(failed)?;
        let watch = Self { project: project.to_owned(), watcher: Mutex::new(watcher), changed };
        watch.watch_folders();
        Ok(watch)
    }

    /// Waits for a change, and then until the folder has settled.
    pub async fn changed(&self) {
        self.changed.notified().await;
        let quiet = async { while tokio::time::timeout(SETTLE, self.changed.notified()).await.is_ok() {} };
        let _ = tokio::time::timeout(LONGEST, quiet).await;
        // A folder that was removed and made again is another one.
        self.watch_folders();
    }

    fn watch_folders(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in FOLDERS {
            let path = self.project.join(folder);
            let _ = watcher.unwatch(&path);
            if path.is_dir()
                && let Err(error) = watcher.watch(&path, RecursiveMode::Recursive)
            {
                tracing::warn!("{} cannot be watched for changes: {error}", path.display());
            }
        }
    }
}
