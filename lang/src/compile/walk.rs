//! Walks over the expressions of a tree.

use crate::tree::{
    Argument, Block, Capture, Change, Container, Expr, ExprKind, PathStep, RowBody, RowOperand, Scope, Select,
    SelectItem, Statement, Step, Variable,
};

/// Passes every expression of a block to `see`, including statements.
pub(super) fn block<'t>(block_: &'t Block, see: &mut dyn FnMut(Seen<'t>)) {
    for (variable, function) in &block_.functions {
        see(Seen::Assigned(*variable, None));
        expr(function, see);
    }
    for (statement, _) in &block_.statements {
        match statement {
            Statement::Evaluate(value) | Statement::Assert(value) => expr(value, see),
            Statement::Set(variable, value) => {
                see(Seen::Assigned(*variable, Some(value)));
                expr(value, see);
            }
            Statement::Append { variable, value, .. } => {
                see(Seen::Assigned(*variable, None));
                expr(value, see);
            }
            Statement::SetPath { variable, path, value, .. } => {
                see(Seen::Assigned(*variable, None));
                for step in path {
                    if let PathStep::Index(index) = step {
                        expr(index, see);
                    }
                }
                expr(value, see);
            }
            Statement::If(branches, otherwise) => {
                for (condition, body) in branches {
                    expr(condition, see);
                    block(body, see);
                }
                if let Some(body) = otherwise {
                    block(body, see);
                }
            }
            Statement::For { variable, rows, body } => {
                see(Seen::Loop(*variable, rows));
                expr(rows, see);
                block(body, see);
            }
            Statement::While(condition, body) => {
                expr(condition, see);
                block(body, see);
            }
            Statement::Return(value) => {
                see(Seen::Returned(value.as_ref()));
                if let Some(value) = value {
                    expr(value, see);
                }
            }
            Statement::Try { body, variable, handler } => {
                if let Some(variable) = variable {
                    see(Seen::Assigned(*variable, None));
                }
                block(body, see);
                block(handler, see);
            }
            Statement::Break | Statement::Continue => {}
        }
    }
}

