//! `parallel`: lists of steps at the same time.

use super::kind::{BlockIndex, Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Opening, Outcome};
use super::parts::{DOES_NOT_WAIT, HOLDS_STEPS};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Key, Takes, needed, optional};
use crate::script::Fault;
use ecow::EcoString;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;

/// The keys of a branch.
const BRANCH: &[Key] = &[needed("steps", Takes::Steps), optional("output", Takes::Value)];

pub(super) const KIND: Row = Row {
    key: "parallel",
    summary: "Runs the steps of its branches at the same time; the result is the record of the branches' outputs.",
    example: "parallel: { left: { steps: [ log: { message: left } ], output: 1 }, right: { steps: [ log: { message: right } ] } }",
    takes: Takes::Named(&Takes::Map(BRANCH)),
    retry: Retries::No(HOLDS_STEPS),
    once: May::No(HOLDS_STEPS),
    continue_on_fail: May::Yes,
    // The variables that its steps set are found in them.
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// Branches by name.
#[derive(Debug)]
struct Parallel {
    branches: Vec<(EcoString, BlockIndex)>,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let (reader, node) = (walk.reader(), given.node());
    let Some(entries) = node.entries().filter(|entries| !entries.is_empty()) else {
        reader.wrong(node, "`parallel` must be a map from the names of its branches to their `steps`");
        return None;
    };
    let before = reader.scope().clone();
    let outside = reader.take_set();
    let mut branches = Vec::new();
    let mut types = Vec::new();
    for entry in entries {
        let reader = walk.reader();
        if !reader.pay_for_variables(1) {
            break;
        }
        reader.is_name(&entry.key, entry.place);
        let Some(mut fields) = reader.fields(&entry.value, "A branch", BRANCH) else { continue };
        let steps = reader.needed(&fields, "steps", entry.place, "A branch of `parallel` needs `steps`");
        reader.set_scope(before.clone());
        reader.scope_mut().fix();
        let (block, output) = walk.block(given, steps, fields.take("output"), Some("`parallel`"));
        branches.push((EcoString::from(entry.key.as_str()), block));
        types.push((EcoString::from(entry.key.as_str()), output));
    }
    let reader = walk.reader();
    reader.take_set();
    reader.also_set(outside);
    reader.set_scope(before);
    Some(Body::new(Parallel { branches }, Type::closed_record(types)))
}

impl StepKind for Parallel {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Computes,
            gives_result: true,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Branches(self.branches.clone()),
        }
    }

    fn run(&self, _: &mut [Value], _: Scene<'_>) -> Result<Outcome, Fault> {
        Ok(Outcome::Open(Opening::Branches))
    }
}
