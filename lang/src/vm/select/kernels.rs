//! The steps of a `select` by kernels.

use super::super::Failure;
use super::super::kernel::Binder;
use super::super::machine::{Frame, Machine};
use super::super::scope::{MISSING, ScopeState};
use super::result::Origin;
use super::{Joined, Positions};
use crate::query::{At, Batch, Fold, FoldKind, JoinIndex, Kernel, NOWHERE, Numbering, STRETCH, append};
use crate::tree::{AggregateKind, Expr, Group, Select, Source};
use crate::value::Column;
use std::borrow::Cow;
use std::sync::Arc;

/// Matches between two checks of the limits.
const MATCHES: usize = 1 << 14;

impl<'t> Machine<'_> {
    /// Binds to the sources of a `select`, for a number of rows.
    fn select_binder(&self, frame: &Frame<'t>, select: &'t Select, rows: usize) -> Option<Binder<'t>> {
        if !self.wants_kernels(rows) {
            return None;
        }
        match frame.scopes.get(usize::from(select.scope.id)) {
            Some(ScopeState::Joined(scope)) => {
                Some(Binder::new(&select.scope, scope.places.clone(), scope.sources.clone()))
            }
            _ => None,
        }
    }

    /// The kernel of an expression over the rows of the join.
    pub(super) fn select_kernel(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        rows: usize,
        expr: &'t Expr,
    ) -> Option<Kernel> {
        let mut binder = self.select_binder(frame, select, rows)?;
        self.kernel(frame, &mut binder, expr)
    }

    /// Joins one more source by an index of its keys; `None` if it must be done row by row.
    pub(super) fn kernel_join(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        before: &Joined,
        source: &'t Source,
        length: u32,
    ) -> Result<Option<Joined>, Failure> {
        let rows = length as usize;
        if source.rest.is_some() {
            return Ok(None);
        }
        let Some(mut binder) = self.select_binder(frame, select, rows.max(before.len())) else { return Ok(None) };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (a, b) in &source.equalities {
            let (Some(a), Some(b)) = (self.kernel(frame, &mut binder, a), self.kernel(frame, &mut binder, b)) else {
                return Ok(None);
            };
            left.push(a);
            right.push(b);
        }
        let number = before.sources.len();
        let stretch = |start: usize| {
            // Its keys are of this source alone; the others have no row yet.
            let mut at: Vec<At<'static>> = vec![At::Positions(Cow::Borrowed(&[])); number];
            at.push(At::From(start));
            Batch { len: STRETCH.min(rows - start), at }
        };
        self.work(u64::from(length) / 8)?;
        let stretches = (0..rows).step_by(STRETCH).map(stretch);
        let Some(index) = JoinIndex::new(&right, stretches, rows) else { return Ok(None) };
        let held = self.meter.held();
        // The row before and the row of this source of each match.
        let (mut origins, mut others): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for start in (0..before.len()).step_by(STRETCH) {
            let batch = before.batch(start, STRETCH.min(before.len() - start));
            let Some(found) = index.find(&left, &batch) else {
                self.meter.release_to(held);
                return Ok(None);
            };
            let mut counted = others.len();
            for (row, first) in (start as u32..).zip(found) {
                if first == NOWHERE {
                    if source.left {
                        origins.push(row);
                        others.push(MISSING);
                    }
                    continue;
                }
                let mut other = first;
                while other != NOWHERE {
                    origins.push(row);
                    others.push(other);
                    other = index.next(other);
                    if others.len() - counted >= MATCHES {
                        self.count_matches(&others, &mut counted, number + 1)?;
                    }
                }
            }
            self.count_matches(&others, &mut counted, number + 1)?;
        }
        self.spend(u64::from(length) + before.len() as u64)?;
        let same = origins.len() == before.len() && (0..).zip(&origins).all(|(row, origin)| row == *origin);
        let mut sources: Vec<Positions> = Vec::with_capacity(number + 1);
        for positions in &before.sources {
            sources.push(match positions {
                Positions::All(len) if same => Positions::All(*len),
                Positions::All(_) => Positions::Rows(origins.clone()),
                Positions::Rows(rows) if same => Positions::Rows(rows.clone()),
                Positions::Rows(_) => Positions::Rows(origins.iter().map(|row| positions.get(*row as usize)).collect()),
            });
        }
        sources.push(Positions::Rows(others));
        Ok(Some(Joined { sources }))
    }

    fn count_matches(&mut self, others: &[u32], counted: &mut usize, sources: usize) -> Result<(), Failure> {
        let added = (others.len() - *counted) * sources * size_of::<u32>();
        *counted = others.len();
        self.work(added as u64 / 64)?;
        self.meter.hold(added);
        self.grow(added)?;
        self.check_cells(others.len())
    }

    /// The keys and aggregates of all groups; `None` if they must be found row by row.
    pub(super) fn group_columns(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        group: &'t Group,
        joined: &Joined,
    ) -> Result<Option<Vec<Arc<Column>>>, Failure> {
        let Some((keys, mut folds)) = self.fold_kernels(frame, select, group, joined.len()) else { return Ok(None) };
        let held = self.meter.held();
        let mut numbering = Numbering::new(&keys, joined.len());
        // The first row of each group.
        let mut firsts: Vec<u32> = Vec::new();
        for start in (0..joined.len()).step_by(STRETCH) {
            let batch = joined.batch(start, STRETCH.min(joined.len() - start));
            let Some(groups) = numbering.number(&batch) else {
                self.meter.release_to(held);
                return Ok(None);
            };
            let before = firsts.len();
            for (row, number) in (start as u32..).zip(&groups) {
                if *number as usize == firsts.len() {
                    firsts.push(row);
                }
            }
            for fold in &mut folds {
                if fold.add(&batch, &groups, firsts.len()).is_none() {
                    self.meter.release_to(held);
                    return Ok(None);
                }
            }
            self.work(batch.len as u64 / 8)?;
            let added = (firsts.len() - before) * (keys.len() + folds.len()) * size_of::<crate::value::Value>();
            self.meter.hold(added);
            self.grow(added)?;
        }
        let count = if keys.is_empty() { 1 } else { firsts.len() };
        let all: Vec<Cow<'_, [u32]>> = joined
            .sources
            .iter()
            .map(|positions| firsts.iter().map(|row| positions.get(*row as usize)).collect())
            .collect();
        let batch = Batch { len: firsts.len(), at: all.into_iter().map(At::Positions).collect() };
        let mut columns = Vec::with_capacity(keys.len() + folds.len());
        for key in &keys {
            let Some(vector) = key.eval(&batch) else { return Ok(None) };
            let mut column = Column::default();
            append(&mut column, &vector, batch.len);
            columns.push(Arc::new(column));
        }
        columns.extend(folds.into_iter().map(|fold| Arc::new(fold.finish(count))));
        self.spend(joined.len() as u64)?;
        Ok(Some(columns))
    }

    fn fold_kernels(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        group: &'t Group,
        rows: usize,
    ) -> Option<(Vec<Kernel>, Vec<Fold>)> {
        let mut binder = self.select_binder(frame, select, rows)?;
        let mut keys = Vec::with_capacity(group.keys.len());
        for (_, key) in &group.keys {
            keys.push(self.kernel(frame, &mut binder, key)?);
        }
        let mut folds = Vec::with_capacity(group.aggregates.len());
        for aggregate in &group.aggregates {
            let kind = match aggregate.kind {
                AggregateKind::Count => FoldKind::Count,
                AggregateKind::Sum => FoldKind::Sum,
                AggregateKind::Avg => FoldKind::Avg,
                AggregateKind::Min => FoldKind::Min,
                AggregateKind::Max => FoldKind::Max,
                AggregateKind::First => FoldKind::First,
                AggregateKind::Last => FoldKind::Last,
                AggregateKind::Any => FoldKind::Any,
                AggregateKind::All => FoldKind::All,
                AggregateKind::Join => return None,
            };
            let argument = match &aggregate.argument {
                Some(argument) => Some(self.kernel(frame, &mut binder, argument)?),
                None => None,
            };
            folds.push(Fold::new(kind, argument));
        }
        Some((keys, folds))
    }

    /// The columns of expressions over the rows of a result, or those of them that `numbers` names; `None` if one of
    /// them must be evaluated row by row.
    pub(super) fn kernel_columns(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        origin: &Origin<'_>,
        exprs: &[&'t Expr],
        numbers: Option<&[u32]>,
        count: usize,
    ) -> Result<Option<Vec<Arc<Column>>>, Failure> {
        let Some(mut binder) = self.select_binder(frame, select, count) else { return Ok(None) };
        let sources = select.sources.len();
        if let Origin::Groups(groups, _) = origin {
            binder.groups.clone_from(groups);
        }
        if let Some(ScopeState::Joined(scope)) = frame.scopes.get(usize::from(select.scope.id)) {
            binder.results.clone_from(&scope.results);
        }
        let mut kernels = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let Some(kernel) = self.kernel(frame, &mut binder, expr) else { return Ok(None) };
            kernels.push(kernel);
        }
        let held = self.meter.held();
        let numbers = numbers.filter(|numbers| (0..).zip(*numbers).any(|(row, number)| row != *number));
        let mut columns: Vec<Column> = exprs.iter().map(|_| Column::default()).collect();
        for start in (0..count).step_by(STRETCH) {
            let len = STRETCH.min(count - start);
            let batch = match (origin, numbers) {
                // After the sources comes the result.
                (Origin::Rows(joined), None) => {
                    let mut batch = joined.batch(start, len);
                    batch.at.push(At::From(start));
                    batch
                }
                (Origin::Groups(..), None) => Batch { len, at: vec![At::From(start); sources + 1] },
                (_, Some(numbers)) => {
                    let numbers = numbers.get(start..start + len).unwrap_or(&[]);
                    let mut at: Vec<At<'_>> = match origin {
                        Origin::Rows(joined) => joined
                            .sources
                            .iter()
                            .map(|positions| {
                                At::Positions(numbers.iter().map(|row| positions.get(*row as usize)).collect())
                            })
                            .collect(),
                        Origin::Groups(..) => vec![At::Positions(Cow::Borrowed(numbers)); sources],
                    };
                    at.push(At::Positions(Cow::Borrowed(numbers)));
                    Batch { len, at }
                }
            };
            for (kernel, column) in kernels.iter().zip(&mut columns) {
                let Some(vector) = kernel.eval(&batch) else {
                    self.meter.release_to(held);
                    return Ok(None);
                };
                append(column, &vector, len);
                self.hold_cells(column, len)?;
            }
            self.work(len as u64 / 8)?;
        }
        Ok(Some(columns.into_iter().map(Arc::new).collect()))
    }

    /// The first of each repeated row; `None` if a column has no type.
    pub(super) fn distinct_columns(
        &mut self,
        columns: &[Arc<Column>],
        count: usize,
    ) -> Result<Option<Vec<u32>>, Failure> {
        if !self.wants_kernels(count) || columns.is_empty() {
            return Ok(None);
        }
        let keys: Vec<Kernel> =
            columns.iter().map(|cells| Kernel::Column { source: 0, cells: cells.clone() }).collect();
        let mut numbering = Numbering::new(&keys, count);
        let mut first = Vec::new();
        for start in (0..count).step_by(STRETCH) {
            let batch = Batch { len: STRETCH.min(count - start), at: vec![At::From(start)] };
            let Some(numbers) = numbering.number(&batch) else { return Ok(None) };
            for (row, number) in (start as u32..).zip(numbers) {
                if number as usize == first.len() {
                    first.push(row);
                }
            }
            self.work(batch.len as u64)?;
        }
        Ok(Some(first))
    }
}
