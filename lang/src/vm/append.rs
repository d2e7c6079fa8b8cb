//! `set x = x & …`: appends in place unless x is shared.

use super::Failure;
use super::concat::same_place;
use super::machine::{Frame, Machine};
use crate::ast::BinaryOp;
use crate::function::{Effect, ParameterType};
use crate::span::Span;
use crate::tree::{Argument, Expr, ExprKind, Variable};
use crate::types::{Type, Types};
use crate::value::{Value, to_text};

impl Machine<'_> {
    /// `set x = x & e`; for an annotated x with its type and its name for the error.
    pub(super) fn append_to<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        value: &'t Expr,
        annotation: Option<(&Type, &str)>,
    ) -> Result<(), Failure> {
        let local = matches!(variable, Variable::Local(_));
        // A function that e calls may set a variable outside its own frame; then the earlier value of x counts.
        let before = if local { Value::Null } else { self.read(frame, variable, "")? };
        let added = self.eval(frame, value)?;
        self.append_changed(frame, variable, before, added, annotation)
    }

    /// Appends to a variable that had the value `before` when the right side was evaluated.
    pub(super) fn append_changed(
        &mut self,
        frame: &mut Frame<'_>,
        variable: Variable,
        before: Value,
        added: Value,
        annotation: Option<(&Type, &str)>,
    ) -> Result<(), Failure> {
        let types = &frame.tree.types;
        let local = matches!(variable, Variable::Local(_));
        let mut whole = match self.take(frame, variable) {
            Some(whole) if local || same_place(&before, &whole) => whole,
            changed => {
                if let Some(changed) = changed {
                    self.set(frame, variable, changed)?;
                }
                let mut whole = before;
                self.append_as(types, &mut whole, added, annotation)?;
                return self.set(frame, variable, whole);
            }
        };
        // Now only the script may still hold it.
        drop(before);
        let appended = self.append_as(types, &mut whole, added, annotation);
        self.set(frame, variable, whole)?;
        appended
    }

    fn append_as(
        &mut self,
        types: &Types,
        whole: &mut Value,
        added: Value,
        annotation: Option<(&Type, &str)>,
    ) -> Result<(), Failure> {
        match annotation {
            None => self.append(whole, added),
            Some((ty, what)) => self.append_conformed(types, whole, added, ty, what),
        }
    }

    /// Runs `set variable = value` if it appends to the variable, in place if that has no other visible effect. `false`
    /// for another statement.
    pub(super) fn append_chain<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        variable: Variable,
        value: &'t Expr,
    ) -> Result<bool, Failure> {
        let ExprKind::Binary(first, rest) = &value.kind else { return Ok(false) };
        let same = matches!(first.kind, ExprKind::Variable(read, _) if read == variable);
        if !same || rest.iter().any(|(op, ..)| *op != BinaryOp::Concat) {
            return Ok(false);
        }
        if let [(_, _, only)] = rest.as_slice() {
            return self.append_to(frame, variable, only, None).map(|()| true);
        }
        // Operands are evaluated before anything is appended, which is visible only if one of them has effects or
        // fails: then the written order counts.
        if !rest.iter().all(|(_, _, operand)| only_computes(operand)) {
            return Ok(false);
        }
        let height = self.stack.len();
        let added = match self.operands(frame, rest) {
            Ok(added) => added,
            Err(error) if error.kind.is_catchable() => {
                self.stack.truncate(height);
                return Ok(false);
            }
            Err(stopped) => return Err(stopped),
        };
        let Some(mut whole) = self.take(frame, variable) else { return Ok(false) };
        let cannot_fail = match &whole {
            Value::Text(_) => added.iter().all(|value| to_text(value).is_ok()),
            Value::List(list) => !list.items().is_empty(),
            _ => false,
        };
        if !cannot_fail {
            self.set(frame, variable, whole)?;
            return Ok(false);
        }
        for value in added {
            self.append(&mut whole, value)?;
        }
        self.set(frame, variable, whole)?;
        Ok(true)
    }

    fn operands<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        rest: &'t [(BinaryOp, Span, Expr)],
    ) -> Result<Vec<Value>, Failure> {
        let height = self.stack.len();
        for (_, _, operand) in rest {
            let value = self.eval(frame, operand)?;
            self.stack.push(value);
        }
        Ok(self.stack.split_off(height))
    }
}

/// Is its evaluation pure, so that it may be repeated?
fn only_computes(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::Variable(..) | ExprKind::RowName(..) | ExprKind::Row(_) => true,
        ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Record(_, parts) => {
            parts.iter().all(only_computes)
        }
        ExprKind::Field(value, _)
        | ExprKind::SafeField(value, _)
        | ExprKind::Negate(value)
        | ExprKind::Not(value)
        | ExprKind::Convert(value, ..) => only_computes(value),
        ExprKind::Index(value, index) => only_computes(value) && only_computes(index),
        ExprKind::Binary(first, rest) => {
            only_computes(first) && rest.iter().all(|(_, _, operand)| only_computes(operand))
        }
        ExprKind::Case(branches, otherwise) => {
            branches.iter().all(|(condition, value)| only_computes(condition) && only_computes(value))
                && otherwise.as_ref().is_none_or(|value| only_computes(value))
        }
        ExprKind::CallNative { function, arguments, .. } => {
            let plain = |(position, argument): (usize, &Argument)| {
                let ty = function.signature.parameter(position).map(|parameter| parameter.ty);
                let calls_back = matches!(ty, Some(ParameterType::Expr | ParameterType::Function));
                matches!(argument, Argument::Value(value) if !calls_back && only_computes(value))
            };
            function.effect == Effect::Pure && arguments.iter().enumerate().all(plain)
        }
        _ => false,
    }
}
