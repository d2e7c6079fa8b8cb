//! Row expressions of few rows: computed on simple values where they are, without making any.
//!
//! What is computed here has no effects and no errors. Where the evaluator would come to an error, would have to
//! convert a text, or would make a value with parts, this declines, and the evaluator does the row. So nobody can tell
//! that it was tried; pure library functions on simple values are called here, too.

use super::closure::Captured;
use super::limits::with_stack_for_values;
use super::machine::{Frame, Globals, Machine};
use super::scope::{Place, ScopeState};
use super::{Evaluated, Failure, Method};
use crate::ast::BinaryOp;
use crate::error::{ErrorKind, RunError};
use crate::function::{Call, Context, Effect, Function, MOST_NUMBERS, OnNumbers, PatternCache, RowFunction};
use crate::host::Host;
use crate::span::Span;
use crate::tree::{Argument, Container, Expr, ExprKind, RowName, Scope, ScopeId, Variable};
use crate::types::{Type, Types};
use crate::value::{Column, Compared, Number, Rows, Scalar, Shape, TableCells, Value, Zone};
use ecow::EcoString;
use std::cmp::Ordering;

/// Expressions nested deeper are left to the evaluator, which looks at the stack.
const DEEPEST: u32 = 32;

/// A run that has fewer steps left is left to the evaluator: it knows at which call they end.
const STEPS: u64 = 1_000;

/// Longer texts are left to the evaluator, which counts them.
const LONGEST: usize = 1_024;

/// The current rows of a frame, and what computing with them has taken.
pub(super) struct RowScalars<'q, 'a, 't> {
    machine: &'q Machine<'a>,
    frame: &'q Frame<'t>,
    /// The rows of a scope that is not entered for each.
    near: Option<Near<'q>>,
    depth: u32,
    pub spent: Spent,
}

/// Rows in columns, and the one that names mean.
struct Near<'q> {
    scope: ScopeId,
    names: &'q [RowName],
    binding: &'q [i32],
    shape: &'q Shape,
    cells: TableCells<'q>,
    row: usize,
}

/// What is to be counted when all is computed.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    /// Rows and calls of library functions.
    pub steps: u64,
    /// Bytes of texts made.
    pub bytes: usize,
    /// Bytes that a query goes on holding.
    pub held: usize,
}

impl<'a, 't> Machine<'a> {
    /// The value of an expression for the current row, handed to `taken`; `None` where it is to be evaluated.
    #[inline]
    pub(super) fn scalar<R>(
        &mut self,
        frame: &Frame<'t>,
        expr: &'t Expr,
        taken: impl FnOnce(Scalar<'_>) -> R,
    ) -> Result<Option<R>, Failure> {
        if !self.wants_scalars() {
            return Ok(None);
        }
        let mut row = RowScalars::new(self, frame);
        let mut made = Value::Null;
        let Some(scalar) = row.value(expr, &mut made) else { return Ok(None) };
        let spent = row.spent;
        let result = taken(scalar);
        self.spend_scalars(spent)?;
        Ok(Some(result))
    }

    /// Is an expression true for the current row? `None` where it is to be evaluated.
    #[inline]
    pub(super) fn scalar_truth(&mut self, frame: &Frame<'t>, expr: &'t Expr) -> Result<Option<bool>, Failure> {
        if !self.wants_scalars() {
            return Ok(None);
        }
        let mut row = RowScalars::new(self, frame);
        let truth = row.truth(expr);
        let spent = row.spent;
        if truth.is_some() {
            self.spend_scalars(spent)?;
        }
        Ok(truth)
    }

    /// Counts what has been computed.
    #[inline]
    pub(super) fn spend_scalars(&mut self, spent: Spent) -> Result<(), Failure> {
        if spent.steps == 0 {
            return Ok(());
        }
        self.spend(spent.steps)?;
        self.grow(spent.bytes)?;
        if spent.held > 0 { self.hold_bytes(spent.held) } else { Ok(()) }
    }

    /// Rows to compute with one after the other, without entering their scope; `None` where they are to be evaluated.
    pub(super) fn near_rows<'q>(
        &'q self,
        frame: &'q Frame<'t>,
        scope: &'t Scope,
        rows: &'q Rows,
        binding: &'q [i32],
    ) -> Option<RowScalars<'q, 'a, 't>> {
        let Rows::Table(table) = rows else { return None };
        if !self.wants_scalars() {
            return None;
        }
        let (shape, cells) = (table.shape(), table.cells()?);
        let near = Near { scope: scope.id, names: &scope.names, binding, shape, cells, row: 0 };
        Some(RowScalars { near: Some(near), ..RowScalars::new(self, frame) })
    }

    #[inline]
    pub(super) fn wants_scalars(&self) -> bool {
        self.method == Method::Code && self.has_steps(STEPS)
    }
}

