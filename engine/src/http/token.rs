//! The admin token, and the authentication of the admin API.

use super::headers::text;
use crate::access::TOKEN_PREFIX;
use crate::disk::{self, MOST_OF_SECRET};
use crate::engine::{Engine, Role};
use crate::keys::random_text;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
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

/// The authentication of the admin API.
pub struct Guard {
    admin: [u8; 32],
}

impl Guard {
    /// The admin token opens it.
    pub fn new(token: &str) -> Self {
        Self { admin: Sha256::digest(token.as_bytes()).into() }
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
