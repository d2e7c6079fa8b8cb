//! Reading lists of steps: their shared settings, their positions, and their order.

use super::graph::{Graph, LooseEnd, Ways};
use super::kind::{BlockIndex, May, Retries, Shared, StepKind};
use super::retry;
use super::step::{Block, Shape, Step, StepIndex, What};
use crate::reading::{Fields, Key, Reader, Takes, listed, optional, refused, text_of};
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{Entry, Node, Place};
use flowscript_lang::types::Type;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Keys of any step.
pub(super) const COMMON: &[Key] = &[
    optional("id", Takes::Text),
    optional("name", Takes::Text),
    optional("when", Takes::Expression),
    optional("timeout", Takes::Duration),
    optional("retry", Takes::Map(retry::KEYS)),
    optional("once", Takes::Flag),
    optional("continueOnFail", Takes::Flag),
];

/// A kind of step: one row of a table.
#[derive(Debug)]
pub struct Row {
    /// The key in the file.
    pub key: &'static str,
    /// The effect of its steps, for the reference.
    pub summary: &'static str,
    /// A step of the kind, as valid YAML.
    pub example: &'static str,
    /// The value that the key takes.
    pub takes: Takes,
    /// May it be retried after a failure?
    pub retry: Retries,
    /// May it declare that it runs at most once?
    pub once: May,
    /// May it fail while the run continues?
    pub continue_on_fail: May,
    /// Adds the names of variables that a step may set, as written in its value. Some may not be variables.
    pub names_set: fn(&Node, &mut Vec<String>),
    /// Reads a step of the kind.
    pub read: Read,
}

/// How a step of a kind is read, and whether it may have a `timeout`. The functions return `None` after they have
/// reported a problem.
#[derive(Clone, Copy, Debug)]
pub enum Read {
    /// It may have one, which the function takes.
    Timed {
        /// How long a step may take without one.
        default: Duration,
        /// The longest one.
        longest: Duration,
        /// Reads a step.
        read: fn(&mut Walk<'_>, &Given<'_>, Duration) -> Option<Body>,
    },
    /// It may not, for this reason.
    Untimed(&'static str, fn(&mut Walk<'_>, &Given<'_>) -> Option<Body>),
}

/// The reason why a step without an `id` cannot fail while the run continues.
const NEEDS_ID: &str = "`continueOnFail` needs an `id`, under which `errors` has the failure";

impl Row {
    /// Why a step of the kind must not have one of the shared keys. `has_id`: it has an `id`.
    pub fn refuses(&self, key: Shared, has_id: bool) -> Option<&'static str> {
        let why = |may: May| match may {
            May::Yes => None,
            May::No(reason) => Some(reason),
        };
        match key {
            Shared::Timeout => match self.read {
                Read::Timed { .. } => None,
                Read::Untimed(reason, _) => Some(reason),
            },
            Shared::Retry => match self.retry {
                Retries::All | Retries::Passing => None,
                Retries::No(reason) => Some(reason),
            },
            Shared::Once => why(self.once),
            Shared::ContinueOnFail => why(self.continue_on_fail).or((!has_id).then_some(NEEDS_ID)),
        }
    }
}

/// Reads the steps of one workflow.
pub struct Walk<'a> {
    /// All kinds of steps.
    kinds: &'static [Row],
    reader: Reader<'a>,
    /// A step that holds others gets its place before it is read.
    steps: Vec<Option<Step>>,
    blocks: Vec<Block>,
    /// The block whose steps are being read.
    block: BlockIndex,
    /// The ids of the steps so far that could run before the next one.
    ids: HashSet<String>,
    callees: Callees<'a>,
    calls: Vec<(String, Place)>,
}

/// The steps of one workflow.
pub struct Steps {
    /// All steps, nested ones too, in the order of the file; `None` if one could not be read.
    pub steps: Option<Vec<Step>>,
    /// The lists of steps that run by themselves. The first is the workflow's own.
    pub blocks: Vec<Block>,
    /// The workflows that are called, and where.
    pub calls: Vec<(String, Place)>,
}

/// The target of a `call`.
pub enum Callee {
    /// A workflow that has loaded.
    Loaded(Arc<dyn Callable>),
    /// The workflow does not exist.
    Missing,
    /// It exists, but does not load.
    Broken,
    /// It calls, perhaps through others, the workflow being read: their ids in the order of the calls.
    Cycle(Vec<String>),
}

