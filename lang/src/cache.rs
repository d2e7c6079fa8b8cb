//! Patterns that natives compiled for a program.

use crate::function::PatternCache;
use hashbrown::HashMap;
use std::any::Any;
use std::sync::{Arc, Mutex};

/// The patterns that natives have compiled for this program, by text. When it is full, it starts over.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<String, Arc<dyn Any + Send + Sync>>,
    bytes: usize,
}

/// The most patterns a program keeps; a script that makes patterns from data starts over then.
const CACHE_SIZE: usize = 256;

/// The most bytes of them.
const CACHE_BYTES: usize = 16 << 20;

impl PatternCache for Cache {
    fn get(&self, key: &str) -> Option<Arc<dyn Any + Send + Sync>> {
        self.entries.lock().ok()?.by_key.get(key).cloned()
    }

    fn put(&self, key: &str, value: Arc<dyn Any + Send + Sync>, bytes: usize) {
        if bytes > CACHE_BYTES {
            return;
        }
        if let Ok(mut entries) = self.entries.lock() {
            if entries.by_key.len() >= CACHE_SIZE || entries.bytes + bytes > CACHE_BYTES {
                *entries = Entries::default();
            }
            entries.bytes += bytes;
            entries.by_key.insert(key.to_owned(), value);
        }
    }
}
