//! W0115: `order by "Kund Nr"`, `order by k` of a variable: keys that are equal for every row.

use super::super::checker::Checker;
use super::source::{bare, column_fix};
use crate::ast;
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::function::Effect;
use crate::tree::{Argument, Expr, ExprKind, RowBody};
use crate::types::Type;

impl Checker<'_> {
    /// Warns of a key of `order by` that does not depend on the row.
    pub(in super::super) fn steady_key(&mut self, source: &ast::Expr, key: &RowBody) {
        // A function is called with the row.
        let sorts = self.types.resolve(key.expr.ty.without_null());
        let is_value = matches!(sorts, Type::Number | Type::Text | Type::Bool | Type::DateTime | Type::Null)
            || sorts.is_any() && matches!(key.expr.kind, ExprKind::CallNative { .. });
        if !is_value || !is_steady(&key.expr) {
            return;
        }
        let message = "This key is the same for every row, so it does not sort.";
        let hint = match &bare(source).kind {
            ast::ExprKind::Text(text) => {
                format!("a text in quotes is not a column; that is `row['{text}']`, or its bare name")
            }
            ast::ExprKind::Number(_) => "columns have no numbers here; write the name of the column".to_owned(),
            ast::ExprKind::Name(name) if matches!(sorts, Type::Text) => {
                format!("write `row[{name}]` for the column whose name is in `{name}`")
            }
            _ => "write the name of a column; a further argument or element follows a query in parentheses".to_owned(),
        };
        let fix = match &bare(source).kind {
            ast::ExprKind::Text(text) => column_fix(bare(source), text, true),
            ast::ExprKind::Name(name) if matches!(sorts, Type::Text) => {
                Some(Fix::replace(source.span, format!("row[{name}]")))
            }
            _ => None,
        };
        self.report(Diagnostic::warning(codes::CONSTANT_KEY, source.span, message).with_hint(hint).with_fix(fix));
    }
}

/// Does an expression read nothing of a row, and return the same each time?
fn is_steady(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Constant(_) | ExprKind::Variable(..) => true,
        ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Record(_, parts) => parts.iter().all(is_steady),
        ExprKind::Field(inner, _)
        | ExprKind::SafeField(inner, _)
        | ExprKind::Negate(inner)
        | ExprKind::Not(inner)
        | ExprKind::Is(inner, ..)
        | ExprKind::Convert(inner, ..) => is_steady(inner),
        ExprKind::Index(object, index) => is_steady(object) && is_steady(index),
        ExprKind::Binary(first, rest) => is_steady(first) && rest.iter().all(|(_, _, side)| is_steady(side)),
        ExprKind::Case(branches, otherwise) => {
            branches.iter().all(|(when, then)| is_steady(when) && is_steady(then))
                && otherwise.as_ref().is_none_or(|value| is_steady(value))
        }
        ExprKind::CallNative { function, arguments, .. } => {
            let steady = |argument: &Argument| matches!(argument, Argument::Value(value) if is_steady(value));
            function.effect == Effect::Pure && arguments.iter().all(steady)
        }
        _ => false,
    }
}
