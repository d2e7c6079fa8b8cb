//! API keys in requests.

use sha2::{Digest, Sha256};

/// A key as a caller sent it; only its hash is passed on.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// SHA-256 of the key.
    pub hash: [u8; 32],
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}

impl Credential {
    /// The credential of a key.
    pub fn of_key(key: &str) -> Self {
        Self { hash: Sha256::digest(key.as_bytes()).into() }
    }
}

/// The key of a request: `X-API-Key`, else `Authorization: Bearer`.
pub fn credential(api_key: Option<&str>, authorization: Option<&str>) -> Option<Credential> {
    let bearer = authorization.and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    api_key.map(str::trim).or(bearer).filter(|key| !key.is_empty()).map(Credential::of_key)
}
