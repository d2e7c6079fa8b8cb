//! `checkpoint`: a point that is synced to disk.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Action, Outcome};
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::Takes;
use crate::script::Fault;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;

pub(super) const KIND: Row = Row {
    key: "checkpoint",
    summary: "Writes the run to disk as it is: after a crash it continues from here.",
    example: "checkpoint: counted",
    takes: Takes::Text,
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A point; its name is for readers of the file.
#[derive(Debug)]
struct Checkpoint;

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let node = given.node();
    if node.is_null() || node.scalar().is_none() {
        walk.reader().wrong(node, "`checkpoint` must be a name");
        return None;
    }
    Some(Body::new(Checkpoint, Type::Null))
}

impl StepKind for Checkpoint {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Acts,
            gives_result: false,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, _: &mut [Value], _: Scene<'_>) -> Result<Outcome, Fault> {
        Ok(Outcome::Act(Action::Commit))
    }
}
