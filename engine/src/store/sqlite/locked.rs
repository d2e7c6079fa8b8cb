//! Locks that survive a panic of their holders.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock whose holders cannot leave the data half changed: after a panic it is still valid.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
