//! `order by`.

use super::super::Failure;
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::sort::{SortKey, check_key};
use super::{Relation, RowCode};
use crate::tree::{RowBody, Scope};
use crate::value::Column;
use std::sync::Arc;

impl<'t> Machine<'_> {
    /// Sorts the rows by keys, ties in their original order; only the first `limit` rows are wanted.
    pub(super) fn order_by(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        scope: &'t Scope,
        keys: &'t [(RowBody, bool)],
        limit: Option<usize>,
    ) -> Result<Relation, Failure> {
        let rows = relation.rows.clone();
        let binding = self.binding(frame, scope, &rows)?;
        let mut codes: Vec<RowCode<'t>> = Vec::with_capacity(keys.len());
        for (key, _) in keys {
            codes.push(self.prepare(frame, &key.expr, key.outside)?);
        }
        let columns = match self.key_kernels(frame, &relation, scope, keys, &binding)? {
            Some(columns) => columns,
            None => {
                let columns = self.key_columns(frame, &relation, scope, keys, &codes, &binding)?;
                columns.into_iter().map(Arc::new).collect()
            }
        };
        let keys: Vec<SortKey> = columns
            .into_iter()
            .zip(keys)
            .map(|(cells, (_, descending))| SortKey { cells, descending: *descending })
            .collect();
        let order = self.sorted(relation.len(), &keys, limit)?;
        let selection = order.into_iter().map(|number| relation.position(number as usize) as u32).collect();
        Ok(Relation { rows, selection: Some(selection) })
    }

    /// The keys of all rows, by kernels; `None` if one has none.
    fn key_kernels(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        scope: &'t Scope,
        keys: &'t [(RowBody, bool)],
        binding: &[i32],
    ) -> Result<Option<Vec<Arc<Column>>>, Failure> {
        let Some(mut binder) = self.binder(scope, &relation.rows, binding) else { return Ok(None) };
        let mut columns = Vec::with_capacity(keys.len());
        for (key, _) in keys {
            let Some(kernel) = self.body_kernel(frame, &mut binder, key) else { return Ok(None) };
            let Some(column) = self.kernel_column(&kernel, relation, relation.len())? else { return Ok(None) };
            columns.push(column);
        }
        self.spend(relation.len() as u64)?;
        Ok(Some(columns))
    }

    /// The keys of all rows, row by row.
    fn key_columns(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        scope: &'t Scope,
        keys: &'t [(RowBody, bool)],
        codes: &[RowCode<'t>],
        binding: &Arc<[i32]>,
    ) -> Result<Vec<Column>, Failure> {
        let mut columns: Vec<Column> = keys.iter().map(|_| Column::default()).collect();
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            frame.enter_row(scope, &relation.rows, binding, position);
            for ((code, column), (key, _)) in codes.iter().zip(&mut columns).zip(keys) {
                let value = self.value_of(frame, code, &relation.rows, position)?;
                check_key(&value).map_err(|error| placed(error, frame.call, key.expr.span))?;
                self.hold(&value)?;
                column.push(value);
            }
        }
        Ok(columns)
    }
}
