//! `order by`.

use super::super::Failure;
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::scope::bind;
use super::super::sort::{SortKey, check_key};
use super::{Relation, RowCode};
use crate::tree::{RowBody, Scope};
use crate::value::Column;

impl<'t> Machine<'_> {
    /// Sorts the rows by keys, ties in the order they had; only the first `limit` rows are wanted.
    pub(super) fn order_by(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        scope: &'t Scope,
        keys: &'t [(RowBody, bool)],
        limit: Option<usize>,
    ) -> Result<Relation, Failure> {
        let rows = relation.rows.clone();
        let binding = bind(frame, scope, &rows)?;
        let mut codes: Vec<RowCode<'t>> = Vec::with_capacity(keys.len());
        for (key, _) in keys {
            codes.push(self.prepare(frame, &key.expr, key.outside)?);
        }
        let mut columns: Vec<Column> = keys.iter().map(|_| Column::default()).collect();
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            frame.enter_row(scope, &rows, &binding, position);
            for ((code, column), (key, _)) in codes.iter().zip(&mut columns).zip(keys) {
                let value = self.value_of(frame, code, &rows, position)?;
                check_key(&value).map_err(|error| placed(error, frame.call, key.expr.span))?;
                self.hold(&value)?;
                column.push(value);
            }
        }
        let keys: Vec<SortKey> = columns
            .into_iter()
            .zip(keys)
            .map(|(cells, (_, descending))| SortKey { cells, descending: *descending })
            .collect();
        let order = self.sorted(relation.len(), &keys, limit)?;
        let selection = order.into_iter().map(|number| relation.position(number as usize) as u32).collect();
        Ok(Relation { rows, selection: Some(selection) })
    }
}
