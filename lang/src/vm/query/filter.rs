//! `where` and `except`.

use super::super::Failure;
use super::super::fail::{describe, type_error};
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::scope::{bind, column_of, no_column};
use super::Relation;
use crate::tree::{Expr, RowOperand};
use crate::value::{Rows, Value, truth};
use ecow::EcoString;

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
        let rows = relation.rows.clone();
        let binding = bind(frame, &operand.scope, &rows)?;
        let code = self.prepare(frame, &operand.body, operand.outside)?;
        let limit = limit.unwrap_or(usize::MAX);
        let mut selection = Vec::new();
        for number in 0..relation.len() {
            if selection.len() >= limit {
                break;
            }
            let position = relation.position(number);
            frame.enter_row(&operand.scope, &rows, &binding, position);
            if truth(&self.row_value(frame, &code, &rows, position)?) == wanted {
                selection.push(position as u32);
            }
        }
        Ok(Relation { rows, selection: Some(selection) })
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
