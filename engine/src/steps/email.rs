//! `email`: a message to people.

use super::attempt::{Attempt, Perform, Performed, Performing};
use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Action, Outcome};
use super::parts::{connection, optional_value, texts};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::files;
use crate::outgoing::{ConnectionKind, ConnectionName, Letter};
use crate::reading::{Key, Reader, Takes, needed, optional};
use crate::script::{Content, Context, Fault};
use crate::yaml::Node;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use std::time::Duration;

/// The keys of an attachment.
const ATTACHMENT: &[Key] = &[needed("name", Takes::Template), needed("content", Takes::Value)];

pub(super) const KIND: Row = Row {
    key: "email",
    summary: "Sends a message by SMTP.",
    example: "email: { connection: mail, to: [stock@example.com], subject: Stock, body: \"{sku} is low.\" }",
    takes: Takes::Map(&[
        needed("connection", Takes::Text),
        optional("from", Takes::Template),
        needed("to", Takes::OneOrMore(&Takes::Template)),
        optional("cc", Takes::OneOrMore(&Takes::Template)),
        optional("bcc", Takes::OneOrMore(&Takes::Template)),
        needed("subject", Takes::Template),
        needed("body", Takes::Template),
        optional("html", Takes::Template),
        optional("attachments", Takes::List(&Takes::Map(ATTACHMENT))),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Timed { default: Duration::from_secs(30), longest: Duration::from_secs(3600), read },
};

/// A message before its parts are filled.
#[derive(Debug)]
struct Email {
    connection: ConnectionName,
    /// The sender; that of the connection by default.
    from: Option<Content>,
    /// The recipients: texts with addresses, or lists of them.
    to: Content,
    cc: Option<Content>,
    bcc: Option<Content>,
    subject: Content,
    body: Content,
    html: Option<Content>,
    /// Names and contents.
    attachments: Vec<(Content, Content)>,
    /// The longest time of sending.
    timeout: Duration,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>, timeout: Duration) -> Option<Body> {
    let (reader, place) = (walk.reader(), given.place());
    let mut fields = given.fields(reader)?;
    let connection = connection(reader, &fields, given.node(), "email", ConnectionKind::Smtp);
    let to = reader.needed(&fields, "to", place, "`email` needs `to`, the addresses it goes to");
    let to = to.and_then(|entry| reader.content(&entry.value).0);
    let subject = reader.needed(&fields, "subject", place, "`email` needs a `subject`");
    let subject = subject.and_then(|entry| reader.template(&entry.value));
    let body = reader.needed(&fields, "body", place, "`email` needs a `body`");
    let body = body.and_then(|entry| reader.template(&entry.value));
    let [from, cc, bcc, html] = ["from", "cc", "bcc", "html"].map(|key| optional_value(reader, &mut fields, key));
    let attachments = match fields.take("attachments") {
        Some(entry) => read_attachments(reader, &entry.value)?,
        None => Vec::new(),
    };
    let email = Email {
        connection: connection?,
        from: from.ok()?,
        to: to?,
        cc: cc.ok()?,
        bcc: bcc.ok()?,
        subject: subject?,
        body: body?,
        html: html.ok()?,
        attachments,
        timeout,
    };
    Some(Body::new(email, Type::Null))
}

fn read_attachments(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<(Content, Content)>> {
    let Some(elements) = node.elements() else {
        reader.wrong(node, "`attachments` must be a list of `{ name, content }`");
        return None;
    };
    let mut attachments = Vec::new();
    for element in elements {
        let fields = reader.fields(element, "An attachment", ATTACHMENT)?;
        let name = reader.needed(&fields, "name", element.place, "An attachment needs a `name`")?;
        let content = reader.needed(&fields, "content", element.place, "An attachment needs a `content`")?;
        attachments.push((reader.template(&name.value)?, reader.content(&content.value).0?));
    }
    Some(attachments)
}

impl StepKind for Email {
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

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        Ok(Outcome::Act(Action::Perform(Box::new(self.filled(variables, scene.context)?))))
    }
}

impl Email {
    fn filled(&self, variables: &mut [Value], context: Context<'_>) -> Result<Letter, Fault> {
        let mut addresses = |content: Option<&Content>, what: &str| match content {
            Some(content) => texts(&content.value(variables, context)?, what),
            None => Ok(Vec::new()),
        };
        let from = addresses(self.from.as_ref(), "`from`")?.into_iter().next();
        let to = addresses(Some(&self.to), "`to`")?;
        let (cc, bcc) = (addresses(self.cc.as_ref(), "`cc`")?, addresses(self.bcc.as_ref(), "`bcc`")?);
        let subject = self.subject.text("The subject", variables, context)?.to_string();
        if subject.contains(['\r', '\n']) {
            return Err(Fault::new(ErrorKind::Value, "The subject has a line break in it."));
        }
        let body = self.body.text("The body", variables, context)?.to_string();
        let html = match &self.html {
            Some(html) => Some(html.text("The HTML", variables, context)?.to_string()),
            None => None,
        };
        let mut attachments = Vec::with_capacity(self.attachments.len());
        for (name, content) in &self.attachments {
            let name = name.text("The name of an attachment", variables, context)?.to_string();
            let value = content.value(variables, context)?;
            let bytes = context.within("The attachment", |budget| files::bytes(&value, None, &name, budget))?;
            attachments.push((name, bytes));
        }
        let (connection, timeout) = (self.connection.clone(), self.timeout);
        Ok(Letter { connection, from, to, cc, bcc, subject, body, html, attachments, timeout })
    }
}

impl Perform for Letter {
    fn weight(&self) -> usize {
        self.body.len()
    }

    fn perform(self: Box<Self>, attempt: Attempt) -> Performing {
        Box::pin(async move {
            let mail = attempt.connections().mail(&self.connection)?;
            attempt.within(mail.send(*self, attempt.key())).await?;
            Ok(Performed::result(Value::Null))
        })
    }
}
