//! W0114: `where "Kund Nr" = '2'`, which compares two fixed texts.

use super::source::{Source, bare, column_fix, warning};
use super::walk::{self, Node};
use crate::ast::{BinaryOp, Expr, ExprKind, PostfixKind, PostfixStep, QueryOp, SelectItem, StatementKind};
use crate::diagnostic::{Diagnostic, codes};

/// Warns of conditions and cells that are equal for every row, since a text in double quotes is not a column.
pub(super) fn compared(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    walk::script(source.script, &mut |node| match node {
        Node::Statement(statement) => match &statement.kind {
            StatementKind::If { branches, .. } => branches.iter().for_each(|(when, _)| condition(when, false, found)),
            StatementKind::While { condition: when, .. } => condition(when, false, found),
            _ => {}
        },
        Node::Expr(expr) => match &expr.kind {
            ExprKind::Query { operators, .. } => operators.iter().for_each(|(operator, _)| query(operator, found)),
            ExprKind::Select(select) => {
                let on = select.joins.iter().map(|join| &join.on);
                let conditions = on.chain(&select.condition).chain(&select.having);
                conditions.for_each(|value| condition(value, true, found));
                select.items.iter().for_each(|item| item_of(item, found));
            }
            ExprKind::Case { branches, .. } => branches.iter().for_each(|(when, _)| condition(when, false, found)),
            ExprKind::Postfix { steps, .. } => {
                for step in steps {
                    if let PostfixKind::Call { arguments, .. } = &step.kind {
                        arguments.iter().skip(1).for_each(|argument| condition(argument, true, found));
                    }
                }
            }
            _ => {}
        },
    });
}

fn query(operator: &QueryOp, found: &mut Vec<Diagnostic>) {
    match operator {
        QueryOp::Where(value) | QueryOp::ExceptWhere(value) => condition(value, true, found),
        QueryOp::With { change, condition: limit } => {
            cells(change, found);
            limit.iter().for_each(|value| condition(value, true, found));
        }
        QueryOp::WithGuards { guards, condition: limit } => {
            guards.iter().for_each(|(change, _)| cells(change, found));
            let guards = guards.iter().filter_map(|(_, guard)| guard.as_ref());
            guards.chain(limit).for_each(|value| condition(value, true, found));
        }
        QueryOp::Except(_) | QueryOp::OrderBy(_) | QueryOp::GroupBy(_) => {}
    }
}

/// The comparisons of a condition.
fn condition(value: &Expr, in_rows: bool, found: &mut Vec<Diagnostic>) {
    match &value.kind {
        ExprKind::Paren(inner) | ExprKind::Not(inner) => condition(inner, in_rows, found),
        ExprKind::Binary { first, rest } => match rest.as_slice() {
            [(BinaryOp::And | BinaryOp::Or, ..), ..] => {
                condition(first, in_rows, found);
                rest.iter().for_each(|(_, _, side)| condition(side, in_rows, found));
            }
            [(op, _, second)] if op.gives_boolean() => comparison(value, first, second, in_rows, found),
            _ => {}
        },
        _ => {}
    }
}

fn comparison(whole: &Expr, first: &Expr, second: &Expr, in_rows: bool, found: &mut Vec<Diagnostic>) {
    let texts = [first, second].map(|side| match &bare(side).kind {
        ExprKind::Text(text) => Some(text),
        _ => None,
    });
    let Some(text) = texts.iter().flatten().next().filter(|_| is_fixed(first) && is_fixed(second)) else { return };
    let message = "Both sides of this comparison are fixed values, so it always comes out the same.";
    let hint = if in_rows {
        format!("a text in quotes is not a column; that is `row['{text}']`, or its bare name")
    } else {
        "a text in quotes is not a variable; write its bare name".to_owned()
    };
    let literal = [first, second].into_iter().map(bare).find(|side| matches!(side.kind, ExprKind::Text(_)));
    let fix = literal.and_then(|literal| column_fix(literal, text, in_rows));
    found.push(warning(codes::CONSTANT_COMPARISON, whole.span, message, hint).with_fix(fix));
}

/// An item, or the only argument of an aggregate: `n: count('a' = 1)`.
fn item_of(item: &SelectItem, found: &mut Vec<Diagnostic>) {
    let SelectItem::Value { value, .. } = item else { return };
    condition(value, true, found);
    if let ExprKind::Postfix { steps, .. } = &value.kind
        && let [PostfixStep { kind: PostfixKind::Call { arguments, .. }, .. }] = steps.as_slice()
        && let [argument] = arguments.as_slice()
    {
        condition(argument, true, found);
    }
}

/// The cells of `with {b: …}`.
fn cells(change: &Expr, found: &mut Vec<Diagnostic>) {
    if let ExprKind::Record(fields) = &bare(change).kind {
        fields.iter().for_each(|field| condition(&field.value, true, found));
    }
}

fn is_fixed(side: &Expr) -> bool {
    match &side.kind {
        ExprKind::Text(_) | ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Null => true,
        ExprKind::Paren(inner) | ExprKind::Negate(inner) => is_fixed(inner),
        ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().all(is_fixed),
        _ => false,
    }
}
