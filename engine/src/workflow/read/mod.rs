//! From the text of a workflow file to the model: structure, names, embedded FlowScript, all in one walk.
//!
//! The walk knows at each step which variables every path before it has set, so that FlowScript is compiled against
//! exactly those. It goes on behind a problem, so that all of them are told at once.

mod acting;
mod auth;
mod blocks;
mod content;
mod fields;
mod graph;
mod head;
mod history;
mod kinds;
mod outside;
mod running;
mod schedule;
mod steps;
mod traps;
mod webhook;

use super::model::{
    Block, BlockIndex, Durability, ERROR, ERRORS, FIRST_INPUT, LAST, OUTPUT, RUN, Slot, Step, Workflow,
};
use super::problem::{Problem, codes};
use super::text::WorkflowText;
use crate::script::{Compiled, Kind, Library, Loading, Scope, Script, compile};
use crate::yaml::{self, Node, Place, Scalar};
use ecow::EcoString;
use fields::Fields;
use flowscript_lang::diagnostic::codes as language;
use flowscript_lang::types::Type;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// A workflow file that was read.
#[derive(Debug)]
pub struct Read {
    /// The workflow; nothing where a problem is more than a warning.
    pub workflow: Option<Workflow>,
    /// Problems in the order of the file.
    pub problems: Vec<Problem>,
}

/// Keys at the top of a workflow.
const KEYS: [&str; 14] = [
    "name",
    "description",
    "active",
    "label",
    "input",
    "trigger",
    "steps",
    "output",
    "concurrency",
    "onFailure",
    "durability",
    "diagnostics",
    "redact",
    "limits",
];

/// Problems of a file that are told.
const MOST_PROBLEMS: usize = 1_000;
/// Steps that an entry of the file takes beside what is compiled in it.
const ENTRY: u64 = 20;
/// Bytes of YAML that are parsed for one step.
const BYTES_OF_STEP: u64 = 16;

/// What a name in a `call` leads to.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A workflow that has loaded.
    Loaded(Arc<Workflow>),
    /// There is no such workflow.
    Missing,
    /// It is there, but does not load.
    Broken,
    /// It calls, perhaps through others, the workflow that is being read: their ids in the order of the calls.
    Cycle(Vec<String>),
}

/// Finds the workflow that a `call` names.
pub type Callees<'a> = &'a mut dyn FnMut(&str) -> Callee;

/// Reads the file of the workflow `id`, which calls what `callees` finds.
pub fn read(id: &str, source: &str, library: &Library, callees: Callees<'_>) -> Read {
    if library.stopped().is_some() {
        return Read { workflow: None, problems: vec![late()] };
    }
    let root = match yaml::parse(source) {
        Ok(root) => root,
        Err(problem) => return Read { workflow: None, problems: vec![problem] },
    };
    let mut reader = Reader::new(library, callees);
    reader.loading.pay(source.len() as u64 / BYTES_OF_STEP);
    let workflow = reader.workflow(id, source, &root);
    reader.finish(workflow)
}

/// The problem of a file for which there was no time.
fn late() -> Problem {
    let message = "The file has not been read: loading the project takes too long";
    Problem::new(codes::LATE, Place { line: 1, column: 1 }, message).with_hint("It is tried again.")
}

struct Reader<'a> {
    library: &'a Library,
    /// What reading the file may still use.
    loading: Loading<'a>,
    problems: Vec<Problem>,
    /// Problems that are not told, and whether there is an error among them.
    untold: usize,
    untold_error: bool,
    /// The names of variables by slot.
    names: Vec<EcoString>,
    slots: HashMap<EcoString, Slot>,
    /// What is known where the walk stands.
    scope: Scope,
    steps: Vec<Step>,
    modules: BTreeMap<EcoString, Arc<str>>,
    /// The slots of the inputs.
    inputs: Range<Slot>,
    /// The workflows that are named, and where.
    references: Vec<(String, yaml::Place)>,
    /// The connections that are named, and where.
    connections: Vec<(String, yaml::Place)>,
    /// The events that are waited for, and where.
    events: Vec<(String, yaml::Place)>,
    /// The lists of steps that run for themselves.
    blocks: Vec<Block>,
    /// The list whose steps are being read.
    block: BlockIndex,
    /// Slots that steps have set so far.
    written: HashSet<Slot>,
    /// What surrounds the steps that are being read and cannot be ended by one of them.
    side_by_side: Option<&'static str>,
    /// The workflows that are called.
    called: BTreeMap<String, Arc<Workflow>>,
    calls: Vec<(String, yaml::Place)>,
    callees: Callees<'a>,
}

