//! The project's folder at work: read, published, read again when it changes, and kept as it was while it cannot be read.

use super::{Engine, switched};
use crate::access::Lock;
use crate::outgoing::{secrets_changed, secrets_unread};
use crate::project::{CONNECTIONS, Entry, Folder, LoadedFile, Snapshot, Watch, load, load_version};
use crate::script::Stopped;
use crate::store::{LoadedSchedule, LoadedWorkflow, Publication, StoreError, WorkflowRecord};
use crate::told;
use crate::trigger::schedule::Schedule;
use crate::workflow::problem::codes;
use flowscript_lang::host::Interrupt;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait before a folder that could not be read or published is tried again; it grows.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long loading a project may take: what was not read by then stays as it was, and is tried again.
const LONGEST_LOADING: Duration = Duration::from_secs(60);

/// What was read of the project.
#[derive(Default)]
pub(super) struct Loaded {
    /// The last good reading.
    folder: Option<Folder>,
    /// Is it what serves?
    is_published: bool,
    /// The workflows that took too much work, or for which there was no time.
    costly: BTreeSet<String>,
}

/// What is wrong with the project that belongs to no workflow.
#[derive(Default)]
pub(super) struct ProjectProblems {
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

/// What a reading came to.
struct Reading {
    folder: Folder,
    /// Nothing has changed since the last one that was published.
    is_same: bool,
    problems: Vec<String>,
    connections: crate::outgoing::Connections,
    files: BTreeMap<String, LoadedFile>,
}

impl Engine {
    /// Follows changes of the project's files until the engine stops. What cannot be read is tried again, by and by.
    pub fn watch_files(&self) -> Result<(), String> {
        let watch = Watch::new(&self.shared.project)?;
        let engine = self.clone();
        tokio::spawn(async move {
            let mut pause = None;
            loop {
                let is_followed = watch.follow(&engine.folders().await);
                let again: Option<Duration> = pause.or((!is_followed).then_some(FIRST_PAUSE));
                tokio::select! {
                    () = watch.changed() => {}
                    () = tokio::time::sleep(again.unwrap_or_default()), if again.is_some() => {}
                    () = engine.stopped() => return,
                }
                let is_whole = match engine.reload().await {
                    Ok(is_whole) => is_whole && is_followed,
                    Err(_) if engine.is_stopping() => return,
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
        let last = self.shared.loading.lock().await;
        last.folder.as_ref().map(|folder| folder.folders.clone()).unwrap_or_default()
    }

    /// What is wrong with the project that belongs to no workflow: files that are not loaded, folders that cannot be read.
    pub fn project_problems(&self) -> Vec<String> {
        let known = self.shared.project_problems.lock().unwrap_or_else(PoisonError::into_inner);
        known.unread.iter().chain(&known.lines).cloned().collect()
    }

    /// Each line is told when it is new, not at every reading.
    fn set_project_problems(&self, lines: Vec<String>) {
        let mut known = self.shared.project_problems.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| !known.lines.contains(line)).for_each(|line| told::warn(line));
        *known = ProjectProblems { lines, unread: None };
    }

    /// Reads the project folder as one, and switches to it in one step; does nothing if it is as it was. Tells whether
    /// all of it could be read: what could not keeps its last good state.
    pub async fn reload(&self) -> Result<bool, ReloadError> {
        let mut last = self.shared.loading.lock().await;
        let serving = self.workflows();
        let (project, library) = (self.shared.project.clone(), self.shared.library.stopping_with(self.loading_stops()));
        let costly = last.costly.clone();
        let known = self.shared.sender.connections();
        let store = self.shared.config.store_file(&project).map_err(ReloadError::Folder)?;
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
                // The caller tells it, with what follows from it.
                let mut known = self.shared.project_problems.lock().unwrap_or_else(PoisonError::into_inner);
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
        // What was switched meanwhile holds.
        let _one_at_a_time = self.shared.switching.lock().await;
        let before = self.workflows();
        self.set_project_problems(problems);
        tell_problems(&before, &files);
        self.shared.sender.set_connections(Arc::new(connections));
        let published = self.shared.store.publish(publication(&before, &files)).await?;
        for id in &published.changed {
            tracing::info!("{id} has a new version");
        }
        let records = self.shared.store.workflows().await?;
        self.shared.catalog.switch(snapshot(&before, files, &records));
        self.shared.dispatcher.schedules_changed();
        last.is_published = !is_late;
        Ok(is_whole)
    }

    /// Loading ends once the engine stops, and after its longest time.
    fn loading_stops(&self) -> Stopped {
        let (engine, until) = (self.clone(), Instant::now() + LONGEST_LOADING);
        Arc::new(move || {
            let stopping = engine.is_stopping().then_some(Interrupt::Cancelled);
            stopping.or_else(|| (Instant::now() > until).then_some(Interrupt::Deadline))
        })
    }

    /// Begins with the last good versions of the store: a file that does not load now stays on its own.
    pub(super) async fn restore(&self) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for record in self.shared.store.workflows().await? {
            let text = self.shared.store.version_text(record.version).await?;
            let library = self.shared.library.clone();
            let loaded = tokio::task::spawn_blocking(move || load_version(&text, &library)).await;
            let workflow = match loaded.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(workflow) => Some(Arc::new(workflow)),
                Err(reason) => {
                    tracing::warn!("{reason}");
                    None
                }
            };
            let auth = workflow.as_ref().and_then(|workflow| Some(&workflow.webhook.as_ref()?.auth));
            let lock = auth.map(|auth| Lock::of(auth, &self.shared.project).unwrap_or_default());
            entries.push(Entry {
                lock: lock.unwrap_or_default(),
                file: format!("workflows/{}.yaml", record.id.replace('.', "/")),
                id: record.id,
                present: record.present,
                workflow,
                active: record.active,
                diagnostics: switched(record.diagnostics.as_ref()),
                problems: Vec::new(),
            });
        }
        self.shared.catalog.switch(Snapshot::new(entries));
        Ok(())
    }
}

/// What the store is told of a loaded folder: a workflow that does not load stays on its last good version.
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

/// A schedule as the store adopts it: its occurrences go on where they were while the key stays the same.
fn loaded_schedule(schedule: &Schedule) -> LoadedSchedule {
    LoadedSchedule { key: schedule.key.clone() }
}

/// The snapshot after a publication.
fn snapshot(before: &Snapshot, files: BTreeMap<String, LoadedFile>, records: &[WorkflowRecord]) -> Snapshot {
    let record = |id: &str| records.iter().find(|record| record.id == id);
    let gone = before.entries().filter(|entry| !files.contains_key(&entry.id)).map(|entry| Entry {
        present: false,
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
            present: true,
            problems: file.problems,
        });
    }
    Snapshot::new(entries)
}

/// Each problem is told once, not at every reload.
fn tell_problems(before: &Snapshot, files: &BTreeMap<String, LoadedFile>) {
    for (id, file) in files {
        let known = before.entry(id).map(|entry| entry.problems.as_slice()).unwrap_or_default();
        for problem in file.problems.iter().filter(|problem| !known.contains(problem)) {
            let line = problem.line(&file.path);
            match problem.code {
                // Of a folder that cannot be read all files tell the same.
                codes::UNREADABLE => told::error_of(&problem.message, || line),
                _ if problem.warning => told::warn(&line),
                _ => told::error(&line),
            }
        }
    }
}
