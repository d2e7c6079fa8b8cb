//! Identifiers in the store: runs, owners, fences, versions, cursors.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::clock::Timestamp;

/// A run's id: a UUIDv7 whose time part is the instant of acceptance. Ids made by one process within one millisecond
/// keep their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Uuid);

/// The time of the last id made in this process: milliseconds in the upper bits, a counter in the lower twelve.
static LAST_ID: AtomicU64 = AtomicU64::new(0);

impl RunId {
    /// A new id for a run accepted at `at`.
    pub fn new(at: Timestamp) -> Self {
        let millis = u64::try_from(at.0).unwrap_or(0) & 0xffff_ffff_ffff;
        let fresh = millis << 12;
        // Within one millisecond the counter increases; a clock that was set back starts again.
        let next = |last: u64| if last >> 12 == millis && last & 0xfff < 0xfff { last + 1 } else { fresh };
        let last = LAST_ID.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last))).unwrap_or(fresh);
        let counter = (next(last) & 0xfff) as u16;
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&counter.to_be_bytes());
        bytes[2..].copy_from_slice(&rand::random::<[u8; 8]>());
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// The smallest id of runs accepted at `at` or later.
    pub fn first_of(at: Timestamp) -> Self {
        let millis = u64::try_from(at.0).unwrap_or(0) & 0xffff_ffff_ffff;
        Self(uuid::Uuid::from_u128(u128::from(millis) << 80))
    }

    /// The instant of acceptance in the id.
    pub fn accepted_at(self) -> Timestamp {
        // The upper 48 bits of a UUIDv7 are milliseconds.
        Timestamp((self.0.as_u128() >> 80) as i64)
    }

    /// The 16 bytes of the id; their order is the order of acceptance times.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunId({self})")
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Uuid::parse_str(text).map(Self).map_err(|_| format!("'{text}' is not the id of a run"))
    }
}

/// One engine process, as holder of claims. A new one is made at each start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OwnerId(Uuid);

impl OwnerId {
    /// A new, random owner.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The 16 bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

/// The right to write to a run, obtained by a claim. Every claim of a run has a higher number; writes with an old
/// number, or after the claim has ended, are refused as [`super::StoreError::Stale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The claimed run.
    pub run: RunId,
    /// The number of the claim, counted from 1.
    pub number: u32,
}

/// SHA-256 of a workflow with everything it uses: the name of a version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionHash(pub [u8; 32]);

impl fmt::Display for VersionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        // 32 bytes have 64 digits, which are ASCII.
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for VersionHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(format!("'{text}' is not the hash of a version")),
        }
    }
}

impl fmt::Debug for VersionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionHash({self})")
    }
}
