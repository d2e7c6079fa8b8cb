//! `steps`: lists of steps, what all of them have in common, and `decide`, which holds lists itself.

use super::Reader;
use super::fields::{Fields, listed, refused};
use super::graph::{Graph, LooseEnd};
use crate::script::Scope;
use crate::workflow::model::{Branch, Retry, Slot, Step, StepIndex, StepKind};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Entry, Node, Place};
use flowscript_lang::types::Type;
use std::collections::HashSet;
use std::time::Duration;

/// Keys of any step.
const COMMON: [&str; 7] = ["id", "name", "when", "timeout", "retry", "once", "continueOnFail"];
/// The kinds of steps.
const KINDS: [&str; 17] = [
    "set",
    "table",
    "script",
    "decide",
    "forEach",
    "parallel",
    "assert",
    "log",
    "http",
    "sql",
    "file",
    "email",
    "call",
    "wait",
    "checkpoint",
    "respond",
    "end",
];
/// The longest `timeout` of a step.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// What all steps have in common.
pub(super) struct Common<'n> {
    pub(super) id: Option<&'n Entry>,
    pub(super) name: Option<String>,
    pub(super) when: Option<crate::script::Script>,
    position: String,
    place: Place,
    timeout: Option<Duration>,
    retry: Option<Retry>,
    once: bool,
    pub(super) continue_on_fail: bool,
}