/// A workflow, as far as its callers need to know it.
pub trait Callable {
    /// Its id.
    fn id(&self) -> &str;
    /// Its inputs.
    fn inputs(&self) -> &[crate::script::Input];
    /// The known type of its result.
    fn result(&self) -> &Type;
    /// The depth of its calls, including itself.
    fn depth(&self) -> usize;
}

/// Finds the workflow that a `call` names.
pub type Callees<'a> = &'a mut dyn FnMut(&str) -> Callee;

/// The inputs of a kind for reading a step.
pub struct Given<'n> {
    row: &'static Row,
    node: &'n Node,
    id: Option<String>,
    position: String,
    index: StepIndex,
}

/// The result of reading a step.
pub struct Body {
    kind: Box<dyn StepKind>,
    /// The type of the variable named by its `id`; `None` if it does not set one.
    result: Option<Type>,
    ways: Option<Ways>,
}

impl Body {
    /// A step with a result of this type.
    pub fn new(kind: impl StepKind + 'static, result: Type) -> Self {
        Self { kind: Box::new(kind), result: Some(result), ways: None }
    }

    /// A step that chooses how the run continues.
    pub fn choosing(kind: impl StepKind + 'static, ways: Ways) -> Self {
        Self { kind: Box::new(kind), result: None, ways: Some(ways) }
    }
}

impl<'n> Given<'n> {
    /// The value of the kind's key.
    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// The place where that begins.
    pub fn place(&self) -> Place {
        self.node.place
    }

    /// Its entries, which must have keys of the kind.
    pub fn fields(&self, reader: &mut Reader<'_>) -> Option<Fields<'n>> {
        reader.fields(self.node, &format!("`{}`", self.row.key), self.row.takes.keys())
    }

    /// The position of the step in its list.
    pub(super) fn position(&self) -> &str {
        &self.position
    }

    /// The place of the step among all.
    pub(super) fn index(&self) -> StepIndex {
        self.index
    }
}

impl<'a> Walk<'a> {
    /// A walk over steps of these kinds that has not begun.
    pub fn new(kinds: &'static [Row], reader: Reader<'a>, callees: Callees<'a>) -> Self {
        let blocks = vec![Block::default()];
        Self { kinds, reader, steps: Vec::new(), blocks, block: 0, ids: HashSet::new(), callees, calls: Vec::new() }
    }

    /// The reader of values, with the variables known at the present place.
    pub fn reader(&mut self) -> &mut Reader<'a> {
        &mut self.reader
    }

