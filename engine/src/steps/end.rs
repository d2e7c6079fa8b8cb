//! `end`: the end of the run, or of the called workflow.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::Outcome;
use super::parts::{DOES_NOT_WAIT, refusal};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Takes, optional};
use crate::script::{Content, Fault};
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;

/// Why it must not be retried, marked `once`, or allowed to fail.
const ENDS: &str = "`end` ends the run, so nothing can continue after it";

pub(super) const KIND: Row = Row {
    key: "end",
    summary: "Ends the run, or the called workflow, with an `output` or an `error`.",
    example: "end: { output: \"{quantity}\" }",
    takes: Takes::Nothing(&Takes::Map(&[optional("output", Takes::Value), optional("error", Takes::Template)])),
    retry: Retries::No(ENDS),
    once: May::No(ENDS),
    continue_on_fail: May::No(ENDS),
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// How the run ends.
#[derive(Debug)]
enum End {
    /// It is completed with this output.
    Output(Option<Content>),
    /// It fails with this message.
    Error(Content),
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let reader = walk.reader();
    if let Some(around) = reader.side_by_side() {
        let message = format!("`end` is not allowed inside {around}: the others would still be running");
        let hint = "Fail with `assert`, or end the run after it.";
        reader.report(Problem::new(codes::WRONG_VALUE, given.place(), message).with_hint(hint));
    }
    if given.node().is_null() {
        return Some(Body::new(End::Output(None), Type::Null));
    }
    let mut fields = given.fields(reader)?;
    let end = match (fields.take("output"), fields.take("error")) {
        (Some(_), Some(error)) => {
            let message = "`end` has an `output` or an `error`, not both";
            reader.report(Problem::new(codes::WRONG_VALUE, error.place, message));
            return None;
        }
        (None, Some(error)) => End::Error(reader.template(&error.value)?),
        (Some(output), None) => End::Output(Some(reader.content(&output.value).0?)),
        (None, None) => End::Output(None),
    };
    Some(Body::new(end, Type::Null))
}

impl StepKind for End {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Computes,
            gives_result: false,
            answers: false,
            ends: true,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let result = match self {
            Self::Output(output) => {
                let output = output.as_ref().map(|content| content.value(variables, scene.context)).transpose()?;
                Ok(output.unwrap_or_default())
            }
            Self::Error(message) => Err(refusal(message, None, variables, scene.context)?),
        };
        Ok(Outcome::End(result))
    }
}
