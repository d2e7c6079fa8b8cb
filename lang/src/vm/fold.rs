//! Functions that fold a row expression over few rows, without a call for each row.
//!
//! Like all computation on scalars, this declines if a row must be evaluated, and the function itself runs.

use super::Failure;
use super::machine::{Frame, Machine};
use super::scalar::{RowScalars, Spent};
use crate::function::{Fold, Function};
use crate::query::WORTHWHILE;
use crate::tree::{Argument, RowOperand};
use crate::value::{Number, Rows, Value};

impl<'t> Machine<'_> {
    /// The result of a library function on these rows as its first argument; `None` if it must be called.
    pub(super) fn folded(
        &mut self,
        frame: &mut Frame<'t>,
        function: &Function,
        arguments: &'t [Argument],
        rows: &Value,
    ) -> Result<Option<Value>, Failure> {
        let [Argument::Value(_), Argument::Row(operand)] = arguments else { return Ok(None) };
        let Some(fold) = function.facts.folds else { return Ok(None) };
        let rows = match rows {
            Value::Table(table) if table.len() < WORTHWHILE && !operand.outside => Rows::Table(table.clone()),
            _ => return Ok(None),
        };
        let Some(binding) = self.binding(frame, &operand.scope, &rows).ok() else { return Ok(None) };
        let near = self.near_rows(frame, &operand.scope, &rows, &binding);
        let Some((value, mut spent)) = near.and_then(|mut near| fold_rows(&mut near, fold, operand, rows.len())) else {
            return Ok(None);
        };
        // The call itself is a step.
        spent.steps += 1;
        self.spend_scalars(spent)?;
        Ok(Some(value))
    }
}

/// The value and its cost; `None` if a row must be evaluated.
fn fold_rows(
    near: &mut RowScalars<'_, '_, '_>,
    fold: Fold,
    operand: &RowOperand,
    rows: usize,
) -> Option<(Value, Spent)> {
    let (mut sum, mut count) = (Number::ZERO, 0usize);
    for row in 0..rows {
        if !near.go_to(row) {
            return None;
        }
        match fold {
            Fold::Sum | Fold::Avg => {
                if let Some(number) = near.number(&operand.body)? {
                    sum = sum.checked_add(number)?;
                    count += 1;
                }
            }
            Fold::Count => count += usize::from(near.truth(&operand.body)?),
            Fold::Any => {
                if near.truth(&operand.body)? {
                    return Some((Value::Bool(true), near.spent));
                }
            }
            Fold::All => {
                if !near.truth(&operand.body)? {
                    return Some((Value::Bool(false), near.spent));
                }
            }
        }
    }
    let value = match fold {
        Fold::Sum => Value::Number(sum),
        Fold::Avg => sum.checked_div(count.into()).map_or(Value::Null, Value::Number),
        Fold::Count => Value::Number(count.into()),
        Fold::Any => Value::Bool(false),
        Fold::All => Value::Bool(true),
    };
    Some((value, near.spent))
}
