//! Stable sorting by extracted keys that the host can stop, of all rows or only up to the first ones wanted.

use super::Failure;
use super::fail::{subject, type_error};
use super::machine::Machine;
use crate::budget::Budget;
use crate::query::packed_order;
use crate::value::{Column, Value, sort_order};
use ecow::EcoString;
use std::cmp::Ordering;
use std::sync::Arc;

/// One key of all rows, and whether it descends.
pub(super) struct SortKey {
    pub cells: Arc<Column>,
    pub descending: bool,
}

/// Pieces of this size are sorted at once.
const PIECE: usize = 1_024;

/// Bytes of a text that a comparison is likely to look at; bytes after them are paid for.
const SHORT_KEY: usize = 64;

/// Up to this many first rows are picked, not sorted.
const FEW: usize = 64;

/// Refuses a key that has no order.
pub(super) fn check_key(value: &Value) -> Result<(), Failure> {
    if sort_order(value, value).is_some() {
        return Ok(());
    }
    Err(type_error(format!(
        "{} cannot be sorted by: keys are null, numbers, texts, booleans or datetimes.",
        subject(value)
    )))
}

impl Machine<'_> {
    /// The numbers 0 to `count` in the order of the keys, only the first `limit` of them.
    pub(super) fn sorted(&mut self, count: usize, keys: &[SortKey], limit: Option<usize>) -> Result<Vec<u32>, Failure> {
        self.pay_for_long_keys(count, keys)?;
        if self.wants_kernels(count) {
            let columns: Vec<(&Column, bool)> = keys.iter().map(|key| (&*key.cells, key.descending)).collect();
            if let Some(order) = packed_order(&columns, count, limit, &mut |work| self.work(work))? {
                return Ok(order);
            }
        }
        let order = |a: &u32, b: &u32| compare_rows(keys, *a as usize, *b as usize);
        match limit {
            Some(limit) if limit < count && limit <= FEW => self.first_of(count, limit, order),
            _ => {
                let mut sorted = self.merge_sort((0..count as u32).collect(), order)?;
                sorted.truncate(limit.unwrap_or(count));
                Ok(sorted)
            }
        }
    }

    /// Pays for comparing texts with possibly equal beginnings, before they are compared.
    fn pay_for_long_keys(&mut self, count: usize, keys: &[SortKey]) -> Result<(), Failure> {
        let compares = count.max(2).ilog2() as usize;
        let beyond = |text: &EcoString| text.len().saturating_sub(SHORT_KEY);
        for key in keys {
            let bytes = match &*key.cells {
                Column::Text(cells) => cells.iter().flatten().map(beyond).fold(0, usize::saturating_add),
                Column::Any(cells) => cells.iter().fold(0usize, |sum, cell| match cell {
                    Value::Text(text) => sum.saturating_add(beyond(text)),
                    _ => sum,
                }),
                Column::Null(_) | Column::Bool(_) | Column::Number(_) | Column::DateTime(_) => 0,
            };
            self.scan(bytes.saturating_mul(compares))?;
        }
        Ok(())
    }

    /// The first of all, kept in order while the others pass by.
    fn first_of(
        &mut self,
        count: usize,
        limit: usize,
        order: impl Fn(&u32, &u32) -> Ordering,
    ) -> Result<Vec<u32>, Failure> {
        let mut first: Vec<u32> = Vec::with_capacity(limit + 1);
        for row in 0..count as u32 {
            if row.is_multiple_of(64) {
                self.work(8)?;
            }
            // After the rows it is equal to, since they came before it.
            if first.len() == limit && first.last().is_none_or(|last| order(&row, last) != Ordering::Less) {
                continue;
            }
            let at = first.partition_point(|other| order(other, &row) != Ordering::Greater);
            first.insert(at, row);
            first.truncate(limit);
        }
        Ok(first)
    }

    fn merge_sort(&mut self, mut rows: Vec<u32>, order: impl Fn(&u32, &u32) -> Ordering) -> Result<Vec<u32>, Failure> {
        for piece in rows.chunks_mut(PIECE) {
            self.work(PIECE as u64 / 2)?;
            piece.sort_by(&order);
        }
        let mut size = PIECE;
        while size < rows.len() {
            let mut merged = Vec::with_capacity(rows.len());
            for pair in rows.chunks(size * 2) {
                let (left, right) = pair.split_at(size.min(pair.len()));
                self.merge(left, right, &mut merged, &order)?;
            }
            rows = merged;
            size *= 2;
        }
        Ok(rows)
    }

    fn merge(
        &mut self,
        mut left: &[u32],
        mut right: &[u32],
        merged: &mut Vec<u32>,
        order: &impl Fn(&u32, &u32) -> Ordering,
    ) -> Result<(), Failure> {
        while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
            if merged.len().is_multiple_of(PIECE) {
                self.work(PIECE as u64 / 8)?;
            }
            if order(b, a) == Ordering::Less {
                merged.push(*b);
                right = right_rest;
            } else {
                merged.push(*a);
                left = left_rest;
            }
        }
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        Ok(())
    }
}

fn compare_rows(keys: &[SortKey], a: usize, b: usize) -> Ordering {
    for key in keys {
        let order = compare_cells(&key.cells, a, b);
        if order != Ordering::Equal {
            return if key.descending { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

/// Cells of one type are compared directly; `None`, which is null, comes first automatically.
fn compare_cells(cells: &Column, a: usize, b: usize) -> Ordering {
    match cells {
        Column::Null(_) => Ordering::Equal,
        Column::Bool(cells) => cells.get(a).cmp(&cells.get(b)),
        Column::Number(cells) => cells.get(a).cmp(&cells.get(b)),
        // UTF-8 sorts by code point.
        Column::Text(cells) => cells.get(a).cmp(&cells.get(b)),
        Column::DateTime(cells) => cells.get(a).cmp(&cells.get(b)),
        // `check_key` has accepted only values with an order.
        Column::Any(cells) => match (cells.get(a), cells.get(b)) {
            (Some(a), Some(b)) => sort_order(a, b).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        },
    }
}
