//! Shapes: the ordered names of a record or table, shared by all values that have them.

use ecow::EcoString;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Up to this length a linear search is faster than a hash.
const LINEAR: usize = 8;

/// The ordered, unique names of a record's fields or a table's columns.
///
/// Each record has only its own names. Names that only other rows of its table have, and that read as `null`, are in
/// the shape of the table, which all its rows share ([`Record::others`](super::Record::others)).
#[derive(Clone, Debug, Default)]
pub struct Shape {
    names: Vec<EcoString>,
    index: Option<Box<Index>>,
}

/// The positions of names, by their hashes.
#[derive(Clone, Debug, Default)]
struct Index {
    places: HashTable<u32>,
    /// Names come from outside: a caller must not be able to choose names that collide.
    hasher: RandomState,
}

impl Shape {
    /// A shape of these names. A name given twice keeps its first place.
    pub fn new(names: impl IntoIterator<Item = EcoString>) -> Arc<Self> {
        let names = names.into_iter();
        let mut shape = Self { names: Vec::with_capacity(names.size_hint().0), index: None };
        names.for_each(|name| shape.add(name));
        shape.names.shrink_to_fit();
        Arc::new(shape)
    }

    /// Adds a name at the end, if it is missing.
    pub(super) fn add(&mut self, name: EcoString) {
        match &mut self.index {
            None if self.names.contains(&name) => {}
            None => {
                self.names.push(name);
                if self.names.len() > LINEAR {
                    self.index = Some(Index::of(&self.names));
                }
            }
            Some(index) => {
                if index.find(&self.names, &name).is_none() {
                    self.names.push(name);
                    index.insert_last(&self.names);
                }
            }
        }
    }

    /// The number of names.
    #[inline]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Has it no names?
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, in order.
    #[inline]
    pub fn names(&self) -> &[EcoString] {
        &self.names
    }

    /// The place of a name.
    #[inline]
    pub fn position(&self, name: &str) -> Option<usize> {
        match &self.index {
            None => self.names.iter().position(|n| n == name),
            Some(index) => index.find(&self.names, name),
        }
    }

    /// Does `other` have the same names in the same order?
    #[inline]
    pub fn same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || self.names == other.names
    }

    /// The bytes it takes in addition to the texts of long names.
    pub(super) fn bytes(&self) -> usize {
        let index = self.index.as_ref().map_or(0, |index| size_of::<Index>() + index.places.allocation_size());
        self.names.capacity() * size_of::<EcoString>() + index
    }
}

impl Index {
    fn of(names: &[EcoString]) -> Box<Self> {
        let mut index = Box::<Self>::default();
        for end in 1..=names.len() {
            index.insert_last(&names[..end]);
        }
        index
    }

    #[inline]
    fn find(&self, names: &[EcoString], name: &str) -> Option<usize> {
        let is_it = |at: &u32| names.get(*at as usize).is_some_and(|there| there == name);
        self.places.find(self.hasher.hash_one(name), is_it).map(|at| *at as usize)
    }

    /// Adds the last of the names to the index.
    fn insert_last(&mut self, names: &[EcoString]) {
        let Some((last, before)) = names.split_last() else { return };
        let hash = |at: &u32| names.get(*at as usize).map_or(0, |name| self.hasher.hash_one(name.as_str()));
        self.places.insert_unique(self.hasher.hash_one(last.as_str()), before.len() as u32, hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_place_however_many_there_are() {
        for count in [0, 1, LINEAR, LINEAR + 1, 1_000] {
            let names: Vec<EcoString> = (0..count).map(|n| ecow::eco_format!("k{n}")).collect();
            let shape = Shape::new(names.iter().chain(&names).cloned());
            assert_eq!(shape.names(), names);
            assert!((0..count).all(|at| shape.position(&names[at]) == Some(at)));
            assert_eq!(shape.position("k"), None);
            assert!(shape.same(&Shape::new(names.clone())));
            assert!(!shape.same(&Shape::new(names.into_iter().chain(["z".into()]))));
        }
    }
}
