//! Shapes: the ordered names of a record or table, shared by all values that have them.

use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

/// Up to here a linear search beats a hash.
const LINEAR: usize = 8;

/// The ordered, unique names of a record's fields or a table's columns.
///
/// A record taken out of a table with columns it has not itself also knows those names, behind its own:
/// they read as `null` and do not count for equality, JSON or `Fields` (language.md §1).
#[derive(Debug, Default)]
pub struct Shape {
    names: Box<[EcoString]>,
    own: usize,
    index: Option<HashMap<EcoString, u32, foldhash::fast::FixedState>>,
}

impl Shape {
    /// A shape of these names. A name given twice keeps its first place.
    pub fn new(names: impl IntoIterator<Item = EcoString>) -> Arc<Self> {
        Self::with_absent(names, [])
    }

    /// A shape of `own` names that also reads `absent` ones as `null`.
    pub fn with_absent(
        own: impl IntoIterator<Item = EcoString>,
        absent: impl IntoIterator<Item = EcoString>,
    ) -> Arc<Self> {
        let mut names = Names::default();
        own.into_iter().for_each(|name| names.add(name));
        let own = names.len();
        absent.into_iter().for_each(|name| names.add(name));
        let names = names.into_boxed();
        let index =
            (names.len() > LINEAR).then(|| names.iter().enumerate().map(|(i, n)| (n.clone(), i as u32)).collect());
        Arc::new(Self { names, own, index })
    }

    /// The number of own names.
    #[inline]
    pub fn len(&self) -> usize {
        self.own
    }

    /// Has it no own names?
    pub fn is_empty(&self) -> bool {
        self.own == 0
    }

    /// The own names, in order.
    #[inline]
    pub fn names(&self) -> &[EcoString] {
        &self.names[..self.own]
    }

    /// All names that can be read, the absent ones last.
    pub fn readable(&self) -> &[EcoString] {
        &self.names
    }

    /// The place of an own name.
    #[inline]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.find(name).filter(|at| *at < self.own)
    }

    /// Is it a name that reads as `null` because other rows of the table have it?
    pub fn is_absent(&self, name: &str) -> bool {
        self.find(name).is_some_and(|at| at >= self.own)
    }

    #[inline]
    fn find(&self, name: &str) -> Option<usize> {
        match &self.index {
            None => self.names.iter().position(|n| n == name),
            Some(index) => index.get(name).map(|at| *at as usize),
        }
    }

    /// Does `other` have the same own names in the same order, and the same absent ones?
    #[inline]
    pub fn same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || (self.own == other.own && self.names == other.names)
    }
}

/// Names as they come, each once. Few of them are compared one by one, which beats a hash.
#[derive(Default)]
struct Names {
    few: Vec<EcoString>,
    many: indexmap::IndexSet<EcoString, foldhash::fast::FixedState>,
}

impl Names {
    fn add(&mut self, name: EcoString) {
        if self.many.is_empty() && self.few.len() < LINEAR {
            if !self.few.contains(&name) {
                self.few.push(name);
            }
            return;
        }
        self.many.extend(self.few.drain(..));
        self.many.insert(name);
    }

    fn len(&self) -> usize {
        self.few.len().max(self.many.len())
    }

    fn into_boxed(self) -> Box<[EcoString]> {
        if self.many.is_empty() { self.few.into() } else { self.many.into_iter().collect() }
    }
}
