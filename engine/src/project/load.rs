//! From texts to workflows, and which of two wins where they want the same webhook path.

use super::folder::Folder;
use crate::access::Lock;
use crate::outgoing::Connections;
use crate::script::Library;
use crate::workflow::model::Workflow;
use crate::workflow::problem::{Problem, codes};
use crate::workflow::{Read, WorkflowText, read};
use crate::yaml::Place;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// What a workflow file loaded to.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its path in the project.
    pub path: String,
    /// The workflow, unless something is wrong.
    pub workflow: Option<Arc<Workflow>>,
    /// What opens its webhook.
    pub lock: Lock,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Loads all workflows of a folder. `serving` says which workflow serves a webhook path now: it keeps it.
pub fn load(
    folder: &Folder,
    library: &Library,
    connections: &Connections,
    serving: impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, LoadedFile> {
    let library = library.with_modules(folder.modules.clone());
    let mut files: BTreeMap<String, LoadedFile> = folder
        .workflows
        .iter()
        .map(|(id, file)| {
            let read = match &file.text {
                Ok(text) => read(id, text, &library),
                Err(reason) => {
                    let message = format!("The file cannot be read: {reason}");
                    let problem = Problem::new(codes::UNREADABLE, Place { line: 1, column: 1 }, message);
                    Read { workflow: None, problems: vec![problem] }
                }
            };
            let workflow = read.workflow.map(Arc::new);
            (id.clone(), LoadedFile { path: file.path.clone(), workflow, lock: Lock::Closed, problems: read.problems })
        })
        .collect();
    fit_locks(&mut files, &folder.root);
    refuse_unknown_names(&mut files, connections);
    refuse_taken_paths(&mut files, serving);
    files
}

/// A webhook whose secrets are not there cannot tell who calls.
fn fit_locks(files: &mut BTreeMap<String, LoadedFile>, project: &Path) {
    for file in files.values_mut() {
        let Some(webhook) = file.workflow.as_ref().and_then(|workflow| workflow.webhook.as_ref()) else { continue };
        match Lock::of(&webhook.auth, project) {
            Ok(lock) => file.lock = lock,
            Err(problem) => {
                file.problems.push(problem);
                file.workflow = None;
            }
        }
    }
}

/// A workflow that another one names must have a file, and a connection must stand in connections.yaml.
fn refuse_unknown_names(files: &mut BTreeMap<String, LoadedFile>, connections: &Connections) {
    let ids: Vec<String> = files.keys().cloned().collect();
    for file in files.values_mut() {
        let Some(workflow) = &file.workflow else { continue };
        let mut problems = Vec::new();
        for (id, place) in workflow.references.iter().filter(|(id, _)| !ids.contains(id)) {
            let problem = Problem::new(codes::UNKNOWN_WORKFLOW, *place, format!("There is no workflow `{id}`"));
            problems.push(problem.with_hint(format!("Its file would be workflows/{}.yaml.", id.replace('.', "/"))));
        }
        for (name, place) in workflow.connections.iter().filter(|(name, _)| !connections.is_named(name)) {
            let problem = Problem::new(codes::UNKNOWN_CONNECTION, *place, format!("There is no connection `{name}`"));
            problems.push(problem.with_hint("Connections stand in connections.yaml of the project."));
        }
        if !problems.is_empty() {
            file.problems.extend(problems);
            file.workflow = None;
        }
    }
}

/// Of workflows with one webhook path the one that serves it keeps it, else the first by id.
fn refuse_taken_paths(files: &mut BTreeMap<String, LoadedFile>, serving: impl Fn(&str) -> Option<String>) {
    let mut wanted: HashMap<String, Vec<String>> = HashMap::new();
    for (id, file) in files.iter() {
        if let Some(webhook) = file.workflow.as_ref().and_then(|workflow| workflow.webhook.as_ref()) {
            wanted.entry(webhook.path.clone()).or_default().push(id.clone());
        }
    }
    for (path, ids) in wanted.into_iter().filter(|(_, ids)| ids.len() > 1) {
        let owner = serving(&path).filter(|id| ids.contains(id)).or_else(|| ids.first().cloned());
        for id in ids.iter().filter(|id| Some(*id) != owner.as_ref()) {
            if let Some(file) = files.get_mut(id) {
                let owner = owner.as_deref().unwrap_or_default();
                let message = format!("The webhook path `{path}` belongs to the workflow `{owner}`");
                let problem = Problem::new(codes::PATH_TAKEN, Place { line: 1, column: 1 }, message);
                file.problems.push(problem.with_hint("Give this workflow another `path`."));
                file.workflow = None;
            }
        }
    }
}

/// Loads a version from the text that the store keeps. The error says in words why it does not load any more.
pub fn load_version(bytes: &[u8], library: &Library) -> Result<Workflow, String> {
    let text = WorkflowText::decode(bytes)?;
    let modules = text.modules.iter().map(|(name, text)| (name.clone(), Arc::from(text.as_str()))).collect();
    let read = read(&text.id, &text.source, &library.with_modules(modules));
    read.workflow.ok_or_else(|| {
        let problems: Vec<String> = read.problems.iter().filter(|p| !p.warning).map(|p| p.line(&text.id)).collect();
        format!("a version of `{}` does not load any more: {}", text.id, problems.join("; "))
    })
}
