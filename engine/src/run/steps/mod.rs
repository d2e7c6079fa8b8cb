//! What steps do, one kind a file where there is more to it than a line.

mod address;
mod blocks;
pub mod file;
pub mod http;
mod outside;

use super::strand::Sleep;
use super::work::Room;
use crate::outgoing::{Letter, SqlCall};
use crate::script::{Content, Context, Fault, Script, weight};
use crate::workflow::model::{
    ANSWERS, Assert, Branch, End, FAILURES, Log, Respond, Slot, Step, StepIndex, StepKind, has_no_body, status_in,
};
use file::{Addition, FileChange};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::Host;
use flowscript_lang::program::{Limits, Settings};
use flowscript_lang::value::{Record, Rows, Value, truth};
use http::HttpCall;
use std::time::Duration;

/// The most bytes of a header of an answer: clients and proxies refuse answers with larger ones.
const MAX_HEADER: usize = 8 << 10;

/// What became of a step.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is done; this is its result.
    Done(Value),
    /// Its `when` is false.
    Skipped,
    /// Somebody else does it.
    Act(Action),
    /// The run goes on here.
    Branch(Option<StepIndex>),
    /// The run or the called workflow is over.
    End(Result<Value, Fault>),
    /// The strand sleeps.
    Sleep(Sleep),
    /// Strands below do the step.
    Open(Opening),
}

/// What the strands of a step begin with.
#[derive(Debug)]
pub(super) enum Opening {
    /// A pass for each of these.
    Each(Rows),
    /// All branches.
    Branches,
    /// A called workflow with these inputs.
    Call(Record),
}

impl Opening {
    /// The elements of a loop.
    pub(super) fn items(&self) -> Option<Rows> {
        match self {
            Self::Each(rows) => Some(rows.clone()),
            Self::Branches | Self::Call(_) => None,
        }
    }
}

/// What is done outside the walk.
#[derive(Debug)]
pub enum Action {
    /// A request.
    Http(Box<HttpCall>),
    /// A script that reaches out.
    Script(Box<ScriptCall>),
    /// A question to a database, or a change of it.
    Sql(Box<SqlCall>),
    /// Files.
    File(Box<FileCall>),
    /// A message to people.
    Email(Box<Letter>),
    /// An answer to a waiting caller.
    Respond(Reply),
    /// A durable point.
    Checkpoint,
}

impl Action {
    /// What it carries beside the variables, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Http(call) => call.body_size(),
            Self::File(call) => match &call.change {
                FileChange::Write(_, bytes)
                | FileChange::Append(_, Addition::Bytes(bytes) | Addition::Lines(bytes)) => bytes.len(),
                _ => 0,
            },
            Self::Email(letter) => letter.body.len(),
            // It is encoded for the store beside.
            Self::Respond(reply) => reply.body.as_ref().map_or(0, |body| weight(body).saturating_mul(2)),
            Self::Script(_) | Self::Sql(_) | Self::Checkpoint => 0,
        }
    }
}

/// What is to be done with files.
#[derive(Clone, Debug)]
pub struct FileCall {
    /// The connection whose folder it is; the project's own without one.
    pub connection: Option<String>,
    /// What is done.
    pub change: file::FileChange,
    /// A file that is read must have been left alone for this long.
    pub settled: Option<Duration>,
    /// An earlier attempt ended without a known result: it may have done it already.
    pub repeated: bool,
    /// What reading may take.
    pub limits: Limits,
}

/// A script that reaches out, with a copy of what it sees.
#[derive(Clone, Debug)]
pub struct ScriptCall {
    script: Script,
    variables: Vec<Value>,
    settings: Settings,
}

impl ScriptCall {
    /// Runs it: its result, and what it has set.
    pub fn run(mut self, host: &dyn Host) -> Result<(Value, Vec<(Slot, Value)>), Fault> {
        let value = self.script.run(&mut self.variables, Context { settings: &self.settings, host })?;
        let written = self.script.written();
        let written = written.filter_map(|slot| Some((slot, self.variables.get(slot)?.clone()))).collect();
        Ok((value, written))
    }
}

/// What `respond` answers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; nothing is sent without one.
    pub body: Option<Value>,
}

