//! Expressions computed on scalars.

use super::super::closure::Captured;
use super::super::machine::Globals;
use super::super::scope::{Place, ScopeState};
use super::{DEEPEST, RowScalars};
use crate::ast::BinaryOp;
use crate::function::Effect;
use crate::span::Span;
use crate::tree::{Container, Expr, ExprKind, ScopeId, Variable};
use crate::types::Type;
use crate::value::{Compared, Number, Scalar, Value};
use std::cmp::Ordering;

impl<'q> RowScalars<'q, '_, '_> {
    /// The value of an expression, in place or else in `made`; `None` if it must be evaluated.
    pub(super) fn value<'s>(&mut self, expr: &'s Expr, made: &'s mut Value) -> Option<Scalar<'s>>
    where
        'q: 's,
    {
        match &expr.kind {
            ExprKind::Constant(value) => return Scalar::of(value),
            ExprKind::RowName(scope, number) => return self.row_name(*scope, *number, made),
            _ => {}
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = match &expr.kind {
            ExprKind::Binary(first, rest) => match rest.first()?.0 {
                BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => {
                    self.arithmetic(first, rest, made)
                }
                BinaryOp::Coalesce => self.coalesce(first, rest, made),
                _ => self.truth(expr).map(Scalar::from),
            },
            ExprKind::Negate(value) => match self.number(value)? {
                Some(number) => {
                    *made = Value::Number(-number);
                    Scalar::of(made)
                }
                None => Some(Scalar::Null),
            },
            ExprKind::Not(_) | ExprKind::In { .. } | ExprKind::Is(..) => self.truth(expr).map(Scalar::from),
            ExprKind::Case(branches, otherwise) => {
                let mut chosen = otherwise.as_deref();
                for (condition, value) in branches {
                    if self.truth(condition)? {
                        chosen = Some(value);
                        break;
                    }
                }
                chosen.map_or(Some(Scalar::Null), |value| self.value(value, made))
            }
            ExprKind::CallNative { function, arguments, type_argument } if function.effect == Effect::Pure => {
                *made = self.native(function, arguments, type_argument.as_ref())?;
                Scalar::of(made)
            }
            ExprKind::Variable(variable @ (Variable::Cell(_) | Variable::CapturedCell(_)), _) => {
                *made = self.machine.read(self.frame, *variable, "").ok()?;
                Scalar::of(made)
            }
            ExprKind::Variable(variable, _) => self.variable(*variable).and_then(Scalar::of),
            _ => self.part(expr),
        };
        self.depth -= 1;
        value
    }

    /// A value that a row or record already has.
    fn part(&self, expr: &Expr) -> Option<Scalar<'q>> {
        let joined = |scope, source: u16, name| self.frame.joined_ref(scope)?.named(usize::from(source), name);
        match &expr.kind {
            ExprKind::Field(object, name) => match &object.kind {
                ExprKind::Row(scope) if self.near.as_ref().is_some_and(|near| near.scope == *scope) => {
                    self.near.as_ref()?.named(name)
                }
                ExprKind::Row(scope) => match self.frame.scopes.get(usize::from(*scope))? {
                    ScopeState::Rows(rows) => rows.named(name),
                    ScopeState::Joined(_) => joined(*scope, 0, name),
                    ScopeState::Idle => None,
                },
                ExprKind::SourceRow(scope, source) => joined(*scope, *source, name),
                ExprKind::Variable(variable, _) => match self.variable(*variable)? {
                    Value::Record(record) => record.scalar(name),
                    _ => None,
                },
                _ => None,
            },
            ExprKind::SourceField(scope, source, name) => joined(*scope, *source, name),
            ExprKind::GroupValue(scope, number) => {
                Scalar::of(self.frame.joined_ref(*scope)?.group.get(usize::from(*number))?)
            }
            ExprKind::ResultValue(scope, number) => {
                let joined = self.frame.joined_ref(*scope)?;
                joined.results.get(usize::from(*number))?.as_ref()?.scalar(joined.result_row)
            }
            _ => None,
        }
    }

