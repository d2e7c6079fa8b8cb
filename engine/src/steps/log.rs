//! `log`: a line in the log of the run.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::Outcome;
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Takes, needed, optional};
use crate::script::{Content, Fault};
use flowscript_lang::host::LogLevel;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;

pub(super) const KIND: Row = Row {
    key: "log",
    summary: "Writes a line to the log of the run.",
    example: "log: { message: \"{quantity} pieces\", level: warning }",
    takes: Takes::Map(&[
        needed("message", Takes::Template),
        optional("level", Takes::Word(&["debug", "info", "warning", "error"])),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A line.
#[derive(Debug)]
struct Log {
    message: Content,
    level: LogLevel,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let reader = walk.reader();
    let mut fields = given.fields(reader)?;
    let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error].map(|l| (l.name(), l));
    let level = reader.optional_word(&mut fields, "level", &levels).unwrap_or(LogLevel::Info);
    let entry = reader.needed(&fields, "message", given.place(), "`log` needs a `message`")?;
    let message = reader.template(&entry.value)?;
    Some(Body::new(Log { message, level }, Type::Null))
}

impl StepKind for Log {
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
        let message = self.message.text("The message of a log step", variables, scene.context)?;
        scene.context.host.log(self.level, &message);
        Ok(Outcome::Done(Value::Null))
    }
}
