//! Steps that hold steps, and steps that have to do with the run itself: `forEach`, `parallel`, `call`, `wait`, `table`.

use super::Reader;
use super::fields::listed;
use super::graph::{Graph, LooseEnd};
use super::kinds::Body;
use super::steps::Common;
use super::steps::text_of as text;
use crate::script::{Content, Scope};
use crate::workflow::Callee;
use crate::workflow::id_of_path;
use crate::workflow::model::{
    Block, BlockIndex, Call, Columns, ForEach, StepIndex, StepKind, Table, Wait, Waiting, Workflow,
};
use crate::workflow::problem::{Problem, broken_call, codes};
use crate::yaml::{Entry, Node, Place};
use ecow::EcoString;
use flowscript_lang::types::Type;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How many passes of a loop may go on at a time.
const MAX_PARALLEL: u32 = 1000;
/// How deep calls may stand in each other.
const MAX_DEPTH: usize = 16;
/// The longest span of a `wait`.
const LONGEST_WAIT: Duration = Duration::from_secs(3650 * 86_400);

/// A step that holds steps, while they are being read.
struct Holder<'n> {
    index: StepIndex,
    id: Option<&'n Entry>,
    may_be_left_out: bool,
    untitled: bool,
}

impl Reader<'_> {
    /// `forEach`: its steps see the element, and in a loop of one pass at a time what earlier passes have set.
    pub(super) fn for_each<'n>(
        &mut self,
        node: &'n Node,
        common: Common<'n>,
        ids: &mut HashSet<&'n str>,
        graph: &mut Graph,
    ) {
        let keys = ["item", "in", "steps", "parallel", "output"];
        let Some(mut fields) = self.fields(node, "`forEach`", &keys, &[]) else { return };
        let list = self.needed(&fields, "in", node.place, "`forEach` needs `in`, the list or table of its elements");
        let list = list.and_then(|entry| self.expression(&entry.value, "`in`"));
        let item = self.needed(&fields, "item", node.place, "`forEach` needs `item`, the variable of the element");
        let item = item.and_then(|entry| self.item(&entry.value, ids));
        let parallel = fields.take("parallel").and_then(|e| self.whole(&e.value, "parallel", 1..=MAX_PARALLEL));
        let parallel = parallel.unwrap_or(1);
        let steps = self.needed(&fields, "steps", node.place, "`forEach` needs `steps`");

        let before = self.scope.clone();
        let holder = self.push_holder(common);
        let ty = match list.as_ref().map(|(_, ty)| ty) {
            Some(Type::List(element)) => (**element).clone(),
            _ => Type::Any,
        };
        let written = std::mem::take(&mut self.written);
        if parallel > 1 {
            self.scope.fix();
        } else if let Some(steps) = steps {
            let mut names = Vec::new();
            set_names(&steps.value, &mut names);
            self.scope.widen(&names);
        }
        if let Some((name, slot)) = item {
            self.scope.define(name, slot, ty, false);
        }
        let around = (parallel > 1).then_some("a `forEach` with `parallel` above 1");
        let (block, output) = self.block(steps, fields.take("output"), ids, around);
        let inside = std::mem::replace(&mut self.written, written);
        let writes: Vec<_> = inside.into_iter().filter(|slot| before.knows(*slot)).collect();
        self.written.extend(&writes);
        let mut after = before.clone();
        if parallel == 1 {
            after.meet(&self.scope);
        }
        self.scope = after;
        if let (Some((list, _)), Some((_, item))) = (list, item) {
            let kind = StepKind::ForEach(Box::new(ForEach { item, list, block, parallel, writes }));
            self.close_holder(&holder, kind);
        }
        self.finish_holder(&holder, output.many(), &before, graph);
    }

    /// `parallel`: branches by name, side by side.
    pub(super) fn parallel<'n>(
        &mut self,
        node: &'n Node,
        common: Common<'n>,
        ids: &mut HashSet<&'n str>,
        graph: &mut Graph,
    ) {
        let Some(entries) = node.entries().filter(|entries| !entries.is_empty()) else {
            self.wrong(node, "`parallel` must be a map from the names of its branches to their `steps`");
            return;
        };
        let before = self.scope.clone();
        let holder = self.push_holder(common);
        let written = std::mem::take(&mut self.written);
        let mut branches = Vec::new();
        let mut types = Vec::new();
        for entry in entries {
            if !self.loading.pay(self.scope.width() as u64) {
                break;
            }
            self.name(&entry.key, entry.place);
            let Some(mut fields) = self.fields(&entry.value, "A branch", &["steps", "output"], &[]) else { continue };
            let steps = self.needed(&fields, "steps", entry.place, "A branch of `parallel` needs `steps`");
            self.scope.clone_from(&before);
            self.scope.fix();
            let (block, output) = self.block(steps, fields.take("output"), ids, Some("`parallel`"));
            branches.push((EcoString::from(entry.key.as_str()), block));
            types.push((EcoString::from(entry.key.as_str()), output));
        }
        self.written = written;
        self.scope.clone_from(&before);
        self.close_holder(&holder, StepKind::Parallel(branches));
        self.finish_holder(&holder, Type::closed_record(types), &before, graph);
    }

    /// Reads a list of steps that runs for itself; gives it with what is known of its output.
    fn block<'n>(
        &mut self,
        steps: Option<&'n Entry>,
        output: Option<&'n Entry>,
        ids: &mut HashSet<&'n str>,
        around: Option<&'static str>,
    ) -> (BlockIndex, Type) {
        self.blocks.push(Block::default());
        let block = self.blocks.len() - 1;
        let outer = std::mem::replace(&mut self.block, block);
        let side_by_side = self.side_by_side;
        self.side_by_side = around.or(side_by_side);
        let graph = steps.map(|entry| self.list(&entry.value, "", ids)).unwrap_or_default();
        let (output, ty) = match output {
            Some(entry) => self.content(&entry.value),
            None => (None, Type::Any),
        };
        if let Some(read) = self.blocks.get_mut(block) {
            *read = Block { first: graph.first, gives_last: output.is_none(), output };
        }
        self.side_by_side = side_by_side;
        self.block = outer;
        (block, ty)
    }

    /// The variable of the elements.
    fn item<'n>(&mut self, node: &'n Node, ids: &mut HashSet<&'n str>) -> Option<(&'n str, usize)> {
        let name = text(node);
        if !self.name(name, node.place) {
            return None;
        }
        let taken = self.slots.get(name).is_some_and(|slot| self.scope.knows(*slot));
        if taken || !ids.insert(name) {
            let message = format!("`{name}` is the name of a variable, a step or another loop's element already");
            self.report(Problem::new(codes::NAME, node.place, message).with_hint("Give the element another name."));
            return None;
        }
        Some((name, self.slot(name)))
    }

    /// Puts a step that holds steps in front of them; what it does is known only behind them.
    fn push_holder<'n>(&mut self, common: Common<'n>) -> Holder<'n> {
        let id = common.id;
        let may_be_left_out = common.when.is_some() || common.continue_on_fail;
        let untitled = id.is_none() && common.name.is_none();
        let slot = id.map(|entry| self.slot(text(&entry.value)));
        let index = self.push(common, slot, StepKind::Parallel(Vec::new()));
        Holder { index, id, may_be_left_out, untitled }
    }

    fn close_holder(&mut self, holder: &Holder<'_>, kind: StepKind) {
        if let Some(step) = self.steps.get_mut(holder.index) {
            if holder.untitled {
                kind.name().clone_into(&mut step.title);
            }
            step.kind = kind;
        }
    }

    fn finish_holder(&mut self, holder: &Holder<'_>, ty: Type, before: &Scope, graph: &mut Graph) {
        if holder.may_be_left_out {
            self.scope.meet(before);
        }
        self.define_result(holder.id, if holder.may_be_left_out { ty.nullable() } else { ty });
        graph.append(&mut self.steps, holder.index, vec![LooseEnd::Step(holder.index)], false);
    }

    /// Reports a variable that steps beside others see a copy of.
    pub(super) fn refuse_shared(&mut self, name: &str, place: Place) {
        let Some(around) = self.side_by_side.filter(|_| self.scope.is_fixed(name)) else { return };
        let message = format!("`{name}` comes from outside and cannot be set inside {around}");
        let hint = "Its steps see a copy; give the value as `output`.";
        self.report(Problem::new(codes::SHARED, place, message).with_hint(hint));
    }

    /// `call`: the workflow is known by now, so that its inputs can be checked.
    pub(super) fn call(&mut self, node: &Node) -> Body {
        let mut fields = self.fields(node, "`call`", &["workflow", "input"], &[])?;
        let why = "`call` needs `workflow`, the id of the workflow that is called";
        let named = self.needed(&fields, "workflow", node.place, why)?;
        let callee = self.callee(&named.value);
        let mut input = Some(Vec::new());
        let mut given = HashSet::new();
        if let Some(entry) = fields.take("input") {
            let Some(entries) = entry.value.entries() else {
                self.wrong(&entry.value, "`input` must be a map from the inputs of the workflow to their values");
                return None;
            };
            for entry in entries {
                if !self.loading.look(callee.as_ref().map_or(0, |callee| callee.inputs.len())) {
                    break;
                }
                given.insert(entry.key.as_str());
                if let Some(callee) = &callee
                    && callee.input(&entry.key).is_none()
                {
                    let names: Vec<&str> = callee.inputs.iter().map(|input| input.name.as_str()).collect();
                    let message = format!("The workflow `{}` has no input `{}`", callee.id, entry.key);
                    let hint =
                        if names.is_empty() { "It has none.".into() } else { format!("It has {}.", listed(&names)) };
                    self.report(Problem::new(codes::UNKNOWN_KEY, entry.place, message).with_hint(hint));
                }
                let content = self.content(&entry.value).0;
                if let (Some(Content::Constant(value)), Some((_, input))) =
                    (&content, callee.as_ref().and_then(|callee| callee.input(&entry.key)))
                {
                    self.refuse_unfit(value, input, entry.value.place);
                }
                match (content, &mut input) {
                    (Some(content), Some(input)) => input.push((entry.key.as_str().into(), content)),
                    _ => input = None,
                }
            }
        }
        let callee = callee?;
        if !self.loading.look(callee.inputs.len()) {
            return None;
        }
        for missing in callee.inputs.iter().filter(|i| i.default.is_none() && !given.contains(&i.name.as_str())) {
            let message = format!("The workflow `{}` needs the input `{}`", callee.id, missing.name);
            self.report(Problem::new(codes::MISSING_KEY, node.place, message).with_hint("Give it in `input`."));
        }
        let ty = callee.result.clone();
        let workflow = callee.id.clone();
        self.calls.push((workflow.clone(), named.value.place));
        self.called.insert(workflow.clone(), callee);
        Some((StepKind::Call(Call { workflow, input: input? }), ty))
    }

    fn callee(&mut self, node: &Node) -> Option<Arc<Workflow>> {
        let id = text(node);
        if id_of_path(&format!("{}.yaml", id.replace('.', "/"))).is_err() {
            self.wrong(node, "The id of a workflow is wanted as it stands, such as item-price or erp.item-price");
            return None;
        }
        let problem = match (self.callees)(id) {
            Callee::Loaded(callee) if callee.depth() < MAX_DEPTH => return Some(callee),
            Callee::Loaded(_) => Problem::new(
                codes::CALL,
                node.place,
                format!("Calling `{id}` makes more than {MAX_DEPTH} calls inside each other"),
            )
            .with_hint("Call fewer workflows from within called ones."),
            Callee::Missing => {
                Problem::new(codes::UNKNOWN_WORKFLOW, node.place, format!("There is no workflow `{id}`"))
                    .with_hint(format!("Its file would be workflows/{}.yaml.", id.replace('.', "/")))
            }
            Callee::Broken => broken_call(id, node.place),
            Callee::Cycle(ids) => {
                let way: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
                Problem::new(
                    codes::CALL,
                    node.place,
                    format!("These calls lead back to themselves: {}", way.join(" → ")),
                )
                .with_hint("Move what they share into a workflow that calls neither of them.")
            }
        };
        self.report(problem);
        None
    }

    /// `wait`
    pub(super) fn wait(&mut self, node: &Node) -> Body {
        let mut fields = self.fields(node, "`wait`", &["for", "until", "event", "timeout"], &[])?;
        let given: Vec<&Entry> = ["for", "until", "event"].iter().filter_map(|key| fields.take(key)).collect();
        let [what] = given.as_slice() else {
            let message = "`wait` waits for one thing: `for` a span of time, `until` an instant, or an `event`";
            self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
            return None;
        };
        let timeout = fields.take("timeout");
        if let Some(entry) = timeout.filter(|_| what.key != "event") {
            let message = format!("`timeout` is for events; `{}` says itself how long it waits", what.key);
            self.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
        }
        let timeout = timeout.and_then(|entry| self.duration(&entry.value, LONGEST_WAIT));
        let (what, ty) = match what.key.as_str() {
            "for" => (Waiting::For(self.duration(&what.value, LONGEST_WAIT)?), Type::Null),
            "until" => (Waiting::Until(self.expression(&what.value, "`until`")?.0), Type::Null),
            _ => {
                if !self.library.has_callbacks() {
                    let message = "An event cannot reach this engine: nobody knows its address";
                    let hint = "Set `publicUrl` in flowscript.toml; `callbackUrl(name)` begins with it.";
                    self.report(Problem::new(codes::MISSING_KEY, what.place, message).with_hint(hint));
                }
                self.events.push((text(&what.value).to_owned(), what.value.place));
                (Waiting::Event(self.template(&what.value)?), Type::Any)
            }
        };
        Some((StepKind::Wait(Wait { what, timeout }), ty))
    }

    /// `table`
    pub(super) fn table(&mut self, node: &Node) -> Body {
        let mut fields = self.fields(node, "`table`", &["name", "columns", "from"], &[])?;
        let named = self.needed(&fields, "name", node.place, "`table` needs a `name`, the variable it makes")?;
        let name = text(&named.value);
        let fits = self.name(name, named.value.place);
        let (columns, ty) = match (fields.take("columns"), fields.take("from")) {
            (Some(columns), None) => self.columns(&columns.value)?,
            (None, Some(from)) => {
                let (script, ty) = self.expression(&from.value, "`from`")?;
                let element = match ty {
                    Type::List(element) => (*element).clone(),
                    _ => Type::any_record(),
                };
                (Columns::From(script), element)
            }
            _ => {
                let message = "`table` begins with its `columns` or with the rows that `from` gives";
                self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
                return None;
            }
        };
        if !fits {
            return None;
        }
        let slot = self.slot(name);
        self.refuse_shared(name, named.place);
        self.written.insert(slot);
        self.scope.define(name, slot, ty.many(), true);
        Some((StepKind::Table(Table { slot, columns }), Type::Null))
    }

    /// A map from names to types, or a list of names.
    fn columns(&mut self, node: &Node) -> Option<(Columns, Type)> {
        let mut columns = Vec::new();
        if let Some(entries) = node.entries() {
            for entry in entries {
                let input = self.input(entry, Type::Any)?;
                columns.push((input.name, input.conversion.ty().clone()));
            }
        } else if let Some(elements) = node.elements() {
            self.refuse_twice(elements.iter().map(|element| (text(element), element)));
            columns.extend(elements.iter().map(|element| (text(element).into(), Type::Any)));
        }
        if columns.is_empty() {
            self.wrong(node, "`columns` must be a map from names to types, or a list of names");
            return None;
        }
        let ty = Type::closed_record(columns.clone());
        Some((Columns::Named(columns), ty))
    }
}

/// Names that steps in here may set: those of `set` steps, and those behind `set` in scripts. Some may be none.
fn set_names(node: &Node, names: &mut Vec<String>) {
    if let Some(elements) = node.elements() {
        elements.iter().for_each(|element| set_names(element, names));
    }
    for entry in node.entries().unwrap_or_default() {
        match (entry.key.as_str(), entry.value.scalar()) {
            ("script", Some(source)) => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let mut words = source.text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
                while let Some(word) = words.next() {
                    if word.eq_ignore_ascii_case("set") {
                        names.extend(words.clone().next().map(str::to_owned));
                    }
                }
            }
            ("set", _) => names.extend(entry.value.entries().unwrap_or_default().iter().map(|e| e.key.clone())),
            ("table", _) => {
                let name = entry.value.entries().unwrap_or_default().iter().find(|e| e.key == "name");
                names.extend(name.map(|entry| text(&entry.value).to_owned()));
            }
            _ => {}
        }
        set_names(&entry.value, names);
    }
}
