//! Every statement and expression of a tree, outer ones first.

use crate::ast::{
    Block, Expr, ExprKind, FunctionBody, FunctionExpr, OrderKey, PathStep, PostfixKind, QueryOp, Script, Select,
    SelectItem, Statement, StatementKind, TemplatePart,
};

/// A node of the walk.
pub(super) enum Node<'a> {
    Statement(&'a Statement),
    Expr(&'a Expr),
}

/// Passes all of a script to `see`.
pub(super) fn script<'a>(script: &'a Script, see: &mut dyn FnMut(Node<'a>)) {
    script.statements.iter().for_each(|statement| self::statement(statement, see));
}

fn block<'a>(block: &'a Block, see: &mut dyn FnMut(Node<'a>)) {
    block.statements.iter().for_each(|statement| self::statement(statement, see));
}

fn statement<'a>(statement: &'a Statement, see: &mut dyn FnMut(Node<'a>)) {
    see(Node::Statement(statement));
    match &statement.kind {
        StatementKind::Let { value, .. } | StatementKind::Assert(value) | StatementKind::Expression(value) => {
            expr(value, see);
        }
        StatementKind::Set { path, value, .. } => {
            for step in path {
                if let PathStep::Index(index) = step {
                    expr(index, see);
                }
            }
            expr(value, see);
        }
        StatementKind::If { branches, otherwise } => {
            for (condition, body) in branches {
                expr(condition, see);
                block(body, see);
            }
            otherwise.iter().for_each(|body| block(body, see));
        }
        StatementKind::For { rows: value, body, .. } | StatementKind::While { condition: value, body } => {
            expr(value, see);
            block(body, see);
        }
        StatementKind::Return(value) => value.iter().for_each(|value| expr(value, see)),
        StatementKind::Try { body, handler, .. } => {
            block(body, see);
            block(handler, see);
        }
        StatementKind::Function { function, .. } => self::function(function, see),
        StatementKind::Break
        | StatementKind::Continue
        | StatementKind::Type { .. }
        | StatementKind::Open(_)
        | StatementKind::Invalid => {}
    }
}

fn function<'a>(function: &'a FunctionExpr, see: &mut dyn FnMut(Node<'a>)) {
    function.parameters.iter().filter_map(|parameter| parameter.default.as_ref()).for_each(|value| expr(value, see));
    match &function.body {
        FunctionBody::Expr(value) => expr(value, see),
        FunctionBody::Block(body) => block(body, see),
    }
}

fn exprs<'a>(all: &'a [Expr], see: &mut dyn FnMut(Node<'a>)) {
    all.iter().for_each(|value| expr(value, see));
}

/// Passes an expression and all in it to `see`.
pub(super) fn expr<'a>(whole: &'a Expr, see: &mut dyn FnMut(Node<'a>)) {
    see(Node::Expr(whole));
    match &whole.kind {
        ExprKind::Template(parts) => parts.iter().for_each(|part| {
            if let TemplatePart::Expr(value) = part {
                expr(value, see);
            }
        }),
        ExprKind::List(items) | ExprKind::Tuple(items) => exprs(items, see),
        ExprKind::Record(fields) | ExprKind::New { fields, .. } => {
            fields.iter().for_each(|field| expr(&field.value, see));
        }
        ExprKind::Paren(inner)
        | ExprKind::Negate(inner)
        | ExprKind::Star(inner)
        | ExprKind::Not(inner)
        | ExprKind::Error(inner)
        | ExprKind::Is { value: inner, .. } => expr(inner, see),
        ExprKind::Postfix { base, steps } => {
            expr(base, see);
            for step in steps {
                match &step.kind {
                    PostfixKind::Index(index) => expr(index, see),
                    PostfixKind::Call { arguments, .. } => exprs(arguments, see),
                    PostfixKind::Field(_) | PostfixKind::SafeField(_) => {}
                }
            }
        }
        ExprKind::Binary { first, rest } => {
            expr(first, see);
            rest.iter().for_each(|(_, _, side)| expr(side, see));
        }
        ExprKind::Case { branches, otherwise } => {
            for (condition, value) in branches {
                expr(condition, see);
                expr(value, see);
            }
            otherwise.iter().for_each(|value| expr(value, see));
        }
        ExprKind::Function(literal) => function(literal, see),
        ExprKind::Map { rows, body } => {
            expr(rows, see);
            expr(body, see);
        }
        ExprKind::Select(query) => select(query, see),
        ExprKind::Query { source, operators } => {
            expr(source, see);
            operators.iter().for_each(|(operator, _)| query(operator, see));
        }
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::Text(_)
        | ExprKind::Name(_)
        | ExprKind::Invalid => {}
    }
}

fn query<'a>(operator: &'a QueryOp, see: &mut dyn FnMut(Node<'a>)) {
    match operator {
        QueryOp::Where(value) | QueryOp::Except(value) | QueryOp::ExceptWhere(value) => expr(value, see),
        QueryOp::With { change, condition } => {
            expr(change, see);
            condition.iter().for_each(|value| expr(value, see));
        }
        QueryOp::WithGuards { guards, condition } => {
            for (change, guard) in guards {
                expr(change, see);
                guard.iter().for_each(|value| expr(value, see));
            }
            condition.iter().for_each(|value| expr(value, see));
        }
        QueryOp::OrderBy(keys) => order(keys, see),
        QueryOp::GroupBy(keys) => keys.iter().for_each(|key| expr(&key.value, see)),
    }
}

fn order<'a>(keys: &'a [OrderKey], see: &mut dyn FnMut(Node<'a>)) {
    keys.iter().for_each(|key| expr(&key.value, see));
}

fn select<'a>(query: &'a Select, see: &mut dyn FnMut(Node<'a>)) {
    for item in &query.items {
        if let SelectItem::Value { value, .. } = item {
            expr(value, see);
        }
    }
    expr(&query.source.value, see);
    for join in &query.joins {
        expr(&join.source.value, see);
        expr(&join.on, see);
    }
    query.condition.iter().chain(&query.having).for_each(|value| expr(value, see));
    query.group.iter().for_each(|key| expr(&key.value, see));
    order(&query.order, see);
}
