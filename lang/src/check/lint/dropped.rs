//! W0108: `t where a > 1;`, a value that is computed and not used.

use super::super::checker::Checker;
use super::super::scope::VarKind;
use super::source::bare;
use crate::ast;
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::function::{Effect, ParameterType};
use crate::tree::{Argument, Block, Capture, Change, Container, Expr, ExprKind, RowBody, SelectItem, Statement, Step};
use crate::types::Type;

/// The most expressions examined, including those in named functions.
const MOST_LOOKED_AT: usize = 2_000;

impl Checker<'_> {
    /// Warns of an expression as a statement that does nothing but compute a value.
    pub(in super::super) fn dropped(&mut self, source: &ast::Expr, value: &Expr) {
        // In a `try` it may be intended for its error.
        let is_function = matches!(value.kind, ExprKind::Closure(..));
        self.looking.set(MOST_LOOKED_AT);
        if self.trying > 0 || !is_function && !self.is_idle(value) {
            return;
        }
        let start = first_name(source).filter(|name| self.is_variable(name, source));
        let changes = matches!(bare(source).kind, ast::ExprKind::Query { .. } | ast::ExprKind::Postfix { .. });
        let hint = match start {
            Some(name) if changes => format!("write `set {name} = …;` to change `{name}`, or `return …;`"),
            _ => "write `let name = …;` to keep it, or `return …;`".to_owned(),
        };
        let set = start.filter(|_| changes).map(|name| Fix::insert(source.span.start, format!("set {name} = ")));
        let warning =
            Diagnostic::warning(codes::DROPPED_VALUE, source.span, "This value is computed and then dropped.");
        let kept = Fix::insert(source.span.start, "return ");
        self.report(warning.with_hint(hint).with_fix(set).with_fix(kept));
    }

    fn is_variable(&mut self, name: &str, source: &ast::Expr) -> bool {
        let found = self.find_variable(name, source.span).and_then(|found| found.variable);
        found.is_some_and(|id| self.variable_info(id).kind != VarKind::Function)
    }

    /// Does it only compute? Calls of functions of the script may do more.
    fn is_idle(&self, value: &Expr) -> bool {
        // Functions may name each other, and themselves.
        let Some(left) = self.looking.get().checked_sub(1) else { return false };
        self.looking.set(left);
        let all = |values: &[Expr]| values.iter().all(|value| self.is_idle(value));
        match &value.kind {
            ExprKind::Constant(_)
            | ExprKind::Variable(..)
            | ExprKind::RowName(..)
            | ExprKind::Row(_)
            | ExprKind::SourceRow(..)
            | ExprKind::SourceField(..)
            | ExprKind::GroupValue(..)
            | ExprKind::ResultValue(..) => true,
            ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Record(_, parts) => all(parts),
            ExprKind::Field(inner, _)
            | ExprKind::SafeField(inner, _)
            | ExprKind::Negate(inner)
            | ExprKind::Star(inner)
            | ExprKind::Not(inner)
            | ExprKind::Is(inner, ..)
            | ExprKind::Convert(inner, ..) => self.is_idle(inner),
            ExprKind::Index(object, index) => self.is_idle(object) && self.is_idle(index),
            ExprKind::Binary(first, rest) => self.is_idle(first) && rest.iter().all(|(_, _, side)| self.is_idle(side)),
            ExprKind::In { value, container, .. } => {
                self.is_idle(value)
                    && match container {
                        Container::Values(values) => all(values),
                        Container::Value(value) => self.is_idle(value),
                    }
            }
            ExprKind::Case(branches, otherwise) => {
                branches.iter().all(|(when, then)| self.is_idle(when) && self.is_idle(then))
                    && otherwise.as_ref().is_none_or(|value| self.is_idle(value))
            }
            ExprKind::New(_, fields) => fields.iter().all(|(_, value)| self.is_idle(value)),
            ExprKind::Closure(id, captures) => self.is_idle_function(*id as usize, captures),
            ExprKind::CallNative { function, arguments, .. } => {
                let takes_function = |at: usize| {
                    function.signature.parameter(at).is_some_and(|parameter| parameter.ty == ParameterType::Function)
                };
                function.effect == Effect::Pure
                    && arguments.iter().enumerate().all(|(at, argument)| match argument {
                        Argument::Value(value) => self.is_idle(value) && !(takes_function(at) && self.may_call(value)),
                        Argument::Row(operand) => self.is_idle(&operand.body) && !self.may_call(&operand.body),
                    })
            }
            ExprKind::Query(source, steps) => {
                self.is_idle(source) && steps.iter().all(|(step, _)| self.is_idle_step(step))
            }
            ExprKind::Select(select) => {
                let items = select.items.iter().all(|item| match item {
                    SelectItem::Value(_, value) => self.is_idle(value),
                    SelectItem::AllOf(_) => true,
                });
                items
                    && select.sources.iter().all(|source| self.is_idle(&source.rows))
                    && select.condition.as_ref().is_none_or(|value| self.is_idle(value))
            }
            ExprKind::Error(_) | ExprKind::Call(..) | ExprKind::CallValue(..) | ExprKind::CallField { .. } => false,
        }
    }

    fn is_idle_step(&self, step: &Step) -> bool {
        let body = |body: &RowBody| self.is_idle(&body.expr) && !self.may_call(&body.expr);
        let change = |change: &Change| match change {
            Change::Record(_, cells) => cells.iter().all(|cell| self.is_idle(cell)),
            Change::Function(value) => self.is_idle(value) && !self.may_call(value),
        };
        match step {
            Step::Where(operand) | Step::ExceptWhere(operand) => {
                self.is_idle(&operand.body) && !self.may_call(&operand.body)
            }
            Step::With { changes, condition, .. } => {
                changes.iter().all(|(made, guard)| change(made) && guard.as_ref().is_none_or(body))
                    && condition.as_ref().is_none_or(body)
            }
            Step::Except(value) => self.is_idle(value),
            Step::OrderBy(_, keys) => keys.iter().all(|(key, _)| body(key)),
            Step::GroupBy(_, keys) => keys.iter().all(|(_, key)| body(key)),
            Step::Map(_, made) => change(made),
        }
    }

    /// May the row expression be a function that does more than compute? The body of a literal has been examined.
    fn may_call(&self, value: &Expr) -> bool {
        let variable = matches!(value.kind, ExprKind::Variable(..));
        match (&value.kind, self.types.resolve(value.ty.without_null())) {
            (ExprKind::Closure(_, captures), _) => captures.iter().any(is_function),
            (_, Type::Function(_)) => true,
            (_, Type::Any) => variable,
            _ => false,
        }
    }

    /// Does a walked function of this unit only compute?
    fn is_idle_function(&self, id: usize, captures: &[Capture]) -> bool {
        let unit = &self.units[self.unit];
        let Some(own) = id.checked_sub(self.finished.functions()) else { return false };
        let body = unit.emitted.get(own).and_then(Option::as_ref).map(|function| &function.body);
        captures.iter().all(|capture| matches!(capture, Capture::Value(_)))
            && body.is_some_and(|body| self.is_idle_block(body))
    }

    fn is_idle_block(&self, block: &Block) -> bool {
        block.functions.is_empty()
            && block.statements.iter().all(|(statement, _)| match statement {
                Statement::Return(value) => value.as_ref().is_none_or(|value| self.is_idle(value)),
                _ => false,
            })
    }
}

fn is_function(capture: &Capture) -> bool {
    matches!(capture, Capture::Value(Expr { ty: Type::Function(_), .. }))
}

/// The name that an expression begins with: `t` of `t where a > 1`, `s` of `Replace(s, 'a', 'b')`.
fn first_name(source: &ast::Expr) -> Option<&str> {
    match &source.kind {
        ast::ExprKind::Name(name) => Some(name),
        ast::ExprKind::Paren(inner) => first_name(inner),
        ast::ExprKind::Query { source, .. } => first_name(source),
        ast::ExprKind::Postfix { base, steps } => match &base.kind {
            ast::ExprKind::Name(name) => {
                let call = steps.iter().find_map(|step| match &step.kind {
                    ast::PostfixKind::Call { arguments, .. } => Some(arguments),
                    _ => None,
                });
                match (call, steps.first().map(|step| &step.kind)) {
                    (Some(arguments), Some(ast::PostfixKind::Call { .. })) => arguments.first().and_then(first_name),
                    _ => Some(name),
                }
            }
            _ => first_name(base),
        },
        _ => None,
    }
}