    /// The steps so far.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().flatten()
    }

    /// Returns the reader and the results.
    pub fn finish(self) -> (Reader<'a>, Steps) {
        let Self { reader, steps, blocks, calls, .. } = self;
        (reader, Steps { steps: steps.into_iter().collect(), blocks, calls })
    }

    /// The workflow's own list of steps, and its output.
    pub fn own_steps(&mut self, steps: Option<&Node>) -> Graph {
        let graph = steps.map(|node| self.list(node, "")).unwrap_or_default();
        if let Some(own) = self.blocks.first_mut() {
            own.first = graph.first();
        }
        graph
    }

    /// The workflow's output.
    pub fn own_output(&mut self, output: Option<crate::script::Content>) {
        if let Some(own) = self.blocks.first_mut() {
            own.output = output;
        }
    }

    /// A list of steps. `path` is the prefix of their positions.
    pub(super) fn list(&mut self, node: &Node, path: &str) -> Graph {
        let mut graph = Graph::default();
        let Some(elements) = node.elements() else {
            self.reader.wrong(node, "`steps` must be a list");
            return graph;
        };
        for (number, element) in elements.iter().enumerate() {
            // A step scans the scope, and may copy it.
            if !self.reader.pay_for_variables(4) {
                break;
            }
            if graph.is_closed() {
                let message = "No run reaches this step: every path ends before it";
                self.reader.report(Problem::new(codes::UNREACHABLE, element.place, message));
                graph.open();
            }
            self.step(element, &format!("{path}{}", number + 1), path, &mut graph);
        }
        graph
    }

    fn step(&mut self, node: &Node, number: &str, path: &str, graph: &mut Graph) {
        let Some((mut fields, row, entry)) = self.kind_of(node) else { return };
        let id = fields.take("id").filter(|entry| self.id(entry)).map(|entry| text_of(&entry.value).to_owned());
        let position = id.as_ref().map_or_else(|| number.to_owned(), |id| format!("{path}{id}"));
        let reader = &mut self.reader;
        let when = fields.take("when").and_then(|entry| Some(reader.expression(&entry.value, "`when`")?.0));
        let name = reader.optional_text(&mut fields, "name");
        let timeout = fields.take("timeout");
        let retry = fields.take("retry").and_then(|entry| retry::read(reader, &entry.value));
        let once = reader.optional_bool(&mut fields, "once").unwrap_or(false);
        let continue_on_fail = reader.optional_bool(&mut fields, "continueOnFail").unwrap_or(false);
        refuse_shared(reader, &fields, row);
        // After a step that may be skipped, only what was known before it is known.
        let before = (when.is_some() || continue_on_fail).then(|| reader.scope().clone());
        // Its place is before the places of those that it holds.
        let index = self.steps.len();
        self.steps.push(None);
        let given = Given { row, node: &entry.value, id, position, index };
        let read = match row.read {
            Read::Untimed(_, read) => read(self, &given),
            Read::Timed { default, longest, read } => {
                let timeout = timeout.and_then(|entry| self.reader.duration(&entry.value, longest)).unwrap_or(default);
                read(self, &given, timeout)
            }
        };
        let Some(Body { kind, result, ways }) = read else {
            // Later steps may use the result all the same; one problem is enough.
            if let Some(id) = &given.id {
                self.reader.define(id, Type::Any);
            }
            return;
        };
        let Given { id, position, .. } = given;
        if let Some(before) = &before {
            self.reader.scope_mut().meet(before);
        }
        let slot = match (&id, result) {
            (Some(id), Some(ty)) => Some(self.reader.define(id, if before.is_some() { ty.nullable() } else { ty })),
            _ => None,
        };
        let what = What::new(row.key, row.retry, kind);
        let goes_on = ways.as_ref().map_or(!what.facts().ends, Ways::may_choose_none) || when.is_some();
        let (ways, mut ends) = ways.map(Ways::into_parts).unwrap_or_default();
        if goes_on {
            ends.push(LooseEnd::Step(index));
        }
        let title = name.or(id).unwrap_or_else(|| row.key.to_owned());
        let (block, place) = (self.block, node.place);
        let shape = Shape { slot, block, position, place, title, when, retry, once, continue_on_fail, ways };
        if let Some(step) = self.steps.get_mut(index) {
            *step = Some(Step::new(shape, what));
        }
        graph.append(&mut self.steps, index, ends);
    }

    /// The entry that names the kind of the step, and the kind.
    fn kind_of<'n>(&mut self, node: &'n Node) -> Option<(Fields<'n>, &'static Row, &'n Entry)> {
        let Some(entries) = node.entries() else {
            self.reader.wrong(node, "A step must be a map, such as `- log: { message: \"…\" }`");
            return None;
        };
        let kinds: Vec<&str> = self.kinds.iter().map(|row| row.key).collect();
        let keys: Vec<&str> = COMMON.iter().map(|key| key.name).chain(kinds.iter().copied()).collect();
        let known: Vec<(&Entry, &Row)> = entries.iter().filter_map(|e| Some((e, self.row(&e.key)?))).collect();
        let refusals: Vec<Problem> = entries
            .iter()
            .filter(|entry| !keys.contains(&entry.key.as_str()))
            .map(|entry| refused(entry, "A step", &keys))
            .collect();
        let refused_any = !refusals.is_empty();
        self.reader.report_all(refusals);
        match known.as_slice() {
            [] => {
                if !refused_any {
                    let message =
                        format!("This step does nothing; give it one of {}", listed(&kinds).replace(" and ", " or "));
                    self.reader.report(Problem::new(codes::MISSING_KEY, node.place, message));
                }
                None
            }
            [(entry, row)] => Some((Fields::of(node, "A step", &keys).0?, row, entry)),
            [(first, _), (second, _), ..] => {
                let message = format!("A step does one thing; this one has `{}` and `{}`", first.key, second.key);
                let hint = "Make two steps of it.";
                self.reader.report(Problem::new(codes::WRONG_VALUE, second.place, message).with_hint(hint));
                None
            }
        }
    }

    /// May a step have this id?
    fn id(&mut self, entry: &Entry) -> bool {
        let id = text_of(&entry.value);
        if !self.reader.is_name(id, entry.value.place) {
            return false;
        }
        let problem = if !self.claim(id) {
            Some(format!("Another step before this one has the id `{id}`"))
        } else if self.reader.is_input(id) {
            Some(format!("`{id}` is an input already"))
        } else {
            None
        };
        let fits = problem.is_none();
        if let Some(message) = problem {
            let problem = Problem::new(codes::NAME, entry.value.place, message);
            self.reader.report(problem.with_hint("Ids are unique in a workflow."));
        }
        fits
    }

    /// Takes an id that no earlier step has.
    pub(super) fn claim(&mut self, id: &str) -> bool {
        self.ids.insert(id.to_owned())
    }

    /// Exchanges the ids of the steps so far.
    pub(super) fn swap_ids(&mut self, ids: HashSet<String>) -> HashSet<String> {
        std::mem::replace(&mut self.ids, ids)
    }

    /// The ids of the steps so far.
    pub(super) fn ids(&self) -> &HashSet<String> {
        &self.ids
    }

    /// Takes more ids.
    pub(super) fn add_ids(&mut self, ids: HashSet<String>) {
        self.ids.extend(ids);
    }

    /// Reads a list of steps that runs by itself, below the given step: the list and the type of its output. `around`
    /// names the block around the steps, if others run at the same time.
    pub(super) fn block(
        &mut self,
        given: &Given<'_>,
        steps: Option<&Entry>,
        output: Option<&Entry>,
        around: Option<&'static str>,
    ) -> (BlockIndex, Type) {
        if let Some(id) = &given.id {
            // The variable of the result has a slot, but no value yet.
            self.reader.slot(id);
        }
        self.blocks.push(Block::default());
        let block = self.blocks.len() - 1;
        let outer = std::mem::replace(&mut self.block, block);
        let side_by_side = self.reader.side_by_side();
        self.reader.set_side_by_side(around.or(side_by_side));
        let graph = steps.map(|entry| self.list(&entry.value, "")).unwrap_or_default();
        let (output, ty) = match output {
            Some(entry) => self.reader.content(&entry.value),
            None => (None, Type::Any),
        };
        if let Some(read) = self.blocks.get_mut(block) {
            *read = Block { first: graph.first(), gives_last: output.is_none(), output };
        }
        self.reader.set_side_by_side(side_by_side);
        self.block = outer;
        (block, ty)
    }

    /// The kind of this key.
    fn row(&self, key: &str) -> Option<&'static Row> {
        self.kinds.iter().find(|row| row.key == key)
    }

    /// The names of variables that these steps may set. Some may not be variables.
    pub(super) fn names_set(&self, node: &Node) -> Vec<String> {
        let mut names = Vec::new();
        self.add_names_set(node, &mut names);
        names
    }

    fn add_names_set(&self, node: &Node, names: &mut Vec<String>) {
        for element in node.elements().unwrap_or_default() {
            self.add_names_set(element, names);
        }
        for entry in node.entries().unwrap_or_default() {
            if let Some(row) = self.row(&entry.key) {
                (row.names_set)(&entry.value, names);
            }
            self.add_names_set(&entry.value, names);
        }
    }

    /// The target of a `call`.
    pub(super) fn find(&mut self, id: &str) -> Callee {
        (self.callees)(id)
    }

    /// A step calls this workflow.
    pub(super) fn calls(&mut self, id: &str, place: Place) {
        self.calls.push((id.to_owned(), place));
    }
}

/// Reports the keys that a kind does not allow.
fn refuse_shared(reader: &mut Reader<'_>, fields: &Fields<'_>, row: &Row) {
    let has_id = fields.get("id").is_some();
    for key in Shared::ALL {
        if let (Some(entry), Some(reason)) = (fields.get(key.key()), row.refuses(key, has_id)) {
            reader.report(Problem::new(codes::WRONG_VALUE, entry.place, reason));
        }
    }
}
