//! From texts to workflows, and which one wins if two claim the same webhook path.

use super::allowed::switch_off;
use super::folder::Folder;
use super::loaded::LoadedFile;
use crate::access::Lock;
use crate::outgoing::Connections;
use crate::script::Library;
use crate::workflow::model::Workflow;
use crate::workflow::{Callee, FAILURE_INPUTS, Read, WorkflowText, read};
use crate::yaml::Place;
use crate::yaml::problem::{Problem, broken_call, codes};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// How many workflows may be read inside each other: more than the limit on calls, so that the call is reported.
const MAX_WAY: usize = 32;

/// Loads all workflows of a folder. `serving` names the workflow that serves a webhook path now: it keeps it. The
/// `costly` ones are read last, so that the others do not wait for them.
pub fn load(
    folder: &Folder,
    library: &Library,
    connections: &Connections,
    serving: impl Fn(&str) -> Option<String>,
    costly: &BTreeSet<String>,
) -> BTreeMap<String, LoadedFile> {
    let library = library.with_modules(folder.modules.clone());
    let mut loader = Loader { folder, library: &library, files: BTreeMap::new(), way: Vec::new() };
    let (last, first): (Vec<&String>, Vec<&String>) = folder.workflows.keys().partition(|id| costly.contains(*id));
    first.into_iter().chain(last).for_each(|id| loader.load(id));
    let mut files = loader.files;
    fit_locks(&mut files, &folder.root);
    refuse_unknown_names(&mut files, connections);
    refuse_failure_targets(&mut files);
    refuse_taken_paths(&mut files, serving);
    while refuse_broken_calls(&mut files) {}
    warn_of_silent_events(&mut files);
    switch_off(&mut files, folder, library.allowed());
    files
}

/// A workflow whose called workflow does not load does not load either. Returns whether there was one.
fn refuse_broken_calls(files: &mut BTreeMap<String, LoadedFile>) -> bool {
    let broken: HashSet<String> =
        files.iter().filter(|(_, file)| file.workflow.is_none()).map(|(id, _)| id.clone()).collect();
    let mut found = false;
    for file in files.values_mut() {
        let Some(workflow) = &file.workflow else { continue };
        let calls = workflow.calls.iter().filter(|(id, _)| broken.contains(id));
        let problems: Vec<Problem> = calls.map(|(id, place)| broken_call(id, *place)).collect();
        if !problems.is_empty() {
            file.problems.extend(problems);
            file.workflow = None;
            found = true;
        }
    }
    found
}

/// Loads workflows, called ones first.
struct Loader<'a> {
    folder: &'a Folder,
    library: &'a Library,
    files: BTreeMap<String, LoadedFile>,
    /// The workflows being read, each called by the one before it.
    way: Vec<String>,
}

impl Loader<'_> {
    fn load(&mut self, id: &str) {
        let Some(file) = self.folder.workflows.get(id).filter(|_| !self.files.contains_key(id)) else { return };
        self.way.push(id.to_owned());
        let library = self.library;
        let read = match &file.text {
            Ok(text) => read(id, text, library, &mut |called| self.callee(called)),
            Err(reason) => {
                let message = format!("The file cannot be read: {reason}");
                let problem = Problem::new(codes::UNREADABLE, Place { line: 1, column: 1 }, message);
                Read { workflow: None, problems: vec![problem] }
            }
        };
        self.way.pop();
        let workflow = read.workflow.map(Arc::new);
        self.files.insert(
            id.to_owned(),
            LoadedFile {
                path: file.path.clone(),
                text: file.text.as_ref().ok().cloned(),
                workflow,
                lock: Lock::Closed,
                problems: read.problems,
            },
        );
    }

    fn callee(&mut self, id: &str) -> Callee {
        if let Some(first) = self.way.iter().position(|on_the_way| on_the_way == id) {
            let mut ids: Vec<String> = self.way.iter().skip(first).cloned().collect();
            ids.push(id.to_owned());
            return Callee::Cycle(ids);
        }
        // Calls deeper than the limit need not be read either.
        if self.way.len() > MAX_WAY {
            return Callee::Broken;
        }
        self.load(id);
        match self.files.get(id) {
            None => Callee::Missing,
            Some(LoadedFile { workflow: Some(workflow), .. }) => Callee::Loaded(workflow.clone()),
            Some(_) => Callee::Broken,
        }
    }
}

/// A webhook without its secrets cannot authenticate its callers.
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

/// A workflow that another one names must have a file, and a connection must be in connections.yaml.
fn refuse_unknown_names(files: &mut BTreeMap<String, LoadedFile>, connections: &Connections) {
    let ids: HashSet<String> = files.keys().cloned().collect();
    for file in files.values_mut() {
        let Some(workflow) = &file.workflow else { continue };
        let mut problems = Vec::new();
        for (id, place) in workflow.references.iter().filter(|(id, _)| !ids.contains(id)) {
            let problem = Problem::new(codes::UNKNOWN_WORKFLOW, *place, format!("There is no workflow `{id}`"));
            problems.push(problem.with_hint(format!("Its file would be workflows/{}.yaml.", id.replace('.', "/"))));
        }
        for (name, kind, place) in workflow.connections.iter() {
            let (message, hint) = match connections.kind_of(name) {
                None => (
                    format!("There is no connection `{name}`"),
                    "Connections are declared in connections.yaml of the project.".to_owned(),
                ),
                Some(Some(other)) if other != *kind => (
                    format!("There is no connection `{name}` of the kind `{}`", kind.key()),
                    format!("The connection of this name in connections.yaml is of the kind `{}`.", other.key()),
                ),
                // connections.yaml has the problem of one without a kind.
                Some(_) => continue,
            };
            problems.push(Problem::new(codes::UNKNOWN_CONNECTION, *place, message).with_hint(hint));
        }
        if !problems.is_empty() {
            file.problems.extend(problems);
            file.workflow = None;
        }
    }
}