impl<'a> Reader<'a> {
    fn new(library: &'a Library, callees: Callees<'a>) -> Self {
        let mut reader = Self {
            blocks: vec![Block::default()],
            block: 0,
            written: HashSet::new(),
            side_by_side: None,
            called: BTreeMap::new(),
            calls: Vec::new(),
            callees,
            library,
            loading: Loading::new(library),
            problems: Vec::new(),
            untold: 0,
            untold_error: false,
            names: Vec::new(),
            slots: HashMap::new(),
            scope: Scope::default(),
            steps: Vec::new(),
            modules: BTreeMap::new(),
            inputs: FIRST_INPUT..FIRST_INPUT,
            references: Vec::new(),
            connections: Vec::new(),
            events: Vec::new(),
        };
        // Blanks keep the last three apart from variables of the workflow with these names.
        for (slot, name) in [(RUN, "run"), (ERRORS, "errors"), (OUTPUT, " output"), (ERROR, " error"), (LAST, " last")]
        {
            let given = reader.slot(name);
            debug_assert_eq!(slot, given);
        }
        reader.scope.define("run", RUN, run_type(), false);
        reader.scope.define("errors", ERRORS, Type::any_record(), false);
        reader
    }

    fn workflow(&mut self, id: &str, source: &str, root: &Node) -> Option<Workflow> {
        let mut fields = self.fields(root, "A workflow", &KEYS, &[])?;
        let name = self.optional_text(&mut fields, "name").unwrap_or_else(|| id.to_owned());
        let description = self.optional_text(&mut fields, "description").unwrap_or_default();
        let active = self.optional_bool(&mut fields, "active").unwrap_or(true);
        let inputs = fields.take("input").map(|entry| self.inputs(&entry.value)).unwrap_or_default();
        for (number, input) in inputs.iter().enumerate() {
            let slot = self.slot(&input.name);
            debug_assert_eq!(slot, FIRST_INPUT + number);
            self.loading.look(self.scope.width());
            self.scope.define(&input.name, slot, input.conversion.ty().clone(), true);
        }
        self.inputs = FIRST_INPUT..FIRST_INPUT + inputs.len();
        let at_start = self.scope.clone();
        let label = fields.take("label").and_then(|entry| self.template(&entry.value));
        let concurrency = fields.take("concurrency").and_then(|entry| self.concurrency(&entry.value));
        let on_failure = fields.take("onFailure").and_then(|entry| self.workflow_id(&entry.value));
        let trigger = fields.take("trigger");
        let (webhook, schedules) = match trigger {
            Some(entry) => self.trigger(id, &entry.value, &inputs),
            None => (None, Vec::new()),
        };
        let steps = fields.take("steps");
        if steps.is_none() && fields.get("output").is_none() && !fields.refused {
            self.report(Problem::new(codes::MISSING_KEY, root.place, "A workflow needs `steps` or `output`"));
        }
        let graph = steps.map(|entry| self.steps(&entry.value));
        let (output, output_type) = match fields.take("output") {
            Some(entry) => {
                if graph.as_ref().is_some_and(graph::Graph::always_ends) {
                    let message = "`output` is never reached: every path ends with an `end` step";
                    self.report(Problem::new(codes::UNREACHABLE, entry.place, message));
                }
                self.content(&entry.value)
            }
            None => (None, Type::Null),
        };
        let ends = self.steps.iter().any(|step| matches!(step.kind, super::model::StepKind::End(_)));
        let output_type = if ends { Type::Any } else { output_type };
        let webhook = webhook.map(|waiting| self.finish_webhook(waiting, &at_start, output_type.clone()));
        let durability = match fields.take("durability") {
            None => Durability::Strict,
            Some(entry) => self.durability(entry, webhook.as_ref(), concurrency.is_some()),
        };
        let diagnostics = fields.take("diagnostics").map(|entry| self.diagnostics(&entry.value)).unwrap_or_default();
        let limits = fields.take("limits").map(|entry| self.limits(&entry.value)).unwrap_or_default();
        let redact = fields.take("redact").map(|entry| self.redact(&entry.value)).unwrap_or_default();
        if let Some(root) = self.blocks.first_mut() {
            root.first = graph.and_then(|graph| graph.first);
            root.output = output;
        }
        let text = WorkflowText::new(id, source, &self.modules, &self.called);
        Some(Workflow {
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
            diagnostics,
            redact,
            limits,
            steps: std::mem::take(&mut self.steps),
            blocks: std::mem::take(&mut self.blocks),
            result: output_type,
            callees: std::mem::take(&mut self.called),
            calls: std::mem::take(&mut self.calls),
            names: std::mem::take(&mut self.names),
            references: std::mem::take(&mut self.references),
            connections: std::mem::take(&mut self.connections),
            events: std::mem::take(&mut self.events),
        })
    }

