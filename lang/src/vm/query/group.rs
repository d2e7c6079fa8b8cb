//! `group by` after rows: a table of the keys and `rows`.

use super::super::Failure;
use super::super::machine::{Frame, Machine};
use super::{Relation, RowCode};
use crate::query::{Kernel, Numbering, STRETCH};
use crate::tree::{RowBody, Scope};
use crate::value::{Column, Keys, Shape, Table, Value};
use ecow::EcoString;
use std::sync::Arc;

/// The columns of the keys, and the rows of each group.
type Grouped = (Vec<Arc<Column>>, Vec<Vec<u32>>);

impl<'t> Machine<'_> {
    /// The number of the group with these keys; adds a group if it is missing.
    pub(in super::super) fn group_of(&mut self, groups: &mut Keys, keys: Vec<Value>) -> Result<usize, Failure> {
        let (group, is_new) = groups.place(keys, self)?;
        if is_new {
            for key in groups.get(group).unwrap_or_default() {
                self.hold(key)?;
            }
        }
        Ok(group)
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
        let binding = self.binding(frame, scope, &rows)?;
        let mut codes: Vec<RowCode<'t>> = Vec::with_capacity(keys.len());
        for (_, key) in keys {
            codes.push(self.prepare(frame, &key.expr, key.outside)?);
        }
        let (mut columns, members) = match self.group_kernels(frame, &relation, scope, keys, &binding)? {
            Some(grouped) => grouped,
            None => self.group_rows(frame, &relation, scope, &codes, &binding)?,
        };
        let count = members.len();
        let mut parts = Column::default();
        for members in &members {
            self.work(members.len() as u64 / 8)?;
            let part = rows.gather(members.clone());
            let part = self.made(part)?;
            self.hold(&part)?;
            parts.push(part);
        }
        columns.push(Arc::new(parts));
        let shape = Shape::new(keys.iter().map(|(name, _)| name.clone()).chain(["rows".into()]));
        let grouped = Table::from_columns(shape, columns, count);
        Ok(Relation { rows: self.made_rows(grouped)?, selection: None })
    }

    /// The keys and members of the groups, by kernels; `None` if a key has none.
    fn group_kernels(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        scope: &'t Scope,
        keys: &'t [(EcoString, RowBody)],
        binding: &[i32],
    ) -> Result<Option<Grouped>, Failure> {
        let Some(mut binder) = self.binder(scope, &relation.rows, binding) else { return Ok(None) };
        let kernels: Option<Vec<Kernel>> =
            keys.iter().map(|(_, key)| self.body_kernel(frame, &mut binder, key)).collect();
        let Some(kernels) = kernels else { return Ok(None) };
        let mut numbering = Numbering::new(&kernels, relation.len());
        let mut members: Vec<Vec<u32>> = Vec::new();
        for start in (0..relation.len()).step_by(STRETCH) {
            let batch = relation.batch(start, STRETCH.min(relation.len() - start));
            let Some(groups) = numbering.number(&batch) else { return Ok(None) };
            self.work(batch.len as u64 / 4)?;
            members.resize_with(numbering.len(), Vec::new);
            for (row, group) in (start..).zip(groups) {
                if let Some(members) = members.get_mut(group as usize) {
                    members.push(relation.position(row) as u32);
                }
            }
        }
        // The keys of a group are those of its first row.
        let first = members.iter().filter_map(|members| members.first().copied()).collect();
        let first = Relation { rows: relation.rows.clone(), selection: Some(first) };
        let mut columns = Vec::with_capacity(keys.len());
        for kernel in &kernels {
            let Some(column) = self.kernel_column(kernel, &first, members.len())? else { return Ok(None) };
            columns.push(column);
        }
        self.spend(relation.len() as u64)?;
        Ok(Some((columns, members)))
    }

    /// The keys and members of the groups, row by row.
    fn group_rows(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        scope: &'t Scope,
        codes: &[RowCode<'t>],
        binding: &Arc<[i32]>,
    ) -> Result<Grouped, Failure> {
        let mut groups = Keys::default();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            frame.enter_row(scope, &relation.rows, binding, position);
            let mut values = Vec::with_capacity(codes.len());
            for code in codes {
                values.push(self.value_of(frame, code, &relation.rows, position)?);
            }
            let group = self.group_of(&mut groups, values)?;
            if group == members.len() {
                members.push(Vec::new());
            }
            if let Some(members) = members.get_mut(group) {
                members.push(position as u32);
            }
        }
        let mut columns: Vec<Column> = codes.iter().map(|_| Column::default()).collect();
        for keys in groups.into_keys() {
            for (column, key) in columns.iter_mut().zip(keys) {
                column.push(key);
            }
        }
        Ok((columns.into_iter().map(Arc::new).collect(), members))
    }
}
