//! The natives' view of the machine.

use super::closure::RowExpression;
use super::fail::type_error;
use super::machine::{Frame, Machine};
use super::query::RowCode;
use super::{Evaluated, Failure};
use crate::budget::Budget;
use crate::function::{Context, PatternCache, RowFunction};
use crate::host::Host;
use crate::query::{At, Batch, Kernel, STRETCH, append};
use crate::span::Span;
use crate::tree::{Argument, RowOperand};
use crate::types::{Type, Types};
use crate::value::{Column, Rows, Value, Zone};
use std::sync::Arc;

/// The machine, during one call of a native.
pub(super) struct NativeContext<'m, 'a, 't> {
    pub machine: &'m mut Machine<'a>,
    /// The frame of the native's call; its row expressions are evaluated there.
    pub frame: &'m mut Frame<'t>,
    /// The arguments as they are written.
    pub arguments: &'t [Argument],
    /// The number of the call, to identify its row expressions.
    pub call: u64,
    pub type_argument: Option<&'t Type>,
    pub span: Span,
    /// It makes a list of the results of the functions it calls.
    pub keeps_results: bool,
    /// Row expressions that are evaluated for many rows at a time.
    pub ahead: Vec<Ahead>,
}

/// Values of a row expression for rows that are likely to be requested next.
pub(super) struct Ahead {
    argument: usize,
    binding: Arc<[i32]>,
    kernel: Kernel,
    start: usize,
    /// How many rows from the start on have been tried.
    len: usize,
    /// Their values; `None` where they are to be evaluated row by row.
    values: Option<Column>,
}

impl Ahead {
    /// The value for the row at `position` of `rows`, if it is known.
    fn value(&mut self, position: usize, rows: usize) -> Option<Value> {
        if !(self.start..self.start + self.len).contains(&position) {
            // Only a caller that asks in order will need the following rows.
            if position != self.start + self.len {
                return None;
            }
            // The first stretch is short: few rows may be wanted.
            let most = if self.len == 0 { STRETCH / 16 } else { STRETCH };
            self.start = position;
            self.len = most.min(rows.checked_sub(position)?);
            let batch = Batch { len: self.len, at: vec![At::From(position)] };
            self.values = self.kernel.eval(&batch).map(|vector| {
                let mut column = Column::default();
                append(&mut column, &vector, batch.len);
                column
            });
        }
        self.values.as_ref().map(|values| values.get(position - self.start))
    }
}

impl<'t> NativeContext<'_, '_, 't> {
    /// The row expression of a value; `None` for other functions and for constants.
    fn operand(&self, function: &Value) -> Result<Option<&'t RowOperand>, Failure> {
        let Value::Function(callable) = function else { return Ok(None) };
        let Some(expression) = callable.as_any().downcast_ref::<RowExpression>() else { return Ok(None) };
        match self.arguments.get(expression.argument) {
            Some(Argument::Row(operand)) if expression.call == self.call => Ok(Some(operand)),
            _ => Err(type_error("A row expression can only be used by the function it was written for.")),
        }
    }

    /// Prepares a row expression for many rows.
    fn look_ahead(&mut self, function: &Value, operand: &'t RowOperand, rows: &Rows, binding: &Arc<[i32]>) {
        let Value::Function(callable) = function else { return };
        let Some(expression) = callable.as_any().downcast_ref::<RowExpression>() else { return };
        let argument = expression.argument;
        self.ahead.retain(|ahead| ahead.argument != argument);
        if operand.outside {
            return;
        }
        let Some(mut binder) = self.machine.binder(&operand.scope, rows, binding) else { return };
        let kernel = self.machine.kernel(self.frame, &mut binder, &operand.body);
        // Work of the native between two rows could change what the kernel has read.
        if let (Some(kernel), false) = (kernel, binder.shared) {
            self.ahead.push(Ahead { argument, binding: binding.clone(), kernel, start: 0, len: 0, values: None });
        }
    }

    /// The value of a row expression, if it has been evaluated ahead.
    fn known(&mut self, function: &RowFunction, position: usize) -> Option<Value> {
        let ahead = self.ahead.iter_mut().find(|ahead| Arc::ptr_eq(&ahead.binding, &function.binding))?;
        ahead.value(position, function.rows.len())
    }

    fn kept(&mut self, result: Evaluated) -> Evaluated {
        if let (Ok(value), true) = (&result, self.keeps_results) {
            self.machine.hold(value)?;
        }
        result
    }
}

impl Context for NativeContext<'_, '_, '_> {
    fn host(&self) -> &dyn Host {
        self.machine.host
    }

    fn zone(&self) -> Zone {
        self.machine.zone()
    }

    fn culture(&self) -> &str {
        &self.machine.settings.culture
    }

    fn target(&mut self) -> (Option<(&Type, &Types)>, &mut dyn Budget) {
        (self.type_argument.map(|ty| (ty, &self.frame.tree.types)), self.machine)
    }

    fn invoke(&mut self, function: &Value, arguments: Vec<Value>) -> Evaluated {
        let result = self.machine.invoke(self.frame.call, function, arguments, self.span);
        self.kept(result)
    }

    fn bind_rows(&mut self, function: &Value, rows: &Rows) -> Result<RowFunction, Failure> {
        let Some(operand) = self.operand(function)? else {
            super::callable::check_row_function(function)?;
            return Ok(RowFunction { rows: rows.clone(), function: function.clone(), binding: Arc::default() });
        };
        let binding = self.machine.binding(self.frame, &operand.scope, rows)?;
        self.look_ahead(function, operand, rows, &binding);
        match self.machine.prepare(self.frame, &operand.body, operand.outside)? {
            RowCode::Function(function) => Ok(RowFunction { rows: rows.clone(), function, binding }),
            RowCode::Body(_) => Ok(RowFunction { rows: rows.clone(), function: function.clone(), binding }),
        }
    }

    fn invoke_row(&mut self, function: &RowFunction, position: usize) -> Evaluated {
        let result = match self.operand(&function.function)? {
            Some(operand) => {
                if let Some(value) = self.known(function, position) {
                    self.machine.spend(1)?;
                    return self.kept(Ok(value));
                }
                self.frame.enter_row(&operand.scope, &function.rows, &function.binding, position);
                let code = RowCode::Body(&operand.body);
                self.machine.row_value(self.frame, &code, &function.rows, position)
            }
            None if matches!(function.function, Value::Function(_)) => {
                let row = function.rows.get(position);
                self.machine.invoke(self.frame.call, &function.function, [row], self.span)
            }
            None => Ok(function.function.clone()),
        };
        self.kept(result)
    }

    fn budget(&mut self) -> &mut dyn Budget {
        self.machine
    }

    fn cache(&self) -> &dyn PatternCache {
        self.machine.cache
    }
}
