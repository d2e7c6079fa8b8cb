//! Facts about a table in an expression: its columns, and the names that suggest amounts.

use super::library::{Known, is_extreme};
use super::source::bare;
use crate::ast::{BinaryOp, Expr, ExprKind, PostfixKind};

/// Rows, column and function of `Max(t.qty)` and `t.qty.Max()`.
pub(super) fn extreme_of_column<'e>(known: &Known<'_>, expr: &'e Expr) -> Option<(&'e Expr, &'e str, &'e str)> {
    let ExprKind::Postfix { base, steps } = &expr.kind else { return None };
    let (base, steps, name) = match (&base.kind, steps.as_slice()) {
        (ExprKind::Name(name), [call]) => match &call.kind {
            PostfixKind::Call { arguments, .. } => match arguments.as_slice() {
                [Expr { kind: ExprKind::Postfix { base, steps }, .. }] => (base, steps.as_slice(), name.as_str()),
                _ => return None,
            },
            _ => return None,
        },
        (_, [column, function, call]) => match (&function.kind, &call.kind) {
            (PostfixKind::Field(name), PostfixKind::Call { arguments, .. }) if arguments.is_empty() => {
                (base, std::slice::from_ref(column), name.text.as_str())
            }
            _ => return None,
        },
        _ => return None,
    };
    match steps {
        [step] if known.find(name).is_some_and(is_extreme) => match &step.kind {
            PostfixKind::Field(field) => Some((base, &field.text, name)),
            _ => None,
        },
        _ => None,
    }
}

/// The column that an expression names: `qty`, `row.qty`, `o.qty`.
pub(super) fn column(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Paren(inner) => column(inner),
        ExprKind::Name(name) => Some(name),
        ExprKind::Postfix { base, steps } => match (&base.kind, steps.as_slice()) {
            (ExprKind::Name(_), [step]) => match &step.kind {
                PostfixKind::Field(name) => Some(&name.text),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// A column in hints.
pub(super) fn shown(expr: &Expr, column: &str) -> String {
    match &bare(expr).kind {
        ExprKind::Postfix { base, .. } => match &base.kind {
            ExprKind::Name(source) => format!("{source}.{column}"),
            _ => column.to_owned(),
        },
        _ => column.to_owned(),
    }
}

/// Is the operator an order comparison?
pub(super) fn is_order(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Less | BinaryOp::Greater | BinaryOp::LessEqual | BinaryOp::GreaterEqual)
}

/// Words in the names of columns that hold amounts.
const AMOUNTS: &str = "qty quantity amount price cost total sum count age weight height width score rank percent pct \
                       discount tax net gross balance stock units hours minutes days salary revenue antal pris belopp \
                       summa saldo";

/// Does a name suggest that the column holds amounts? Its words are separated by `_`, blanks and capitals.
pub(super) fn is_amount(name: &str) -> bool {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if !c.is_alphanumeric()
            || c.is_uppercase() && words.last().is_some_and(|word| !word.ends_with(char::is_uppercase))
        {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.push(c);
        }
    }
    words.iter().any(|word| AMOUNTS.split(' ').any(|amount| amount.eq_ignore_ascii_case(word)))
}
