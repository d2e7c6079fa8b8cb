//! From the text of a workflow file to the model: structure, names, embedded FlowScript, all in one walk.
//!
//! The walk knows at each step which variables every path before it has set, so that FlowScript is compiled against
//! exactly those. It continues after a problem, so that all of them are reported at once.

mod auth;
mod history;
mod running;
mod schedule;
mod traps;
mod trigger;
mod webhook;

use super::model::{Durability, Workflow};
use super::text::WorkflowText;
use crate::reading::{Findings, Key, Reader, Takes, late, optional};
use crate::script::Library;
use crate::steps::{self, Step, Walk};
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{self, Node};
use flowscript_lang::types::Type;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use trigger::Triggers;

/// A workflow file that was read.
#[derive(Debug)]
pub struct Read {
    /// The workflow; `None` if a problem is more than a warning.
    pub workflow: Option<Workflow>,
    /// Problems in the order of the file.
    pub problems: Vec<Problem>,
}

/// Keys at the top of a workflow.
pub(super) const KEYS: &[Key] = &[
    optional("name", Takes::Text),
    optional("description", Takes::Text),
    optional("active", Takes::Flag),
    optional("label", Takes::Template),
    optional("input", Takes::Named(&Takes::Type)),
    optional("trigger", Takes::Map(trigger::KEYS)),
    optional("steps", Takes::Steps),
    optional("output", Takes::Value),
    optional("concurrency", Takes::Whole(1, running::MAX_CONCURRENCY)),
    optional("onFailure", Takes::Text),
    optional("durability", Takes::Word(&["strict", "relaxed"])),
    optional("diagnostics", Takes::Map(history::DIAGNOSTICS)),
    optional("redact", Takes::List(&Takes::Text)),
    optional("limits", Takes::Map(history::LIMITS)),
];

/// The target of a `call`.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A workflow that has loaded.
    Loaded(Arc<Workflow>),
    /// The workflow does not exist.
    Missing,
    /// It exists, but does not load.
    Broken,
    /// It calls, perhaps through others, the workflow being read: their ids in the order of the calls.
    Cycle(Vec<String>),
}

/// Finds the workflow that a `call` names.
pub type Callees<'a> = &'a mut dyn FnMut(&str) -> Callee;

/// Reads the file of the workflow `id`; `callees` finds the workflows that it calls.
pub fn read(id: &str, source: &str, library: &Library, callees: Callees<'_>) -> Read {
    if library.stopped().is_some() {
        return Read { workflow: None, problems: vec![late()] };
    }
    let root = match yaml::parse(source) {
        Ok(root) => root,
        Err(problem) => return Read { workflow: None, problems: vec![problem] },
    };
    workflow(id, source, &root, library, callees)
}

fn workflow(id: &str, source: &str, root: &Node, library: &Library, callees: Callees<'_>) -> Read {
    let mut reader = Reader::new(library, source.len());
    let Some(mut fields) = reader.fields(root, "A workflow", KEYS) else {
        return Read { workflow: None, problems: reader.finish().problems };
    };
    let name = reader.optional_text(&mut fields, "name").unwrap_or_else(|| id.to_owned());
    let description = reader.optional_text(&mut fields, "description").unwrap_or_default();
    let active = reader.optional_bool(&mut fields, "active").unwrap_or(true);
    let inputs = fields.take("input").map(|entry| reader.inputs(&entry.value)).unwrap_or_default();
    reader.declare_inputs(&inputs);
    let at_start = reader.scope().clone();
    let label = fields.take("label").and_then(|entry| reader.template(&entry.value));
    let concurrency = fields.take("concurrency").and_then(|entry| running::concurrency(&mut reader, &entry.value));
    let on_failure = fields.take("onFailure").and_then(|entry| running::workflow_id(&mut reader, &entry.value));
    let Triggers { webhook, schedules } = match fields.take("trigger") {
        Some(entry) => trigger::triggers(&mut reader, id, &entry.value, &inputs),
        None => Triggers::default(),
    };
    let steps = fields.take("steps");
    if steps.is_none() && fields.get("output").is_none() && !fields.has_refused() {
        reader.report(Problem::new(codes::MISSING_KEY, root.place, "A workflow needs `steps` or `output`"));
    }
    let called = RefCell::new(BTreeMap::new());
    let mut find = |id: &str| match callees(id) {
        Callee::Loaded(workflow) => {
            called.borrow_mut().insert(workflow.id.clone(), workflow.clone());
            steps::walk::Callee::Loaded(workflow)
        }
        Callee::Missing => steps::walk::Callee::Missing,
        Callee::Broken => steps::walk::Callee::Broken,
        Callee::Cycle(ids) => steps::walk::Callee::Cycle(ids),
    };
    let mut walk = Walk::new(steps::KINDS, reader, &mut find);
    let graph = walk.own_steps(steps.map(|entry| &entry.value));
    let output_type = match fields.take("output") {
        Some(entry) => {
            if graph.is_closed() {
                let message = "`output` is never reached: every path ends with an `end` step";
                walk.reader().report(Problem::new(codes::UNREACHABLE, entry.place, message));
            }
            let (output, ty) = walk.reader().content(&entry.value);
            walk.own_output(output);
            ty
        }
        None => Type::Null,
    };
    let output_type = if walk.steps().any(Step::ends) { Type::Any } else { output_type };
    let acts = walk.steps().any(Step::acts);
    let (mut reader, read) = walk.finish();
    let webhook = webhook.map(|waiting| webhook::finish_webhook(&mut reader, waiting, &at_start, output_type.clone()));
    let acts = acts || called.borrow().values().any(|callee: &Arc<Workflow>| callee.acts());
    let durability = match fields.take("durability") {
        None => Durability::Strict,
        Some(entry) => running::durability(&mut reader, entry, webhook.as_ref(), acts, concurrency.is_some()),
    };
    let diagnostics = fields.take("diagnostics").map(|entry| history::diagnostics(&mut reader, &entry.value));
    let limits = fields.take("limits").map(|entry| history::limits(&mut reader, &entry.value));
    let redact = fields.take("redact").map(|entry| history::redact(&mut reader, &entry.value));
    let Findings { problems, failed, names, modules, named } = reader.finish();
    if failed {
        return Read { workflow: None, problems };
    }
    let called = called.into_inner();
    let text = WorkflowText::new(id, source, &modules, &called);
    let workflow = read.steps.map(|steps| Workflow {
        id: id.to_owned(),
        version: text.hash(),
        text: text.encode().into(),
        name,
        description,
        active,
        label,
        inputs,
        webhook,
        schedules,
        concurrency,
        on_failure,
        durability,
        diagnostics: diagnostics.unwrap_or_default(),
        redact: redact.unwrap_or_default(),
        limits: limits.unwrap_or_default(),
        steps,
        blocks: read.blocks,
        result: output_type,
        callees: called,
        calls: read.calls,
        names,
        references: named.workflows,
        connections: named.connections,
        events: named.events,
    });
    Read { workflow, problems }
}
