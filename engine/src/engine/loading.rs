//! The project's folder in use: read, published, read again when it changes, and kept as it was while it cannot be
//! read.

use crate::access::Lock;
use crate::config::Config;
use crate::dispatch::Dispatcher;
use crate::outgoing::{Sender, secrets_changed, secrets_unread};
use crate::project::{CONNECTIONS, Catalog, Entry, Folder, LoadedFile, Snapshot, Watch, load, load_version};
use crate::script::{Library, Stopped};
use crate::store::{LoadedSchedule, LoadedWorkflow, Publication, Store, StoreError, WorkflowRecord};
use crate::told;
use crate::trigger::schedule::Schedule;
use crate::workflow::history::DiagnosticsSwitch;
use crate::yaml::problem::codes;
use flowscript_lang::host::Interrupt;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait before a folder that could not be read or published is tried again; it grows.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long loading a project may take: files not read by then stay as they were, and are tried again.
const LONGEST_LOADING: Duration = Duration::from_secs(60);

/// The state of the last reading.
#[derive(Default)]
struct Loaded {
    /// The last good reading.
    folder: Option<Folder>,
    /// Is it published?
    is_published: bool,
    /// The workflows that cost too much work, or for which no time was left.
    costly: BTreeSet<String>,
}

/// Problems of the project that belong to no workflow.
#[derive(Default)]
struct ProjectProblems {
    /// Of the last good reading.
    lines: Vec<String>,
    /// Why nothing could be read since.
    unread: Option<String>,
}

/// Why the project could not be loaded again: what serves stays as it is.
#[derive(Debug)]
pub enum ReloadError {
    /// It cannot be read.
    Folder(String),
    /// It cannot be published.
    Store(StoreError),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(reason) => f.write_str(reason),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl From<StoreError> for ReloadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The result of a reading.
struct Reading {
    folder: Folder,
    /// Nothing has changed since the last one that was published.
    is_same: bool,
    problems: Vec<String>,
    connections: crate::outgoing::Connections,
    files: BTreeMap<String, LoadedFile>,
}

/// Publishes the project's folder.
pub struct Publisher {
    with: Equipment,
    loading: tokio::sync::Mutex<Loaded>,
    /// Held while another snapshot is made of the published one; never while files are read.
    switching: tokio::sync::Mutex<()>,
    /// Problems of the project that belong to no workflow.
    problems: Mutex<ProjectProblems>,
}

/// What a project is published with.
pub(super) struct Equipment {
    pub(super) project: PathBuf,
    pub(super) config: Config,
    pub(super) store: Arc<dyn Store>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) library: Library,
    pub(super) sender: Arc<Sender>,
    pub(super) dispatcher: Arc<Dispatcher>,
}

impl Publisher {
    /// Nothing is read yet.
    pub(super) fn new(with: Equipment) -> Self {
        let (loading, switching, problems) = Default::default();
        Self { with, loading, switching, problems }
    }

