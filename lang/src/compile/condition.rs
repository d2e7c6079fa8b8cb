//! Conditions: jumps instead of booleans.

use super::builder::Builder;
use super::code::{Instruction, Register};
use super::instructions::Open;
use super::number::small_constant;
use super::registers::{Built, TooLarge};
use crate::ast::BinaryOp;
use crate::span::Span;
use crate::tree::{Expr, ExprKind};
use crate::value::truth;

impl Builder<'_> {
    /// Jumps if the truth of a condition is `when`; else the next instruction runs.
    pub(super) fn jump(&mut self, condition: &Expr, when: bool) -> Built<Vec<Open>> {
        let start = self.checkpoint();
        let jumps = self.jump_kept(condition, when).or_else(|TooLarge| {
            self.roll_back(start);
            let value = self.evaluate(condition, None)?;
            let jump = if when { Instruction::JumpTrue(value, 0) } else { Instruction::JumpFalse(value, 0) };
            Ok(vec![self.code.emit(jump, condition.span)])
        })?;
        self.registers.release(start.mark());
        Ok(jumps)
    }

    fn jump_kept(&mut self, condition: &Expr, when: bool) -> Built<Vec<Open>> {
        match &condition.kind {
            ExprKind::Constant(value) => Ok(if truth(value) == when {
                vec![self.code.emit(Instruction::Jump(0), condition.span)]
            } else {
                Vec::new()
            }),
            ExprKind::Not(inner) => self.jump(inner, !when),
            ExprKind::Binary(first, rest) if rest.iter().all(|(op, _, _)| *op == BinaryOp::And) => {
                self.jump_chain(first, rest, when, false)
            }
            ExprKind::Binary(first, rest) if rest.iter().all(|(op, _, _)| *op == BinaryOp::Or) => {
                self.jump_chain(first, rest, when, true)
            }
            ExprKind::Binary(first, rest) => match rest.as_slice() {
                [(op, _, second)] if op.is_comparison() => {
                    let span = condition.span;
                    if op.is_order() && self.is_number(first) && self.is_number(second) {
                        return Ok(vec![self.jump_numbers(*op, first, second, when, span)?]);
                    }
                    let a = self.value(first, None)?;
                    let b = self.value(second, None)?;
                    let jump =
                        if when { Instruction::JumpIf(*op, a, b, 0) } else { Instruction::JumpUnless(*op, a, b, 0) };
                    Ok(vec![self.code.emit(jump, span)])
                }
                _ => self.jump_value(condition, when),
            },
            _ => self.jump_value(condition, when),
        }
    }

    fn jump_value(&mut self, condition: &Expr, when: bool) -> Built<Vec<Open>> {
        let value = self.value(condition, None)?;
        let jump = if when { Instruction::JumpTrue(value, 0) } else { Instruction::JumpFalse(value, 0) };
        Ok(vec![self.code.emit(jump, condition.span)])
    }

    /// A chain of `and` or `or`, which is decided by the first operand that is `decides`.
    fn jump_chain(
        &mut self,
        first: &Expr,
        rest: &[(BinaryOp, Span, Expr)],
        when: bool,
        decides: bool,
    ) -> Built<Vec<Open>> {
        let operands = std::iter::once(first).chain(rest.iter().map(|(_, _, operand)| operand));
        let mut jumps = Vec::new();
        if when == decides {
            for operand in operands {
                jumps.extend(self.jump(operand, when)?);
            }
            return Ok(jumps);
        }
        let mut decided = Vec::new();
        for (position, operand) in operands.enumerate() {
            if position == rest.len() {
                jumps = self.jump(operand, when)?;
            } else {
                decided.extend(self.jump(operand, decides)?);
            }
        }
        self.code.land(decided);
        Ok(jumps)
    }

    /// For numbers either an order or its opposite holds.
    fn jump_numbers(&mut self, op: BinaryOp, first: &Expr, second: &Expr, when: bool, span: Span) -> Built<Open> {
        let op = if when { op } else { opposite(op) };
        let a = self.number(first, None)?;
        if let Some(small) = small_constant(second) {
            let jump = match op {
                BinaryOp::Less => Instruction::JumpLessSmall(a, small, 0),
                BinaryOp::LessEqual => Instruction::JumpLessEqualSmall(a, small, 0),
                BinaryOp::Greater => Instruction::JumpGreaterSmall(a, small, 0),
                BinaryOp::GreaterEqual => Instruction::JumpGreaterEqualSmall(a, small, 0),
                BinaryOp::Equal => Instruction::JumpEqualSmall(a, small, 0),
                _ => Instruction::JumpNotEqualSmall(a, small, 0),
            };
            return Ok(self.code.emit(jump, span));
        }
        let b = self.number(second, None)?;
        let jump = match op {
            BinaryOp::Less => Instruction::JumpLess(a, b, 0),
            BinaryOp::LessEqual => Instruction::JumpLessEqual(a, b, 0),
            BinaryOp::Greater => Instruction::JumpLess(b, a, 0),
            BinaryOp::GreaterEqual => Instruction::JumpLessEqual(b, a, 0),
            BinaryOp::Equal => Instruction::JumpEqual(a, b, 0),
            _ => Instruction::JumpNotEqual(a, b, 0),
        };
        Ok(self.code.emit(jump, span))
    }

    /// The truth of a condition as a value.
    pub(super) fn boolean(&mut self, condition: &Expr, into: Option<Register>) -> Built<Register> {
        let jumps = self.jump(condition, false)?;
        let register = self.value_register(into)?;
        self.code.emit(Instruction::Boolean(register, true), condition.span);
        let end = self.code.emit(Instruction::Jump(0), condition.span);
        self.code.land(jumps);
        self.code.emit(Instruction::Boolean(register, false), condition.span);
        self.code.land([end]);
        Ok(register)
    }

    /// Is it a condition for which `boolean` should compute a value?
    pub(super) fn is_condition(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Not(_) => true,
            ExprKind::Binary(first, rest) => {
                let all = |op: BinaryOp| rest.iter().all(|(other, _, _)| *other == op);
                let numbers = || match rest.as_slice() {
                    [(op, _, second)] => op.is_order() && self.is_number(first) && self.is_number(second),
                    _ => false,
                };
                all(BinaryOp::And) || all(BinaryOp::Or) || numbers()
            }
            _ => false,
        }
    }
}

fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::GreaterEqual,
        BinaryOp::LessEqual => BinaryOp::Greater,
        BinaryOp::Greater => BinaryOp::LessEqual,
        BinaryOp::GreaterEqual => BinaryOp::Less,
        BinaryOp::Equal => BinaryOp::NotEqual,
        _ => BinaryOp::Equal,
    }
}
