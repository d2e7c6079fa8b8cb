//! The result of a `select`: its columns, `distinct`, and order.

use super::super::fail::type_error;
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::scope::{Place, ScopeState};
use super::super::sort::{SortKey, check_key};
use super::super::{Evaluated, Failure};
use super::{Joined, Positions, enter};
use crate::tree::{Expr, ExprKind, Select, SelectItem};
use crate::value::{Column, Keys, Rows, Shape, Table, Value};
use ecow::EcoString;
use hashbrown::HashSet;
use std::sync::Arc;

/// The origin of the rows of a result.
pub(super) enum Origin<'j> {
    /// Rows of the join.
    Rows(&'j Joined),
    /// The groups, by their keys and aggregates, and their number.
    Groups(Vec<Arc<Column>>, usize),
}

/// A column of the result, and the source of its cells.
enum Plan<'t> {
    /// The cells of a source's column.
    Source { source: usize, column: usize },
    /// A key or aggregate of the groups.
    Group(usize),
    /// Evaluated for each row.
    Each(&'t Expr),
}

impl Origin<'_> {
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(joined) => joined.len(),
            Self::Groups(_, count) => *count,
        }
    }
}

impl<'t> Machine<'_> {
    pub(super) fn plain_result(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        joined: &Joined,
        limit: Option<usize>,
    ) -> Evaluated {
        self.result_table(frame, select, &Origin::Rows(joined), limit)
    }

    /// Makes the columns, then removes duplicates, then sorts.
    pub(super) fn result_table(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        origin: &Origin<'_>,
        limit: Option<usize>,
    ) -> Evaluated {
        let (names, plans, items) = plan(frame, select)?;
        let mut count = origin.len();
        if select.order.is_empty() && !select.distinct {
            count = count.min(limit.unwrap_or(usize::MAX));
        }
        self.check_cells(count.saturating_mul(names.len()))?;
        let mut columns = self.result_columns(frame, select, origin, &plans, count)?;
        let mut rows: Option<Vec<u32>> = None;
        if select.distinct {
            rows = Some(self.distinct_rows(&columns, count)?);
        }
        if !select.order.is_empty() {
            let numbers = rows.unwrap_or_else(|| (0..count as u32).collect());
            if let Some(scope) = frame.joined(select.scope.id) {
                scope.results = items.iter().map(|item| item.and_then(|at| columns.get(at).cloned())).collect();
            }
            let keys = self.order_keys(frame, select, origin, &numbers)?;
            let order = self.sorted(numbers.len(), &keys, limit)?;
            rows = Some(order.iter().filter_map(|number| numbers.get(*number as usize).copied()).collect());
        }
        if let Some(rows) = rows {
            count = rows.len();
            for column in &mut columns {
                *column = self.gather_column(column, &rows)?;
            }
        }
        Ok(Value::table(Table::from_columns(Shape::new(names), columns, count)))
    }

