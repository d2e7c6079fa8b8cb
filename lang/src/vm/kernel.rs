//! Row expressions bound to the columns of their rows, as kernels (`crate::query`).

use super::machine::{Frame, Machine};
use super::scope::Place;
use crate::ast::BinaryOp;
use crate::query::{Kernel, Members, WORTHWHILE};
use crate::tree::{Container, Expr, ExprKind, RowName, Scope, ScopeId, Variable};
use crate::types::Type;
use crate::value::{Column, LikePattern, Rows, Value};
use std::sync::Arc;

use super::Method;

/// The positions of the names of a scope, for binding expressions to them.
pub(super) struct Binder<'t> {
    scope: ScopeId,
    names: &'t [RowName],
    places: Vec<Place>,
    sources: Vec<Rows>,
    /// The keys and aggregates of groups, a source of their own: the first.
    pub groups: Vec<Arc<Column>>,
    /// The columns of a result, the source after all others.
    pub results: Vec<Option<Arc<Column>>>,
    /// Has a value been read that a function called for a row could change?
    pub shared: bool,
}

/// Longer patterns of `like` are left to code that pays for them.
const LONGEST_PATTERN: usize = 1_024;

impl<'t> Machine<'_> {
    /// Are kernels worth preparing for `rows` rows?
    pub(super) fn wants_kernels(&self, rows: usize) -> bool {
        rows >= WORTHWHILE && self.method == Method::Code
    }

