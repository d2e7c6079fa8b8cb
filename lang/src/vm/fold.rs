//! `Sum`, `Avg`, `Count`, `Any` and `All` of a row expression over few rows, without calling back for each.
//!
//! As with all that is computed on scalars, this declines where a row is to be evaluated, and the function itself runs.

use super::Failure;
use super::machine::{Frame, Machine};
use crate::function::Function;
use crate::query::WORTHWHILE;
use crate::tree::{Argument, RowOperand};
use crate::value::{Number, Rows, Scalar, Value};

/// What is made of the values of the rows.
enum Fold {
    Sum,
    Avg,
    Count,
    Any,
    All,
}

impl<'t> Machine<'_> {
    /// What a library function comes to whose first argument are these rows; `None` where it is to be called.
    pub(super) fn folded(
        &mut self,
        frame: &mut Frame<'t>,
        function: &Function,
        arguments: &'t [Argument],
        rows: &Value,
    ) -> Result<Option<Value>, Failure> {
        let [Argument::Value(_), Argument::Row(operand)] = arguments else { return Ok(None) };
        let fold = match function.name {
            "Sum" => Fold::Sum,
            "Avg" => Fold::Avg,
            "Count" => Fold::Count,
            "Any" => Fold::Any,
            "All" => Fold::All,
            _ => return Ok(None),
        };
        let rows = match rows {
            Value::Table(table) if table.len() < WORTHWHILE && !operand.outside => Rows::Table(table.clone()),
            _ => return Ok(None),
        };
        if !self.wants_scalars() {
            return Ok(None);
        }
        let folded = self.fold_scalars(frame, &fold, operand, &rows);
        frame.leave_rows(operand.scope.id);
        let Some((value, steps, bytes)) = folded else { return Ok(None) };
        self.spend(steps)?;
        self.grow(bytes)?;
        Ok(Some(value))
    }

    /// The value, the steps it took and the bytes of texts made.
    fn fold_scalars(
        &mut self,
        frame: &mut Frame<'t>,
        fold: &Fold,
        operand: &'t RowOperand,
        rows: &Rows,
    ) -> Option<(Value, u64, usize)> {
        let binding = self.binding(frame, &operand.scope, rows).ok()?;
        let (mut sum, mut count) = (Number::ZERO, 0usize);
        // The call itself is a step.
        let (mut steps, mut bytes) = (1, 0);
        let mut decided = None;
        for row in 0..rows.len() {
            frame.enter_row(&operand.scope, rows, &binding, row);
            let mut scalars = self.row_scalars(frame);
            match fold {
                Fold::Sum | Fold::Avg => {
                    let mut made = Value::Null;
                    match scalars.value(&operand.body, &mut made)? {
                        Scalar::Number(number) => {
                            sum = sum.checked_add(*number)?;
                            count += 1;
                        }
                        Scalar::Null => {}
                        _ => return None,
                    }
                }
                Fold::Count => count += usize::from(scalars.truth(&operand.body)?),
                Fold::Any if scalars.truth(&operand.body)? => decided = Some(true),
                Fold::All if !scalars.truth(&operand.body)? => decided = Some(false),
                Fold::Any | Fold::All => {}
            }
            steps += 1 + scalars.steps();
            bytes += scalars.bytes();
            if decided.is_some() {
                break;
            }
        }
        if !self.has_steps(steps) {
            return None;
        }
        let value = match fold {
            Fold::Sum => Value::Number(sum),
            Fold::Avg => sum.checked_div(count.into()).map_or(Value::Null, Value::Number),
            Fold::Count => Value::Number(count.into()),
            Fold::Any => Value::Bool(decided.unwrap_or(false)),
            Fold::All => Value::Bool(decided.unwrap_or(true)),
        };
        Some((value, steps, bytes))
    }
}
