//! `sql`, `file` and `email`: from their templates to what is to be done.

use super::file::{self, FileChange};
use super::http::texts;
use super::{Action, FileCall, Outcome};
use crate::outgoing::{Letter, SqlCall, SqlSpace};
use crate::run::work::Room;
use crate::script::{Content, Context, Fault};
use crate::workflow::model::{Email, FileStep, FileWork, Sql};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::program::Settings;
use flowscript_lang::value::Value;

/// Fills the parameters of a statement.
pub(super) fn sql(sql: &Sql, variables: &mut [Value], context: Context<'_>, room: &Room) -> Result<Outcome, Fault> {
    let mut params = Vec::with_capacity(sql.params.len());
    for (name, content) in &sql.params {
        params.push((name.clone(), content.value(variables, context)?));
    }
    let (connection, work, timeout) = (sql.connection.clone(), sql.work.clone(), sql.timeout);
    let Settings { zone, limits, .. } = &**room.library.settings();
    let space = SqlSpace { cells: limits.cells, bytes: limits.memory };
    let call = SqlCall { connection, work, params, timeout, zone: *zone, longest: limits.text, space };
    Ok(Outcome::Act(Action::Sql(Box::new(call))))
}

/// Fills paths and contents.
pub(super) fn file(step: &FileStep, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    let path = |content: &Content, variables: &mut [Value]| {
        content.text("A path", variables, context).map(|text| text.to_string())
    };
    let change = match &step.what {
        FileWork::Read(from) => FileChange::Read(path(from, variables)?, step.format),
        FileWork::List(folder) => FileChange::List(path(folder, variables)?, step.settled),
        FileWork::Delete(file) => FileChange::Delete(path(file, variables)?),
        FileWork::Move(from, to) => FileChange::Move(path(from, variables)?, path(to, variables)?),
        FileWork::Write(to, content) => {
            let to = path(to, variables)?;
            let value = content.value(variables, context)?;
            let bytes = context.within("The content", |budget| file::bytes(&value, step.format, &to, budget))?;
            FileChange::Write(to, bytes)
        }
        FileWork::Append(to, content) => {
            let to = path(to, variables)?;
            let value = content.value(variables, context)?;
            let addition = context.within("The content", |budget| file::addition(&value, step.format, &to, budget))?;
            FileChange::Append(to, addition)
        }
    };
    let (connection, limits) = (step.connection.clone(), context.settings.limits.clone());
    let call = FileCall { connection, change, settled: step.settled, repeated: false, limits };
    Ok(Outcome::Act(Action::File(Box::new(call))))
}

/// Fills a message.
pub(super) fn email(email: &Email, variables: &mut [Value], context: Context<'_>) -> Result<Outcome, Fault> {
    let mut addresses = |content: Option<&Content>, what: &str| match content {
        Some(content) => texts(&content.value(variables, context)?, what),
        None => Ok(Vec::new()),
    };
    let from = addresses(email.from.as_ref(), "`from`")?.into_iter().next();
    let to = addresses(Some(&email.to), "`to`")?;
    let (cc, bcc) = (addresses(email.cc.as_ref(), "`cc`")?, addresses(email.bcc.as_ref(), "`bcc`")?);
    let subject = email.subject.text("The subject", variables, context)?.to_string();
    if subject.contains(['\r', '\n']) {
        return Err(Fault::new(ErrorKind::Value, "The subject has a line break in it."));
    }
    let body = email.body.text("The body", variables, context)?.to_string();
    let html = match &email.html {
        Some(html) => Some(html.text("The HTML", variables, context)?.to_string()),
        None => None,
    };
    let mut attachments = Vec::with_capacity(email.attachments.len());
    for (name, content) in &email.attachments {
        let name = name.text("The name of an attachment", variables, context)?.to_string();
        let value = content.value(variables, context)?;
        let bytes = context.within("The attachment", |budget| file::bytes(&value, None, &name, budget))?;
        attachments.push((name, bytes));
    }
    let (connection, timeout) = (email.connection.clone(), email.timeout);
    let letter = Letter { connection, from, to, cc, bcc, subject, body, html, attachments, timeout };
    Ok(Outcome::Act(Action::Email(Box::new(letter))))
}
