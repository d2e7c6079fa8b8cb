//! W0113: `First(t order by q, q > 1)`, where the comma belongs to `order by`.

use super::source::{Source, warning};
use super::walk::{self, Node};
use crate::ast::{Expr, ExprKind, PostfixKind, QueryOp};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;

/// Warns of keys that look like further arguments or elements.
pub(super) fn taken(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    walk::script(source.script, &mut |node| {
        let Node::Expr(expr) = node else { return };
        match &expr.kind {
            ExprKind::Postfix { steps, .. } => {
                for step in steps {
                    if let PostfixKind::Call { arguments, .. } = &step.kind {
                        arguments.iter().for_each(|argument| check(source, argument, found));
                    }
                }
            }
            ExprKind::List(items) => items.iter().for_each(|item| check(source, item, found)),
            ExprKind::Record(fields) => fields.iter().for_each(|field| check(source, &field.value, found)),
            _ => {}
        }
    });
}

/// A query that is not in parentheses takes all commas after its last keys.
fn check(source: &Source<'_>, expr: &Expr, found: &mut Vec<Diagnostic>) {
    let ExprKind::Query { operators, .. } = &expr.kind else { return };
    let (word, stray) = match operators.last() {
        Some((QueryOp::OrderBy(keys), _)) => (
            "order by",
            keys.iter().skip(1).find(|key| !key.descending && is_no_key(&key.value)).map(|key| key.value.span),
        ),
        Some((QueryOp::GroupBy(keys), _)) => {
            ("group by", keys.iter().skip(1).find(|key| is_no_key(&key.value)).map(|key| key.value.span))
        }
        _ => return,
    };
    let Some(span) = stray else { return };
    let message = format!("This belongs to `{word}`, which takes the commas after it.");
    let before = Span { start: expr.span.start, end: span.start };
    let query = before.text(source.text).trim_end().trim_end_matches(',').trim_end();
    let hint = match query.len() {
        ..=60 if !query.contains('\n') => format!("put the query in parentheses: `({query}), …`"),
        _ => "put the query in parentheses".to_owned(),
    };
    let fix = Fix::around(Span { end: expr.span.start + query.len() as u32, ..expr.span }, "(", ")");
    found.push(warning(codes::COMMA_IN_KEYS, span, message, hint).with_fix(fix.titled("put the query in parentheses")));
}

/// Conditions, functions and fixed values are rarely keys.
fn is_no_key(key: &Expr) -> bool {
    match &key.kind {
        ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::Text(_)
        | ExprKind::Null
        | ExprKind::Function(_)
        | ExprKind::Not(_)
        | ExprKind::Is { .. } => true,
        ExprKind::Binary { rest, .. } => rest.first().is_some_and(|(op, ..)| op.gives_boolean()),
        _ => false,
    }
}