impl<'q, 'a, 't> RowScalars<'q, 'a, 't> {
    #[inline]
    fn new(machine: &'q Machine<'a>, frame: &'q Frame<'t>) -> Self {
        Self { machine, frame, near: None, depth: 0, spent: Spent::default() }
    }

    /// Goes to the row at a position of the rows, and counts it. False when what was computed is to be counted first.
    #[inline]
    pub(super) fn go_to(&mut self, position: usize) -> bool {
        let Some(near) = &mut self.near else { return false };
        near.row = match near.cells.picked {
            Some(rows) => rows.get(position).map_or(usize::MAX, |row| *row as usize),
            None => position,
        };
        self.spent.steps += 1;
        self.spent.steps < STEPS / 2
    }

    /// Goes back to before the current row was counted.
    pub(super) fn go_back(&mut self) {
        self.spent.steps -= 1;
    }

    /// Is an expression true for the current row? `None` where it is to be evaluated; nothing is counted of it then.
    #[inline]
    pub(super) fn holds(&mut self, expr: &Expr) -> Option<bool> {
        let before = self.spent;
        let truth = self.truth(expr);
        if truth.is_none() {
            self.declined(before);
        }
        truth
    }

    /// Appends the value of an expression for the current row to a column; `None` where it is to be evaluated; nothing is
    /// counted of it then.
    #[inline]
    pub(super) fn cell(&mut self, expr: &Expr, column: &mut Column) -> Option<()> {
        let before = self.spent;
        let mut made = Value::Null;
        let Some(scalar) = self.value(expr, &mut made) else {
            self.declined(before);
            return None;
        };
        let held = size_of::<Value>() + scalar.held();
        column.push_scalar(scalar);
        self.spent.held += held;
        Some(())
    }

    #[cold]
    fn declined(&mut self, before: Spent) {
        self.spent = before;
        self.depth = 0;
    }

    /// The value of an expression, where it is or else in `made`; `None` where it is to be evaluated.
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

    /// What stands in a row or record already.
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

    /// Where the value of a variable is.
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

    /// A number or null; `None` where the expression is to be evaluated.
    #[inline]
    #[expect(clippy::option_option, reason = "it is null, or it is not known")]
    pub(super) fn number(&mut self, expr: &Expr) -> Option<Option<Number>> {
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

    /// `a + b - c`: null with a number is null; only the evaluator knows what other types come to.
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

    /// Is an expression true? `None` where it is to be evaluated.
    pub(super) fn truth(&mut self, expr: &Expr) -> Option<bool> {
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
                [(op, _, right)] if is_comparison(*op) => {
                    if let (Some(left), Some(right)) = (self.leaf(first), self.leaf(right)) {
                        return compared(*op, left, right);
                    }
                    let left = self.value(first, &mut made)?;
                    let mut beside = Value::Null;
                    let right = self.value(right, &mut beside)?;
                    compared(*op, left, right)
                }
                [(op, ..), ..] if is_comparison(*op) => None,
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
            // A single `null` is searched in itself, as no rows.
            found |= value.equals(member)? && !(values.len() == 1 && member.is_null());
        }
        Some(found)
    }

    fn native(&mut self, function: &Function, arguments: &[Argument], type_argument: Option<&Type>) -> Option<Value> {
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
        let mut context = PureContext { machine: self.machine, frame: self.frame, type_argument, steps: 0 };
        let value = with_stack_for_values(|| Call::run(function, values, &mut context)).ok()?;
        self.spent.steps += context.steps;
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

impl<'q> Near<'q> {
    /// The cell of the column of this name, if there is one and the cell is simple.
    fn named(&self, name: &EcoString) -> Option<Scalar<'q>> {
        let column = self.shape.position(name)?;
        self.cells.columns.get(column)?.scalar(self.row)
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::Greater
            | BinaryOp::LessEqual
            | BinaryOp::GreaterEqual
    )
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

/// What a pure library function sees that is called for a row; what it may not ask is an error, which nobody sees.
struct PureContext<'q, 'a, 't> {
    machine: &'q Machine<'a>,
    frame: &'q Frame<'t>,
    type_argument: Option<&'q Type>,
    steps: u64,
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

    fn types(&self) -> &Types {
        &self.frame.tree.types
    }

    fn type_argument(&self) -> Option<&Type> {
        self.type_argument
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

    fn charge(&mut self, steps: u64) -> Result<(), Failure> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps < STEPS { Ok(()) } else { Err(declined()) }
    }

    fn cache(&self) -> &dyn PatternCache {
        &*self.machine.program.cache
    }
}

#[cold]
fn declined() -> Failure {
    RunError::new(ErrorKind::Limit, "The function takes more than can be computed beside a row.")
}
