//! Expressions whose value is known at compile time.

use crate::ast::{Expr, ExprKind, TemplatePart};
use crate::value::Value;
use ecow::EcoString;

/// The value of literals, signed numbers, and lists and records of them.
pub(super) fn constant(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Null => Some(Value::Null),
        ExprKind::Bool(value) => Some(Value::Bool(*value)),
        ExprKind::Number(number) => Some(Value::Number(*number)),
        ExprKind::Text(text) => Some(Value::Text(text.clone())),
        ExprKind::Paren(inner) => constant(inner),
        ExprKind::Negate(inner) => match constant(inner)? {
            Value::Number(number) => Some(Value::Number(-number)),
            _ => None,
        },
        ExprKind::Template(parts) => {
            let mut text = EcoString::new();
            for part in parts {
                match part {
                    TemplatePart::Text(piece) => text.push_str(piece),
                    TemplatePart::Expr(_) => return None,
                }
            }
            Some(Value::Text(text))
        }
        ExprKind::List(items) => Some(Value::list(items.iter().map(constant).collect::<Option<_>>()?)),
        ExprKind::Record(fields) => {
            let fields = fields
                .iter()
                .map(|field| Some((field.label.text.clone(), constant(&field.value)?)))
                .collect::<Option<Vec<_>>>()?;
            Some(Value::record(fields))
        }
        _ => None,
    }
}
