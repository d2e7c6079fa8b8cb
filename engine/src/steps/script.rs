//! `script`: a program over all variables, which may send requests.

use super::attempt::{Attempt, Perform, Performed, Performing};
use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind};
use super::outcome::{Action, Outcome};
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::Takes;
use crate::script::{Context, Fault, Kind, Script as Program, Slot};
use crate::yaml::Node;
use flowscript_lang::program::Settings;
use flowscript_lang::value::Value;

pub(super) const KIND: Row = Row {
    key: "script",
    summary: "Runs FlowScript over all variables; its return value is the result, and the variables it sets are kept. With `HTTP.*` it acts.",
    example: "script: return round(price * quantity, 2);",
    takes: Takes::Script,
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A program.
#[derive(Debug)]
struct Script {
    program: Program,
}

/// The words after `set`: the source may not be complete enough to be parsed.
fn names_set(node: &Node, names: &mut Vec<String>) {
    let Some(source) = node.scalar() else { return };
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = source.text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case("set") {
            names.extend(words.clone().next().map(str::to_owned));
        }
    }
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let (reader, node) = (walk.reader(), given.node());
    let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
        reader.wrong(node, "`script` must be FlowScript; begin it with `script: |`");
        return None;
    };
    let (program, ty) = reader.compile(scalar, Kind::Script);
    let program = program?;
    reader.set_by_script(program.written());
    Some(Body::new(Script { program }, ty))
}

impl StepKind for Script {
    fn facts(&self) -> Facts {
        Facts {
            effect: if self.program.acts() { Effect::Acts } else { Effect::Computes },
            gives_result: true,
            answers: false,
            ends: false,
            sets: self.program.written().collect(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        if !self.program.acts() {
            return Ok(Outcome::Done(self.program.run(variables, scene.context)?));
        }
        let call = Call {
            program: self.program.clone(),
            variables: variables.to_vec(),
            settings: scene.context.settings.clone(),
        };
        Ok(Outcome::Act(Action::Perform(Box::new(call))))
    }
}

/// A program that sends requests, with a copy of its variables.
#[derive(Debug)]
struct Call {
    program: Program,
    variables: Vec<Value>,
    settings: Settings,
}

impl Perform for Call {
    fn weight(&self) -> usize {
        0
    }

    fn perform(self: Box<Self>, attempt: Attempt) -> Performing {
        Box::pin(async move {
            let host = attempt.host();
            let ran = attempt.wait_for(move || {
                let Self { program, mut variables, settings } = *self;
                let context = Context { settings: &settings, host: host.as_ref() };
                let result = program.run(&mut variables, context)?;
                let set = |slot: Slot| Some((slot, variables.get(slot)?.clone()));
                Ok(Performed { result, set: program.written().filter_map(set).collect() })
            });
            ran.await
        })
    }
}
