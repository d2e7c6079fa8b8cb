//! Expressions.

use super::access;
use super::callable::callable_field;
use super::closure::{Captured, Closure};
use super::fail::{describe, subject, type_error};
use super::limits::{check_depth, with_stack};
use super::machine::{CallInfo, Frame, Machine};
use super::operators::{arithmetic, negate, ordered, star};
use super::place::placed;
use super::{Evaluated, Failure};
use crate::ast::BinaryOp;
use crate::budget::Budget;
use crate::error::{ErrorKind, RunError};
use crate::span::Span;
use crate::tree::{Capture, Container, Expr, ExprKind, Variable};
use crate::types::Type;
use crate::value::{Record, Value, to_text, truth};
use ecow::EcoString;
use std::sync::Arc;

impl Machine<'_> {
    /// The value of an expression. Its values in flight are off the stack again, except after an error.
    pub(super) fn eval<'t>(&mut self, frame: &mut Frame<'t>, expr: &'t Expr) -> Evaluated {
        match &expr.kind {
            ExprKind::Constant(value) => Ok(value.clone()),
            ExprKind::Variable(Variable::Local(slot), _) => Ok(self.local(frame, *slot)),
            _ => with_stack(|| self.eval_kind(frame, expr)).map_err(|error| placed(error, frame.call, expr.span)),
        }
    }

    /// Is the value of an expression true?
    #[inline]
    pub(super) fn holds<'t>(&mut self, frame: &mut Frame<'t>, expr: &'t Expr) -> Result<bool, Failure> {
        self.eval(frame, expr).map(|value| truth(&value))
    }

    fn eval_kind<'t>(&mut self, frame: &mut Frame<'t>, expr: &'t Expr) -> Evaluated {
        match &expr.kind {
            ExprKind::Constant(value) => Ok(value.clone()),
            ExprKind::Variable(variable, name) => self.read(frame, *variable, name),
            ExprKind::Template(parts) => self.template(frame, parts),
            ExprKind::List(elements) => {
                let values = self.eval_all(frame, elements)?;
                self.check_cells(values.len())?;
                self.built(Value::list(values))
            }
            ExprKind::Record(shape, fields) => {
                let cells = self.eval_all(frame, fields)?;
                self.built(Value::Record(Record::new(shape.clone(), cells)))
            }
            ExprKind::Field(object, name) => {
                // The content of a variable is not copied for a part of it.
                if let ExprKind::Variable(Variable::Local(slot), _) = &object.kind
                    && let Some(Value::Record(record)) = self.stack.get(frame.base + usize::from(*slot))
                    && let Some(value) = record.get(name)
                {
                    return Ok(value);
                }
                let object = self.eval(frame, object)?;
                self.field(&object, name)
            }
            ExprKind::SafeField(object, name) => {
                let object = self.eval(frame, object)?;
                self.safe_field(&object, name)
            }
            ExprKind::Index(object, index) => {
                let object = self.eval(frame, object)?;
                let (object, index) = self.eval_beside(frame, object, index)?;
                access::index(&object, &index)
            }
            ExprKind::Negate(value) => negate(&self.eval(frame, value)?),
            ExprKind::Star(value) => {
                let value = self.eval(frame, value)?;
                self.built(star(&value)?)
            }
            ExprKind::Not(value) => Ok(Value::Bool(!self.holds(frame, value)?)),
            ExprKind::Binary(first, rest) => self.binary(frame, first, rest, expr.span),
            ExprKind::In { value, container, negated } => {
                let found = self.eval_in(frame, value, container)?;
                Ok(Value::Bool(found != *negated))
            }
            ExprKind::Is(value, ty, negated) => {
                let value = self.eval(frame, value)?;
                Ok(Value::Bool(self.is_of(&frame.tree.types, &value, ty)? != *negated))
            }
            ExprKind::Case(branches, otherwise) => {
                for (condition, value) in branches {
                    if self.holds(frame, condition)? {
                        return self.eval(frame, value);
                    }
                }
                otherwise.as_ref().map_or(Ok(Value::Null), |value| self.eval(frame, value))
            }
            ExprKind::New(ty, fields) => self.eval_new(frame, ty, fields),
            ExprKind::Convert(value, ty, what) => {
                let value = self.eval(frame, value)?;
                self.conform(&frame.tree.types, value, ty, || what.to_string())
            }
            ExprKind::Error(message) => match self.eval(frame, message)? {
                Value::Text(message) => Err(RunError::new(ErrorKind::User, message.as_str())),
                other => Err(type_error(format!("error takes a text, not {}.", describe(&other)))),
            },
            ExprKind::Closure(function, captures) => {
                let captures = captures.iter().map(|capture| self.capture(frame, capture));
                let captures = captures.collect::<Result<Box<[Captured]>, Failure>>()?;
                self.grow(size_of::<Closure>() + captures.len() * size_of::<Captured>())?;
                let home = self.home_of(frame);
                let closure = Value::Function(Arc::new(Closure::new(frame.tree.clone(), *function, captures, home)));
                check_depth(closure.depth())?;
                Ok(closure)
            }
            ExprKind::Call(function, arguments) => self.call_known(frame, *function, arguments, expr.span),
            ExprKind::CallValue(function, arguments) => {
                let function = self.eval(frame, function)?;
                self.call_with(frame, function, arguments, expr.span)
            }
            ExprKind::CallField { object, name, arguments } => {
                let object = self.eval(frame, object)?;
                let function = callable_field(&object, name)?;
                self.call_with(frame, function, arguments, expr.span)
            }
            ExprKind::CallNative { function, arguments, type_argument } => {
                self.call_native(frame, function, arguments, type_argument.as_ref(), expr.span)
            }
            ExprKind::Query(source, steps) => self.query(frame, source, steps, None),
            ExprKind::Select(select) => self.select(frame, select, None),
            ExprKind::RowName(scope, name) => self.row_name(frame, *scope, *name),
            ExprKind::Row(scope) => Ok(frame.row(*scope)),
            ExprKind::SourceRow(scope, source) => Ok(frame.source_row(*scope, *source)),
            ExprKind::SourceField(scope, source, name) => frame.source_field(*scope, *source, name),
            ExprKind::GroupValue(scope, number) => Ok(frame.group_value(*scope, *number)),
            ExprKind::ResultValue(scope, number) => Ok(frame.result_value(*scope, *number)),
        }
    }

    /// A new container of values that have been counted before.
    pub(super) fn built(&mut self, value: Value) -> Evaluated {
        check_depth(value.depth())?;
        let cells = match &value {
            Value::List(list) => list.items().len(),
            Value::Table(table) => {
                let cells = table.len().saturating_mul(table.shape().len());
                self.check_cells(cells)?;
                cells
            }
            Value::Record(record) => record.len() + 2,
            _ => 0,
        };
        self.grow(cells * size_of::<Value>())?;
        Ok(value)
    }

    /// The values of several expressions; while the later ones are evaluated, the earlier are on the stack.
    pub(super) fn eval_all<'t>(&mut self, frame: &mut Frame<'t>, exprs: &'t [Expr]) -> Result<Vec<Value>, Failure> {
        let start = self.stack.len();
        for expr in exprs {
            let value = self.eval(frame, expr)?;
            self.stack.push(value);
        }
        Ok(self.stack.split_off(start))
    }

    /// Evaluates another expression while `value` is in flight.
    fn eval_beside<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        value: Value,
        other: &'t Expr,
    ) -> Result<(Value, Value), Failure> {
        let light = matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_));
        let plain = matches!(other.kind, ExprKind::Constant(_) | ExprKind::Variable(..) | ExprKind::RowName(..));
        if light || plain {
            let other = self.eval(frame, other)?;
            return Ok((value, other));
        }
        self.stack.push(value);
        let other = self.eval(frame, other)?;
        let value = self.pop()?;
        Ok((value, other))
    }

    fn binary<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        first: &'t Expr,
        rest: &'t [(BinaryOp, Span, Expr)],
        whole: Span,
    ) -> Evaluated {
        let mut left = self.eval(frame, first)?;
        for (number, (op, _, right)) in rest.iter().enumerate() {
            left = match op {
                BinaryOp::And if !truth(&left) => Value::Bool(false),
                BinaryOp::Or if truth(&left) => Value::Bool(true),
                BinaryOp::And | BinaryOp::Or => Value::Bool(self.holds(frame, right)?),
                BinaryOp::Coalesce if !left.is_null() => left,
                BinaryOp::Coalesce => self.eval(frame, right)?,
                _ => {
                    let (left, right_value) = self.eval_beside(frame, left, right)?;
                    self.apply(*op, left, right_value)
                        .map_err(|error| placed(error, frame.call, within(whole, right, number + 1 == rest.len())))?
                }
            };
        }
        Ok(left)
    }

    pub(super) fn apply(&mut self, op: BinaryOp, mut left: Value, right: Value) -> Evaluated {
        match op {
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => {
                arithmetic(op, &left, &right, self.zone())
            }
            BinaryOp::Concat => {
                self.append(&mut left, right)?;
                Ok(left)
            }
            BinaryOp::Equal => Ok(Value::Bool(self.equals(&left, &right)?)),
            BinaryOp::NotEqual => Ok(Value::Bool(!self.equals(&left, &right)?)),
            BinaryOp::Less | BinaryOp::Greater | BinaryOp::LessEqual | BinaryOp::GreaterEqual => {
                self.pay_for_order(&left, &right)?;
                Ok(Value::Bool(ordered(op, &left, &right, self.zone())))
            }
            BinaryOp::Like => Ok(Value::Bool(self.like(&left, &right)?)),
            BinaryOp::NotLike => Ok(Value::Bool(!self.like(&left, &right)?)),
            BinaryOp::In => Ok(Value::Bool(self.is_in(&left, &right)?)),
            BinaryOp::NotIn => Ok(Value::Bool(!self.is_in(&left, &right)?)),
            // Both decide before the right side is evaluated.
            BinaryOp::And | BinaryOp::Or => Ok(Value::Bool(truth(&right))),
            BinaryOp::Coalesce => Ok(if left.is_null() { right } else { left }),
        }
    }

    fn eval_in<'t>(
        &mut self,
        frame: &mut Frame<'t>,
        value: &'t Expr,
        container: &'t Container,
    ) -> Result<bool, Failure> {
        let value = self.eval(frame, value)?;
        match container {
            Container::Value(rows) => {
                let (value, rows) = self.eval_beside(frame, value, rows)?;
                self.is_in(&value, &rows)
            }
            Container::Values(values) => {
                self.stack.push(value);
                let values = self.eval_all(frame, values)?;
                let value = self.pop()?;
                self.is_in_values(&value, &values)
            }
        }
    }

    fn template<'t>(&mut self, frame: &mut Frame<'t>, parts: &'t [Expr]) -> Evaluated {
        let values = self.eval_all(frame, parts)?;
        let spans: Vec<Span> = parts.iter().map(|part| part.span).collect();
        self.joined(&values, &spans, frame.call)
    }

    /// The text forms of values, joined; the spans are their places in the source.
    pub(super) fn joined(&mut self, values: &[Value], spans: &[Span], call: CallInfo<'_>) -> Evaluated {
        // Long texts are counted before they are copied.
        let long = values.iter().map(|value| if let Value::Text(part) = value { part.len() } else { 0 });
        let long = long.fold(0, usize::saturating_add);
        self.check_text(long)?;
        self.scan(long)?;
        let mut text = EcoString::with_capacity(long);
        for (value, span) in values.iter().zip(spans) {
            match value {
                Value::Text(part) => text.push_str(part),
                other => {
                    let form = to_text(other).map_err(|_| placed(no_text(other), call, *span))?;
                    text.push_str(&form);
                }
            }
            self.check_text(text.len())?;
        }
        self.made(Value::Text(text))
    }

    fn eval_new<'t>(&mut self, frame: &mut Frame<'t>, ty: &'t Type, fields: &'t [(EcoString, Expr)]) -> Evaluated {
        let start = self.stack.len();
        for (_, field) in fields {
            let value = self.eval(frame, field)?;
            self.stack.push(value);
        }
        let values = self.stack.split_off(start);
        let given = Record::from_fields(fields.iter().map(|(name, _)| name.clone()).zip(values));
        self.filled(&frame.tree.types, Value::Record(given), ty)
    }

    fn capture<'t>(&mut self, frame: &mut Frame<'t>, capture: &'t Capture) -> Result<Captured, Failure> {
        match capture {
            Capture::Value(expr) => self.eval(frame, expr).map(Captured::Value),
            Capture::Cell(cell) => self.cell(frame, *cell).map(Captured::Cell),
            Capture::CapturedCell(position) => match frame.captured_cell(*position) {
                Some(cell) => Ok(Captured::Cell(cell.clone())),
                None => self.make_cell().map(Captured::Cell),
            },
        }
    }
}

/// The part of a chain of operators up to one of its operands.
fn within(whole: Span, operand: &Expr, last: bool) -> Span {
    if last { whole } else { Span { start: whole.start, end: operand.span.end } }
}

#[cold]
fn no_text(value: &Value) -> Failure {
    let hint = match value {
        Value::List(_) => " Use Join to make a text of a list.",
        Value::Record(_) | Value::Table(_) => " Take a field of it, or use JSON.Encode.",
        _ => "",
    };
    type_error(format!("{} cannot be part of a text.{hint}", subject(value)))
}
