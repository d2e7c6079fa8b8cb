//! Calls: of user functions, of function values, of natives.

use super::closure::{Captured, Closure, RowExpression};
use super::context::NativeContext;
use super::execute::Entered;
use super::fail::{arity, describe, limit_error, named, parameter_of, type_error};
use super::limits::{with_stack, with_stack_for_values};
use super::machine::{CallInfo, Frame, Globals, Machine};
use super::place::{left, placed};
use super::scope::ScopeState;
use super::statement::Flow;
use super::{Evaluated, Failure, Method};
use crate::compile::{Executable, NativeSite, Register};
use crate::error::never;
use crate::function::{Call, Fold, Function, ResultType};
use crate::span::Span;
use crate::tree::{Argument, Expr, ExprKind, FunctionDef, FunctionId, Step, Tree, first_rows};
use crate::types::Type;
use crate::value::{Callable, Value};
use std::sync::{Arc, Weak};

/// The function to enter.
struct Target<'t> {
    tree: &'t Arc<Executable>,
    function: FunctionId,
    definition: &'t FunctionDef,
    captures: &'t [Captured],
    globals: Globals,
}

impl Machine<'_> {
    /// Runs the script or a module's constants.
    pub(super) fn start(&mut self, tree: &Arc<Executable>, function: FunctionId) -> Evaluated {
        let Some(definition) = tree.functions.get(function as usize) else {
            return Err(never!("no function {function}"));
        };
        let call = CallInfo { tree, definition };
        let target = Target { tree, function, definition, captures: &[], globals: Globals::Here };
        with_stack_for_values(|| self.enter(call, target, 0))
    }

    /// A call of a function that captures nothing.
    pub(super) fn call_known<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        function: FunctionId,
        arguments: &'t [Expr],
        span: Span,
    ) -> Evaluated {
        let base = self.push_all(frame, arguments)?;
        let Some(definition) = frame.tree.functions.get(function as usize) else {
            return Err(never!("no function {function}"));
        };
        let call = CallInfo { tree: frame.tree, definition };
        let target = Target { tree: frame.tree, function, definition, captures: &[], globals: frame.globals.clone() };
        self.call(call, target, base, Some(arguments)).map_err(|error| left(error, definition, frame.call, span))
    }

    /// A call of a value.
    pub(super) fn call_with<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        function: Value,
        arguments: &'t [Expr],
        span: Span,
    ) -> Evaluated {
        let base = self.push_all(frame, arguments)?;
        self.call_value(frame.call, &function, base, span)
    }

    /// A call of a value with evaluated arguments.
    pub(super) fn invoke(
        &mut self,
        caller: CallInfo<'_>,
        function: &Value,
        arguments: impl IntoIterator<Item = Value>,
        span: Span,
    ) -> Evaluated {
        let base = self.stack.len();
        self.stack.extend(arguments);
        self.call_value(caller, function, base, span)
    }

    /// Calls a value; its arguments are on the stack from `base` on.
    pub(crate) fn call_value(&mut self, caller: CallInfo<'_>, function: &Value, base: usize, span: Span) -> Evaluated {
        let Value::Function(callable) = function else {
            return Err(type_error(format!("Only functions can be called, and this is {}.", describe(function))));
        };
        // The value may be dropped during the call: a function can set the variable that holds it.
        let callable: Arc<dyn Callable> = callable.clone();
        if let Some(function) = callable.as_any().downcast_ref::<Function>() {
            return self.call_library(caller, function, base, span);
        }
        let Some((closure, definition)) =
            callable.as_any().downcast_ref::<Closure>().and_then(|closure| Some((closure, closure.definition()?)))
        else {
            return Err(type_error("This function cannot be called here."));
        };
        let call = CallInfo { tree: &closure.tree, definition };
        let target = Target {
            tree: &closure.tree,
            function: closure.function,
            definition,
            captures: &closure.captures,
            globals: self.globals_of(&closure.home),
        };
        self.call(call, target, base, None).map_err(|error| left(error, definition, caller, span))
    }

    fn push_all<'t>(&mut self, frame: &mut Frame<'t>, arguments: &'t [Expr]) -> Result<usize, Failure> {
        let base = self.stack.len();
        for argument in arguments {
            let value = self.eval(frame, argument)?;
            self.stack.push(value);
        }
        Ok(base)
    }

    /// Checks and converts the arguments of a call, counts it, and enters it.
    fn call(&mut self, call: CallInfo<'_>, target: Target<'_>, base: usize, written: Option<&[Expr]>) -> Evaluated {
        self.check_arguments(&target, base, written)?;
        self.spend(1)?;
        self.enter_call(|| named(target.definition))?;
        let result = with_stack(|| self.enter(call, target, base));
        self.depth -= 1;
        self.stack.truncate(base);
        result
    }

    /// Counts a call inside the running calls.
    pub(super) fn enter_call(&mut self, name: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.depth >= self.settings.limits.depth {
            return Err(limit_error(format!(
                "The call depth went beyond its limit of {}: {} is called from within itself or from within too many others.",
                self.settings.limits.depth,
                name()
            )));
        }
        self.depth += 1;
        Ok(())
    }

    /// `written` are the arguments of a call whose types the checker knew.
    fn check_arguments(&mut self, target: &Target<'_>, base: usize, written: Option<&[Expr]>) -> Result<(), Failure> {
        let definition = target.definition;
        let given = self.stack.len() - base;
        if given < definition.required || given > definition.parameters.len() {
            let takes = arity(definition.required, definition.parameters.len());
            return Err(type_error(format!("{} takes {takes}, not {given}.", named(definition))));
        }
        for (position, parameter) in definition.parameters.iter().enumerate().take(given) {
            let Some(annotation) = &parameter.annotation else { continue };
            if written.is_some_and(|written| is_sure(target.tree, written.get(position), annotation)) {
                continue;
            }
            let Some(slot) = self.stack.get_mut(base + position) else { break };
            let value = std::mem::take(slot);
            let value = self.conform(&target.tree.types, value, annotation, || parameter_of(parameter, definition))?;
            if let Some(slot) = self.stack.get_mut(base + position) {
                *slot = value;
            }
        }
        Ok(())
    }

    /// Runs a function whose arguments are on the stack from `base` on.
    fn enter<'t>(&mut self, call: CallInfo<'t>, target: Target<'t>, base: usize) -> Evaluated {
        let definition = target.definition;
        let given = self.stack.len() - base;
        if self.method == Method::Code
            && let Some(Some(code)) = target.tree.code().get(target.function as usize)
        {
            let Target { tree, captures, globals, .. } = target;
            return self.execute(Entered { tree, code, captures, globals, base, given });
        }
        self.stack.resize(base + definition.locals.max(definition.parameters.len()), Value::Null);
        let mut frame = Frame {
            call,
            tree: target.tree,
            base,
            captures: target.captures,
            globals: target.globals,
            cells: vec![None; definition.cells],
            scopes: Vec::new(),
        };
        frame.scopes.resize_with(definition.scopes, || ScopeState::Idle);
        for (position, parameter) in definition.parameters.iter().enumerate() {
            if position >= given
                && let Some(default) = &parameter.default
            {
                let value = self.eval(&mut frame, default)?;
                self.set_local(&frame, position as u16, value);
            }
            if let Some(cell) = parameter.cell {
                let value = self.local(&frame, position as u16);
                self.renew_cell(&mut frame, cell)?.set(value);
            }
        }
        match self.block(&mut frame, &definition.body)? {
            Flow::Return(value, None) => Ok(value),
            Flow::Return(value, Some(span)) => self.result(&frame, value, span),
            Flow::Next | Flow::Break | Flow::Continue => self.result(&frame, Value::Null, definition.span),
        }
    }

    /// Converts the result of a function to its annotation.
    fn result(&mut self, frame: &Frame<'_>, value: Value, span: Span) -> Evaluated {
        let definition = frame.call.definition;
        let Some(annotation) = &definition.result else { return Ok(value) };
        self.conform(&frame.tree.types, value, annotation, || format!("the result of {}", named(definition)))
            .map_err(|error| placed(error, frame.call, span))
    }

    /// A call of a library function.
    pub(super) fn call_native<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        function: &'t Function,
        arguments: &'t [Argument],
        type_argument: Option<&'t Type>,
        span: Span,
    ) -> Evaluated {
        if let Some(count) = self.counted_query(frame, function, arguments)? {
            return Ok(count);
        }
        let start = self.stack.len();
        self.row_calls += 1;
        let call = self.row_calls;
        for (position, argument) in arguments.iter().enumerate() {
            let value = match argument {
                Argument::Value(expr) => match (position, &expr.kind) {
                    (0, ExprKind::Query(source, steps)) => {
                        let limit = first_rows(function, arguments);
                        self.query(frame, source, steps, limit).map_err(|error| placed(error, frame.call, expr.span))?
                    }
                    (0, ExprKind::Select(select)) => {
                        let limit = first_rows(function, arguments);
                        self.select(frame, select, limit).map_err(|error| placed(error, frame.call, expr.span))?
                    }
                    _ => self.eval(frame, expr)?,
                },
                Argument::Row(_) => Value::Function(Arc::new(RowExpression { argument: position, call })),
            };
            if position == 0
                && let Some(folded) = self.folded(frame, function, arguments, &value)?
            {
                return Ok(folded);
            }
            self.stack.push(value);
        }
        let values = self.stack.split_off(start);
        self.run_native(frame, function, values, arguments, type_argument, call, span)
    }

    /// Runs a library function with evaluated arguments.
    #[expect(clippy::too_many_arguments, reason = "the parts of the call and what they came to")]
    pub(super) fn run_native<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        function: &'t Function,
        values: Vec<Value>,
        arguments: &'t [Argument],
        type_argument: Option<&'t Type>,
        call: u64,
        span: Span,
    ) -> Evaluated {
        self.spend(1)?;
        let start = self.stack.len();
        // Values that a native holds while it calls back must be visible to the limit on memory.
        if values.iter().any(|value| matches!(value, Value::Function(_))) {
            self.stack.extend(values.iter().cloned());
        }
        let held = self.meter.held();
        let mut context = NativeContext {
            call,
            machine: self,
            frame,
            arguments,
            type_argument,
            span,
            keeps_results: matches!(function.signature.result, ResultType::ListOf(_)),
            ahead: Vec::new(),
        };
        let result = with_stack_for_values(|| Call::run(function, values, &mut context));
        self.meter.release_to(held);
        self.stack.truncate(start);
        for argument in arguments {
            if let Argument::Row(operand) = argument {
                frame.leave_rows(operand.scope.id);
            }
        }
        self.made(result?)
    }

    /// The arguments of a library function from the registers at `start`; row expressions in their places.
    #[inline]
    pub(super) fn native_arguments(&mut self, site: &NativeSite, base: usize, start: Register) -> Vec<Value> {
        self.row_calls += 1;
        let call = self.row_calls;
        let mut values = self.take_all(base, start, site.count);
        for (position, (value, argument)) in values.iter_mut().zip(&site.arguments).enumerate() {
            if matches!(argument, Argument::Row(_)) {
                *value = Value::Function(Arc::new(RowExpression { argument: position, call }));
            }
        }
        values
    }

    /// Counting the rows of `t where c` builds no table.
    fn counted_query<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        function: &Function,
        arguments: &'t [Argument],
    ) -> Result<Option<Value>, Failure> {
        let [Argument::Value(Expr { kind: ExprKind::Query(source, steps), span, .. })] = arguments else {
            return Ok(None);
        };
        let filters = matches!(steps.last(), Some((Step::Where(_) | Step::Except(_) | Step::ExceptWhere(_), _)));
        if function.facts.folds != Some(Fold::Count) || !filters {
            return Ok(None);
        }
        let count = self.count_rows(frame, source, steps).map_err(|error| placed(error, frame.call, *span))?;
        self.spend(1)?;
        Ok(Some(count.into()))
    }

    /// The run a closure belongs to: this one, or another.
    fn globals_of(&self, home: &Weak<super::cell::Home>) -> Globals {
        if std::ptr::eq(home.as_ptr(), Arc::as_ptr(self.variables.home())) {
            Globals::Here
        } else {
            Globals::There(home.upgrade())
        }
    }

    /// The run that closures made in this frame belong to.
    pub(super) fn home_of(&self, frame: &Frame<'_>) -> Weak<super::cell::Home> {
        match &frame.globals {
            Globals::Here => Arc::downgrade(self.variables.home()),
            Globals::There(home) => home.as_ref().map_or_else(Weak::new, Arc::downgrade),
        }
    }
}

fn is_sure(tree: &Tree, argument: Option<&Expr>, annotation: &Type) -> bool {
    argument.is_some_and(|argument| tree.types.is_sure(&argument.ty, annotation))
}