    /// Follows changes of the project's files until the engine stops. Files that cannot be read are tried again.
    pub fn watch_files(self: &Arc<Self>) -> Result<(), String> {
        let watch = Watch::new(&self.with.project)?;
        let publisher = self.clone();
        tokio::spawn(async move {
            let mut pause = None;
            loop {
                let is_followed = watch.follow(&publisher.folders().await);
                let again: Option<Duration> = pause.or((!is_followed).then_some(FIRST_PAUSE));
                tokio::select! {
                    () = watch.changed() => {}
                    () = tokio::time::sleep(again.unwrap_or_default()), if again.is_some() => {}
                    () = publisher.with.dispatcher.stopped() => return,
                }
                let is_whole = match publisher.reload().await {
                    Ok(is_whole) => is_whole && is_followed,
                    Err(_) if publisher.with.dispatcher.is_stopping() => return,
                    Err(ReloadError::Folder(reason)) => {
                        told::error(&format!("the project stays as it was: {reason}"));
                        false
                    }
                    Err(ReloadError::Store(error)) => {
                        told::error(&format!("the changed folder could not be published: {error}"));
                        false
                    }
                };
                pause = (!is_whole).then(|| again.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE)));
            }
        });
        Ok(())
    }

    /// The folders that the project was read from.
    async fn folders(&self) -> BTreeSet<std::path::PathBuf> {
        let last = self.loading.lock().await;
        last.folder.as_ref().map(|folder| folder.folders.clone()).unwrap_or_default()
    }

    /// Problems of the project that belong to no workflow: files that are not loaded, folders that cannot be read.
    pub fn project_problems(&self) -> Vec<String> {
        let known = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        known.unread.iter().chain(&known.lines).cloned().collect()
    }

    /// Each line is reported when it is new, not at every reading.
    fn set_project_problems(&self, lines: Vec<String>) {
        let mut known = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| !known.lines.contains(line)).for_each(|line| told::warn(line));
        *known = ProjectProblems { lines, unread: None };
    }

    /// Reads the whole project folder and switches to it in one step; does nothing if it is unchanged. Returns whether
    /// all of it could be read: the rest keeps its last good state.
    pub async fn reload(&self) -> Result<bool, ReloadError> {
        let mut last = self.loading.lock().await;
        let serving = self.with.catalog.current();
        let (project, library) = (self.with.project.clone(), self.with.library.stopping_with(self.loading_stops()));
        let costly = last.costly.clone();
        let known = self.with.sender.connections();
        let store = self.with.config.store_file(&project).map_err(ReloadError::Folder)?;
        let (known_folder, is_published) = (last.folder.clone(), last.is_published);
        let read = tokio::task::spawn_blocking(move || {
            let mut folder = match &known_folder {
                None => Folder::read_first(&project)?,
                Some(_) => Folder::read(&project)?,
            };
            let there = serving.entries().filter(|entry| entry.present).map(|entry| entry.id.clone());
            folder.keep_from(known_folder.as_ref(), there);
            let is_same = is_published && known_folder.as_ref() == Some(&folder) && !secrets_changed();
            if is_same {
                let (problems, connections, files) = Default::default();
                return Ok(Reading { folder, is_same, problems, connections, files });
            }
            let (connections, problems) = folder.read_connections(&store, &known);
            let lines = problems.iter().map(|problem| problem.line(CONNECTIONS));
            let problems = folder.odd.iter().cloned().chain(lines).collect();
            let serving = |path: &str| serving.route(path).map(|entry| entry.id.clone());
            let files = load(&folder, &library, &connections, serving, &costly);
            if library.stopped() == Some(Interrupt::Cancelled) {
                return Err("the engine is stopping".to_owned());
            }
            Ok(Reading { folder, is_same, problems, connections, files })
        });
        let read = read.await.unwrap_or_else(|error| Err(format!("loading failed: {error}")));
        let Reading { folder, is_same, problems, connections, files } = match read {
            Ok(read) => read,
            Err(reason) => {
                // The caller reports it, with its consequences.
                let mut known = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
                known.unread = Some(reason.clone());
                last.is_published = false;
                return Err(ReloadError::Folder(reason));
            }
        };
        let is_late = files.values().any(LoadedFile::is_late);
        let is_whole = !folder.is_partial && !secrets_unread() && !is_late;
        if is_same {
            return Ok(is_whole);
        }
        last.folder = Some(folder);
        last.costly = files.iter().filter(|(_, file)| file.is_costly()).map(|(id, _)| id.clone()).collect();
        // Until it is published, it is to be read again.
        last.is_published = false;
        // Switches made during the reading are kept.
        let _one_at_a_time = self.switching.lock().await;
        let before = self.with.catalog.current();
        self.set_project_problems(problems);
        tell_problems(&before, &files);
        self.with.sender.set_connections(Arc::new(connections));
        let published = self.with.store.publish(publication(&before, &files)).await?;
        for id in &published.changed {
            tracing::info!("{id} has a new version");
        }
        let records = self.with.store.workflows().await?;
        self.with.catalog.switch(snapshot(&before, files, &records));
        self.with.dispatcher.schedules_changed();
        last.is_published = !is_late;
        Ok(is_whole)
    }

    /// Loading ends once the engine stops, and after its longest time.
    fn loading_stops(&self) -> Stopped {
        let (dispatcher, until) = (self.with.dispatcher.clone(), Instant::now() + LONGEST_LOADING);
        Arc::new(move || {
            let stopping = dispatcher.is_stopping().then_some(Interrupt::Cancelled);
            stopping.or_else(|| (Instant::now() > until).then_some(Interrupt::Deadline))
        })
    }

    /// Switches may have changed in the store: by commands, and by other engines.
    pub(super) async fn refresh_switches(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.switching.lock().await;
        let records = self.with.store.workflows().await?;
        let switches: HashMap<&str, (bool, DiagnosticsSwitch)> =
            records.iter().map(|r| (r.id.as_str(), (r.active, switched(r.diagnostics.as_ref())))).collect();
        let before = self.with.catalog.current();
        let of = |entry: &Entry| switches.get(entry.id.as_str()).copied().unwrap_or((entry.active, entry.diagnostics));
        if before.entries().any(|entry| of(entry) != (entry.active, entry.diagnostics)) {
            let entries = before.entries().map(|entry| {
                let (active, diagnostics) = of(entry);
                Entry { active, diagnostics, ..Entry::clone(entry) }
            });
            self.with.catalog.switch(Snapshot::new(entries.collect::<Vec<_>>()));
        }
        Ok(())
    }

    /// Begins with the last good versions of the store: a file that does not load now stays on its own.
    pub(super) async fn restore(&self) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for record in self.with.store.workflows().await? {
            let text = self.with.store.version_text(record.version).await?;
            let library = self.with.library.clone();
            let loaded = tokio::task::spawn_blocking(move || load_version(&text, &library)).await;
            let workflow = match loaded.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(workflow) => Some(Arc::new(workflow)),
                Err(reason) => {
                    tracing::warn!("{reason}");
                    None
                }
            };
            let auth = workflow.as_ref().and_then(|workflow| Some(&workflow.webhook.as_ref()?.auth));
            let lock = auth.map(|auth| Lock::of(auth, &self.with.project).unwrap_or_default());
            entries.push(Entry {
                lock: lock.unwrap_or_default(),
                file: format!("workflows/{}.yaml", record.id.replace('.', "/")),
                id: record.id,
                present: record.present,
                text: None,
                workflow,
                active: record.active,
                diagnostics: switched(record.diagnostics.as_ref()),
                problems: Vec::new(),
            });
        }
        self.with.catalog.switch(Snapshot::new(entries));
        Ok(())
    }
}

