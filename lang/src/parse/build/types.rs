//! Types as written.

use super::{Builder, Node, child};
use crate::ast::{TypeExpr, TypeExprKind, TypeField};
use crate::diagnostic::{Diagnostic, codes};
use crate::parse::grammar::Rule;
use crate::span::Span;

/// The most `?` and `*` of one type: they nest, and real scripts need fewer.
const MOST_SUFFIXES: usize = 8;

impl Builder<'_> {
    /// A type with its `?` and `*`.
    pub(super) fn type_expr(&mut self, node: Node) -> TypeExpr {
        let mut nodes = node.into_inner();
        let mut ty = self.type_expr_of(child(&mut nodes));
        let mut suffixes = 0;
        for node in nodes {
            let start = self.span(&node).start;
            let span = Span { start: ty.span.start, end: start + 1 };
            let nullable = node.as_str().starts_with('?');
            if nullable && matches!(ty.kind, TypeExprKind::Nullable(_)) {
                ty.span = span; // `T??` is `T?`
                continue;
            }
            suffixes += 1;
            if suffixes > MOST_SUFFIXES {
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::TOO_DEEP,
                        Span { start, end: start + 1 },
                        "this type has too many `?` and `*`",
                    )
                    .with_hint(format!("a type may have up to {MOST_SUFFIXES} of them")),
                );
                break;
            }
            let inner = Box::new(ty);
            let kind = if nullable { TypeExprKind::Nullable(inner) } else { TypeExprKind::Many(inner) };
            ty = TypeExpr { kind, span };
        }
        ty
    }

    /// A type without `?` and `*`.
    pub(super) fn type_expr_of(&mut self, node: Node) -> TypeExpr {
        let span = self.tight_span(&node);
        let kind = match node.as_rule() {
            Rule::type_group => return self.type_group(node),
            Rule::record_type => TypeExprKind::Record(self.type_fields(node)),
            Rule::null => TypeExprKind::Name(node.as_str().into()),
            _ => {
                let mut nodes = node.into_inner();
                let first = child(&mut nodes);
                match nodes.next() {
                    Some(member) => TypeExprKind::Member(self.name(&first), self.name(&member)),
                    None => TypeExprKind::Name(first.as_str().into()),
                }
            }
        };
        TypeExpr { kind, span }
    }

    /// `(T)` or `(T, U) -> R`.
    fn type_group(&mut self, node: Node) -> TypeExpr {
        let start = self.span(&node).start;
        let mut types = Vec::new();
        let mut closed = Span::default();
        let mut result = None;
        let mut arrow = false;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::r#type if arrow => result = Some(self.type_expr(inner)),
                Rule::r#type => types.push(self.type_expr(inner)),
                Rule::closing_paren => closed = Span { start, end: self.span(&inner).end },
                Rule::thin_arrow => arrow = true,
                _ => {} // commas
            }
        }
        if let Some(result) = result {
            let span = closed.to(result.span);
            return TypeExpr { kind: TypeExprKind::Function(types, Box::new(result)), span };
        }
        if types.len() != 1 {
            self.diagnostics.push(
                Diagnostic::error(codes::TYPE_EXPECTED, closed, "parentheses hold exactly one type")
                    .with_hint("a function type has an arrow: `(number, text) -> boolean`"),
            );
        }
        // The parentheses remain only in the span.
        let kind = types.into_iter().next().map_or_else(|| TypeExprKind::Name("any".into()), |inner| inner.kind);
        TypeExpr { kind, span: closed }
    }

    fn type_fields(&mut self, node: Node) -> Vec<TypeField> {
        let mut fields = Vec::new();
        for inner in node.into_inner().filter(|inner| inner.as_rule() == Rule::type_field) {
            let mut nodes = inner.into_inner();
            let mut field = TypeField { name: self.label(&child(&mut nodes)), ty: None, default: None };
            for part in nodes {
                match part.as_rule() {
                    Rule::r#type => field.ty = Some(self.type_expr(part)),
                    Rule::logic => field.default = Some(self.logic(part)),
                    _ => {} // `:` and `=`
                }
            }
            fields.push(field);
        }
        fields
    }
}
