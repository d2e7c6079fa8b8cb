//! Pure library functions called for a row.

use super::super::limits::with_stack_for_values;
use super::super::machine::{Frame, Machine};
use super::super::{Evaluated, Failure};
use super::{LONGEST, RowScalars, STEPS};
use crate::budget::{Budget, Paid};
use crate::error::{ErrorKind, RunError};
use crate::function::{Call, Context, Function, MOST_NUMBERS, OnNumbers, PatternCache, RowFunction};
use crate::host::Host;
use crate::tree::Argument;
use crate::types::{Type, Types};
use crate::value::{Number, Rows, Value, Zone};

/// Bytes that a function may take for a row.
const MOST_BYTES: usize = 64 << 10;

impl RowScalars<'_, '_, '_> {
    pub(super) fn native(
        &mut self,
        function: &Function,
        arguments: &[Argument],
        type_argument: Option<&Type>,
    ) -> Option<Value> {
        if let Some(on_numbers) = function.on_numbers {
            return self.on_numbers(on_numbers, arguments);
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let Argument::Value(expr) = argument else { return None };
            let mut made = Value::Null;
            values.push(self.value(expr, &mut made)?.to_value());
        }
        self.spent.steps += 1;
        let mut context =
            PureContext { machine: self.machine, frame: self.frame, type_argument, little: Little::default() };
        let value = with_stack_for_values(|| Call::run(function, values, &mut context)).ok()?;
        self.spent.steps += context.little.steps;
        if let Value::Text(text) = &value {
            if text.len() > LONGEST {
                return None;
            }
            self.spent.bytes += text.len();
        }
        (self.spent.steps < STEPS).then_some(value)
    }

    /// A function of numbers, without a call.
    fn on_numbers(&mut self, function: OnNumbers, arguments: &[Argument]) -> Option<Value> {
        let mut numbers = [Number::ZERO; MOST_NUMBERS];
        let numbers = numbers.get_mut(..arguments.len())?;
        let mut null = false;
        for (number, argument) in numbers.iter_mut().zip(arguments) {
            let Argument::Value(expr) = argument else { return None };
            match self.number(expr)? {
                Some(value) => *number = value,
                None => null = true,
            }
        }
        self.spent.steps += 1;
        if null { Some(Value::Null) } else { function(numbers).map(Value::Number) }
    }
}

/// The context of a pure library function that is called for a row; a request that it does not allow is an error, which
/// is not reported.
struct PureContext<'q, 'a, 't> {
    machine: &'q Machine<'a>,
    frame: &'q Frame<'t>,
    type_argument: Option<&'q Type>,
    little: Little,
}

/// Work that is small enough to be repeated if it turns out to be more.
#[derive(Default)]
struct Little {
    steps: u64,
    bytes: usize,
}

impl Budget for Little {
    fn spend(&mut self, steps: u64) -> Paid {
        self.steps = self.steps.saturating_add(steps);
        if self.steps < STEPS { Ok(()) } else { Err(declined()) }
    }

    fn take(&mut self, bytes: usize) -> Paid {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes < MOST_BYTES { Ok(()) } else { Err(declined()) }
    }

    fn most_text(&self) -> usize {
        MOST_BYTES
    }

    fn most_cells(&self) -> usize {
        MOST_BYTES
    }
}

impl Context for PureContext<'_, '_, '_> {
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
        (self.type_argument.map(|ty| (ty, &self.frame.tree.types)), &mut self.little)
    }

    fn invoke(&mut self, _function: &Value, _arguments: Vec<Value>) -> Evaluated {
        Err(declined())
    }

    fn bind_rows(&mut self, _function: &Value, _rows: &Rows) -> Result<RowFunction, Failure> {
        Err(declined())
    }

    fn invoke_row(&mut self, _function: &RowFunction, _position: usize) -> Evaluated {
        Err(declined())
    }

    fn budget(&mut self) -> &mut dyn Budget {
        &mut self.little
    }

    fn cache(&self) -> &dyn PatternCache {
        self.machine.cache
    }
}

#[cold]
fn declined() -> Failure {
    RunError::new(ErrorKind::Limit, "The function needs more memory than a row may use.")
}
