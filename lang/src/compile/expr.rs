//! Expressions of any type.

use super::builder::Builder;
use super::call::can_call_native;
use super::code::{Instruction, Register, TypeSite};
use super::number::within;
use super::registers::{Built, TooLarge};
use crate::ast::BinaryOp;
use crate::span::Span;
use crate::tree::{Container, Expr, ExprKind, Variable};
use crate::value::Value;

impl Builder<'_> {
    /// A value in a register: `into` if given, else a temporary or the variable's own. Only the last instruction writes
    /// to `into`, since earlier ones may read it.
    pub(super) fn value(&mut self, expr: &Expr, into: Option<Register>) -> Built<Register> {
        let start = self.checkpoint();
        self.value_in_code(expr, into).or_else(|TooLarge| {
            self.roll_back(start);
            self.evaluate(expr, into)
        })
    }

    /// Leaves an expression to the evaluator.
    pub(super) fn evaluate(&mut self, expr: &Expr, into: Option<Register>) -> Built<Register> {
        let entry = self.evaluated(expr)?;
        let register = self.value_register(into)?;
        self.code.emit(Instruction::Evaluate(register, entry), expr.span);
        Ok(register)
    }

    fn value_in_code(&mut self, expr: &Expr, into: Option<Register>) -> Built<Register> {
        if self.is_native_number(expr) {
            let mark = self.registers.mark();
            let number = self.number(expr, None)?;
            self.registers.release(mark);
            let register = self.value_register(into)?;
            self.code.emit(Instruction::Box(register, number), expr.span);
            return Ok(register);
        }
        if self.is_condition(expr) {
            return self.boolean(expr, into);
        }
        match &expr.kind {
            ExprKind::Constant(Value::Null) => {
                let register = self.value_register(into)?;
                self.code.emit(Instruction::Clear(register), expr.span);
                Ok(register)
            }
            ExprKind::Constant(Value::Bool(value)) => {
                let register = self.value_register(into)?;
                self.code.emit(Instruction::Boolean(register, *value), expr.span);
                Ok(register)
            }
            ExprKind::Constant(value) => {
                let register = self.value_register(into)?;
                let entry = self.tables.value(value)?;
                self.code.emit(Instruction::Constant(register, entry), expr.span);
                Ok(register)
            }
            ExprKind::Variable(variable @ Variable::Local(slot), _)
                if self.number_local(*slot).is_some() || Self::near_slot(*variable).is_some() =>
            {
                if let Some(number) = self.number_local(*slot) {
                    let register = self.value_register(into)?;
                    self.code.emit(Instruction::Box(register, number), expr.span);
                    return Ok(register);
                }
                let own = self.value_local(*slot)?;
                match into {
                    Some(into) if into != own => {
                        self.code.emit(Instruction::Copy(into, own), expr.span);
                        Ok(into)
                    }
                    _ => Ok(own),
                }
            }
            ExprKind::Variable(variable, name) => {
                let register = self.value_register(into)?;
                let entry = self.variable_entry(*variable, name)?;
                self.code.emit(Instruction::Read(register, entry), expr.span);
                Ok(register)
            }
            ExprKind::Template(parts) => {
                let site = self.tables.template(parts)?;
                self.parts_of(parts, into, expr.span, |register, start| Instruction::Template(register, start, site))
            }
            ExprKind::List(elements) if elements.len() < 200 => {
                let count = elements.len() as u8;
                self.parts_of(elements, into, expr.span, |register, start| Instruction::List(register, start, count))
            }
            ExprKind::Record(shape, fields) => {
                let site = self.tables.shape(shape)?;
                self.parts_of(fields, into, expr.span, |register, start| Instruction::Record(register, start, site))
            }
            ExprKind::New(ty, fields) => {
                let names = fields.iter().map(|(name, _)| name.clone()).collect();
                let site = self.tables.new_record(ty, names)?;
                let fields = fields.iter().map(|(_, field)| field);
                self.parts_of(fields, into, expr.span, |register, start| Instruction::New(register, start, site))
            }
            ExprKind::Field(object, name) => {
                let site = self.field_entry(name, object)?;
                self.one_of(object, into, expr.span, |register, object| Instruction::Field(register, object, site))
            }
            ExprKind::SafeField(object, name) => {
                let site = self.field_entry(name, object)?;
                self.one_of(object, into, expr.span, |register, object| Instruction::SafeField(register, object, site))
            }
            ExprKind::Negate(inner) => self.one_of(inner, into, expr.span, Instruction::NegateValue),
            ExprKind::Star(inner) => self.one_of(inner, into, expr.span, Instruction::Star),
            ExprKind::Is(inner, ty, negated) => {
                let site = self.tables.ty(TypeSite { ty: ty.clone(), what: "".into(), negated: *negated })?;
                self.one_of(inner, into, expr.span, |register, inner| Instruction::Is(register, inner, site))
            }
            ExprKind::Convert(inner, ty, what) => {
                let site = self.tables.ty(TypeSite { ty: ty.clone(), what: what.clone(), negated: false })?;
                self.one_of(inner, into, expr.span, |register, inner| Instruction::Convert(register, inner, site))
            }
            ExprKind::Error(message) => {
                let mark = self.registers.mark();
                let message = self.value(message, None)?;
                self.registers.release(mark);
                self.code.emit(Instruction::Error(message), expr.span);
                self.value_register(into)
            }
            ExprKind::Index(object, index) => {
                let mark = self.registers.mark();
                let object = self.value(object, None)?;
                let index = self.value(index, None)?;
                self.registers.release(mark);
                let register = self.value_register(into)?;
                self.code.emit(Instruction::Index(register, object, index), expr.span);
                Ok(register)
            }
            ExprKind::In { value, container, negated } => self.contained(expr, value, container, *negated, into),
            ExprKind::Case(branches, otherwise) => self.case(branches, otherwise.as_deref(), into, expr.span),
            ExprKind::Binary(first, rest) => self.binary(first, rest, expr.span, into),
            ExprKind::Call(function, arguments) if self.gives_number(*function) => {
                let mark = self.registers.mark();
                let number = self.call(*function, arguments, expr, None, true)?;
                self.registers.release(mark);
                let register = self.value_register(into)?;
                self.code.emit(Instruction::Box(register, number), expr.span);
                Ok(register)
            }
            ExprKind::Call(function, arguments) if self.can_call(*function, arguments) => {
                self.call(*function, arguments, expr, into, false)
            }
            ExprKind::CallValue(function, arguments) if arguments.len() < 200 => {
                self.call_value(function, None, arguments, expr.span, into)
            }
            ExprKind::CallField { object, name, arguments } if arguments.len() < 200 => {
                self.call_value(object, Some(name), arguments, expr.span, into)
            }
            ExprKind::CallNative { function, arguments, type_argument } if can_call_native(arguments) => {
                self.call_native(function, arguments, type_argument.as_ref(), expr.span, into)
            }
            _ => self.evaluate(expr, into),
        }
    }

    pub(super) fn value_register(&mut self, into: Option<Register>) -> Built<Register> {
        match into {
            Some(into) => {
                self.registers.uses(usize::from(into));
                Ok(into)
            }
            None => self.registers.value(),
        }
    }

    fn one_of(
        &mut self,
        inner: &Expr,
        into: Option<Register>,
        span: Span,
        instruction: impl FnOnce(Register, Register) -> Instruction,
    ) -> Built<Register> {
        let mark = self.registers.mark();
        let inner = self.value(inner, None)?;
        self.registers.release(mark);
        let register = self.value_register(into)?;
        self.code.emit(instruction(register, inner), span);
        Ok(register)
    }

    /// Puts values into adjacent registers and makes one value of them.
    fn parts_of<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e Expr>,
        into: Option<Register>,
        span: Span,
        instruction: impl FnOnce(Register, Register) -> Instruction,
    ) -> Built<Register> {
        let mark = self.registers.mark();
        let start = self.side_by_side(parts)?;
        self.registers.release(mark);
        let register = self.value_register(into)?;
        self.code.emit(instruction(register, start), span);
        Ok(register)
    }

    /// Puts values into adjacent temporaries; returns the first.
    pub(super) fn side_by_side<'e>(&mut self, parts: impl IntoIterator<Item = &'e Expr>) -> Built<Register> {
        let (_, start) = self.registers.next()?;
        for part in parts {
            let register = self.registers.value()?;
            let mark = self.registers.mark();
            self.value(part, Some(register))?;
            self.registers.release(mark);
        }
        Ok(start)
    }

    fn contained(
        &mut self,
        whole: &Expr,
        value: &Expr,
        container: &Container,
        negated: bool,
        into: Option<Register>,
    ) -> Built<Register> {
        let mark = self.registers.mark();
        let value = self.value(value, None)?;
        let instruction: Box<dyn FnOnce(Register) -> Instruction> = match container {
            Container::Value(rows) => {
                let rows = self.value(rows, None)?;
                Box::new(move |register| Instruction::In(register, value, rows))
            }
            Container::Values(values) if values.len() < 200 => {
                let start = self.side_by_side(values)?;
                let count = values.len() as u8;
                Box::new(move |register| Instruction::InValues(register, value, start, count))
            }
            Container::Values(_) => return Err(TooLarge),
        };
        self.registers.release(mark);
        let register = self.value_register(into)?;
        self.code.emit(instruction(register), whole.span);
        if negated {
            let jump = self.code.emit(Instruction::JumpTrue(register, 0), whole.span);
            self.code.emit(Instruction::Boolean(register, true), whole.span);
            let end = self.code.emit(Instruction::Jump(0), whole.span);
            self.code.land([jump]);
            self.code.emit(Instruction::Boolean(register, false), whole.span);
            self.code.land([end]);
        }
        Ok(register)
    }

    fn case(
        &mut self,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        into: Option<Register>,
        span: Span,
    ) -> Built<Register> {
        let register = self.value_register(into)?;
        let mut ends = Vec::new();
        for (condition, value) in branches {
            let others = self.jump(condition, false)?;
            let mark = self.registers.mark();
            self.value(value, Some(register))?;
            self.registers.release(mark);
            ends.push(self.code.emit(Instruction::Jump(0), value.span));
            self.code.land(others);
        }
        match otherwise {
            Some(value) => {
                let mark = self.registers.mark();
                self.value(value, Some(register))?;
                self.registers.release(mark);
            }
            None => {
                self.code.emit(Instruction::Clear(register), span);
            }
        }
        self.code.land(ends);
        Ok(register)
    }

    fn binary(
        &mut self,
        first: &Expr,
        rest: &[(BinaryOp, Span, Expr)],
        whole: Span,
        into: Option<Register>,
    ) -> Built<Register> {
        if rest.iter().all(|(op, _, _)| *op == BinaryOp::Coalesce) {
            return self.coalesce(first, rest, into);
        }
        let mark = self.registers.mark();
        let mut left = self.value(first, None)?;
        for (position, (op, _, right)) in rest.iter().enumerate() {
            let last = position + 1 == rest.len();
            let span = within(whole, right, last);
            let right = self.value(right, None)?;
            self.registers.release(mark);
            let result = if last { self.value_register(into)? } else { self.registers.value()? };
            let instruction = match op {
                BinaryOp::Concat => Instruction::Concat(result, left, right),
                op if op.is_comparison() => Instruction::Compare(*op, result, left, right),
                op => Instruction::Calculate(*op, result, left, right),
            };
            self.code.emit(instruction, span);
            left = result;
        }
        Ok(left)
    }

    fn coalesce(&mut self, first: &Expr, rest: &[(BinaryOp, Span, Expr)], into: Option<Register>) -> Built<Register> {
        // Later operands may still read `into`, so they are combined in a temporary.
        let mark = self.registers.mark();
        let meeting = self.registers.value()?;
        let mut ends = Vec::new();
        let operands = std::iter::once(first).chain(rest.iter().map(|(_, _, operand)| operand));
        for (position, operand) in operands.enumerate() {
            let inner = self.registers.mark();
            self.value(operand, Some(meeting))?;
            self.registers.release(inner);
            if position < rest.len() {
                ends.push(self.code.emit(Instruction::JumpNotNull(meeting, 0), operand.span));
            }
        }
        self.code.land(ends);
        self.registers.release(mark);
        let register = self.value_register(into)?;
        if register != meeting {
            self.code.emit(Instruction::Copy(register, meeting), first.span);
        }
        Ok(register)
    }
}
