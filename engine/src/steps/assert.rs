//! `assert`: fails the run if a condition holds.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::Outcome;
use super::parts::{DOES_NOT_WAIT, FAILURES, refusal, status_in};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Takes, needed, optional};
use crate::script::{Content, Fault, Script};
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, truth};

pub(super) const KIND: Row = Row {
    key: "assert",
    summary: "Fails the run if `failIf` is true; the caller gets `message` and `status`.",
    example: "assert: { failIf: quantity < 1, message: \"{quantity} is not a quantity.\", status: 422 }",
    takes: Takes::Map(&[
        needed("failIf", Takes::Expression),
        optional("message", Takes::Template),
        optional("status", Takes::Template),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A condition, and how the run fails if it holds.
#[derive(Debug)]
struct Assert {
    fail_if: Script,
    message: Content,
    status: Option<Content>,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let reader = walk.reader();
    let mut fields = given.fields(reader)?;
    let why = "`assert` needs `failIf`, the condition on which the run fails";
    let fail_if = reader.needed(&fields, "failIf", given.place(), why);
    let fail_if = fail_if.and_then(|entry| reader.expression(&entry.value, "`failIf`"));
    let message = match fields.take("message") {
        Some(entry) => reader.template(&entry.value),
        None => Some(Content::Constant("The workflow refused the request.".into())),
    };
    let status = match fields.take("status") {
        Some(entry) => {
            let status = reader.template(&entry.value)?;
            if let Content::Constant(value) = &status
                && status_in(value, FAILURES).is_none()
            {
                reader.wrong(&entry.value, "`status` must be an HTTP status from 400 to 599");
                return None;
            }
            Some(status)
        }
        None => None,
    };
    Some(Body::new(Assert { fail_if: fail_if?.0, message: message?, status }, Type::Null))
}

impl StepKind for Assert {
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
        if !truth(&self.fail_if.run(variables, scene.context)?) {
            return Ok(Outcome::Done(Value::Null));
        }
        Err(refusal(&self.message, self.status.as_ref(), variables, scene.context)?)
    }
}