/// A run started by `onFailure` gets only the failure as input: a target that requires more fails each time.
fn refuse_failure_targets(files: &mut BTreeMap<String, LoadedFile>) {
    let needed = |id: &str, files: &BTreeMap<String, LoadedFile>| -> Vec<String> {
        let target = files.get(id).and_then(|file| file.workflow.clone());
        let inputs = target.iter().flat_map(|workflow| &workflow.inputs).filter(|input| input.default.is_none());
        let unknown = inputs.filter(|input| !FAILURE_INPUTS.contains(&input.name.as_str()));
        unknown.map(|input| input.name.to_string()).collect()
    };
    let mut found = Vec::new();
    for (id, file) in files.iter() {
        let Some(workflow) = &file.workflow else { continue };
        let Some(target) = &workflow.on_failure else { continue };
        let place = workflow.references.iter().find(|(named, _)| named == target).map(|(_, place)| *place);
        for input in needed(target, files) {
            let message = format!("The workflow `{target}` needs the input `{input}`, which `onFailure` does not give");
            let hint = format!(
                "`onFailure` gives {}. Take these in `{target}`, or give `{input}` a default there.",
                FAILURE_INPUTS.map(|name| format!("`{name}`")).join(" and ")
            );
            let problem = Problem::new(codes::INPUT_MISSING, place.unwrap_or(Place { line: 1, column: 1 }), message);
            found.push((id.clone(), problem.with_hint(hint)));
        }
    }
    for (id, problem) in found {
        if let Some(file) = files.get_mut(&id) {
            file.problems.push(problem);
            file.workflow = None;
        }
    }
}

/// The address of an event must be sent by some step: of the workflow that waits, or of one that calls it.
fn warn_of_silent_events(files: &mut BTreeMap<String, LoadedFile>) {
    let gives_out = |workflow: &Workflow| {
        let text = WorkflowText::decode(&workflow.text).ok();
        text.is_some_and(|text| text.sources().any(|source| source.to_ascii_lowercase().contains("callbackurl")))
    };
    let loaded: Vec<Arc<Workflow>> = files.values().filter_map(|file| file.workflow.clone()).collect();
    for file in files.values_mut() {
        let Some(workflow) = &file.workflow else { continue };
        let Some((event, place)) = workflow.events.first() else { continue };
        let is_heard = loaded.iter().any(|other| other.reaches(&workflow.id) && gives_out(other));
        if !is_heard {
            let message = format!("No step sends the address of the event `{event}`");
            let hint = format!("Send `{{callbackUrl('{event}')}}` to the one who answers, before this step.");
            file.problems.push(Problem::warning(codes::SILENT_EVENT, *place, message).with_hint(hint));
        }
    }
}

/// Of workflows with the same webhook path the one that serves it keeps it, else the first by id.
fn refuse_taken_paths(files: &mut BTreeMap<String, LoadedFile>, serving: impl Fn(&str) -> Option<String>) {
    let mut wanted: HashMap<String, Vec<String>> = HashMap::new();
    for (id, file) in files.iter() {
        if let Some(webhook) = file.workflow.as_ref().and_then(|workflow| workflow.webhook.as_ref()) {
            wanted.entry(webhook.path.clone()).or_default().push(id.clone());
        }
    }
    for (path, ids) in wanted.into_iter().filter(|(_, ids)| ids.len() > 1) {
        let Some(owner) = serving(&path).filter(|id| ids.contains(id)).or_else(|| ids.first().cloned()) else {
            continue;
        };
        for id in ids.iter().filter(|id| **id != owner) {
            if let Some(file) = files.get_mut(id) {
                let message = format!("The webhook path `{path}` belongs to the workflow `{owner}`");
                let webhook = file.workflow.as_ref().and_then(|workflow| workflow.webhook.as_ref());
                let place = webhook.map_or(Place { line: 1, column: 1 }, |webhook| webhook.place);
                let problem = Problem::new(codes::PATH_TAKEN, place, message);
                file.problems.push(problem.with_hint("Give this workflow another `path`."));
                file.workflow = None;
            }
        }
    }
}

/// Loads a version from the text in the store. The error is a message about why it no longer loads.
pub fn load_version(bytes: &[u8], library: &Library) -> Result<Workflow, String> {
    let text = WorkflowText::decode(bytes)?;
    let modules = text.modules.iter().map(|(name, text)| (name.clone(), Arc::from(text.as_str()))).collect();
    let library = library.with_modules(modules).for_kept_versions();
    let mut called = BTreeMap::new();
    let read = read(&text.id, &text.source, &library, &mut |id| version_callee(id, &text, &library, &mut called));
    read.workflow.ok_or_else(|| {
        let reasons = read.problems.iter().filter(|p| !p.warning && !p.files_only);
        let problems: Vec<String> = reasons.map(|p| p.line(&text.id)).collect();
        format!("a version of `{}` does not load any more: {}", text.id, problems.join("; "))
    })
}

fn version_callee(
    id: &str,
    text: &WorkflowText,
    library: &Library,
    called: &mut BTreeMap<String, Arc<Workflow>>,
) -> Callee {
    if let Some(workflow) = called.get(id) {
        return Callee::Loaded(workflow.clone());
    }
    let Some(source) = text.workflows.get(id) else { return Callee::Missing };
    match read(id, source, library, &mut |inner| version_callee(inner, text, library, called)).workflow {
        Some(workflow) => {
            let workflow = Arc::new(workflow);
            called.insert(id.to_owned(), workflow.clone());
            Callee::Loaded(workflow)
        }
        None => Callee::Broken,
    }
}