    /// Binds to the rows of one scope, by the columns of its names.
    pub(super) fn binder(&self, scope: &'t Scope, rows: &Rows, binding: &[i32]) -> Option<Binder<'t>> {
        if !self.wants_kernels(rows.len()) || !matches!(rows, Rows::Table(table) if table.columns().is_some()) {
            return None;
        }
        let place = |column: &i32| match usize::try_from(*column) {
            Ok(column) => Place::Column { source: 0, column },
            Err(_) => Place::Outer,
        };
        Some(Binder::new(scope, binding.iter().map(place).collect(), vec![rows.clone()]))
    }

    /// The kernel of an expression; `None` without one.
    pub(super) fn kernel(&mut self, frame: &mut Frame<'t>, binder: &mut Binder<'t>, expr: &'t Expr) -> Option<Kernel> {
        if let Some(value) = self.constant(frame, binder, expr) {
            return simple(value).map(Kernel::Constant);
        }
        match &expr.kind {
            ExprKind::RowName(scope, number) if *scope == binder.scope => {
                match binder.places.get(usize::from(*number))? {
                    Place::Column { source, column } => binder.column(*source, *column),
                    Place::Outer | Place::ByName { .. } => None,
                }
            }
            ExprKind::Field(object, name) => match &object.kind {
                ExprKind::Row(scope) if *scope == binder.scope => binder.column_of(0, name),
                ExprKind::SourceRow(scope, source) if *scope == binder.scope => {
                    binder.column_of(usize::from(*source), name)
                }
                _ => None,
            },
            ExprKind::SourceField(scope, source, name) if *scope == binder.scope => {
                binder.column_of(usize::from(*source), name)
            }
            ExprKind::GroupValue(scope, number) if *scope == binder.scope => {
                let cells = binder.groups.get(usize::from(*number))?.clone();
                Some(Kernel::Column { source: 0, cells })
            }
            ExprKind::ResultValue(scope, number) if *scope == binder.scope => {
                let cells = binder.results.get(usize::from(*number))?.clone()?;
                Some(Kernel::Column { source: binder.sources.len(), cells })
            }
            ExprKind::Negate(value) => Some(Kernel::Negate(self.boxed(frame, binder, value)?)),
            ExprKind::Not(value) => Some(Kernel::Not(self.boxed(frame, binder, value)?)),
            ExprKind::Binary(first, rest) => {
                let mut left = self.kernel(frame, binder, first)?;
                for (op, _, right) in rest {
                    left = self.binary_kernel(frame, binder, left, *op, right)?;
                }
                Some(left)
            }
            ExprKind::In { value, container, negated } => {
                let members = self.members(frame, binder, container)?;
                let found = Kernel::In(self.boxed(frame, binder, value)?, members);
                Some(negated_if(*negated, found))
            }
            ExprKind::Is(value, Type::Null, negated) => {
                let null = Kernel::IsNull(self.boxed(frame, binder, value)?);
                Some(negated_if(*negated, null))
            }
            ExprKind::Case(branches, otherwise) => {
                let mut kernels = Vec::with_capacity(branches.len());
                for (condition, value) in branches {
                    kernels.push((self.kernel(frame, binder, condition)?, self.kernel(frame, binder, value)?));
                }
                let otherwise = match otherwise {
                    Some(value) => self.kernel(frame, binder, value)?,
                    None => Kernel::Constant(Value::Null),
                };
                Some(Kernel::Case(kernels, Box::new(otherwise)))
            }
            _ => None,
        }
    }

    fn boxed(&mut self, frame: &mut Frame<'t>, binder: &mut Binder<'t>, expr: &'t Expr) -> Option<Box<Kernel>> {
        self.kernel(frame, binder, expr).map(Box::new)
    }

    fn binary_kernel(
        &mut self,
        frame: &mut Frame<'t>,
        binder: &mut Binder<'t>,
        left: Kernel,
        op: BinaryOp,
        right: &'t Expr,
    ) -> Option<Kernel> {
        if let BinaryOp::Like | BinaryOp::NotLike = op {
            let Some(Value::Text(pattern)) = self.constant(frame, binder, right) else { return None };
            if pattern.len() > LONGEST_PATTERN {
                return None;
            }
            let like = Kernel::Like(Box::new(left), LikePattern::new(&pattern));
            return Some(negated_if(op == BinaryOp::NotLike, like));
        }
        let (left, right) = (Box::new(left), self.boxed(frame, binder, right)?);
        Some(match op {
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => {
                Kernel::Arithmetic(op, left, right)
            }
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::Greater
            | BinaryOp::LessEqual
            | BinaryOp::GreaterEqual => Kernel::Compare(op, left, right),
            BinaryOp::And => Kernel::And(left, right),
            BinaryOp::Or => Kernel::Or(left, right),
            BinaryOp::Coalesce => Kernel::Coalesce(left, right),
            BinaryOp::Concat | BinaryOp::Like | BinaryOp::NotLike | BinaryOp::In | BinaryOp::NotIn => return None,
        })
    }

    fn members(&mut self, frame: &mut Frame<'t>, binder: &mut Binder<'t>, container: &'t Container) -> Option<Members> {
        match container {
            Container::Value(list) => match self.constant(frame, binder, list)? {
                Value::List(list) => Members::of(list.items()),
                _ => None,
            },
            Container::Values(values) => {
                let mut constants = Vec::with_capacity(values.len());
                for value in values {
                    constants.push(self.constant(frame, binder, value)?);
                }
                match constants.as_slice() {
                    [Value::List(list)] => Members::of(list.items()),
                    [Value::Table(_)] => None,
                    constants => Members::of(constants),
                }
            }
        }
    }

    /// The value of an expression that is equal for all rows and has no effect.
    fn constant(&mut self, frame: &mut Frame<'t>, binder: &mut Binder<'t>, expr: &'t Expr) -> Option<Value> {
        match &expr.kind {
            ExprKind::Constant(value) => Some(value.clone()),
            ExprKind::Variable(variable, name) => {
                binder.shared |= !matches!(variable, Variable::Local(_) | Variable::Captured(_));
                self.read(frame, *variable, name).ok()
            }
            ExprKind::RowName(scope, number) if *scope == binder.scope => {
                match binder.places.get(usize::from(*number))? {
                    Place::Outer => {
                        let outer = binder.names.get(usize::from(*number))?.outer.as_ref()?;
                        self.constant(frame, binder, outer)
                    }
                    Place::Column { .. } | Place::ByName { .. } => None,
                }
            }
            ExprKind::RowName(scope, number) => {
                binder.shared = true;
                self.row_name(frame, *scope, *number).ok()
            }
            ExprKind::Field(object, name) => match self.constant(frame, binder, object)? {
                Value::Record(record) => record.get(name),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<'t> Binder<'t> {
    pub fn new(scope: &'t Scope, places: Vec<Place>, sources: Vec<Rows>) -> Self {
        Self {
            scope: scope.id,
            names: &scope.names,
            places,
            sources,
            groups: Vec::new(),
            results: Vec::new(),
            shared: false,
        }
    }

    fn column(&self, source: usize, column: usize) -> Option<Kernel> {
        let Rows::Table(table) = self.sources.get(source)? else { return None };
        let cells = table.columns()?.get(column)?;
        match &**cells {
            Column::Any(_) => None,
            _ => Some(Kernel::Column { source, cells: cells.clone() }),
        }
    }

    fn column_of(&self, source: usize, name: &str) -> Option<Kernel> {
        let Rows::Table(table) = self.sources.get(source)? else { return None };
        self.column(source, table.shape().position(name)?)
    }
}

/// Values that kernels support.
fn simple(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::DateTime(_) => Some(value),
        Value::Binary(_) | Value::List(_) | Value::Record(_) | Value::Table(_) | Value::Function(_) => None,
    }
}

fn negated_if(negated: bool, kernel: Kernel) -> Kernel {
    if negated { Kernel::Not(Box::new(kernel)) } else { kernel }
}
