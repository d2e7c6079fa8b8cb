//! Expressions that are numbers by their type.

use super::builder::Builder;
use super::code::{Instruction, Register};
use super::registers::{Built, TooLarge};
use crate::ast::BinaryOp;
use crate::span::Span;
use crate::tree::{Expr, ExprKind, Variable};
use crate::value::{Number, Value};

impl Builder<'_> {
    /// A number in a register: `into` if given, else a temporary or the variable's own.
    pub(super) fn number(&mut self, expr: &Expr, into: Option<Register>) -> Built<Register> {
        let start = self.checkpoint();
        self.number_in_code(expr, into).or_else(|TooLarge| {
            self.roll_back(start);
            let mark = self.registers.mark();
            let value = self.evaluate(expr, None)?;
            self.registers.release(mark);
            let register = self.number_register(into)?;
            self.code.emit(Instruction::Unbox(register, value), expr.span);
            Ok(register)
        })
    }

    fn number_in_code(&mut self, expr: &Expr, into: Option<Register>) -> Built<Register> {
        match &expr.kind {
            ExprKind::Constant(Value::Number(number)) => {
                let register = self.number_register(into)?;
                self.load(register, *number, expr.span)?;
                Ok(register)
            }
            ExprKind::Variable(Variable::Local(slot), _) if self.number_local(*slot).is_some() => {
                let own = self.number_local(*slot).unwrap_or_default();
                match into {
                    Some(into) if into != own => {
                        self.code.emit(Instruction::Move(into, own), expr.span);
                        Ok(into)
                    }
                    _ => Ok(own),
                }
            }
            ExprKind::Negate(inner) if self.is_number(inner) => {
                let mark = self.registers.mark();
                let inner = self.number(inner, None)?;
                self.registers.release(mark);
                let register = self.number_register(into)?;
                self.code.emit(Instruction::Negate(register, inner), expr.span);
                Ok(register)
            }
            ExprKind::Binary(first, rest) if self.is_calculation(first, rest) => {
                self.calculation(first, rest, expr.span, into)
            }
            ExprKind::Case(branches, Some(otherwise))
                if self.is_number(otherwise) && branches.iter().all(|(_, value)| self.is_number(value)) =>
            {
                let register = self.number_register(into)?;
                let mut ends = Vec::new();
                for (condition, value) in branches {
                    let others = self.jump(condition, false)?;
                    let mark = self.registers.mark();
                    self.number(value, Some(register))?;
                    self.registers.release(mark);
                    ends.push(self.code.emit(Instruction::Jump(0), value.span));
                    self.code.land(others);
                }
                let mark = self.registers.mark();
                self.number(otherwise, Some(register))?;
                self.registers.release(mark);
                self.code.land(ends);
                Ok(register)
            }
            ExprKind::Convert(inner, ..) if self.is_number(inner) => self.number(inner, into),
            ExprKind::Call(function, arguments) if self.gives_number(*function) => {
                self.call(*function, arguments, expr, into, true)
            }
            ExprKind::Field(object, name) => {
                let mark = self.registers.mark();
                let site = self.field_entry(name, object)?;
                let object = self.value(object, None)?;
                self.registers.release(mark);
                let register = self.number_register(into)?;
                self.code.emit(Instruction::NumberField(register, object, site), expr.span);
                Ok(register)
            }
            _ => {
                let mark = self.registers.mark();
                let value = self.value(expr, None)?;
                self.registers.release(mark);
                let register = self.number_register(into)?;
                self.code.emit(Instruction::Unbox(register, value), expr.span);
                Ok(register)
            }
        }
    }

    /// Is its result computed in a number register?
    pub(super) fn is_native_number(&self, expr: &Expr) -> bool {
        self.is_number(expr)
            && match &expr.kind {
                ExprKind::Variable(Variable::Local(slot), _) => self.number_local(*slot).is_some(),
                ExprKind::Negate(inner) | ExprKind::Convert(inner, ..) => self.is_native_number(inner),
                ExprKind::Binary(first, rest) => self.is_calculation(first, rest),
                ExprKind::Case(branches, Some(otherwise)) => {
                    self.is_native_number(otherwise) && branches.iter().all(|(_, value)| self.is_number(value))
                }
                ExprKind::Call(function, _) => self.gives_number(*function),
                _ => false,
            }
    }

    fn is_calculation(&self, first: &Expr, rest: &[(BinaryOp, Span, Expr)]) -> bool {
        let calculates = |op: &BinaryOp| {
            matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo)
        };
        self.is_number(first) && rest.iter().all(|(op, _, operand)| calculates(op) && self.is_number(operand))
    }

    fn calculation(
        &mut self,
        first: &Expr,
        rest: &[(BinaryOp, Span, Expr)],
        whole: Span,
        into: Option<Register>,
    ) -> Built<Register> {
        let mark = self.registers.mark();
        let mut left = self.number(first, None)?;
        for (position, (op, _, right)) in rest.iter().enumerate() {
            let last = position + 1 == rest.len();
            let span = within(whole, right, last);
            let small = small_constant(right).filter(|small| *op != BinaryOp::Modulo || *small != 0);
            let right = match small {
                Some(_) if *op != BinaryOp::Divide => None,
                _ => Some(self.number(right, None)?),
            };
            // Later operands may still read `into`: only the last result goes there.
            self.registers.release(mark);
            let result = if last { self.number_register(into)? } else { self.registers.number()? };
            let instruction = match (right, small, op) {
                (None, Some(small), BinaryOp::Add) => Instruction::AddSmall(result, left, small),
                (None, Some(small), BinaryOp::Subtract) => Instruction::SubtractSmall(result, left, small),
                (None, Some(small), BinaryOp::Multiply) => Instruction::MultiplySmall(result, left, small),
                (None, Some(small), _) => Instruction::ModuloSmall(result, left, small),
                (right, _, op) => {
                    let right = right.unwrap_or_default();
                    match op {
                        BinaryOp::Add => Instruction::Add(result, left, right),
                        BinaryOp::Subtract => Instruction::Subtract(result, left, right),
                        BinaryOp::Multiply => Instruction::Multiply(result, left, right),
                        BinaryOp::Divide => Instruction::Divide(result, left, right),
                        _ => Instruction::Modulo(result, left, right),
                    }
                }
            };
            self.code.emit(instruction, span);
            left = result;
        }
        Ok(left)
    }

    pub(super) fn number_register(&mut self, into: Option<Register>) -> Built<Register> {
        match into {
            Some(into) => Ok(into),
            None => self.registers.number(),
        }
    }

    fn load(&mut self, register: Register, number: Number, span: Span) -> Built<()> {
        let small = number.to_i64().and_then(|number| i16::try_from(number).ok()).filter(|_| number.has_no_scale());
        let instruction = match small {
            Some(small) => Instruction::LoadSmall(register, small),
            None => Instruction::Load(register, self.tables.number(number)?),
        };
        self.code.emit(instruction, span);
        Ok(())
    }
}

/// The part of a chain of operators up to one of its operands.
pub(super) fn within(whole: Span, operand: &Expr, last: bool) -> Span {
    if last { whole } else { Span { start: whole.start, end: operand.span.end } }
}

/// A constant that fits an instruction.
pub(super) fn small_constant(expr: &Expr) -> Option<u16> {
    match &expr.kind {
        ExprKind::Constant(Value::Number(number)) if number.has_no_scale() => u16::try_from(number.to_i64()?).ok(),
        _ => None,
    }
}
