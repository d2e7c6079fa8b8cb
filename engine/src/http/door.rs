//! Authentication of webhook calls: the credential of a request against the webhook's lock.

use super::app::App;
use super::callers::Caller;
use super::capacity::Owner;
use super::headers::text;
use super::problem::Problem;
use crate::access::{Claim, Delivery, Lock, Login, Verifier, basic_login};
use crate::project::Entry;
use crate::trigger::webhook::{Credential, credential, parameter};
use axum::http::header;
use axum::http::request::Parts;
use std::borrow::Cow;
use uuid::Uuid;

/// A request that may call the webhook, according to its header.
#[derive(Debug)]
pub struct Visitor<'a> {
    /// The key that it used.
    pub key: Option<Uuid>,
    /// The query without the key.
    pub query: Cow<'a, str>,
    signed: Option<(&'a Verifier, Claim)>,
    /// Has it a credential that opens the webhook?
    is_known: bool,
}

/// Checks the credential of a request. The answer is the same for every fault in it.
pub fn visit<'a>(app: &App, entry: &'a Entry, parts: &'a Parts) -> Result<Visitor<'a>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let is_known = entry.lock.knows_callers();
    let mut visitor = Visitor { key: None, query: Cow::Borrowed(query), signed: None, is_known };
    let text = |name: &str| text(&parts.headers, name);
    let opens = |credential: Option<Credential>| {
        credential.and_then(|credential| app.engine.access().open(&credential, &entry.id))
    };
    match &entry.lock {
        Lock::Open => {}
        Lock::Key { query: name } => {
            let mut shown = credential(text("x-api-key"), text("authorization"));
            if let Some(name) = name {
                let (value, rest) = parameter(query, name);
                shown = shown.or_else(|| value.map(|value| Credential::of_key(&value)));
                visitor.query = Cow::Owned(rest);
            }
            visitor.key = Some(opens(shown).ok_or_else(Problem::unauthorized)?);
        }
        Lock::BasicKey => {
            let login = text("authorization").and_then(basic_login);
            visitor.key = opens(login.map(|(_, password)| Credential::of_key(&password)));
            if visitor.key.is_none() {
                return Err(unknown_login());
            }
        }
        Lock::Basic(right) => {
            let login = text("authorization").and_then(basic_login);
            let same = login.is_some_and(|(name, password)| right.is(&Login::new(&name, &password)));
            if !same {
                return Err(unknown_login());
            }
        }
        Lock::Signature(verifier) => {
            let claim = verifier.claim(text, app.engine.now().0.div_euclid(1000));
            visitor.signed = Some((verifier, claim.ok_or_else(unsigned)?));
        }
        Lock::Closed => return Err(Problem::unauthorized()),
    }
    Ok(visitor)
}

impl Visitor<'_> {
    /// Is its signature, if it has one, valid for the body as received?
    pub fn check_body(&self, raw: &[u8]) -> Result<(), Problem> {
        match &self.signed {
            Some((verifier, claim)) if !verifier.holds(claim, raw) => Err(unsigned()),
            _ => Ok(()),
        }
    }

    /// The owner of the room for its body, according to its header.
    pub fn owner<'c>(&self, caller: &'c Caller) -> Owner<'c> {
        if self.is_known { Owner::Known(caller) } else { Owner::Stranger(caller) }
    }

    /// Is its credential a signature, over a body that is still to be read?
    pub fn is_signed(&self) -> bool {
        self.signed.is_some()
    }

    /// The place of the id of a signed delivery.
    pub fn delivery(&self) -> Option<Delivery> {
        self.signed.as_ref().and_then(|(verifier, _)| verifier.delivery())
    }

    /// The header of its signature, which scripts and the store do not see.
    pub fn signature_header(&self) -> Option<&str> {
        self.signed.as_ref().map(|(verifier, _)| verifier.header())
    }
}

fn unknown_login() -> Problem {
    Problem::unauthorized().with_header(header::WWW_AUTHENTICATE, "Basic realm=\"webhook\", charset=\"UTF-8\"")
}

fn unsigned() -> Problem {
    Problem::unauthorized().with_header(header::WWW_AUTHENTICATE, "Signature")
}
