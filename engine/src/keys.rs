//! API keys: their texts, and the workflows that each opens.

use crate::store::{Admin, KeyRecord, Timestamp};
use crate::trigger::webhook::Credential;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The prefix of keys that were generated here.
const PREFIX: &str = "fsk_";
/// The shortest key that may be pasted, in characters.
const SHORTEST: usize = 16;
/// The longest.
const LONGEST: usize = 256;

/// The text of a key, which is shown once and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

impl KeyText {
    /// A new key of 256 random bits.
    pub fn generate() -> Self {
        Self(format!("{PREFIX}{}", random_text()))
    }

    /// A key that a caller sent. The error says why it is not a valid key.
    pub fn pasted(text: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(format!("the key has {length} characters; {SHORTEST} to {LONGEST} are expected"));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("the key has blanks or characters that are not allowed in a header".into());
        }
        Ok(Self(text.to_owned()))
    }

    /// The key itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// `fsk_` of a generated key, else nothing.
    pub fn prefix(&self) -> &'static str {
        if self.0.starts_with(PREFIX) { PREFIX } else { "" }
    }

    /// Its last four characters, to recognise it by.
    pub fn hint(&self) -> String {
        let start = self.0.char_indices().rev().nth(3).map_or(0, |(i, _)| i);
        self.0.get(start..).unwrap_or_default().to_owned()
    }
}

/// 256 random bits as text that is allowed in headers and addresses.
pub fn random_text() -> String {
    rand::random::<[u8; 32]>().iter().fold(String::with_capacity(64), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

/// A valid key, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenKey {
    /// Its id.
    pub id: Uuid,
    /// The workflows.
    pub workflows: Vec<String>,
}

/// The keys in memory, and when they were used.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: RwLock<HashMap<[u8; 32], KeyRecord>>,
    used: Mutex<HashMap<Uuid, Timestamp>>,
}

impl KeyRing {
    /// Replaces all keys.
    pub fn replace(&self, keys: Vec<KeyRecord>) {
        let keys = keys.into_iter().map(|key| (key.hash, key)).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The key that opens a workflow at `now`, if this credential is one. Its use is recorded.
    pub fn open(&self, credential: &Credential, workflow: &str, now: Timestamp) -> Option<Uuid> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&credential.hash)?;
        let same = bool::from(key.hash.ct_eq(&credential.hash));
        let opens = same && key.is_valid(now) && key.workflows.iter().any(|id| id == workflow);
        if opens {
            self.note_use(key, now);
        }
        opens.then_some(key.id)
    }

    /// The key for this credential at `now`, with all that it opens. Its use is recorded.
    pub fn find(&self, credential: &Credential, now: Timestamp) -> Option<OpenKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&credential.hash)?;
        if !bool::from(key.hash.ct_eq(&credential.hash)) || !key.is_valid(now) {
            return None;
        }
        self.note_use(key, now);
        Some(OpenKey { id: key.id, workflows: key.workflows.clone() })
    }

    fn note_use(&self, key: &KeyRecord, now: Timestamp) {
        let minute = Timestamp(now.0 - now.0.rem_euclid(60_000));
        if key.last_used_at.is_none_or(|last| last < minute) {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(key.id, minute);
        }
    }

    /// The uses since the last call, for the store.
    pub fn take_use(&self) -> Option<Admin> {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        (!used.is_empty()).then(|| Admin::KeysUsed(used.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &KeyText) -> KeyRecord {
        KeyRecord {
            id: Uuid::from_u128(1),
            hash: key.hash(),
            label: "shop".into(),
            prefix: String::new(),
            hint: String::new(),
            workflows: vec!["a".into()],
            created_at: Timestamp(0),
            last_used_at: None,
            expires_at: Some(Timestamp(1_000_000)),
            revoked_at: None,
        }
    }

    #[test]
    fn texts() {
        let key = KeyText::generate();
        assert_eq!((key.reveal().len(), key.prefix()), (68, "fsk_"));
        assert!(key.reveal().ends_with(&key.hint()) && key.hint().len() == 4);
        assert_ne!(key.reveal(), KeyText::generate().reveal());
        assert!(KeyText::pasted("sixteen-letters!").is_ok_and(|key| key.prefix().is_empty()));
        assert!(KeyText::pasted("fifteen-letters").is_err_and(|e| e.contains("15 characters")));
        assert!(KeyText::pasted("with a blank inside it").is_err_and(|e| e.contains("blanks")));
    }

    #[test]
    fn what_a_key_opens() {
        let key = KeyText::generate();
        let ring = KeyRing::default();
        let credential = Credential::of_key(key.reveal());
        let now = Timestamp(90_000);
        assert!(ring.open(&credential, "a", now).is_none());
        ring.replace(vec![record(&key)]);
        assert_eq!(ring.open(&credential, "a", now), Some(Uuid::from_u128(1)));
        assert!(ring.open(&credential, "b", now).is_none());
        assert!(ring.open(&Credential::of_key("other"), "a", now).is_none());
        assert!(ring.open(&credential, "a", Timestamp(1_000_000)).is_none());
        ring.replace(vec![KeyRecord { revoked_at: Some(Timestamp(1)), ..record(&key) }]);
        assert!(ring.open(&credential, "a", now).is_none());
        assert_eq!(ring.take_use(), Some(Admin::KeysUsed(vec![(Uuid::from_u128(1), Timestamp(60_000))])));
        assert_eq!(ring.take_use(), None);
    }
}
