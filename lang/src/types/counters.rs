//! What a set of declared types counts.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Parts that have been compared and not been paid for.
#[derive(Debug, Default)]
pub(super) struct Work(AtomicU64);

impl Work {
    pub fn add(&self, parts: u64) {
        self.0.fetch_add(parts, Ordering::Relaxed);
    }

    /// What there is, which is then forgotten.
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Clone for Work {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The number of one set of declared types, given when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Number(OnceLock<u64>);

impl Number {
    pub fn get(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        *self.0.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for Number {
    /// The copy may define its types otherwise.
    fn clone(&self) -> Self {
        Self::default()
    }
}
