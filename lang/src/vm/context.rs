//! What natives see of the machine.

use super::closure::RowExpression;
use super::fail::type_error;
use super::machine::{Frame, Machine};
use super::query::RowCode;
use super::scope::bind;
use super::{Evaluated, Failure};
use crate::function::{Context, PatternCache, RowFunction};
use crate::host::Host;
use crate::span::Span;
use crate::tree::{Argument, RowOperand};
use crate::types::{Type, Types};
use crate::value::{Rows, Value, Zone};
use std::sync::Arc;

/// The machine, during one call of a native.
pub(super) struct NativeContext<'m, 'a, 't> {
    pub machine: &'m mut Machine<'a>,
    /// The frame the native is called in; its row expressions are evaluated there.
    pub frame: &'m mut Frame<'t>,
    /// The arguments as they are written.
    pub arguments: &'t [Argument],
    /// The number of the call, to know its row expressions.
    pub call: u64,
    pub type_argument: Option<&'t Type>,
    pub span: Span,
    /// It makes a list of what the functions it calls give.
    pub keeps_results: bool,
}

impl<'t> NativeContext<'_, '_, 't> {
    /// The row expression behind a value; `None` for other functions and for constants.
    fn operand(&self, function: &Value) -> Result<Option<&'t RowOperand>, Failure> {
        let Value::Function(callable) = function else { return Ok(None) };
        let Some(expression) = callable.as_any().downcast_ref::<RowExpression>() else { return Ok(None) };
        match self.arguments.get(expression.argument) {
            Some(Argument::Row(operand)) if expression.call == self.call => Ok(Some(operand)),
            _ => Err(type_error("A row expression can only be used by the function it was written for.")),
        }
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

    fn types(&self) -> &Types {
        &self.frame.tree.types
    }

    fn type_argument(&self) -> Option<&Type> {
        self.type_argument
    }

    fn invoke(&mut self, function: &Value, arguments: Vec<Value>) -> Evaluated {
        let result = self.machine.invoke(self.frame.call, function, arguments, self.span);
        self.kept(result)
    }

    fn bind_rows(&mut self, function: &Value, rows: &Rows) -> Result<RowFunction, Failure> {
        let Some(operand) = self.operand(function)? else {
            super::call::check_row_function(function)?;
            return Ok(RowFunction { rows: rows.clone(), function: function.clone(), binding: Arc::default() });
        };
        let binding = bind(self.frame, &operand.scope, rows)?;
        match self.machine.prepare(self.frame, &operand.body, operand.outside)? {
            RowCode::Function(function) => Ok(RowFunction { rows: rows.clone(), function, binding }),
            RowCode::Body(_) => Ok(RowFunction { rows: rows.clone(), function: function.clone(), binding }),
        }
    }

    fn invoke_row(&mut self, function: &RowFunction, position: usize) -> Evaluated {
        let result = match self.operand(&function.function)? {
            Some(operand) => {
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

    fn charge(&mut self, steps: u64) -> Result<(), Failure> {
        self.machine.spend(steps)
    }

    fn cache(&self) -> &dyn PatternCache {
        &*self.machine.program.cache
    }
}