impl Reader<'_> {
    /// The steps of the workflow.
    pub(super) fn steps(&mut self, node: &Node) -> Graph {
        self.list(node, "", &mut HashSet::new())
    }

    /// A list of steps. `path` is in front of their positions; `ids` are those that stand before them.
    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str, ids: &mut HashSet<&'n str>) -> Graph {
        let mut graph = Graph::default();
        let Some(elements) = node.elements() else {
            self.wrong(node, "`steps` must be a list");
            return graph;
        };
        for (number, element) in elements.iter().enumerate() {
            // A step looks through what is known, and may copy it.
            if !self.pay() || !self.loading.pay(self.scope.width() as u64 / 4) {
                break;
            }
            if graph.closed {
                let message = "No run reaches this step: every path ends before it";
                self.report(Problem::new(codes::UNREACHABLE, element.place, message));
                graph.closed = false;
            }
            self.step(element, &format!("{path}{}", number + 1), path, ids, &mut graph);
        }
        graph
    }

    fn step<'n>(&mut self, node: &'n Node, number: &str, path: &str, ids: &mut HashSet<&'n str>, graph: &mut Graph) {
        let Some((mut fields, kind)) = self.kind_of(node) else { return };
        let id = fields.take("id").filter(|entry| self.id(entry, ids));
        let position = id.map_or_else(|| number.to_owned(), |id| format!("{path}{}", text_of(&id.value)));
        let when = fields.take("when").and_then(|entry| Some(self.expression(&entry.value, "`when`")?.0));
        let common = Common {
            id,
            name: self.optional_text(&mut fields, "name"),
            when,
            position,
            place: node.place,
            timeout: fields.take("timeout").and_then(|entry| self.duration(&entry.value, MAX_TIMEOUT)),
            retry: fields.take("retry").and_then(|entry| self.retry(&entry.value)),
            once: self.optional_bool(&mut fields, "once").unwrap_or(false),
            continue_on_fail: self.optional_bool(&mut fields, "continueOnFail").unwrap_or(false),
        };
        self.refuse_common(&fields, kind);
        match kind.key.as_str() {
            "decide" => return self.decide(&kind.value, common, ids, graph),
            "forEach" => return self.for_each(&kind.value, common, ids, graph),
            "parallel" => return self.parallel(&kind.value, common, ids, graph),
            _ => {}
        }
        // A step that may be left out leaves behind what was known before.
        let before = (common.when.is_some() || common.continue_on_fail).then(|| self.scope.clone());
        let body = self.body(kind, common.timeout);
        let Some((kind, ty)) = body else {
            // Later steps may use the result all the same; one problem is enough.
            self.define_result(common.id, Type::Any);
            return;
        };
        let ends = matches!(kind, StepKind::End(_)) && common.when.is_none();
        let ty = match &before {
            Some(before) => {
                self.scope.meet(before);
                ty.nullable()
            }
            None => ty,
        };
        let slot = self.define_result(common.id, ty);
        let index = self.push(common, slot, kind);
        graph.append(&mut self.steps, index, if ends { Vec::new() } else { vec![LooseEnd::Step(index)] }, ends);
    }

    /// Keys that mean nothing for a kind.
    fn refuse_common(&mut self, fields: &Fields<'_>, kind: &Entry) {
        let refused = |key: &str| match (key, kind.key.as_str()) {
            ("timeout", "http" | "sql" | "email") => None,
            ("timeout", "wait") => {
                Some("The `timeout` of a `wait` stands inside it: `wait: { event: paid, timeout: 1h }`")
            }
            ("timeout", _) => Some("`timeout` is for steps that wait for somebody else, such as `http`"),
            ("retry" | "once" | "continueOnFail", "decide") => {
                Some("`decide` holds steps; give this to the steps in it")
            }
            ("retry" | "once", "forEach" | "parallel") => Some("This step holds steps; give this to the steps in it"),
            ("retry" | "once", "call") => Some("`call` runs steps; give this to the steps of the workflow it calls"),
            ("retry" | "once" | "continueOnFail", "end") => Some("`end` ends the run; there is nothing to go on with"),
            ("continueOnFail", _) if fields.get("id").is_none() => {
                Some("`continueOnFail` needs an `id`, under which `errors` tells what failed")
            }
            _ => None,
        };
        for key in ["timeout", "retry", "once", "continueOnFail"] {
            if let (Some(entry), Some(reason)) = (fields.get(key), refused(key)) {
                self.report(Problem::new(codes::WRONG_VALUE, entry.place, reason));
            }
        }
    }

    /// The entry that says what the step does.
    fn kind_of<'n>(&mut self, node: &'n Node) -> Option<(Fields<'n>, &'n Entry)> {
        let Some(entries) = node.entries() else {
            self.wrong(node, "A step must be a map, such as `- log: { message: \"…\" }`");
            return None;
        };
        let keys: Vec<&str> = COMMON.iter().chain(&KINDS).copied().collect();
        let known: Vec<&Entry> = entries.iter().filter(|e| KINDS.contains(&e.key.as_str())).collect();
        let refusals: Vec<Problem> = entries
            .iter()
            .filter(|entry| !keys.contains(&entry.key.as_str()))
            .map(|entry| refused(entry, "A step", &keys, &[]))
            .collect();
        let refused_any = !refusals.is_empty();
        self.report_all(refusals);
        match known.as_slice() {
            [] => {
                if !refused_any {
                    let message =
                        format!("This step does nothing; give it one of {}", listed(&KINDS).replace(" and ", " or "));
                    self.report(Problem::new(codes::MISSING_KEY, node.place, message));
                }
                None
            }
            [kind] => Some((Fields::of(node, "A step", &keys, &[]).0?, kind)),
            [first, second, ..] => {
                let message = format!("A step does one thing; this one has `{}` and `{}`", first.key, second.key);
                let hint = "Make two steps of it.";
                self.report(Problem::new(codes::WRONG_VALUE, second.place, message).with_hint(hint));
                None
            }
        }
    }

    /// May a step have this id?
    fn id<'n>(&mut self, entry: &'n Entry, ids: &mut HashSet<&'n str>) -> bool {
        let id = text_of(&entry.value);
        if !self.name(id, entry.value.place) {
            return false;
        }
        let is_input = |reader: &Self| reader.slots.get(id).is_some_and(|slot| reader.inputs.contains(slot));
        let problem = if !ids.insert(id) {
            Some(format!("Another step before this one has the id `{id}`"))
        } else if is_input(self) {
            Some(format!("`{id}` is an input already"))
        } else {
            None
        };
        let fits = problem.is_none();
        self.report_all(problem.map(|message| {
            Problem::new(codes::NAME, entry.value.place, message).with_hint("Ids are unique in a workflow.")
        }));
        fits
    }

    /// Makes the result of a step known behind it.
    pub(super) fn define_result(&mut self, id: Option<&Entry>, ty: Type) -> Option<Slot> {
        let id = text_of(&id?.value);
        let slot = self.slot(id);
        self.scope.define(id, slot, ty, true);
        Some(slot)
    }

    pub(super) fn push(&mut self, common: Common<'_>, slot: Option<Slot>, kind: StepKind) -> StepIndex {
        let id = common.id.map(|entry| text_of(&entry.value).to_owned());
        let title = common.name.or(id).unwrap_or_else(|| kind.name().to_owned());
        let Common { when, position, place, retry, once, continue_on_fail, .. } = common;
        let block = self.block;
        self.steps.push(Step {
            slot,
            block,
            position,
            place,
            title,
            when,
            kind,
            retry,
            once,
            continue_on_fail,
            next: None,
        });
        self.steps.len() - 1
    }

    /// `decide`: each branch begins with what was known before; behind it is known what all of them set.
    fn decide<'n>(&mut self, node: &'n Node, common: Common<'n>, ids: &mut HashSet<&'n str>, graph: &mut Graph) {
        let Some(elements) = node.elements().filter(|elements| !elements.is_empty()) else {
            self.wrong(node, "`decide` must be a list of branches");
            return;
        };
        let path = format!("{}/", common.position);
        let conditional = common.when.is_some();
        let before = self.scope.clone();
        let ids_before = ids.clone();
        let index = self.push(common, None, StepKind::Decide(Vec::new()));
        let mut after: Option<Scope> = None;
        let mut loose = Vec::new();
        let mut otherwise = false;
        for (number, element) in elements.iter().enumerate() {
            if !self.loading.pay((self.scope.width() + ids_before.len()) as u64) {
                break;
            }
            let Some((when, steps)) = self.branch(element, &mut otherwise, number + 1 == elements.len()) else {
                continue;
            };
            let mut branch_ids = ids_before.clone();
            let branch = self.list(steps, &format!("{path}{}/", number + 1), &mut branch_ids);
            ids.extend(branch_ids);
            if !branch.closed {
                match &mut after {
                    None => after = Some(self.scope.clone()),
                    Some(after) => after.meet(&self.scope),
                }
            }
            self.scope = before.clone();
            if let Some(Step { kind: StepKind::Decide(branches), .. }) = self.steps.get_mut(index) {
                if branch.first.is_none() {
                    loose.push(LooseEnd::Branch(index, branches.len()));
                }
                branches.push(Branch { when, first: branch.first });
            }
            loose.extend(branch.ends);
        }
        if conditional || !otherwise {
            loose.push(LooseEnd::Step(index));
            if let Some(after) = &mut after {
                after.meet(&before);
            }
        }
        let closed = loose.is_empty();
        if let Some(after) = after {
            self.scope = after;
        }
        graph.append(&mut self.steps, index, loose, closed);
    }

    /// A branch: `{ when, steps }`, or `{ else: steps }` at the end.
    fn branch<'n>(
        &mut self,
        node: &'n Node,
        otherwise: &mut bool,
        last: bool,
    ) -> Option<(Option<crate::script::Script>, &'n Node)> {
        let fields = self.fields(node, "A branch of `decide`", &["when", "steps", "else"], &[])?;
        if let Some(entry) = fields.get("else") {
            if !last || fields.get("when").is_some() || fields.get("steps").is_some() {
                let message = "`else` stands alone in the last branch";
                self.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
            }
            *otherwise = true;
            return Some((None, &entry.value));
        }
        let when = self.needed(&fields, "when", node.place, "A branch of `decide` needs `when`, or is `else`");
        let when = when.and_then(|entry| self.expression(&entry.value, "`when`")).map(|(script, _)| script);
        let steps = self.needed(&fields, "steps", node.place, "A branch of `decide` needs `steps`")?;
        Some((when, &steps.value))
    }
}

/// The text of a scalar; empty for anything else.
pub(super) fn text_of(node: &Node) -> &str {
    node.scalar().map_or("", |scalar| &scalar.text)
}
