//! Admin tokens: the one of the data folder or the environment, and those created later.

use crate::store::{Role, Timestamp, TokenRecord};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The prefix of admin tokens.
pub const PREFIX: &str = "fst_";

/// The tokens in memory.
#[derive(Debug, Default)]
pub struct TokenRing {
    tokens: RwLock<HashMap<[u8; 32], TokenRecord>>,
}

impl TokenRing {
    /// Replaces all tokens.
    pub fn replace(&self, tokens: Vec<TokenRecord>) {
        let tokens = tokens.into_iter().map(|token| (token.hash, token)).collect();
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// What a token permits at `now`, if it is valid.
    pub fn role(&self, token: &str, now: Timestamp) -> Option<Role> {
        self.record(token, now).map(|token| token.role)
    }

    /// The record of a token, if it is valid at `now`.
    pub fn record(&self, token: &str, now: Timestamp) -> Option<TokenRecord> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let found = tokens.get(&hash)?;
        (bool::from(found.hash.ct_eq(&hash)) && found.is_valid(now)).then(|| found.clone())
    }

    /// The record of the token with this id, if it is valid at `now`.
    pub fn by_id(&self, id: Uuid, now: Timestamp) -> Option<TokenRecord> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.values().find(|token| token.id == id && token.is_valid(now)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_open_until_they_expire() {
        let ring = TokenRing::default();
        let record = |text: &str, role, expires_at| TokenRecord {
            id: Uuid::from_u128(1),
            hash: Sha256::digest(text).into(),
            label: String::new(),
            role,
            created_at: Timestamp(0),
            expires_at,
        };
        ring.replace(vec![record("a", Role::Admin, None), record("v", Role::Viewer, Some(Timestamp(10)))]);
        assert_eq!(ring.role("a", Timestamp(99)), Some(Role::Admin));
        assert_eq!(ring.role("v", Timestamp(9)), Some(Role::Viewer));
        assert_eq!(ring.role("v", Timestamp(10)), None);
        assert_eq!(ring.role("x", Timestamp(0)), None);
        assert_eq!(ring.by_id(Uuid::from_u128(1), Timestamp(99)).map(|token| token.role), Some(Role::Admin));
        assert_eq!(ring.by_id(Uuid::from_u128(2), Timestamp(0)), None);
        ring.replace(Vec::new());
        assert_eq!(ring.role("a", Timestamp(99)), None);
    }
}