    fn result_columns(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        origin: &Origin<'_>,
        plans: &[Plan<'t>],
        count: usize,
    ) -> Result<Vec<Arc<Column>>, Failure> {
        let each = plans.iter().filter_map(|plan| if let Plan::Each(expr) = plan { Some(*expr) } else { None });
        let mut each = self.each_column(frame, select, origin, &each.collect::<Vec<_>>(), count)?.into_iter();
        let mut columns = Vec::with_capacity(plans.len());
        for plan in plans {
            columns.push(match (plan, origin) {
                (Plan::Each(_), _) => each.next().unwrap_or_default(),
                (Plan::Group(number), Origin::Groups(groups, all)) => match groups.get(*number) {
                    Some(column) if count == *all => column.clone(),
                    Some(column) => Arc::new(column.gather(&(0..count as u32).collect::<Vec<_>>())),
                    None => Arc::default(),
                },
                (Plan::Source { source, column }, Origin::Rows(joined)) => {
                    self.work(count as u64 / 8)?;
                    match joined.sources.get(*source) {
                        Some(positions) => {
                            let all = matches!(positions, Positions::All(len) if *len as usize == count);
                            self.grow(if all { 0 } else { count.saturating_mul(size_of::<Value>()) })?;
                            self.gathered(frame, select, *source, *column, positions, count)?
                        }
                        None => Arc::default(),
                    }
                }
                _ => Arc::default(),
            });
        }
        Ok(columns)
    }

    /// The cells of a source's column at the first `count` positions; `null` if a left join found no row.
    fn gathered(
        &mut self,
        frame: &Frame<'_>,
        select: &Select,
        source: usize,
        column: usize,
        positions: &Positions,
        count: usize,
    ) -> Result<Arc<Column>, Failure> {
        let Some(ScopeState::Joined(scope)) = frame.scopes.get(usize::from(select.scope.id)) else {
            return Ok(Arc::default());
        };
        let Some(Rows::Table(table)) = scope.sources.get(source) else {
            return Ok(Arc::new(Column::Null(count)));
        };
        Ok(match (table.columns().and_then(|columns| columns.get(column)), positions) {
            (Some(cells), Positions::All(len)) if *len as usize == count && cells.len() == count => {
                return Ok(cells.clone());
            }
            (Some(cells), Positions::Rows(rows)) => self.gather_column(cells, rows.get(..count).unwrap_or(&[]))?,
            (Some(cells), Positions::All(_)) => self.gather_column(cells, &(0..count as u32).collect::<Vec<_>>())?,
            (None, positions) => {
                Arc::new((0..count).map(|row| table.cell(positions.get(row) as usize, column)).collect())
            }
        })
    }

    /// The columns of expressions over rows: by kernels, or row by row if one of them has none.
    fn each_column(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        origin: &Origin<'_>,
        exprs: &[&'t Expr],
        count: usize,
    ) -> Result<Vec<Arc<Column>>, Failure> {
        if exprs.is_empty() {
            self.spend(count as u64)?;
            return Ok(Vec::new());
        }
        if let Some(columns) = self.kernel_columns(frame, select, origin, exprs, None, count)? {
            self.spend(count as u64)?;
            return Ok(columns);
        }
        let mut columns: Vec<Column> = exprs.iter().map(|_| Column::default()).collect();
        for row in 0..count {
            self.spend(1)?;
            enter_origin(frame, select, origin, row);
            for (column, expr) in columns.iter_mut().zip(exprs) {
                self.row_cell(frame, expr, column)?;
            }
        }
        Ok(columns.into_iter().map(Arc::new).collect())
    }

    /// The rows for which a condition is true.
    pub(super) fn rows_where(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        origin: &Origin<'_>,
        condition: &'t Expr,
    ) -> Result<Vec<u32>, Failure> {
        let mut kept = Vec::new();
        for row in 0..origin.len() {
            self.work(1)?;
            enter_origin(frame, select, origin, row);
            if self.row_holds(frame, condition)? {
                kept.push(row as u32);
            }
        }
        Ok(kept)
    }

    /// The first of each repeated row.
    fn distinct_rows(&mut self, columns: &[Arc<Column>], count: usize) -> Result<Vec<u32>, Failure> {
        if let Some(first) = self.distinct_columns(columns, count)? {
            return Ok(first);
        }
        let mut groups = Keys::default();
        let mut first = Vec::new();
        for row in 0..count {
            self.work(1)?;
            let cells = columns.iter().map(|column| column.get(row)).collect();
            if self.group_of(&mut groups, cells)? == first.len() {
                first.push(row as u32);
            }
        }
        Ok(first)
    }

    fn order_keys(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        origin: &Origin<'_>,
        numbers: &[u32],
    ) -> Result<Vec<SortKey>, Failure> {
        let exprs: Vec<&'t Expr> = select.order.iter().map(|(expr, _)| expr).collect();
        let ready = self.kernel_columns(frame, select, origin, &exprs, Some(numbers), numbers.len())?;
        if let Some(columns) = ready {
            self.spend(numbers.len() as u64)?;
            let key = |(cells, (_, descending)): (_, &(Expr, bool))| SortKey { cells, descending: *descending };
            return Ok(columns.into_iter().zip(&select.order).map(key).collect());
        }
        let mut columns: Vec<Column> = select.order.iter().map(|_| Column::default()).collect();
        for row in numbers {
            self.spend(1)?;
            enter_origin(frame, select, origin, *row as usize);
            for (column, (expr, _)) in columns.iter_mut().zip(&select.order) {
                let value = self.row_eval(frame, expr)?;
                check_key(&value).map_err(|error| placed(error, frame.call, expr.span))?;
                self.hold(&value)?;
                column.push(value);
            }
        }
        let key = |(cells, (_, descending)): (Column, &(Expr, bool))| SortKey {
            cells: Arc::new(cells),
            descending: *descending,
        };
        Ok(columns.into_iter().zip(&select.order).map(key).collect())
    }
}

/// Makes row `row` of the result the current one.
fn enter_origin(frame: &mut Frame<'_>, select: &Select, origin: &Origin<'_>, row: usize) {
    match origin {
        Origin::Rows(joined) => enter(frame, select, joined, row),
        Origin::Groups(columns, _) => {
            if let Some(scope) = frame.joined(select.scope.id) {
                scope.group.clear();
                scope.group.extend(columns.iter().map(|column| column.get(row)));
            }
        }
    }
    if let Some(scope) = frame.joined(select.scope.id) {
        scope.result_row = row;
    }
}

/// Names and plans of the result's columns, and for each item its column, if it is one.
type Planned<'t> = (Vec<EcoString>, Vec<Plan<'t>>, Vec<Option<usize>>);

fn plan<'t>(frame: &Frame<'t>, select: &'t Select) -> Result<Planned<'t>, Failure> {
    let mut names: Vec<EcoString> = Vec::new();
    let mut plans = Vec::new();
    let mut items = Vec::new();
    let Some(ScopeState::Joined(scope)) = frame.scopes.get(usize::from(select.scope.id)) else {
        return Ok((names, plans, items));
    };
    for item in &select.items {
        match item {
            SelectItem::Value(name, expr) => {
                items.push(Some(plans.len()));
                names.push(name.clone());
                let grouped = select.group.is_some();
                let found = match &expr.kind {
                    ExprKind::RowName(id, number) if *id == select.scope.id && !grouped => {
                        match scope.places.get(usize::from(*number)) {
                            Some(Place::Column { source, column }) => Some((*source, *column)),
                            _ => None,
                        }
                    }
                    ExprKind::SourceField(id, source, field) if *id == select.scope.id && !grouped => {
                        match scope.sources.get(usize::from(*source)) {
                            Some(Rows::Table(table)) => {
                                table.shape().position(field).map(|column| (usize::from(*source), column))
                            }
                            _ => None,
                        }
                    }
                    _ => None,
                };
                plans.push(match (found, &expr.kind) {
                    (Some((source, column)), _) => Plan::Source { source, column },
                    (None, ExprKind::GroupValue(id, number)) if *id == select.scope.id => {
                        Plan::Group(usize::from(*number))
                    }
                    (None, _) => Plan::Each(expr),
                });
            }
            SelectItem::AllOf(source) => {
                items.push(None);
                let source = usize::from(*source);
                match scope.sources.get(source) {
                    Some(Rows::Table(table)) => {
                        for (column, name) in table.shape().names().iter().enumerate() {
                            names.push(name.clone());
                            plans.push(Plan::Source { source, column });
                        }
                    }
                    Some(Rows::List(list)) if !list.items().is_empty() => {
                        return Err(type_error(
                            "* takes the columns of a table, and the elements of this list are not all records.",
                        ));
                    }
                    _ => {}
                }
            }
        }
    }
    let mut seen: HashSet<EcoString> = HashSet::with_capacity(names.len());
    if let Some(name) = names.iter().find(|name| !seen.insert((*name).clone())) {
        return Err(type_error(format!(
            "Two columns of the result have the name {name}. Give one of them another: other: x.{name}."
        )));
    }
    Ok((names, plans, items))
}
