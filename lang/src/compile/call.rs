//! Calls.

use super::builder::Builder;
use super::code::{Instruction, NativeSite, Register};
use super::registers::Built;
use super::walk;
use crate::function::Function;
use crate::span::Span;
use crate::tree::{Argument, Expr, ExprKind, FunctionId};
use crate::types::Type;
use crate::value::Value;
use ecow::EcoString;
use std::sync::Arc;

impl Builder<'_> {
    /// Is it a compiled function whose result is a number?
    pub(super) fn gives_number(&self, function: FunctionId) -> bool {
        let id = function as usize;
        self.conventions.is_compiled(id)
            && u16::try_from(function).is_ok()
            && self.conventions.get(id).is_some_and(|convention| convention.numeric)
    }

    pub(super) fn can_call(&self, function: FunctionId, arguments: &[Expr]) -> bool {
        let definition = self.tree.functions.get(function as usize);
        let fits = definition
            .is_some_and(|definition| (definition.required..=definition.parameters.len()).contains(&arguments.len()));
        fits && self.conventions.is_compiled(function as usize) && u16::try_from(function).is_ok()
    }

    /// A call of a function that captures nothing. `numeric` selects the kind of register for the result.
    pub(super) fn call(
        &mut self,
        function: FunctionId,
        arguments: &[Expr],
        expr: &Expr,
        into: Option<Register>,
        numeric: bool,
    ) -> Built<Register> {
        let id = function as usize;
        let (Some(convention), Some(definition)) = (self.conventions.get(id), self.tree.functions.get(id)) else {
            return Err(super::registers::TooLarge);
        };
        let mark = self.registers.mark();
        // The registers of the called function begin at the next temporaries.
        let (numbers, values) = self.registers.next()?;
        let mut converted = Vec::new();
        let with_values = convention.parameters.iter().any(Option::is_none);
        for (position, (argument, parameter)) in arguments.iter().zip(&definition.parameters).enumerate() {
            let number = convention.parameters.get(position).copied().flatten();
            // Each argument has its own slot, used or not.
            let slot = if with_values || !self.is_number(argument) { Some(self.registers.value()?) } else { None };
            match number {
                Some(_) if self.is_number(argument) => {
                    let register = self.registers.number()?;
                    let inner = self.registers.mark();
                    self.number(argument, Some(register))?;
                    self.registers.release(inner);
                }
                number => {
                    if number.is_some() {
                        self.registers.number()?;
                    }
                    let inner = self.registers.mark();
                    self.value(argument, slot)?;
                    self.registers.release(inner);
                    let converts = match &parameter.annotation {
                        Some(annotation) => !self.fits(argument, annotation),
                        None => false,
                    };
                    if let Some(slot) = slot.filter(|_| converts || number.is_some()) {
                        converted.push((slot, position));
                    }
                }
            }
        }
        // Annotations convert once all arguments are present.
        for (slot, position) in converted {
            self.code.emit(Instruction::ConvertArgument(slot, function as u16, position as u8), expr.span);
            if let Some(number) = convention.parameters.get(position).copied().flatten() {
                let register = usize::from(numbers) + usize::from(number);
                self.code.emit(Instruction::Unbox(register as Register, slot), expr.span);
            }
        }
        self.registers.release(mark);
        let result = if numeric { self.number_register(into)? } else { self.value_register(into)? };
        let given = arguments.len() as u8;
        let instruction = if self.has_far_locals() {
            Instruction::CallFar(result, numbers, values, function as u16, given)
        } else {
            Instruction::Call(result, numbers, values, function as u16, given)
        };
        self.code.emit(instruction, expr.span);
        Ok(result)
    }

    /// Is a value of an annotation's type already in its converted form?
    fn fits(&self, value: &Expr, annotation: &Type) -> bool {
        match self.tree.types.resolve(annotation) {
            ty @ (Type::Number | Type::Text | Type::Bool | Type::DateTime) => {
                matches!(&value.kind, ExprKind::Constant(_)) && self.tree.types.resolve(&value.ty) == ty
            }
            _ => self.tree.types.is_sure(&value.ty, annotation),
        }
    }

    /// A call of a value, or of the function in its field `name`.
    pub(super) fn call_value(
        &mut self,
        function: &Expr,
        name: Option<&EcoString>,
        arguments: &[Expr],
        span: Span,
        into: Option<Register>,
    ) -> Built<Register> {
        let mark = self.registers.mark();
        let callee = self.registers.value()?;
        let inner = self.registers.mark();
        self.value(function, Some(callee))?;
        self.registers.release(inner);
        if let Some(name) = name {
            let site = self.field_entry(name, function)?;
            self.code.emit(Instruction::Callable(callee, callee, site), span);
        }
        self.side_by_side(arguments)?;
        self.registers.release(mark);
        let register = self.value_register(into)?;
        self.framed = true;
        self.code.emit(Instruction::CallValue(register, callee, arguments.len() as u8), span);
        Ok(register)
    }

    /// A call of a library function.
    pub(super) fn call_native(
        &mut self,
        function: &Arc<Function>,
        arguments: &[Argument],
        type_argument: Option<&Type>,
        span: Span,
        into: Option<Register>,
    ) -> Built<Register> {
        let mark = self.registers.mark();
        let (_, start) = self.registers.next()?;
        let mut rows = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let register = self.registers.value()?;
            match argument {
                Argument::Value(value) => {
                    let inner = self.registers.mark();
                    self.value(value, Some(register))?;
                    self.registers.release(inner);
                    let kind = ExprKind::Constant(Value::Null);
                    rows.push(Argument::Value(Expr { kind, span: value.span, ty: Type::Null }));
                }
                Argument::Row(operand) => {
                    self.share(span, |see| walk::row_operand(operand, see))?;
                    rows.push(Argument::Row(operand.clone()));
                }
            }
        }
        let site = NativeSite {
            function: function.clone(),
            count: arguments.len(),
            arguments: rows.into(),
            type_argument: type_argument.cloned(),
        };
        let site = self.native_entry(site)?;
        self.registers.release(mark);
        let register = self.value_register(into)?;
        self.code.emit(Instruction::CallNative(register, start, site), span);
        Ok(register)
    }
}

/// Rows that a library function takes first may be made only for it: the evaluator handles that.
pub(super) fn can_call_native(arguments: &[Argument]) -> bool {
    let query = |argument: &Argument| match argument {
        Argument::Value(value) => matches!(value.kind, ExprKind::Query(..) | ExprKind::Select(_)),
        Argument::Row(_) => false,
    };
    arguments.len() < 100 && !arguments.first().is_some_and(query)
}
