//! The admin token, and the authentication of the admin API and the dashboard.

use super::headers::text;
use crate::access::TOKEN_PREFIX;
use crate::disk::{self, MOST_OF_SECRET};
use crate::engine::{Engine, Role, TokenRecord};
use crate::keys::random_text;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// The name of the file with the admin token, in the data folder.
const FILE: &str = "admin-token";

/// The admin token and where it comes from.
pub struct AdminToken {
    /// The token itself.
    pub text: String,
    /// The file that contains it; `None` if it comes from the environment.
    pub file: Option<PathBuf>,
}

impl AdminToken {
    /// `FLOWSCRIPT_TOKEN` if it is set, else the token in the data folder, which is created if it is missing. The error
    /// says which file cannot be read or written.
    pub fn find_or_make(data: &Path) -> Result<Self, String> {
        if let Some(text) = Self::of_environment() {
            return Ok(Self { text, file: None });
        }
        let file = data.join(FILE);
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        match disk::read_text(&file, MOST_OF_SECRET) {
            Ok(text) if !text.trim().is_empty() => return Ok(Self { text: text.trim().into(), file: Some(file) }),
            Ok(_) => {}
            Err(unread) if unread.is_missing() => {}
            Err(unread) => return Err(format!("{}: {unread}", file.display())),
        }
        let text = format!("{TOKEN_PREFIX}{}", random_text());
        let mut opened = disk::open_private(&file).map_err(failed)?;
        let written = opened.set_len(0).and_then(|()| opened.write_all(format!("{text}\n").as_bytes()));
        written.and_then(|()| opened.sync_all()).map_err(failed)?;
        Ok(Self { text, file: Some(file) })
    }

    /// `FLOWSCRIPT_TOKEN`, else the token that an engine has written to the data folder. For commands that talk to it.
    /// The error says what to do.
    pub fn find(data: &Path) -> Result<String, String> {
        if let Some(text) = Self::of_environment() {
            return Ok(text);
        }
        let file = data.join(FILE);
        let failed = |reason: &str| {
            format!("no admin token: {} {reason}; make it readable or set FLOWSCRIPT_TOKEN", file.display())
        };
        match disk::read_text(&file, MOST_OF_SECRET) {
            Ok(text) if text.trim().is_empty() => Err(failed("is empty")),
            Ok(text) => Ok(text.trim().to_owned()),
            Err(unread) => Err(failed(&format!("cannot be read: {unread}"))),
        }
    }

    fn of_environment() -> Option<String> {
        std::env::var("FLOWSCRIPT_TOKEN").ok().filter(|text| !text.is_empty())
    }
}

/// The authentication of the admin API and the dashboard.
pub struct Guard {
    admin: [u8; 32],
    link: Mutex<Option<Link>>,
}

/// How long a link signs in.
const LINK_LASTS: Duration = Duration::from_secs(600);

/// A link that signs in once.
struct Link {
    hash: [u8; 32],
    made: Instant,
}

/// The holder of a token.
pub(super) struct Holder {
    /// Its name for sessions.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The label of the token.
    pub label: String,
}

impl Guard {
    /// The admin token opens it.
    pub fn new(token: &str) -> Self {
        Self { admin: Sha256::digest(token.as_bytes()).into(), link: Mutex::default() }
    }

    /// A new code for the address of a link that signs in once as admin; the one before is no longer valid.
    pub fn make_link(&self) -> String {
        let code = random_text();
        let link = Link { hash: Sha256::digest(code.as_bytes()).into(), made: Instant::now() };
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        code
    }

    /// Takes the code of a link: true for the first time, and for no other code.
    pub(super) fn take_link(&self, code: &str, now: Instant) -> bool {
        let hash: [u8; 32] = Sha256::digest(code.as_bytes()).into();
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = link.take_if(|link| link.hash.ct_eq(&hash).into());
        taken.is_some_and(|link| now.saturating_duration_since(link.made) < LINK_LASTS)
    }

    /// The holder of a token, if it is valid now.
    pub(super) fn holder(&self, engine: &Engine, token: &str) -> Option<Holder> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if self.admin.ct_eq(&hash).into() {
            return Some(self.admin(engine));
        }
        engine.access().token(token).map(Holder::of)
    }

    /// The holder of the token of the data folder or the environment.
    pub(super) fn admin(&self, engine: &Engine) -> Holder {
        let name = engine.access().sessions().holder(self.admin);
        Holder { name, role: Role::Admin, label: String::new() }
    }

    /// The holder of a session with this name, if its token is still valid.
    pub(super) fn holder_named(&self, engine: &Engine, name: &str) -> Option<Holder> {
        let admin = self.admin(engine);
        if admin.name == name {
            return Some(admin);
        }
        engine.access().token_by_id(name.parse().ok()?).map(Holder::of)
    }

    /// What the token in the headers permits now, if it is valid.
    pub(super) fn role(&self, engine: &Engine, headers: &HeaderMap) -> Option<Role> {
        let (scheme, token) = text(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let token = token.trim();
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if self.admin.ct_eq(&hash).into() { Some(Role::Admin) } else { engine.access().role(token) }
    }
}

impl Holder {
    fn of(token: TokenRecord) -> Self {
        Self { name: token.id.to_string(), role: token.role, label: token.label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_signs_in_once_and_for_a_while() {
        let guard = Guard::new("token");
        let now = Instant::now();
        assert!(!guard.take_link("", now), "there is none yet");
        let code = guard.make_link();
        assert!(!guard.take_link(&code[1..], now));
        assert!(guard.take_link(&code, now));
        assert!(!guard.take_link(&code, now), "once");
        let (first, second) = (guard.make_link(), guard.make_link());
        assert!(!guard.take_link(&first, Instant::now()));
        assert!(!guard.take_link(&second, Instant::now() + LINK_LASTS), "it has expired");
        assert!(!guard.take_link(&second, Instant::now()), "and was taken");
    }
}
