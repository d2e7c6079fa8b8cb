//! Limits of sources and types: a generated source must not keep a check busy.

use super::checker::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::settings::Limits;
use crate::span::Span;
use crate::tree::{Expr, ExprKind};
use crate::types::Type;

/// The longest source that is parsed, in bytes.
pub const LONGEST_SOURCE: usize = 1 << 20;

/// The default limits of a check: some seconds at most.
pub const LIMITS: Limits = Limits { steps: Some(10_000_000), ..Limits::DEFAULT };

/// The error of a source that is too long.
pub(super) fn too_long(source: &str) -> Option<Diagnostic> {
    if source.len() <= LONGEST_SOURCE {
        return None;
    }
    let message = format!("The source has {} bytes, and the most is {LONGEST_SOURCE} (1 MiB).", source.len());
    let hint = "split it into modules, and keep data in files";
    Some(Diagnostic::error(codes::TOO_LONG, Span::default(), message).with_hint(hint))
}

impl Checker<'_> {
    /// Counts a new expression, and keeps its type small.
    pub(super) fn made(&mut self, mut expr: Expr) -> Expr {
        self.work.hold(size_of::<Expr>());
        if !matches!(expr.kind, ExprKind::Variable(..) | ExprKind::Constant(_)) {
            expr.ty = self.weighed(expr.ty);
        }
        self.note_type(&expr);
        expr
    }

    /// Counts a new type, and keeps it small: types that share their parts could grow for ever.
    pub(super) fn weighed(&mut self, ty: Type) -> Type {
        if ty.is_simple() || ty.is_any() {
            return ty;
        }
        let (parts, ty) = match ty.parts() {
            Some(parts) => (parts, ty),
            None => (
                Type::MOST_PARTS,
                match ty {
                    Type::Record(_) => Type::any_record(),
                    Type::List(_) => Type::Any.many(),
                    _ => Type::Any,
                },
            ),
        };
        self.look(parts);
        self.work.hold(parts.saturating_mul(size_of::<Type>()));
        ty
    }
}
