//! Keys by which callers name the runs of their requests.

use super::door::text;
use super::problem::Problem;
use axum::http::HeaderMap;
use sha2::{Digest, Sha256};

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// The key in the header `name`, if it is there.
pub fn key_in(headers: &HeaderMap, name: &str) -> Result<Option<String>, Problem> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let key = text(headers, name).unwrap_or_default().trim();
    if key.is_empty() || key.len() > MAX_KEY {
        let detail = format!("The {name} must have 1 to {MAX_KEY} visible ASCII characters, once.");
        return Err(Problem::bad_request(detail));
    }
    Ok(Some(key.to_owned()))
}

/// A hash over parts of a request, each with its length: what must be the same when a key comes again.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