/// An event of a walk.
pub(super) enum Seen<'t> {
    /// An expression, before those inside it.
    Expr(&'t Expr),
    /// A variable gets a value; `None` if the value is not an expression.
    Assigned(Variable, Option<&'t Expr>),
    /// A loop over rows.
    Loop(Variable, &'t Expr),
    /// A `return`.
    Returned(Option<&'t Expr>),
}

/// Passes an expression and every one inside it to `see`, but not the bodies of functions.
pub(super) fn expr<'t>(whole: &'t Expr, see: &mut dyn FnMut(Seen<'t>)) {
    see(Seen::Expr(whole));
    match &whole.kind {
        ExprKind::Constant(_)
        | ExprKind::Variable(..)
        | ExprKind::RowName(..)
        | ExprKind::Row(_)
        | ExprKind::SourceRow(..)
        | ExprKind::SourceField(..)
        | ExprKind::GroupValue(..)
        | ExprKind::ResultValue(..) => {}
        ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Record(_, parts) | ExprKind::Call(_, parts) => {
            exprs(parts, see);
        }
        ExprKind::Field(inner, _)
        | ExprKind::SafeField(inner, _)
        | ExprKind::Negate(inner)
        | ExprKind::Star(inner)
        | ExprKind::Not(inner)
        | ExprKind::Is(inner, ..)
        | ExprKind::Convert(inner, ..)
        | ExprKind::Error(inner) => expr(inner, see),
        ExprKind::Index(object, index) => {
            expr(object, see);
            expr(index, see);
        }
        ExprKind::Binary(first, rest) => {
            expr(first, see);
            for (_, _, operand) in rest {
                expr(operand, see);
            }
        }
        ExprKind::In { value, container, .. } => {
            expr(value, see);
            match container {
                Container::Values(values) => exprs(values, see),
                Container::Value(value) => expr(value, see),
            }
        }
        ExprKind::Case(branches, otherwise) => {
            for (condition, value) in branches {
                expr(condition, see);
                expr(value, see);
            }
            if let Some(value) = otherwise {
                expr(value, see);
            }
        }
        ExprKind::New(_, fields) => {
            for (_, field) in fields {
                expr(field, see);
            }
        }
        ExprKind::Closure(_, captures) => {
            for capture in captures {
                if let Capture::Value(value) = capture {
                    expr(value, see);
                }
            }
        }
        ExprKind::CallValue(function, arguments) => {
            expr(function, see);
            exprs(arguments, see);
        }
        ExprKind::CallField { object, arguments, .. } => {
            expr(object, see);
            exprs(arguments, see);
        }
        ExprKind::CallNative { arguments, .. } => {
            for argument in arguments {
                match argument {
                    Argument::Value(value) => expr(value, see),
                    Argument::Row(operand) => row_operand(operand, see),
                }
            }
        }
        ExprKind::Query(source, steps) => {
            expr(source, see);
            for (step, _) in steps {
                query_step(step, see);
            }
        }
        ExprKind::Select(select_) => select(select_, see),
    }
}

fn exprs<'t>(all: &'t [Expr], see: &mut dyn FnMut(Seen<'t>)) {
    for one in all {
        expr(one, see);
    }
}

/// Passes the expressions read by a row expression.
pub(super) fn row_operand<'t>(operand: &'t RowOperand, see: &mut dyn FnMut(Seen<'t>)) {
    scope(&operand.scope, see);
    expr(&operand.body, see);
}

fn scope<'t>(scope: &'t Scope, see: &mut dyn FnMut(Seen<'t>)) {
    for name in &scope.names {
        if let Some(outer) = &name.outer {
            expr(outer, see);
        }
    }
}

fn query_step<'t>(step: &'t Step, see: &mut dyn FnMut(Seen<'t>)) {
    match step {
        Step::Where(operand) | Step::ExceptWhere(operand) => row_operand(operand, see),
        Step::With { scope: names, changes, condition } => {
            scope(names, see);
            for (what, guard) in changes {
                change(what, see);
                body(guard.as_ref(), see);
            }
            body(condition.as_ref(), see);
        }
        Step::Except(record) => expr(record, see),
        Step::OrderBy(names, keys) => {
            scope(names, see);
            for (key, _) in keys {
                expr(&key.expr, see);
            }
        }
        Step::GroupBy(names, keys) => {
            scope(names, see);
            for (_, key) in keys {
                expr(&key.expr, see);
            }
        }
        Step::Map(names, what) => {
            scope(names, see);
            change(what, see);
        }
    }
}

fn body<'t>(body: Option<&'t RowBody>, see: &mut dyn FnMut(Seen<'t>)) {
    if let Some(body) = body {
        expr(&body.expr, see);
    }
}

fn change<'t>(change: &'t Change, see: &mut dyn FnMut(Seen<'t>)) {
    match change {
        Change::Record(_, cells) => exprs(cells, see),
        Change::Function(function) => expr(function, see),
    }
}

fn select<'t>(select: &'t Select, see: &mut dyn FnMut(Seen<'t>)) {
    scope(&select.scope, see);
    for source in &select.sources {
        expr(&source.rows, see);
        for (left, right) in &source.equalities {
            expr(left, see);
            expr(right, see);
        }
        if let Some(rest) = &source.rest {
            expr(rest, see);
        }
    }
    if let Some(condition) = &select.condition {
        expr(condition, see);
    }
    if let Some(group) = &select.group {
        for (_, key) in &group.keys {
            expr(key, see);
        }
        for aggregate in &group.aggregates {
            for part in [&aggregate.argument, &aggregate.separator].into_iter().flatten() {
                expr(part, see);
            }
        }
        if let Some(having) = &group.having {
            expr(having, see);
        }
    }
    for item in &select.items {
        if let SelectItem::Value(_, value) = item {
            expr(value, see);
        }
    }
    for (key, _) in &select.order {
        expr(key, see);
    }
}
