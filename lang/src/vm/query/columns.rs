//! `map … as` and `with` by kernels: whole columns instead of rows.

use super::super::Failure;
use super::super::kernel::Binder;
use super::super::machine::{Frame, Machine};
use super::Relation;
use crate::query::{Batch, Cells, Kernel, STRETCH, append};
use crate::tree::{Change, Expr, RowBody, Scope};
use crate::value::{Column, Table, Value};
use ecow::EcoString;
use std::sync::Arc;

/// A `with`, as written.
pub(super) struct WithStep<'t> {
    pub scope: &'t Scope,
    pub changes: &'t [(Change, Option<RowBody>)],
    pub condition: Option<&'t RowBody>,
}

/// Columns by name.
type Named = Vec<(EcoString, Arc<Column>)>;

/// A `with` of kernels.
struct WithKernels {
    condition: Option<Kernel>,
    changes: Vec<ChangeKernels>,
    /// The columns it sets or adds, with their values where they do not change.
    columns: Vec<(EcoString, Kernel)>,
}

/// The columns that a change sets, by their place among all that are set, and its guard.
struct ChangeKernels {
    cells: Vec<(usize, Kernel)>,
    guard: Option<Kernel>,
}

impl<'t> Machine<'_> {
    /// The columns of the cells of a `map` that have kernels; `None` for those that must be made row by row. `None` as
    /// a whole if all must.
    pub(super) fn map_columns(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        scope: &'t Scope,
        binding: &[i32],
        cells: &'t [Expr],
        count: usize,
    ) -> Result<Vec<Option<Arc<Column>>>, Failure> {
        let nothing = Vec::new;
        let Some(mut binder) = self.binder(scope, &relation.rows, binding) else { return Ok(nothing()) };
        let kernels: Vec<Option<Kernel>> = cells.iter().map(|cell| self.kernel(frame, &mut binder, cell)).collect();
        // Row-by-row evaluation could change what the kernels have read.
        if binder.shared && kernels.iter().any(Option::is_none) {
            return Ok(nothing());
        }
        let mut columns = Vec::with_capacity(cells.len());
        for kernel in &kernels {
            columns.push(match kernel {
                None => None,
                Some(kernel) => match self.kernel_column(kernel, relation, count)? {
                    Some(column) => Some(column),
                    // It may contain an error that a row before it also has.
                    None => return Ok(nothing()),
                },
            });
        }
        Ok(columns)
    }

    /// The columns that a `with` sets or adds, if all of it has kernels.
    pub(super) fn with_kernels(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        table: &Table,
        binding: &[i32],
        step: &WithStep<'t>,
    ) -> Result<Option<Named>, Failure> {
        let Some(code) = self.bind_with(frame, relation, table, binding, step) else {
            return Ok(None);
        };
        let count = relation.len();
        let plain = matches!(code.changes.as_slice(), [ChangeKernels { guard: None, .. }]) && code.condition.is_none();
        if let (true, Some(change)) = (plain, code.changes.first()) {
            let mut columns = Vec::with_capacity(code.columns.len());
            for ((name, _), (_, kernel)) in code.columns.iter().zip(&change.cells) {
                let Some(column) = self.kernel_column(kernel, relation, count)? else { return Ok(None) };
                columns.push((name.clone(), column));
            }
            self.spend(count as u64)?;
            return Ok(Some(columns));
        }
        let held = self.meter.held();
        let mut columns: Vec<Column> = code.columns.iter().map(|_| Column::default()).collect();
        for start in (0..count).step_by(STRETCH) {
            let batch = relation.batch(start, STRETCH.min(count - start));
            if changed(&code, &batch, &mut columns).is_none() {
                self.meter.release_to(held);
                return Ok(None);
            }
            self.work(batch.len as u64 / 8)?;
            for column in &columns {
                self.hold_cells(column, batch.len)?;
            }
        }
        self.spend(count as u64)?;
        let names = code.columns.into_iter().map(|(name, _)| name);
        Ok(Some(names.zip(columns.into_iter().map(Arc::new)).collect()))
    }

    fn bind_with(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        table: &Table,
        binding: &[i32],
        step: &WithStep<'t>,
    ) -> Option<WithKernels> {
        let mut binder = self.binder(step.scope, &relation.rows, binding)?;
        let condition = match step.condition {
            Some(condition) => Some(self.body_kernel(frame, &mut binder, condition)?),
            None => None,
        };
        let mut code = WithKernels { condition, changes: Vec::new(), columns: Vec::new() };
        for (change, guard) in step.changes {
            let Change::Record(shape, cells) = change else { return None };
            let guard = match guard {
                Some(guard) => Some(self.body_kernel(frame, &mut binder, guard)?),
                None => None,
            };
            let mut kernels = Vec::with_capacity(cells.len());
            for (name, cell) in shape.names().iter().zip(cells) {
                let at = match code.columns.iter().position(|(known, _)| known == name) {
                    Some(at) => at,
                    None => {
                        let old = match table.shape().position(name) {
                            Some(at) => Kernel::Column { source: 0, cells: table.columns()?.get(at)?.clone() },
                            None => Kernel::Constant(Value::Null),
                        };
                        code.columns.push((name.clone(), old));
                        code.columns.len() - 1
                    }
                };
                kernels.push((at, self.kernel(frame, &mut binder, cell)?));
            }
            code.changes.push(ChangeKernels { cells: kernels, guard });
        }
        Some(code)
    }

    /// The kernel of an expression in a shared scope; function literals have none.
    pub(super) fn body_kernel(
        &mut self,
        frame: &mut Frame<'t>,
        binder: &mut Binder<'t>,
        body: &'t RowBody,
    ) -> Option<Kernel> {
        if body.outside { None } else { self.kernel(frame, binder, &body.expr) }
    }
}

/// Appends the cells of a batch to the columns that a `with` sets; `None` where a kernel declines.
fn changed(code: &WithKernels, batch: &Batch<'_>, columns: &mut [Column]) -> Option<()> {
    let all: Vec<u32> = (0..batch.len as u32).collect();
    let mut left = match &code.condition {
        Some(condition) => condition.holds(batch)?,
        None => all.clone(),
    };
    let mut cells = Vec::with_capacity(columns.len());
    for (_, old) in &code.columns {
        let mut before = Cells::Nulls;
        before.put(&all, &old.eval(batch)?, batch.len)?;
        cells.push(before);
    }
    for change in &code.changes {
        let rows = batch.pick(&left);
        let taken: Vec<u32> = match &change.guard {
            None => std::mem::take(&mut left),
            Some(guard) => {
                let holds = guard.holds(&rows)?;
                let taken = holds.iter().filter_map(|row| left.get(*row as usize).copied()).collect();
                let mut holds = holds.into_iter().peekable();
                let numbered = left.iter().copied().zip(0u32..);
                left = numbered.filter(|(_, number)| holds.next_if_eq(number).is_none()).map(|(row, _)| row).collect();
                taken
            }
        };
        if taken.is_empty() {
            continue;
        }
        let rows = batch.pick(&taken);
        for (at, kernel) in &change.cells {
            cells.get_mut(*at)?.put(&taken, &kernel.eval(&rows)?, batch.len)?;
        }
    }
    for (column, cells) in columns.iter_mut().zip(cells) {
        append(column, &cells.into_vector(), batch.len);
    }
    Some(())
}
