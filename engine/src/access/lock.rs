//! The lock of a webhook: what its file says, with the secrets filled in.

use super::signature::Verifier;
use crate::outgoing::{Secret, masked};
use crate::trigger::webhook::auth::{Auth, SecretText};
use crate::yaml::problem::{Problem, codes};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::path::Path;
use subtle::ConstantTimeEq;

/// The credential that a webhook requires.
#[derive(Clone, Debug, Default)]
pub enum Lock {
    /// None: the webhook is public.
    Open,
    /// A key of the workflow.
    Key {
        /// The query parameter that may hold it.
        query: Option<String>,
    },
    /// HTTP Basic with a key of the workflow as the password.
    BasicKey,
    /// HTTP Basic with this name and password.
    Basic(Login),
    /// A signature.
    Signature(Verifier),
    /// Its secrets are missing: every caller is refused.
    #[default]
    Closed,
}

impl Lock {
    /// Do its callers sign each request, so that they can send deliveries and ask for nothing else?
    pub fn is_signature(&self) -> bool {
        match self {
            Self::Signature(_) => true,
            Self::Open | Self::Key { .. } | Self::BasicKey | Self::Basic(_) | Self::Closed => false,
        }
    }

    /// Does a request that it lets in show a credential in its head?
    pub fn knows_callers(&self) -> bool {
        match self {
            Self::Open | Self::Signature(_) => false,
            Self::Key { .. } | Self::BasicKey | Self::Basic(_) | Self::Closed => true,
        }
    }

    /// The lock that `auth` describes. `${file:path}` is relative to `project`. The error says which secret is missing,
    /// and never what another one is.
    pub fn of(auth: &Auth, project: &Path) -> Result<Self, Problem> {
        let read = |secret: &SecretText| {
            let filled = Secret::fill(&secret.text, project).map_err(|unfilled| unfilled.message);
            let filled = filled.and_then(|filled| match filled.reveal() {
                "" => Err("The secret is empty".into()),
                text => Ok(text.to_owned()),
            });
            filled.map_err(|message| Problem::new(codes::WRONG_VALUE, secret.place, masked(&message)))
        };
        Ok(match auth {
            Auth::None => Self::Open,
            Auth::ApiKey { query } => Self::Key { query: query.clone() },
            Auth::Basic(None) => Self::BasicKey,
            Auth::Basic(Some(login)) => Self::Basic(Login::new(&read(&login.username)?, &read(&login.password)?)),
            Auth::Signature(signature) => {
                let mut verifier = Verifier::new(signature.scheme.clone());
                for secret in &signature.secrets {
                    let added = verifier.add_secret(&read(secret)?);
                    added.map_err(|message| Problem::new(codes::WRONG_VALUE, secret.place, masked(&message)))?;
                }
                Self::Signature(verifier)
            }
        })
    }
}

/// A name and a password, as a hash.
#[derive(Clone)]
pub struct Login([u8; 32]);

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Login {
    /// A name, which has no colon in requests, and a password.
    pub fn new(username: &str, password: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update((username.len() as u64).to_le_bytes());
        hash.update(username);
        hash.update(password);
        Self(hash.finalize().into())
    }

    /// Is it the same login? Takes equally long wherever they differ.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The name and the password in a header `Authorization: Basic …`.
pub fn basic_login(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins() {
        // The example of RFC 7617.
        let parsed = basic_login("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(parsed, Some(("Aladdin".into(), "open sesame".into())));
        assert_eq!(basic_login("basic dTpwOnE="), Some(("u".into(), "p:q".into())));
        for wrong in ["Bearer dTpw", "Basic", "Basic !", "Basic dXA=", "Basic /w=="] {
            assert_eq!(basic_login(wrong), None, "{wrong}");
        }
        assert!(Login::new("a", "bc").is(&Login::new("a", "bc")));
        assert!(!Login::new("a", "bc").is(&Login::new("ab", "c")));
    }
}
