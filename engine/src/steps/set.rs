//! `set`: assignments, one after the other.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind};
use super::outcome::Outcome;
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::Takes;
use crate::script::{Fault, Script, Slot};
use crate::yaml::Node;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;

pub(super) const KIND: Row = Row {
    key: "set",
    summary: "Sets variables to the values of expressions, one after the other.",
    example: "set: { total: price * quantity }",
    takes: Takes::Named(&Takes::Expression),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// Variables with their new values.
#[derive(Debug)]
struct Set {
    assignments: Vec<(Slot, Script)>,
}

fn names_set(node: &Node, names: &mut Vec<String>) {
    names.extend(node.entries().unwrap_or_default().iter().map(|entry| entry.key.clone()));
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let (reader, node) = (walk.reader(), given.node());
    let Some(entries) = node.entries().filter(|entries| !entries.is_empty()) else {
        reader.wrong(node, "`set` must be a map from variables to expressions");
        return None;
    };
    let mut assignments = Some(Vec::new());
    for entry in entries {
        if !reader.pay_for_variables(16) {
            break;
        }
        let value = reader.expression(&entry.value, &format!("The value of `{}`", entry.key));
        if !reader.is_name(&entry.key, entry.place) {
            assignments = None;
            continue;
        }
        let ty = value.as_ref().map_or(Type::Any, |(_, ty)| ty.clone());
        let slot = reader.set_variable(&entry.key, entry.place, ty);
        match (value, &mut assignments) {
            (Some((script, _)), Some(assignments)) => assignments.push((slot, script)),
            _ => assignments = None,
        }
    }
    Some(Body::new(Set { assignments: assignments? }, Type::Null))
}

impl StepKind for Set {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Computes,
            gives_result: false,
            answers: false,
            ends: false,
            sets: self.assignments.iter().map(|(slot, _)| *slot).collect(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        for (slot, script) in &self.assignments {
            let value = script.run(variables, scene.context)?;
            if let Some(variable) = variables.get_mut(*slot) {
                *variable = value;
            }
        }
        Ok(Outcome::Done(Value::Null))
    }
}
