//! Versions of workflows, and the diagnostics in force for them.

use crate::pool::Pool;
use crate::project::{Catalog, load_version};
use crate::script::Library;
use crate::store::{Store, VersionHash};
use crate::workflow::history::Diagnostics;
use crate::workflow::model::Workflow;
use std::sync::Arc;

/// Finds versions in memory, else in the store.
pub(super) struct Versions {
    catalog: Arc<Catalog>,
    store: Arc<dyn Store>,
    library: Library,
    /// The threads that load versions and prepare acceptance: they do not wait for scripts of runs.
    doors: Arc<Pool>,
}

impl Versions {
    pub(super) fn new(catalog: Arc<Catalog>, store: Arc<dyn Store>, library: Library, doors: Arc<Pool>) -> Self {
        Self { catalog, store, library, doors }
    }

    /// A version, from memory or from the store.
    pub(super) async fn version(&self, hash: VersionHash) -> Result<Arc<Workflow>, String> {
        if let Some(workflow) = self.catalog.version(hash) {
            return Ok(workflow);
        }
        let text = self.store.version_text(hash).await.map_err(|error| error.to_string())?;
        let library = self.library.clone();
        let loaded = self.doors.run(move || load_version(&text, &library)).await;
        let workflow = Arc::new(loaded.map_err(|_| "loading a version panicked".to_owned())??);
        self.catalog.remember(&workflow);
        Ok(workflow)
    }

    /// The diagnostics of a workflow in force now: a runtime switch has precedence.
    pub(super) fn diagnostics(&self, workflow: &Workflow) -> Diagnostics {
        let entries = self.catalog.current();
        let switch = entries.entry(&workflow.id).map(|entry| entry.diagnostics).unwrap_or_default();
        switch.over(workflow.diagnostics)
    }
}