    /// What came of the file.
    fn finish(mut self, workflow: Option<Workflow>) -> Read {
        if self.loading.has_ended() {
            // What stands where the reading was ended may be right.
            let message = "The file was not read to its end: it takes more work than a file may take";
            let hint = "Divide it into workflows that call each other, or write fewer variables, steps and types.";
            let place = Place { line: 1, column: 1 };
            let problem = match self.library.stopped() {
                Some(_) => late(),
                None => Problem::new(codes::TOO_COSTLY, place, message).with_hint(hint),
            };
            return Read { workflow: None, problems: vec![problem] };
        }
        self.problems.sort_by_key(|p| p.place);
        let failed = self.untold_error || self.problems.iter().any(|problem| self.refuses(problem));
        if self.untold > 0 {
            let place = self.problems.last().map_or(Place { line: 1, column: 1 }, |last| last.place);
            let message = format!("There are {} more problems, which are not told", self.untold);
            let problem = Problem::new(codes::MORE, place, message).with_hint("Correct the first ones.");
            self.problems.push(Problem { warning: !self.untold_error, ..problem });
        }
        Read { workflow: workflow.filter(|_| !failed), problems: self.problems }
    }

    /// Does a problem keep the workflow from loading?
    fn refuses(&self, problem: &Problem) -> bool {
        !problem.warning && (!problem.files_only || !self.library.is_kept())
    }

    fn report(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.untold += 1;
            self.untold_error |= self.refuses(&problem);
        }
    }

    fn report_all(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.report(problem));
    }

    /// Counts an entry of the file. False when the reading has been ended.
    fn pay(&mut self) -> bool {
        self.loading.pay(ENTRY)
    }

    /// The slot of a variable, a new one for a new name.
    fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = self.names.len();
        self.names.push(name.into());
        self.slots.insert(name.into(), slot);
        slot
    }

    /// A name for a variable, unless it cannot be one.
    fn name(&mut self, name: &str, place: yaml::Place) -> bool {
        let problem = crate::script::name_problem(name, place, self.library, &mut self.loading);
        let fits = problem.is_none();
        self.report_all(problem);
        fits
    }

    /// FlowScript in a scalar, compiled in the present scope.
    fn compile(&mut self, source: &Scalar, kind: Kind) -> (Option<Script>, Type) {
        let scope = std::mem::take(&mut self.scope);
        let compiled = self.compile_in(source, kind, &scope);
        self.scope = scope;
        compiled
    }

    fn compile_in(&mut self, source: &Scalar, kind: Kind, scope: &Scope) -> (Option<Script>, Type) {
        let Compiled { script, ty, problems, modules } = compile(source, kind, scope, self.library, &mut self.loading);
        for problem in problems {
            let problem = self.tell_unset(problem, scope);
            self.report(problem);
        }
        self.modules.extend(modules);
        (script, ty)
    }

    /// The same, of which nothing is told.
    fn try_compile(&mut self, source: &Scalar, kind: Kind) -> Compiled {
        compile(source, kind, &self.scope, self.library, &mut self.loading)
    }

    /// A variable that the workflow has, only not on every way to this place, wants other words than one that nobody has.
    fn tell_unset(&self, problem: Problem, scope: &Scope) -> Problem {
        let name = problem.more.subject.clone().filter(|_| problem.code == language::UNKNOWN_VARIABLE);
        let slot = name.as_ref().and_then(|name| self.slots.get(name).copied());
        let Some(name) = name.filter(|_| slot.is_some_and(|slot| slot >= FIRST_INPUT && !scope.knows(slot))) else {
            return problem;
        };
        let message = format!("The variable `{name}` is not set on every way that leads here.");
        let hint =
            "Set it before the branches, or in each of them; what `parallel` and `forEach` find comes out as `output`.";
        Problem { message, hint: Some(hint.into()), more: Box::default(), ..problem }
    }

    /// The expression that a node must be. `what` begins the message.
    fn expression(&mut self, node: &Node, what: &str) -> Option<(Script, Type)> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            let message = format!("{what} must be an expression, not {}", node.describe());
            let hint = "Write FlowScript; where YAML takes it for a list or a map, put it in quotes.";
            let problem = Problem::new(codes::WRONG_VALUE, node.place, message).with_hint(hint);
            self.report(traps::braces_around_expression(node).unwrap_or(problem));
            return None;
        };
        let (script, ty) = self.compile(scalar, Kind::Expression);
        script.map(|script| (script, ty))
    }

    fn fields<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str], later: &[&str]) -> Option<Fields<'n>> {
        let (fields, problems) = Fields::of(node, what, keys, later);
        self.report_all(problems);
        self.loading.pay(ENTRY * node.entries().map_or(0, <[yaml::Entry]>::len) as u64);
        fields
    }
}

/// The type of the variable `run`.
fn run_type() -> Type {
    let text = |name: &str| (EcoString::from(name), Type::Text);
    Type::closed_record([
        text("id"),
        text("workflow"),
        text("version"),
        text("trigger"),
        ("acceptedAt".into(), Type::DateTime),
        ("scheduledFor".into(), Type::DateTime.nullable()),
    ])
}
