//! Counters of a set of declared types.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Compared parts that have not been paid for.
#[derive(Debug, Default)]
pub(super) struct Work(AtomicU64);

impl Work {
    pub fn add(&self, parts: u64) {
        self.0.fetch_add(parts, Ordering::Relaxed);
    }

    /// The count, which is reset.
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Clone for Work {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The number of one set of declared types, assigned on first use.
#[derive(Debug, Default)]
pub(super) struct Number(OnceLock<u64>);

impl Number {
    pub fn get(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        *self.0.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for Number {
    /// The copy may define its types differently.
    fn clone(&self) -> Self {
        Self::default()
    }
}
