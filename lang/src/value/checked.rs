//! The types that values were checked for, so that only new parts are checked again.
//!
//! A type is named by a key (`Types::key`), never 0. Changing a value keeps the facts about its other parts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most types that one value remembers; a new one replaces the oldest.
const MOST_TYPES: usize = 8;

/// The most changed elements that are remembered beyond one in eight.
const FEW_CHANGES: usize = 16;

/// Which elements of a list or rows of a table fit which types.
#[derive(Default)]
pub(crate) struct Checked(Mutex<Option<Box<Known>>>);

#[derive(Clone, Default)]
struct Known {
    types: Vec<Fitting>,
}

/// The elements that fit one type: the first ones, except those changed since.
#[derive(Clone)]
struct Fitting {
    key: u64,
    first: usize,
    changed: Vec<u32>,
}

/// The elements that have to be checked.
pub(crate) struct Unchecked {
    changed: Vec<u32>,
    rest: std::ops::Range<usize>,
}

impl Unchecked {
    /// All of `len` elements.
    pub(crate) fn all(len: usize) -> Self {
        Self { changed: Vec::new(), rest: 0..len }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.changed.len() + self.rest.len()
    }

    /// Their positions.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.changed.iter().map(|position| *position as usize).chain(self.rest.clone())
    }
}

impl Checked {
    /// The elements, of `len`, that are still to be checked for a type.
    pub(crate) fn unchecked(&self, key: u64, len: usize) -> Unchecked {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = known.as_ref().and_then(|known| known.types.iter().find(|fitting| fitting.key == key));
        match fitting {
            Some(fitting) => Unchecked { changed: fitting.changed.clone(), rest: fitting.first.min(len)..len },
            None => Unchecked::all(len),
        }
    }

    /// Is the element at `position` known to fit a type?
    pub(crate) fn covers(&self, key: u64, position: usize) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = known.as_ref().and_then(|known| known.types.iter().find(|fitting| fitting.key == key));
        fitting.is_some_and(|fitting| {
            position < fitting.first && !fitting.changed.iter().any(|changed| *changed as usize == position)
        })
    }

    /// All `len` elements fit a type.
    pub(crate) fn remember(&self, key: u64, len: usize) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let types = &mut known.get_or_insert_default().types;
        types.retain(|fitting| fitting.key != key);
        if types.len() >= MOST_TYPES {
            types.remove(0);
        }
        types.push(Fitting { key, first: len, changed: Vec::new() });
    }

    /// The element at `position` was replaced. Elements added at the end need no call.
    pub(super) fn touch(&mut self, position: usize) {
        let known = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known else { return };
        known.types.retain_mut(|fitting| {
            if position < fitting.first && fitting.changed.last().is_none_or(|last| *last as usize != position) {
                fitting.changed.push(position as u32);
            }
            fitting.changed.len() <= FEW_CHANGES + fitting.first / 8
        });
    }

    /// The facts about `len` elements picked from the `all` of this value.
    pub(super) fn picked(&self, all: usize, len: usize) -> Self {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.as_ref() else { return Self::default() };
        let whole = known.types.iter().filter(|fitting| fitting.first >= all && fitting.changed.is_empty());
        let types: Vec<Fitting> =
            whole.map(|fitting| Fitting { key: fitting.key, first: len, changed: Vec::new() }).collect();
        Self(Mutex::new((!types.is_empty()).then(|| Box::new(Known { types }))))
    }
}

impl Clone for Checked {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checked")
    }
}

/// The type that a record was last found to fit.
#[derive(Default)]
pub(super) struct CheckedRecord(AtomicU64);

impl CheckedRecord {
    pub(super) fn is(&self, key: u64) -> bool {
        self.0.load(Ordering::Relaxed) == key
    }

    pub(super) fn remember(&self, key: u64) {
        self.0.store(key, Ordering::Relaxed);
    }

    pub(super) fn forget(&mut self) {
        *self.0.get_mut() = 0;
    }
}

impl Clone for CheckedRecord {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

impl std::fmt::Debug for CheckedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CheckedRecord")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(checked: &Checked, key: u64, len: usize) -> Vec<usize> {
        checked.unchecked(key, len).positions().collect()
    }

    #[test]
    fn only_what_is_new_is_left() {
        let mut checked = Checked::default();
        assert_eq!(left(&checked, 1, 3), [0, 1, 2]);
        checked.remember(1, 3);
        checked.touch(1);
        assert_eq!(left(&checked, 1, 5), [1, 3, 4]);
        assert!(checked.covers(1, 0) && !checked.covers(1, 1) && !checked.covers(1, 3) && !checked.covers(2, 0));
        checked.remember(2, 5);
        assert_eq!(left(&checked, 1, 5), [1, 3, 4]);
        assert!(left(&checked.picked(5, 2), 2, 2).is_empty());
        assert_eq!(left(&checked.picked(5, 2), 1, 2), [0, 1]);
    }

    #[test]
    fn many_changes_forget_the_type() {
        let mut checked = Checked::default();
        checked.remember(1, 8);
        (0..8).cycle().take(100).for_each(|position| checked.touch(position));
        assert_eq!(left(&checked, 1, 8).len(), 8);
    }
}