/// What the store gets of a loaded folder: a workflow that does not load stays on its last good version.
fn publication(before: &Snapshot, files: &BTreeMap<String, LoadedFile>) -> Publication {
    let mut publication = Publication::default();
    for (id, file) in files {
        match &file.workflow {
            Some(workflow) => publication.loaded.push(LoadedWorkflow {
                id: id.clone(),
                version: workflow.version,
                text: workflow.text.to_vec(),
                active: workflow.active,
                concurrency: workflow.concurrency,
                schedules: workflow.schedules.iter().map(loaded_schedule).collect(),
            }),
            None if before.entry(id).is_some_and(|entry| entry.workflow.is_some()) => publication.kept.push(id.clone()),
            None => {}
        }
    }
    publication
}

/// A schedule as the store adopts it: its occurrences continue where they were while the key stays the same.
fn loaded_schedule(schedule: &Schedule) -> LoadedSchedule {
    LoadedSchedule { key: schedule.key.clone() }
}

/// The snapshot after a publication.
fn snapshot(before: &Snapshot, files: BTreeMap<String, LoadedFile>, records: &[WorkflowRecord]) -> Snapshot {
    let record = |id: &str| records.iter().find(|record| record.id == id);
    let gone = before.entries().filter(|entry| !files.contains_key(&entry.id)).map(|entry| Entry {
        present: false,
        text: None,
        problems: Vec::new(),
        ..Entry::clone(entry)
    });
    let mut entries: Vec<Entry> = gone.collect();
    for (id, file) in files {
        // A version stays with the secrets that it was loaded with.
        let last_good = before.entry(&id).map(|entry| (entry.workflow.clone(), entry.lock.clone()));
        let (workflow, lock) = match file.workflow {
            Some(workflow) => (Some(workflow), file.lock),
            None => last_good.unwrap_or_default(),
        };
        entries.push(Entry {
            active: record(&id).is_some_and(|record| record.active),
            diagnostics: switched(record(&id).and_then(|record| record.diagnostics.as_ref())),
            workflow,
            lock,
            id,
            file: file.path,
            text: file.text,
            present: true,
            problems: file.problems,
        });
    }
    Snapshot::new(entries)
}

/// Each problem is reported once, not at every reload.
fn tell_problems(before: &Snapshot, files: &BTreeMap<String, LoadedFile>) {
    for (id, file) in files {
        let known = before.entry(id).map(|entry| entry.problems.as_slice()).unwrap_or_default();
        for problem in file.problems.iter().filter(|problem| !known.contains(problem)) {
            let line = problem.line(&file.path);
            match problem.code {
                // Of a folder that cannot be read all files report the same.
                codes::UNREADABLE => told::error_of(&problem.message, || line),
                _ if problem.warning => told::warn(&line),
                _ => told::error(&line),
            }
        }
    }
}

/// Diagnostics as the store has them switched; settings that cannot be read count as none.
fn switched(bytes: Option<&Vec<u8>>) -> DiagnosticsSwitch {
    let switch = bytes.map(|bytes| DiagnosticsSwitch::decode(bytes)).transpose();
    switch.inspect_err(|reason| tracing::error!("{reason}")).ok().flatten().unwrap_or_default()
}
