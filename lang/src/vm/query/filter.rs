//! `where` and `except`.

use super::super::Failure;
use super::super::fail::{describe, type_error};
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::scalar::{RowScalars, Spent};
use super::super::scope::{column_of, no_column};
use super::{Relation, RowCode};
use crate::ast::BinaryOp;
use crate::query::{Kernel, STRETCH};
use crate::span::Span;
use crate::tree::{Expr, ExprKind, RowOperand};
use crate::value::{Rows, Value, truth};
use ecow::EcoString;
use std::ops::Range;
use std::sync::Arc;

/// The parts of a condition that have no kernel.
type Rest<'t> = &'t [(BinaryOp, Span, Expr)];

/// The rows that a filter takes.
struct Chosen<'s> {
    wanted: bool,
    limit: usize,
    selection: &'s mut Vec<u32>,
}

impl Chosen<'_> {
    /// Takes those of a stretch, as far as it is computed; returns the first row that is not, and the cost.
    fn near(
        self,
        near: &mut RowScalars<'_, '_, '_>,
        relation: &Relation,
        condition: &Expr,
        stretch: Range<usize>,
    ) -> (usize, Spent) {
        for number in stretch.clone() {
            let position = relation.position(number);
            let room = near.go_to(position) && self.selection.len() < self.limit;
            match if room { near.holds(condition) } else { None } {
                Some(truth) if truth == self.wanted => self.selection.push(position as u32),
                Some(_) => {}
                None => {
                    near.go_back();
                    return (number, near.spent);
                }
            }
        }
        (stretch.end, near.spent)
    }
}

impl<'t> Machine<'_> {
    /// The rows for which the operand is `wanted`, at most `limit` of the first.
    pub(super) fn filter(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        operand: &'t RowOperand,
        wanted: bool,
        limit: Option<usize>,
    ) -> Result<Relation, Failure> {
        let rows = &relation.rows;
        let binding = self.binding(frame, &operand.scope, rows)?;
        let code = self.prepare(frame, &operand.body, operand.outside)?;
        let limit = limit.unwrap_or(usize::MAX);
        let parts = self.filter_parts(frame, operand, rows, &binding);
        let mut selection = Vec::with_capacity(relation.len().min(limit).min(STRETCH));
        let mut start = 0;
        // The first stretches are short: they may already contain the wanted rows.
        let mut stretch = STRETCH / 16;
        while start < relation.len() && selection.len() < limit {
            let end = relation.len().min(start + stretch);
            let found = parts
                .as_ref()
                .and_then(|(kernel, rest)| kernel.holds(&relation.batch(start, end - start)).map(|rows| (rows, *rest)));
            match found {
                Some((found, [])) => {
                    self.choose(&relation, start..end, &found, wanted, limit, &mut selection)?;
                }
                Some((found, rest)) if wanted => {
                    self.choose_more(
                        frame,
                        &relation,
                        operand,
                        &binding,
                        start..end,
                        &found,
                        rest,
                        limit,
                        &mut selection,
                    )?;
                }
                _ => {
                    let mut number = start;
                    while number < end && selection.len() < limit {
                        number = match &code {
                            RowCode::Body(body) => {
                                let near = self.near_rows(frame, &operand.scope, rows, &binding);
                                let chosen = Chosen { wanted, limit, selection: &mut selection };
                                let (next, spent) = match near {
                                    Some(mut near) => chosen.near(&mut near, &relation, body, number..end),
                                    None => (number, Spent::default()),
                                };
                                self.spend_scalars(spent)?;
                                next
                            }
                            RowCode::Function(_) => number,
                        };
                        if number < end && selection.len() < limit {
                            let position = relation.position(number);
                            frame.enter_row(&operand.scope, rows, &binding, position);
                            if truth(&self.row_value(frame, &code, rows, position)?) == wanted {
                                selection.push(position as u32);
                            }
                            number += 1;
                        }
                    }
                }
            }
            start = end;
            stretch = STRETCH;
        }
        Ok(Relation { rows: relation.rows, selection: Some(selection) })
    }

