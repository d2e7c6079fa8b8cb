//! `respond`: an answer to a waiting caller while the run continues.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Action, Outcome, Reply};
use super::parts::{DOES_NOT_WAIT, has_no_body, header, optional_template, status_in};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Reader, Takes, optional};
use crate::script::{Content, Fault};
use crate::yaml::Entry;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use std::ops::RangeInclusive;

/// Statuses that an answer may have.
const ANSWERS: RangeInclusive<u16> = 200..=599;
/// The most bytes of a header of an answer: clients and proxies refuse answers with larger ones.
const MAX_HEADER: usize = 8 << 10;
/// Headers that belong to the connection, not to an answer.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) const KIND: Row = Row {
    key: "respond",
    summary: "Answers a waiting caller now; the run continues.",
    example: "respond: { status: 202, body: { accepted: \"{quantity}\" } }",
    takes: Takes::Map(&[
        optional("status", Takes::Template),
        optional("headers", Takes::Named(&Takes::Template)),
        optional("body", Takes::Value),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// An answer before its parts are filled.
#[derive(Debug)]
struct Respond {
    status: Option<Content>,
    headers: Vec<(String, Content)>,
    body: Option<Content>,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let reader = walk.reader();
    let mut fields = given.fields(reader)?;
    let named = fields.get("headers").and_then(|entry| entry.value.entries()).unwrap_or_default();
    named.iter().for_each(|entry| refuse_header(reader, entry));
    let headers = reader.templates(&mut fields, "headers");
    let status = optional_template(reader, &mut fields, "status").ok()?;
    if let Some(Content::Constant(value)) = &status
        && status_in(value, ANSWERS).is_none()
        && let Some(entry) = fields.get("status")
    {
        reader.wrong(&entry.value, "`status` must be an HTTP status from 200 to 599");
        return None;
    }
    let body = match fields.get("body") {
        Some(entry) => Some(reader.content(&entry.value).0?),
        None => None,
    };
    if let (Some(Content::Constant(value)), Some(entry)) = (&status, fields.get("body"))
        && let Some(status) = status_in(value, ANSWERS).filter(|status| has_no_body(*status))
        && !entry.value.is_null()
    {
        reader.wrong(&entry.value, &format!("An answer of the status {status} has no body; leave `body` out"));
        return None;
    }
    Some(Body::new(Respond { status, headers: headers?, body }, Type::Null))
}

/// Reports a header that an answer cannot have.
fn refuse_header(reader: &mut Reader<'_>, entry: &Entry) {
    let name = entry.key.to_ascii_lowercase();
    if name == "set-cookie" || HOP_BY_HOP.contains(&name.as_str()) {
        let message = format!("The header `{}` cannot be set by `respond`", entry.key);
        reader.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
    } else if !is_header_name(&name) {
        let message = format!("`{}` is not a header name", entry.key);
        let problem = Problem::new(codes::WRONG_VALUE, entry.place, message);
        let hint = "Names of headers are made of letters, digits and the characters !#$%&'*+-.^_`|~.";
        reader.report(problem.with_hint(hint).for_files_only());
    }
}

/// A token of RFC 9110.
fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

impl StepKind for Respond {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Acts,
            gives_result: false,
            answers: true,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let context = scene.context;
        let status = match &self.status {
            None => 200,
            Some(content) => {
                let value = content.value(variables, context)?;
                status_in(&value, ANSWERS).ok_or_else(|| {
                    let message = format!("A status must be a number from 200 to 599; it is {}.", value.to_literal(60));
                    Fault::new(ErrorKind::Value, message)
                })?
            }
        };
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, content) in &self.headers {
            let value = header(name, content, variables, context)?;
            if value.len() > MAX_HEADER {
                let message = format!("The header `{name}` has {} bytes; the limit is {MAX_HEADER}.", value.len());
                return Err(Fault::new(ErrorKind::Value, message));
            }
            headers.push((name.clone(), value));
        }
        let body = self.body.as_ref().map(|content| content.value(variables, context)).transpose()?;
        let body = body.filter(|_| !has_no_body(status));
        Ok(Outcome::Act(Action::Answer(Reply { status, headers, body })))
    }
}
