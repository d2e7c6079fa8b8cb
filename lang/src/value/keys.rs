//! Keys of groups: the distinct values so far, by the equality of `group by` and `distinct`.

use super::compare::hash_shallow;
use super::{Conversion, Value, equal};
use crate::budget::Budget;
use crate::error::RunError;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};

/// Keys, each of one or several values, in the order of their first appearance.
#[derive(Debug, Default)]
pub struct Keys {
    table: HashTable<(u64, usize)>,
    keys: Vec<Vec<Value>>,
}

impl Keys {
    /// The place of a key, and whether it is new. All keys have the same number of values.
    pub fn place(&mut self, key: Vec<Value>, budget: &mut dyn Budget) -> Result<(usize, bool), Box<RunError>> {
        let hash = hash_of(&key, Conversion::None);
        let mut stopped = None;
        let found = self.table.find(hash, |(other, place)| {
            *other == hash
                && self.keys.get(*place).is_some_and(|held| match all_identical(held, &key, budget) {
                    Ok(same) => same,
                    Err(error) => {
                        stopped.get_or_insert(error);
                        true
                    }
                })
        });
        let found = found.map(|(_, place)| *place);
        if let Some(error) = stopped {
            return Err(error);
        }
        if let Some(place) = found {
            return Ok((place, false));
        }
        let place = self.keys.len();
        self.keys.push(key);
        self.table.insert_unique(hash, (hash, place), |(hash, _)| *hash);
        Ok((place, true))
    }

    /// The key at a place.
    pub fn get(&self, place: usize) -> Option<&[Value]> {
        self.keys.get(place).map(Vec::as_slice)
    }

    /// All keys.
    pub fn into_keys(self) -> Vec<Vec<Value>> {
        self.keys
    }
}

/// A hash that is the same for keys that are equal under `conversion`.
pub(crate) fn hash_of(key: &[Value], conversion: Conversion) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for value in key {
        hash_shallow(value, conversion, &mut hasher);
    }
    hasher.finish()
}

fn all_identical(a: &[Value], b: &[Value], budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
    for (a, b) in a.iter().zip(b) {
        if !equal(a, b, Conversion::None, budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}
