//! What steps do, one kind a file where there is more to it than a line.

pub mod file;

use crate::script::{Content, Context, Fault};
use crate::workflow::model::{Assert, Branch, End, Log, Step, StepIndex, StepKind};
use file::Files;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Value, truth};

/// What became of a step.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; this is its result.
    Done(Value),
    /// Its `when` is false.
    Skipped,
    /// The run goes on here.
    Branch(Option<StepIndex>),
    /// The run is over with this output.
    End(Value),
}

/// Does what the step says; its `when` holds.
pub fn run(step: &Step, variables: &mut [Value], context: Context<'_>, files: &Files) -> Result<Outcome, Fault> {
    match &step.kind {
        StepKind::Set(assignments) => {
            for (slot, script) in assignments {
                let value = script.run(variables, context)?;
                if let Some(variable) = variables.get_mut(*slot) {
                    *variable = value;
                }
            }
            Ok(Outcome::Done(Value::Null))
        }
        StepKind::Script(script) => Ok(Outcome::Done(script.run(variables, context)?)),
        StepKind::Decide(branches) => decide(branches, step, variables, context),
        StepKind::Assert(assert) => check(assert, variables, context),
        StepKind::Log(log) => write(log, variables, context),
        StepKind::FileRead(read) => {
            let path = read.path.text("A path", variables, context)?;
            files.read(&path, read.format).map(Outcome::Done)
        }
        StepKind::End(End::Output(output)) => {
            let output = output.as_ref().map(|content| content.value(variables, context)).transpose()?;
            Ok(Outcome::End(output.unwrap_or_default()))
        }
        StepKind::End(End::Error(message)) => Err(refusal(message, None, variables, context)?),
    }
}

fn decide(branches: &[Branch], step: &Step, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    for branch in branches {
        let taken = match &branch.when {
            Some(when) => truth(&when.run(variables, context)?),
            None => true,
        };
        if taken {
            return Ok(Outcome::Branch(branch.first));
        }
    }
    Ok(Outcome::Branch(step.next))
}

fn check(assert: &Assert, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    if !truth(&assert.fail_if.run(variables, context)?) {
        return Ok(Outcome::Done(Value::Null));
    }
    Err(refusal(&assert.message, assert.status.as_ref(), variables, context)?)
}

fn write(log: &Log, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    let message = log.message.text("The message of a log step", variables, context)?;
    context.host.log(log.level, &message);
    Ok(Outcome::Done(Value::Null))
}

/// The failure that a workflow ends a run with, whose message callers see.
fn refusal(
    message: &Content,
    status: Option<&Content>,
    variables: &mut [Value],
    context: Context<'_>,
) -> Result<Fault, Fault> {
    let message = message.text("The message", variables, context)?;
    let status = match status {
        None => None,
        Some(content) => {
            let value = content.value(variables, context)?;
            let wrong = || format!("A status must be a number from 400 to 599; it is {}.", value.to_literal(60));
            Some(crate::workflow::model::status_of(&value).ok_or_else(|| Fault::new(ErrorKind::Value, wrong()))?)
        }
    };
    Ok(Fault { status, ..Fault::new(ErrorKind::User, message) })
}
