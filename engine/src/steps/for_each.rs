//! `forEach`: its steps once for each element of a list.

use super::kind::{Effect, Facts, May, Opens, Passes, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Opening, Outcome};
use super::parts::{DOES_NOT_WAIT, HOLDS_STEPS};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Takes, needed, optional, text_of};
use crate::script::{Fault, Script, Slot};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Rows, Value};

/// How many passes of a loop may run at a time.
const MAX_PARALLEL: u32 = 1000;

pub(super) const KIND: Row = Row {
    key: "forEach",
    summary: "Runs its steps once for each element of `in`, one after the other or up to `parallel` at a time; the result is the list of the passes' outputs.",
    example: "forEach: { item: row, in: rows, steps: [ log: { message: \"{row}\" } ], output: \"{row}\" }",
    takes: Takes::Map(&[
        needed("item", Takes::Text),
        needed("in", Takes::Expression),
        needed("steps", Takes::Steps),
        optional("parallel", Takes::Whole(1, MAX_PARALLEL)),
        optional("output", Takes::Value),
    ]),
    retry: Retries::No(HOLDS_STEPS),
    once: May::No(HOLDS_STEPS),
    continue_on_fail: May::Yes,
    // The variables that its steps set are found in them.
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A loop.
#[derive(Debug)]
struct ForEach {
    list: Script,
    passes: Passes,
}

/// Its steps see the element, and in a sequential loop the variables that earlier passes have set.
fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let place = given.place();
    let mut fields = given.fields(walk.reader())?;
    let reader = walk.reader();
    let list = reader.needed(&fields, "in", place, "`forEach` needs `in`, the list or table of its elements");
    let list = list.and_then(|entry| reader.expression(&entry.value, "`in`"));
    let item = reader.needed(&fields, "item", place, "`forEach` needs `item`, the variable of the element");
    let item = item.and_then(|entry| element(walk, &entry.value));
    let reader = walk.reader();
    let parallel = fields.take("parallel").and_then(|e| reader.whole(&e.value, "parallel", 1..=MAX_PARALLEL));
    let parallel = parallel.unwrap_or(1);
    let steps = reader.needed(&fields, "steps", place, "`forEach` needs `steps`");

    let before = reader.scope().clone();
    let ty = match list.as_ref().map(|(_, ty)| ty) {
        Some(Type::List(element)) => (**element).clone(),
        _ => Type::Any,
    };
    let outside = reader.take_set();
    if parallel > 1 {
        reader.scope_mut().fix();
    } else if let Some(steps) = steps {
        let names = walk.names_set(&steps.value);
        walk.reader().scope_mut().widen(&names);
    }
    if let Some((name, slot)) = item {
        walk.reader().scope_mut().define(name, slot, ty, false);
    }
    let around = (parallel > 1).then_some("a `forEach` with `parallel` above 1");
    let (block, output) = walk.block(given, steps, fields.take("output"), around);
    let reader = walk.reader();
    let writes: Vec<Slot> = reader.take_set().into_iter().filter(|slot| before.knows(*slot)).collect();
    reader.also_set(outside);
    reader.also_set(writes.iter().copied());
    let mut after = before;
    if parallel == 1 {
        after.meet(reader.scope());
    }
    reader.set_scope(after);
    let ((list, _), (_, item)) = (list?, item?);
    Some(Body::new(ForEach { list, passes: Passes { item, block, parallel, writes } }, output.many()))
}

/// The variable of the elements.
fn element<'n>(walk: &mut Walk<'_>, node: &'n Node) -> Option<(&'n str, Slot)> {
    let name = text_of(node);
    let reader = walk.reader();
    if !reader.is_name(name, node.place) {
        return None;
    }
    let taken = reader.known_slot(name).is_some_and(|slot| reader.scope().knows(slot));
    if taken || !walk.claim(name) {
        let message = format!("`{name}` is the name of a variable, a step or another loop's element already");
        let problem = Problem::new(codes::NAME, node.place, message);
        walk.reader().report(problem.with_hint("Give the element another name."));
        return None;
    }
    Some((name, walk.reader().slot(name)))
}

impl StepKind for ForEach {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Computes,
            gives_result: true,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Passes(self.passes.clone()),
        }
    }

    /// The elements are evaluated once.
    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let value = self.list.run(variables, scene.context)?;
        match Rows::of(&value) {
            Some(rows) => Ok(Outcome::Open(Opening::Each(rows))),
            None => {
                let message = format!("`in` must be a list or a table; it is a {}.", value.type_name());
                Err(Fault::new(ErrorKind::Type, message))
            }
        }
    }
}
