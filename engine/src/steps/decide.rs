//! `decide`: the first branch whose condition is true.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::Outcome;
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Key, Reader, Takes, optional};
use crate::script::{Fault, Script};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::value::{Value, truth};

/// Why a whole `decide` cannot be retried or allowed to fail.
const HOLDS_STEPS: &str = "`decide` contains steps; set this on the steps in it";

/// The keys of a branch.
const BRANCH: &[Key] =
    &[optional("when", Takes::Expression), optional("steps", Takes::Steps), optional("else", Takes::Steps)];

pub(super) const KIND: Row = Row {
    key: "decide",
    summary: "Runs the steps of the first branch whose `when` is true; `else` comes last.",
    example: "decide: [ { when: quantity > 10, steps: [ log: { message: many } ] }, { else: [ log: { message: few } ] } ]",
    takes: Takes::List(&Takes::Map(BRANCH)),
    retry: Retries::No(HOLDS_STEPS),
    once: May::No(HOLDS_STEPS),
    continue_on_fail: May::No(HOLDS_STEPS),
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// The conditions of the branches, by the numbers of their paths; `None` for `else`.
#[derive(Debug)]
struct Decide {
    conditions: Vec<Option<Script>>,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let Some(elements) = given.node().elements().filter(|elements| !elements.is_empty()) else {
        walk.reader().wrong(given.node(), "`decide` must be a list of branches");
        return None;
    };
    let mut fork = walk.fork(given);
    let mut conditions = Vec::new();
    let mut otherwise = false;
    for (number, element) in elements.iter().enumerate() {
        if !walk.pay_for_way() {
            break;
        }
        let is_last = number + 1 == elements.len();
        let Some((when, steps)) = branch(walk.reader(), element, &mut otherwise, is_last) else { continue };
        walk.way(&mut fork, number + 1, steps);
        conditions.push(when);
    }
    let ways = walk.join(fork, !otherwise);
    Some(Body::choosing(Decide { conditions }, ways))
}

/// A branch: `{ when, steps }`, or `{ else: steps }` at the end.
fn branch<'n>(
    reader: &mut Reader<'_>,
    node: &'n Node,
    otherwise: &mut bool,
    is_last: bool,
) -> Option<(Option<Script>, &'n Node)> {
    let fields = reader.fields(node, "A branch of `decide`", BRANCH)?;
    if let Some(entry) = fields.get("else") {
        if !is_last || fields.get("when").is_some() || fields.get("steps").is_some() {
            let message = "`else` must be alone in the last branch";
            reader.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
        }
        *otherwise = true;
        return Some((None, &entry.value));
    }
    let when = reader.needed(&fields, "when", node.place, "A branch of `decide` needs `when`, or is `else`");
    let when = when.and_then(|entry| reader.expression(&entry.value, "`when`")).map(|(script, _)| script);
    let steps = reader.needed(&fields, "steps", node.place, "A branch of `decide` needs `steps`")?;
    Some((when, &steps.value))
}

impl StepKind for Decide {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Computes,
            gives_result: false,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        for (number, condition) in self.conditions.iter().enumerate() {
            let holds = match condition {
                Some(condition) => truth(&condition.run(variables, scene.context)?),
                None => true,
            };
            if holds {
                return Ok(Outcome::Way(number));
            }
        }
        Ok(Outcome::Done(Value::Null))
    }
}