/// Does what the step says; its `when` holds.
pub(super) fn run(step: &Step, variables: &mut [Value], context: Context<'_>, room: &Room) -> Result<Outcome, Fault> {
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
        StepKind::Script(script) if script.acts() => {
            let call = ScriptCall {
                script: script.clone(),
                variables: variables.to_vec(),
                settings: context.settings.clone(),
            };
            Ok(Outcome::Act(Action::Script(Box::new(call))))
        }
        StepKind::Script(script) => Ok(Outcome::Done(script.run(variables, context)?)),
        StepKind::Decide(branches) => decide(branches, step, variables, context),
        StepKind::Assert(assert) => check(assert, variables, context),
        StepKind::Log(log) => write(log, variables, context),
        StepKind::FileRead(read) => {
            let path = read.path.text("A path", variables, context)?;
            context.within("The file", |budget| room.files.read(&path, read.format, budget)).map(Outcome::Done)
        }
        StepKind::Http(step) => Ok(Outcome::Act(Action::Http(Box::new(http::call(step, variables, context)?)))),
        StepKind::Sql(sql) => outside::sql(sql, variables, context, room),
        StepKind::File(file) => outside::file(file, variables, context),
        StepKind::Email(email) => outside::email(email, variables, context),
        StepKind::Respond(respond) => Ok(Outcome::Act(Action::Respond(reply(respond, variables, context)?))),
        StepKind::Checkpoint(_) => Ok(Outcome::Act(Action::Checkpoint)),
        StepKind::End(End::Output(output)) => {
            let output = output.as_ref().map(|content| content.value(variables, context)).transpose()?;
            Ok(Outcome::End(Ok(output.unwrap_or_default())))
        }
        StepKind::End(End::Error(message)) => Ok(Outcome::End(Err(refusal(message, None, variables, context)?))),
        StepKind::Table(table) => blocks::table(table, variables, context),
        StepKind::ForEach(each) => blocks::each(each, variables, context),
        StepKind::Parallel(_) => Ok(Outcome::Open(Opening::Branches)),
        StepKind::Call(call) => blocks::call(call, variables, context),
        StepKind::Wait(wait) => blocks::wait(wait, variables, context, room),
    }
}

fn reply(respond: &Respond, variables: &mut [Value], context: Context<'_>) -> Result<Reply, Fault> {
    let status = match &respond.status {
        None => 200,
        Some(content) => {
            let value = content.value(variables, context)?;
            status_in(&value, ANSWERS).ok_or_else(|| {
                let message = format!("A status must be a number from 200 to 599; it is {}.", value.to_literal(60));
                Fault::new(ErrorKind::Value, message)
            })?
        }
    };
    let mut headers = Vec::with_capacity(respond.headers.len());
    for (name, content) in &respond.headers {
        let value = header(name, content, variables, context)?;
        if value.len() > MAX_HEADER {
            let message = format!("The header `{name}` has {} bytes; {MAX_HEADER} are the most.", value.len());
            return Err(Fault::new(ErrorKind::Value, message));
        }
        headers.push((name.clone(), value));
    }
    let body = respond.body.as_ref().map(|content| content.value(variables, context)).transpose()?;
    Ok(Reply { status, headers, body: body.filter(|_| !has_no_body(status)) })
}

/// The value of a header, which has no control characters: they would end it, or it could not be sent.
fn header(name: &str, content: &Content, variables: &mut [Value], context: Context<'_>) -> Result<String, Fault> {
    let value = content.text(&format!("The header `{name}`"), variables, context)?;
    let fault = |what: &str| Fault::new(ErrorKind::Value, format!("The header `{name}` has {what} in it."));
    if value.contains(['\r', '\n']) {
        return Err(fault("a line break"));
    }
    if let Some(control) = value.chars().find(|c| c.is_ascii_control() && *c != '\t') {
        return Err(fault(&format!("the control character U+{:04X}", u32::from(control))));
    }
    Ok(value.to_string())
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
            Some(status_in(&value, FAILURES).ok_or_else(|| Fault::new(ErrorKind::Value, wrong()))?)
        }
    };
    Ok(Fault { status, ..Fault::new(ErrorKind::User, message) })
}
