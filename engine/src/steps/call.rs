//! `call`: another workflow as part of this run.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Opening, Outcome};
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Callable, Callee, Given, Read, Row, Walk};
use crate::reading::{Takes, is_workflow_id, listed, needed, optional, text_of, unknown_key};
use crate::script::{Content, Fault};
use crate::yaml::problem::{Problem, broken_call, codes};
use crate::yaml::{Entry, Node};
use ecow::EcoString;
use flowscript_lang::value::{Record, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// How deep calls may be nested.
const MAX_DEPTH: usize = 16;
/// Why it must not be retried or marked `once`.
const RUNS_STEPS: &str = "`call` runs steps; set this on the steps of the workflow that it calls";

pub(super) const KIND: Row = Row {
    key: "call",
    summary: "Runs another workflow as part of this run; the result is its output.",
    example: "call: { workflow: erp.item-price, input: { sku: A100 } }",
    takes: Takes::Map(&[needed("workflow", Takes::Text), optional("input", Takes::Named(&Takes::Value))]),
    retry: Retries::No(RUNS_STEPS),
    once: May::No(RUNS_STEPS),
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A called workflow with the values of its inputs.
#[derive(Debug)]
struct Call {
    workflow: String,
    input: Vec<(EcoString, Content)>,
}

/// The called workflow has been read, so its inputs can be checked.
fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let mut fields = given.fields(walk.reader())?;
    let why = "`call` needs `workflow`, the id of the workflow that is called";
    let named = walk.reader().needed(&fields, "workflow", given.place(), why)?;
    let callee = callee(walk, &named.value);
    let mut input = Some(Vec::new());
    let mut names = HashSet::new();
    if let Some(entry) = fields.take("input") {
        let Some(entries) = entry.value.entries() else {
            let wanted = "`input` must be a map from the inputs of the workflow to their values";
            walk.reader().wrong(&entry.value, wanted);
            return None;
        };
        for entry in entries {
            if !walk.reader().loading().look(callee.as_ref().map_or(0, |callee| callee.inputs().len())) {
                break;
            }
            names.insert(entry.key.as_str());
            let content = value(walk, callee.as_deref(), entry);
            match (content, &mut input) {
                (Some(content), Some(input)) => input.push((entry.key.as_str().into(), content)),
                _ => input = None,
            }
        }
    }
    let callee = callee?;
    if !walk.reader().loading().look(callee.inputs().len()) {
        return None;
    }
    for missing in callee.inputs().iter().filter(|i| i.default.is_none() && !names.contains(i.name.as_str())) {
        let message = format!("The workflow `{}` needs the input `{}`", callee.id(), missing.name);
        let problem = Problem::new(codes::MISSING_KEY, given.place(), message);
        walk.reader().report(problem.with_hint("Give it in `input`."));
    }
    walk.calls(callee.id(), named.value.place);
    let workflow = callee.id().to_owned();
    Some(Body::new(Call { workflow, input: input? }, callee.result().clone()))
}

/// The value of one input.
fn value(walk: &mut Walk<'_>, callee: Option<&dyn Callable>, entry: &Entry) -> Option<Content> {
    let reader = walk.reader();
    let input = callee.and_then(|callee| callee.inputs().iter().find(|input| input.name == entry.key.as_str()));
    if let (Some(callee), None) = (callee, input) {
        let names: Vec<&str> = callee.inputs().iter().map(|input| input.name.as_str()).collect();
        let message = format!("The workflow `{}` has no input `{}`", callee.id(), entry.key);
        let hint = || if names.is_empty() { "It has none.".into() } else { format!("It has {}.", listed(&names)) };
        reader.report(unknown_key(entry, message, &names, hint));
    }
    let content = reader.content(&entry.value).0;
    if let (Some(Content::Constant(value)), Some(input)) = (&content, input) {
        reader.refuse_unfit(value, input, entry.value.place);
    }
    content
}

fn callee(walk: &mut Walk<'_>, node: &Node) -> Option<Arc<dyn Callable>> {
    let id = text_of(node);
    if !is_workflow_id(id) {
        let wanted = "The literal id of a workflow is expected, such as item-price or erp.item-price";
        walk.reader().wrong(node, wanted);
        return None;
    }
    let problem = match walk.find(id) {
        Callee::Loaded(callee) if callee.depth() < MAX_DEPTH => return Some(callee),
        Callee::Loaded(_) => {
            let message = format!("Calling `{id}` makes more than {MAX_DEPTH} calls inside each other");
            Problem::new(codes::CALL, node.place, message).with_hint("Call fewer workflows from within called ones.")
        }
        Callee::Missing => Problem::new(codes::UNKNOWN_WORKFLOW, node.place, format!("There is no workflow `{id}`"))
            .with_hint(format!("Its file would be workflows/{}.yaml.", id.replace('.', "/"))),
        Callee::Broken => broken_call(id, node.place),
        Callee::Cycle(ids) => {
            let way: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            let message = format!("These calls lead back to themselves: {}", way.join(" → "));
            Problem::new(codes::CALL, node.place, message)
                .with_hint("Move what they share into a workflow that calls neither of them.")
        }
    };
    walk.reader().report(problem);
    None
}

impl StepKind for Call {
    fn facts(&self) -> Facts {
        Facts {
            // The effects of the workflow's steps are declared by them.
            effect: Effect::Computes,
            gives_result: true,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Workflow(self.workflow.clone()),
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let mut fields = Vec::with_capacity(self.input.len());
        for (name, content) in &self.input {
            fields.push((name.clone(), content.value(variables, scene.context)?));
        }
        Ok(Outcome::Open(Opening::Call(Record::from_fields(fields))))
    }
}