    /// A constant or a cell of the current row; `None` for all else.
    #[inline]
    fn leaf<'s>(&self, expr: &'s Expr) -> Option<Scalar<'s>>
    where
        'q: 's,
    {
        match &expr.kind {
            ExprKind::Constant(value) => Scalar::of(value),
            ExprKind::RowName(scope, number) => {
                let near = self.near.as_ref().filter(|near| near.scope == *scope)?;
                let column = usize::try_from(*near.binding.get(usize::from(*number))?).ok()?;
                near.cells.columns.get(column)?.scalar(near.row)
            }
            _ => None,
        }
    }

    #[inline]
    fn row_name<'s>(&mut self, scope: ScopeId, number: u16, made: &'s mut Value) -> Option<Scalar<'s>>
    where
        'q: 's,
    {
        let number = usize::from(number);
        if let Some(near) = &self.near
            && near.scope == scope
        {
            return match near.binding.get(number).map(|column| usize::try_from(*column))? {
                Ok(column) => near.cells.columns.get(column)?.scalar(near.row),
                Err(_) => {
                    let names = near.names;
                    self.value(names.get(number)?.outer.as_ref()?, made)
                }
            };
        }
        self.entered_name(scope, number, made)
    }

    fn entered_name<'s>(&mut self, scope: ScopeId, number: usize, made: &'s mut Value) -> Option<Scalar<'s>>
    where
        'q: 's,
    {
        let frame = self.frame;
        let names = match frame.scopes.get(usize::from(scope))? {
            ScopeState::Rows(rows) => match usize::try_from(*rows.binding.get(number)?) {
                Ok(column) => return rows.scalar(column),
                Err(_) if rows.is_by_name(number) => return None,
                Err(_) => rows.names,
            },
            ScopeState::Joined(joined) => match joined.places.get(number)? {
                Place::Column { source, column } => return joined.scalar(*source, *column),
                Place::ByName { .. } => return None,
                Place::Outer => joined.names,
            },
            ScopeState::Idle => return None,
        };
        self.value(names.get(number)?.outer.as_ref()?, made)
    }

    /// The location of a variable's value.
    fn variable(&self, variable: Variable) -> Option<&'q Value> {
        match variable {
            Variable::Local(slot) => self.machine.stack.get(self.frame.base + usize::from(slot)),
            Variable::Captured(position) => match self.frame.captures.get(usize::from(position))? {
                Captured::Value(value) => Some(value),
                Captured::Cell(_) => None,
            },
            Variable::Global(slot) if matches!(self.frame.globals, Globals::Here) => self.machine.global(slot),
            Variable::Global(_) | Variable::Cell(_) | Variable::CapturedCell(_) => None,
        }
    }

    /// A number or null; `None` if the expression must be evaluated.
    #[inline]
    #[expect(clippy::option_option, reason = "it is null, or it is not known")]
    pub(in super::super) fn number(&mut self, expr: &Expr) -> Option<Option<Number>> {
        let mut made = Value::Null;
        let value = match self.leaf(expr) {
            Some(value) => value,
            None => self.value(expr, &mut made)?,
        };
        match value {
            Scalar::Number(number) => Some(Some(*number)),
            Scalar::Null => Some(None),
            _ => None,
        }
    }

    /// `a + b - c`: null with a number is null; only the evaluator knows the results for other types.
    fn arithmetic<'s>(
        &mut self,
        first: &Expr,
        rest: &[(BinaryOp, Span, Expr)],
        made: &'s mut Value,
    ) -> Option<Scalar<'s>> {
        let mut left = self.number(first)?;
        for (op, _, right) in rest {
            left = match (left, self.number(right)?) {
                (Some(a), Some(b)) => Some(match op {
                    BinaryOp::Add => a.checked_add(b),
                    BinaryOp::Subtract => a.checked_sub(b),
                    BinaryOp::Multiply => a.checked_mul(b),
                    BinaryOp::Divide => a.checked_div(b),
                    BinaryOp::Modulo => a.checked_rem(b),
                    _ => None,
                }?),
                _ => None,
            };
        }
        match left {
            Some(number) => {
                *made = Value::Number(number);
                Scalar::of(made)
            }
            None => Some(Scalar::Null),
        }
    }

    /// `a ?? b`
    fn coalesce<'s>(
        &mut self,
        first: &'s Expr,
        rest: &'s [(BinaryOp, Span, Expr)],
        made: &'s mut Value,
    ) -> Option<Scalar<'s>>
    where
        'q: 's,
    {
        let mut expr = first;
        for (op, _, next) in rest {
            if *op != BinaryOp::Coalesce {
                return None;
            }
            let mut left = Value::Null;
            let value = self.value(expr, &mut left)?;
            if !value.is_null() {
                *made = value.to_value();
                return Scalar::of(made);
            }
            expr = next;
        }
        self.value(expr, made)
    }

    /// Is an expression true? `None` if it must be evaluated.
    pub(in super::super) fn truth(&mut self, expr: &Expr) -> Option<bool> {
        let mut made = Value::Null;
        match &expr.kind {
            ExprKind::Binary(first, rest) => match rest.as_slice() {
                [(BinaryOp::And | BinaryOp::Or, ..), ..] => {
                    let mut left = self.nested(first)?;
                    for (op, _, right) in rest {
                        left = match op {
                            BinaryOp::And => left && self.nested(right)?,
                            BinaryOp::Or => left || self.nested(right)?,
                            _ => return None,
                        };
                    }
                    Some(left)
                }
                [(op, _, right)] if op.is_order() => {
                    if let (Some(left), Some(right)) = (self.leaf(first), self.leaf(right)) {
                        return compared(*op, left, right);
                    }
                    let left = self.value(first, &mut made)?;
                    let mut beside = Value::Null;
                    let right = self.value(right, &mut beside)?;
                    compared(*op, left, right)
                }
                [(op, ..), ..] if op.is_order() => None,
                _ => self.value(expr, &mut made).map(Scalar::truth),
            },
            ExprKind::Not(value) => self.nested(value).map(|truth| !truth),
            ExprKind::In { value, container: Container::Values(values), negated } => {
                let value = self.value(value, &mut made)?;
                self.is_in(value, values).map(|found| found != *negated)
            }
            ExprKind::Is(value, Type::Null, negated) => Some(self.value(value, &mut made)?.is_null() != *negated),
            ExprKind::In { .. } | ExprKind::Is(..) => None,
            _ => self.value(expr, &mut made).map(Scalar::truth),
        }
    }

    fn nested(&mut self, expr: &Expr) -> Option<bool> {
        self.depth += 1;
        let truth = if self.depth > DEEPEST { None } else { self.truth(expr) };
        self.depth -= 1;
        truth
    }

    /// `x in (a, b)`
    fn is_in(&mut self, value: Scalar<'_>, values: &[Expr]) -> Option<bool> {
        let mut found = false;
        for member in values {
            let mut made = Value::Null;
            let member = self.value(member, &mut made)?;
            found |= value.equals(member)?;
        }
        Some(found)
    }
}

fn compared(op: BinaryOp, left: Scalar<'_>, right: Scalar<'_>) -> Option<bool> {
    match op {
        BinaryOp::Equal => return left.equals(right),
        BinaryOp::NotEqual => return left.equals(right).map(|equal| !equal),
        _ => {}
    }
    let order = match left.compare(right) {
        Compared::Ordered(order) => order,
        Compared::Unordered => return Some(false),
        Compared::Unknown => return None,
    };
    Some(match op {
        BinaryOp::Less => order == Ordering::Less,
        BinaryOp::LessEqual => order != Ordering::Greater,
        BinaryOp::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    })
}
