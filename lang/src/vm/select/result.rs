//! The result of a `select`: its columns, `distinct`, and order.

use super::super::fail::type_error;
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::query::Groups;
use super::super::scope::{Place, ScopeState};
use super::super::sort::{SortKey, check_key};
use super::super::{Evaluated, Failure};
use super::{Joined, enter};
use crate::tree::{ExprKind, Select, SelectItem};
use crate::value::{Column, Rows, Shape, Table, Value};
use ecow::EcoString;
use std::sync::Arc;

/// What the rows of a result come from.
pub(super) enum Origin<'j> {
    /// Rows of the join.
    Rows(&'j Joined),
    /// Groups, by their keys and aggregates.
    Groups(Vec<Vec<Value>>),
}

/// A column of the result, and how its cells are found.
enum Plan<'t> {
    /// The cells of a source's column.
    Source { source: usize, column: usize },
    /// Evaluated for each row.
    Each(&'t crate::tree::Expr),
}

impl Origin<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Rows(joined) => joined.len(),
            Self::Groups(groups) => groups.len(),
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

    /// Makes the columns, then leaves out what is there twice, then sorts.
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
            self.work(count as u64 / 8)?;
            columns = columns.iter().map(|column| Arc::new(column.gather(&rows))).collect();
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
        let mut columns: Vec<Column> = plans.iter().map(|_| Column::default()).collect();
        if plans.iter().any(|plan| matches!(plan, Plan::Each(_))) {
            for row in 0..count {
                self.spend(1)?;
                enter_origin(frame, select, origin, row);
                for (column, plan) in columns.iter_mut().zip(plans) {
                    if let Plan::Each(expr) = plan {
                        let value = self.eval(frame, expr)?;
                        self.hold(&value)?;
                        column.push(value);
                    }
                }
            }
        } else {
            self.spend(count as u64)?;
        }
        for (column, plan) in columns.iter_mut().zip(plans) {
            if let (Plan::Source { source, column: position }, Origin::Rows(joined)) = (plan, origin) {
                let positions = joined.sources.get(*source).and_then(|all| all.get(..count)).unwrap_or(&[]);
                self.work(count as u64 / 8)?;
                *column = gathered(frame, select, *source, *position, positions);
                self.grow(count * size_of::<Value>())?;
            }
        }
        Ok(columns.into_iter().map(Arc::new).collect())
    }

    /// The first of each row that is there more than once.
    fn distinct_rows(&mut self, columns: &[Arc<Column>], count: usize) -> Result<Vec<u32>, Failure> {
        let mut groups = Groups::default();
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
        let mut keys: Vec<SortKey> = select
            .order
            .iter()
            .map(|(_, descending)| SortKey { cells: Column::default(), descending: *descending })
            .collect();
        for row in numbers {
            self.spend(1)?;
            enter_origin(frame, select, origin, *row as usize);
            for (key, (expr, _)) in keys.iter_mut().zip(&select.order) {
                let value = self.eval(frame, expr)?;
                check_key(&value).map_err(|error| placed(error, frame.call, expr.span))?;
                self.hold(&value)?;
                key.cells.push(value);
            }
        }
        Ok(keys)
    }
}

/// Makes row `row` of the result the one that names mean.
fn enter_origin(frame: &mut Frame<'_>, select: &Select, origin: &Origin<'_>, row: usize) {
    match origin {
        Origin::Rows(joined) => enter(frame, select, joined, row),
        Origin::Groups(groups) => {
            if let (Some(scope), Some(group)) = (frame.joined(select.scope.id), groups.get(row)) {
                scope.group.clone_from(group);
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
                plans.push(match found {
                    Some((source, column)) => Plan::Source { source, column },
                    None => Plan::Each(expr),
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
    for (at, name) in names.iter().enumerate() {
        if names.get(..at).is_some_and(|earlier| earlier.contains(name)) {
            return Err(type_error(format!(
                "Two columns of the result have the name {name}. Give one of them another: other: x.{name}."
            )));
        }
    }
    Ok((names, plans, items))
}

/// The cells of a source's column at these positions; `null` where a left join found no row.
fn gathered(frame: &Frame<'_>, select: &Select, source: usize, column: usize, positions: &[u32]) -> Column {
    let Some(ScopeState::Joined(scope)) = frame.scopes.get(usize::from(select.scope.id)) else {
        return Column::default();
    };
    match scope.sources.get(source) {
        Some(Rows::Table(table)) => match table.columns().and_then(|columns| columns.get(column)) {
            Some(cells) => cells.gather(positions),
            None => positions.iter().map(|position| table.cell(*position as usize, column)).collect(),
        },
        _ => Column::Null(positions.len()),
    }
}