    /// The kernel of a condition, or of its first parts joined by `and`, and the parts after it without one.
    fn filter_parts(
        &mut self,
        frame: &mut Frame<'t>,
        operand: &'t RowOperand,
        rows: &Rows,
        binding: &[i32],
    ) -> Option<(Kernel, Rest<'t>)> {
        if operand.outside {
            return None;
        }
        let mut binder = self.binder(&operand.scope, rows, binding)?;
        if let Some(kernel) = self.kernel(frame, &mut binder, &operand.body) {
            return Some((kernel, &[]));
        }
        let ExprKind::Binary(first, others) = &operand.body.kind else { return None };
        let mut kernel = self.kernel(frame, &mut binder, first)?;
        let mut rest: Rest<'t> = others;
        while let [(BinaryOp::And, _, part), behind @ ..] = rest {
            let Some(part) = self.kernel(frame, &mut binder, part) else { break };
            kernel = Kernel::And(Box::new(kernel), Box::new(part));
            rest = behind;
        }
        let only_and = rest.iter().all(|(op, _, _)| *op == BinaryOp::And);
        (only_and && !binder.shared).then_some((kernel, rest))
    }

    /// Takes the rows of a stretch that a kernel has found, and counts the rows looked at.
    fn choose(
        &mut self,
        relation: &Relation,
        stretch: Range<usize>,
        found: &[u32],
        wanted: bool,
        limit: usize,
        selection: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let room = limit - selection.len();
        let mut seen = stretch.len();
        if wanted && found.len() < room {
            selection.extend(found.iter().map(|row| relation.position(stretch.start + *row as usize) as u32));
        } else {
            let mut named = found.iter().copied().peekable();
            for row in 0..stretch.len() as u32 {
                if named.next_if_eq(&row).is_some() == wanted {
                    selection.push(relation.position(stretch.start + row as usize) as u32);
                    if selection.len() == limit {
                        seen = row as usize + 1;
                        break;
                    }
                }
            }
        }
        self.spend(seen as u64)
    }

    /// Takes the rows found by a kernel for which the rest of the condition is true, too.
    #[expect(clippy::too_many_arguments, reason = "a part of `filter`")]
    fn choose_more(
        &mut self,
        frame: &mut Frame<'t>,
        relation: &Relation,
        operand: &'t RowOperand,
        binding: &Arc<[i32]>,
        stretch: Range<usize>,
        found: &[u32],
        rest: Rest<'t>,
        limit: usize,
        selection: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let mut found = found.iter().copied().peekable();
        for row in 0..stretch.len() as u32 {
            if selection.len() >= limit {
                break;
            }
            self.spend(1)?;
            if found.next_if_eq(&row).is_none() {
                continue;
            }
            let position = relation.position(stretch.start + row as usize);
            frame.enter_row(&operand.scope, &relation.rows, binding, position);
            let mut holds = true;
            for (_, _, part) in rest {
                holds =
                    holds && self.holds(frame, part).map_err(|error| placed(error, frame.call, operand.body.span))?;
            }
            if holds {
                selection.push(position as u32);
            }
        }
        Ok(())
    }

    /// Drops the rows that are equal to a record in its fields.
    pub(super) fn except(
        &mut self,
        frame: &mut Frame<'t>,
        relation: Relation,
        expr: &'t Expr,
    ) -> Result<Relation, Failure> {
        let record = match self.eval(frame, expr)? {
            Value::Record(record) => record,
            other => {
                let error =
                    type_error(format!("except takes a record of the values to drop, not {}.", describe(&other)));
                return Err(placed(error, frame.call, expr.span));
            }
        };
        let rows = relation.rows.clone();
        let mut fields: Vec<(EcoString, Option<usize>, Value)> = Vec::with_capacity(record.len());
        for (name, value) in record.iter() {
            let Some(place) = column_of(&rows, name) else {
                return Err(placed(no_column(name, std::slice::from_ref(&rows)), frame.call, expr.span));
            };
            fields.push((name.clone(), usize::try_from(place).ok(), value));
        }
        let mut selection = Vec::new();
        for number in 0..relation.len() {
            self.spend(1)?;
            let position = relation.position(number);
            if !self.matches_all(&rows, position, &fields)? {
                selection.push(position as u32);
            }
        }
        Ok(Relation { rows, selection: Some(selection) })
    }

    fn matches_all(
        &mut self,
        rows: &Rows,
        position: usize,
        fields: &[(EcoString, Option<usize>, Value)],
    ) -> Result<bool, Failure> {
        for (name, column, wanted) in fields {
            let cell = match (rows, column) {
                (Rows::Table(table), Some(column)) => Some(table.cell(position, *column)),
                (rows, _) => match rows.get(position) {
                    Value::Record(record) => record.get(name),
                    _ => None,
                },
            };
            let equal = match cell {
                Some(cell) => self.equals(&cell, wanted)?,
                None => false,
            };
            if !equal {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
