//! Fixes that need the parsed tree around a finding.

use crate::ast::{Expr, ExprKind, Name, QueryOp, Select, SelectItem, TypeExpr, TypeExprKind};
use crate::diagnostic::Fix;
use crate::span::Span;
use ecow::EcoString;

/// Is it a query whose last operator has several keys, of which the last ones may be meant as arguments?
pub(super) fn has_keys(argument: &Expr) -> bool {
    key_starts(argument).is_some_and(|starts| starts.len() > 1)
}

/// Parentheses around a query without its last `taken` keys.
pub(super) fn without_keys(query: &Expr, taken: usize, source: &str) -> Option<Fix> {
    let starts = key_starts(query)?;
    let first = starts.len().checked_sub(taken).filter(|kept| *kept > 0)?;
    let before = source.get(query.span.start as usize..*starts.get(first)? as usize)?;
    let kept = before.trim_end().strip_suffix(',')?.trim_end();
    let place = Span { end: query.span.start + kept.len() as u32, ..query.span };
    Some(Fix::around(place, "(", ")").titled("put the query in parentheses"))
}

fn key_starts(query: &Expr) -> Option<Vec<u32>> {
    let ExprKind::Query { operators, .. } = &query.kind else { return None };
    match &operators.last()?.0 {
        QueryOp::OrderBy(keys) => Some(keys.iter().map(|key| key.value.span.start).collect()),
        QueryOp::GroupBy(keys) => {
            let start =
                |label: &Option<Name>, value: &Expr| label.as_ref().map_or(value.span, |label| label.span).start;
            Some(keys.iter().map(|key| start(&key.label, &key.value)).collect())
        }
        _ => None,
    }
}

/// `?` after each place where the fields of a type are of the type itself.
pub(super) fn optional_itself(name: &EcoString, definition: &TypeExpr) -> Option<Fix> {
    let TypeExprKind::Record(fields) = &definition.kind else { return None };
    let is_itself = |ty: &&TypeExpr| matches!(&ty.kind, TypeExprKind::Name(named) if named == name);
    let mut places = fields.iter().filter_map(|field| field.ty.as_ref()).filter(is_itself).map(|ty| ty.span.end);
    let first = Fix::insert(places.next()?, "?").titled(format!("write `{name}?`"));
    Some(places.fold(first, |fix, at| fix.and(Span { start: at, end: at }, "?")))
}

/// A further item of a `select`: the column that is written at `key`.
pub(super) fn further_item(select: &Select, key: Span, source: &str) -> Option<Fix> {
    let text = key.text(source);
    let is_column = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let end = match select.items.last()? {
        SelectItem::All(span) => span.end,
        SelectItem::AllOf(name) => name.span.end + ".*".len() as u32,
        SelectItem::Value { label, value } => label.as_ref().map_or(0, |label| label.span.end).max(value.span.end),
    };
    is_column.then(|| Fix::insert(end, format!(", {text}")).titled(format!("add `{text}` to the items")))
}

/// `id = id` as a function, whose parameter is the row.
pub(super) fn as_function(condition: &Expr, source: &str) -> Option<Fix> {
    let ExprKind::Binary { first, rest } = &condition.kind else { return None };
    let (ExprKind::Name(left), [(_, _, Expr { kind: ExprKind::Name(right), .. })]) = (&first.kind, rest.as_slice())
    else {
        return None;
    };
    (left == right).then(|| Fix::replace(condition.span, format!("r => r.{}", condition.span.text(source))))
}
