//! `group by` behind rows: a table of the keys and `rows`.

use super::super::Failure;
use super::super::machine::{Frame, Machine};
use super::super::scope::bind;
use super::{Relation, RowCode};
use crate::tree::{RowBody, Scope};
use crate::value::{Column, Conversion, Shape, Table, Value, hash_shallow};
use ecow::EcoString;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Groups by their keys, in the order of first appearance.
#[derive(Default)]
pub(in super::super) struct Groups {
    table: HashTable<(u64, usize)>,
    /// The keys of each group.
    pub keys: Vec<Vec<Value>>,
}

impl<'t> Machine<'_> {
    /// The number of the group with these keys, a new one where there is none yet.
    pub(in super::super) fn group_of(&mut self, groups: &mut Groups, keys: Vec<Value>) -> Result<usize, Failure> {
        let hash = hash_keys(&keys);
        let mut stopped = None;
        let found = groups.table.find(hash, |(other, group)| {
            *other == hash
                && groups.keys.get(*group).is_some_and(|held| match self.same_keys(held, &keys) {
                    Ok(same) => same,
                    Err(error) => {
                        stopped.get_or_insert(error);
                        true
                    }
                })
        });
        let found = found.map(|(_, group)| *group);
        if let Some(error) = stopped {
            return Err(error);
        }
        if let Some(group) = found {
            return Ok(group);
        }
        let group = groups.keys.len();
        for key in &keys {
            self.hold(key)?;
        }
        groups.keys.push(keys);
        groups.table.insert_unique(hash, (hash, group), |(hash, _)| *hash);
        Ok(group)
    }

    fn same_keys(&mut self, a: &[Value], b: &[Value]) -> Result<bool, Failure> {
        for (a, b) in a.iter().zip(b) {
            if !self.identical(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Groups the rows by keys.
    pub(super) fn group_by(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        scope: &'t Scope,
        keys: &'t [(EcoString, RowBody)],
    ) -> Result<Relation, Failure> {
        let rows = relation.rows.clone();
        let binding = bind(frame, scope, &rows)?;
        let mut codes: Vec<RowCode<'t>> = Vec::with_capacity(keys.len());
        for (_, key) in keys {
            codes.push(self.prepare(frame, &key.expr, key.outside)?);
        }
        let mut groups = Groups::default();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            frame.enter_row(scope, &rows, &binding, position);
            let mut values = Vec::with_capacity(codes.len());
            for code in &codes {
                values.push(self.value_of(frame, code, &rows, position)?);
            }
            let group = self.group_of(&mut groups, values)?;
            if group == members.len() {
                members.push(Vec::new());
            }
            if let Some(members) = members.get_mut(group) {
                members.push(position as u32);
            }
        }
        let count = groups.keys.len();
        let mut columns: Vec<Column> = keys.iter().map(|_| Column::default()).collect();
        for keys in groups.keys {
            for (column, key) in columns.iter_mut().zip(keys) {
                column.push(key);
            }
        }
        let mut parts = Column::default();
        for members in &members {
            self.work(members.len() as u64 / 8)?;
            let part = rows.gather(members);
            let part = self.made(part)?;
            self.hold(&part)?;
            parts.push(part);
        }
        columns.push(parts);
        let shape = Shape::new(keys.iter().map(|(name, _)| name.clone()).chain(["rows".into()]));
        let grouped = Table::from_columns(shape, columns.into_iter().map(Arc::new).collect(), count);
        Ok(Relation { rows: self.made_rows(grouped)?, selection: None })
    }
}

fn hash_keys(keys: &[Value]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for key in keys {
        hash_shallow(key, Conversion::None, &mut hasher);
    }
    hasher.finish()
}
