//! Calls of library functions as values: `let f = Upper; f('x')`.

use super::callable::check_row_function;
use super::limits::with_stack_for_values;
use super::machine::{CallInfo, Machine};
use super::place::placed;
use super::{Evaluated, Failure};
use crate::budget::Budget;
use crate::function::{Call, Context, Function, PatternCache, ResultType, RowFunction};
use crate::host::Host;
use crate::span::Span;
use crate::types::{Type, Types};
use crate::value::{Rows, Value, Zone};
use std::sync::Arc;

impl Machine<'_> {
    /// Calls a library function; its arguments are on the stack from `base` on.
    pub(super) fn call_library(
        &mut self,
        caller: CallInfo<'_>,
        function: &Function,
        base: usize,
        span: Span,
    ) -> Evaluated {
        self.spend(1)?;
        self.enter_call(|| function.name.to_owned())?;
        let values = self.stack.split_off(base);
        // Values that it holds while it calls back must be visible to the limit on memory.
        if values.iter().any(|value| matches!(value, Value::Function(_))) {
            self.stack.extend(values.iter().cloned());
        }
        let held = self.meter.held();
        let keeps_results = matches!(function.signature.result, ResultType::ListOf(_));
        let mut context = LibraryContext { machine: self, caller, span, keeps_results };
        let result = with_stack_for_values(|| Call::run(function, values, &mut context));
        self.meter.release_to(held);
        self.stack.truncate(base);
        self.depth -= 1;
        self.made(result.map_err(|error| placed(error, caller, span))?)
    }
}

/// The context of a library function that is called as a value: its arguments are values, never row expressions.
struct LibraryContext<'m, 'a, 'c> {
    machine: &'m mut Machine<'a>,
    caller: CallInfo<'c>,
    span: Span,
    /// It makes a list of the results it gets.
    keeps_results: bool,
}

impl LibraryContext<'_, '_, '_> {
    fn call(&mut self, function: &Value, arguments: impl IntoIterator<Item = Value>) -> Evaluated {
        let value = self.machine.invoke(self.caller, function, arguments, self.span)?;
        if self.keeps_results {
            self.machine.hold(&value)?;
        }
        Ok(value)
    }
}

impl Context for LibraryContext<'_, '_, '_> {
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
        (None, self.machine)
    }

    fn invoke(&mut self, function: &Value, arguments: Vec<Value>) -> Evaluated {
        self.call(function, arguments)
    }

    fn bind_rows(&mut self, function: &Value, rows: &Rows) -> Result<RowFunction, Failure> {
        check_row_function(function)?;
        Ok(RowFunction { rows: rows.clone(), function: function.clone(), binding: Arc::default() })
    }

    fn invoke_row(&mut self, function: &RowFunction, position: usize) -> Evaluated {
        match &function.function {
            Value::Function(_) => self.call(&function.function, [function.rows.get(position)]),
            // A value that is not a function is the same for every row.
            constant => Ok(constant.clone()),
        }
    }

    fn budget(&mut self) -> &mut dyn Budget {
        self.machine
    }

    fn cache(&self) -> &dyn PatternCache {
        self.machine.cache
    }
}
