//! The published workflows: one snapshot at a time, switched in one step, and the versions that unfinished runs still
//! need.

use crate::access::Lock;
use crate::store::VersionHash;
use crate::workflow::history::DiagnosticsSwitch;
use crate::workflow::model::Workflow;
use crate::yaml::problem::Problem;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

/// A workflow of the project.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its file, as a path in the project; the last known one if the file is missing.
    pub file: String,
    /// Does the file exist?
    pub present: bool,
    /// The text of the file as it is now, if it can be read; it may not load.
    pub text: Option<Arc<str>>,
    /// The version that new runs take: the last one that loaded.
    pub workflow: Option<Arc<Workflow>>,
    /// Do its triggers work?
    pub active: bool,
    /// Which diagnostics were switched at run time.
    pub diagnostics: DiagnosticsSwitch,
    /// The lock of its webhook.
    pub lock: Lock,
    /// The problems of the file as it is now.
    pub problems: Vec<Problem>,
}

impl Entry {
    /// Does its webhook answer?
    pub fn serves(&self) -> bool {
        self.present && self.active
    }
}

/// All workflows at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    entries: BTreeMap<String, Arc<Entry>>,
    routes: HashMap<String, Arc<Entry>>,
}

impl Snapshot {
    /// A snapshot of these workflows. Of two with one webhook path the first serves it.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: BTreeMap<String, Arc<Entry>> =
            entries.into_iter().map(|entry| (entry.id.clone(), Arc::new(entry))).collect();
        let mut routes: HashMap<String, Arc<Entry>> = HashMap::new();
        for entry in entries.values().filter(|entry| entry.serves()) {
            if let Some(webhook) = entry.workflow.as_ref().and_then(|workflow| workflow.webhook.as_ref()) {
                routes.entry(webhook.path.clone()).or_insert_with(|| entry.clone());
            }
        }
        Self { entries, routes }
    }

    /// All workflows by id.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// The workflow of this id.
    pub fn entry(&self, id: &str) -> Option<&Arc<Entry>> {
        self.entries.get(id)
    }

    /// The active workflow whose webhook has this path.
    pub fn route(&self, path: &str) -> Option<&Arc<Entry>> {
        self.routes.get(path)
    }
}

/// The published snapshot.
#[derive(Debug, Default)]
pub struct Catalog {
    current: RwLock<Arc<Snapshot>>,
    /// Versions in memory, as long as something uses them.
    versions: Mutex<HashMap<VersionHash, Weak<Workflow>>>,
}

impl Catalog {
    /// The published snapshot.
    pub fn current(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Switches to another snapshot.
    pub fn switch(&self, snapshot: Snapshot) {
        for entry in snapshot.entries() {
            if let Some(workflow) = &entry.workflow {
                self.remember(workflow);
            }
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// A version that is in memory.
    pub fn version(&self, hash: VersionHash) -> Option<Arc<Workflow>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(&hash)?.upgrade()
    }

    /// Adds a version for [`Catalog::version`].
    pub fn remember(&self, workflow: &Arc<Workflow>) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.retain(|_, version| version.strong_count() > 0);
        versions.insert(workflow.version, Arc::downgrade(workflow));
    }
}
