//! The facts about variables in a condition: `x is T`, `x != null`, and both sides of `and`.

use super::checker::Checker;
use super::scope::{FoundPlace, VarId};
use crate::ast::{BinaryOp, Expr, ExprKind};
use crate::types::Type;
use hashbrown::HashMap;

impl Checker<'_> {
    /// Records the facts that hold if `condition` has the value `outcome`.
    pub(super) fn narrow(&mut self, condition: &Expr, outcome: bool) {
        match &condition.kind {
            ExprKind::Paren(inner) => self.narrow(inner, outcome),
            ExprKind::Not(inner) => self.narrow(inner, !outcome),
            ExprKind::Binary { first, rest } => match rest.first() {
                Some((BinaryOp::And, ..)) if outcome => {
                    self.narrow(first, true);
                    for (_, _, side) in rest {
                        self.narrow(side, true);
                    }
                }
                Some((BinaryOp::Or, ..)) if !outcome => {
                    self.narrow(first, false);
                    for (_, _, side) in rest {
                        self.narrow(side, false);
                    }
                }
                Some((op @ (BinaryOp::Equal | BinaryOp::NotEqual), _, side)) => {
                    let is_null = (*op == BinaryOp::Equal) == outcome;
                    if matches!(side.kind, ExprKind::Null) {
                        self.narrow_null(first, is_null);
                    } else if matches!(first.kind, ExprKind::Null) {
                        self.narrow_null(side, is_null);
                    }
                }
                _ => {}
            },
            ExprKind::Is { value, negated, ty } => {
                let Some((id, known)) = self.narrowable(value) else { return };
                let before = self.findings.len();
                let ty = self.type_expr(ty);
                // The condition itself has been reported already.
                self.findings.truncate(before);
                if outcome != *negated {
                    let narrower = known != Type::Never && self.types.is_within(&known, &ty);
                    let ty = if narrower && known != Type::Any { known } else { ty };
                    self.function().narrowed.insert(id, ty);
                } else if ty == Type::Null {
                    self.without_null(id, &known);
                }
            }
            // `if x` is false for null.
            ExprKind::Name(_) if outcome => self.narrow_null(condition, false),
            _ => {}
        }
    }

    fn narrow_null(&mut self, value: &Expr, is_null: bool) {
        let Some((id, known)) = self.narrowable(value) else { return };
        if is_null {
            if matches!(known, Type::Nullable(_) | Type::Null) {
                self.function().narrowed.insert(id, Type::Null);
            }
        } else {
            self.without_null(id, &known);
        }
    }

    fn without_null(&mut self, id: VarId, known: &Type) {
        if let Type::Nullable(inner) = known {
            let inner = (**inner).clone();
            self.function().narrowed.insert(id, inner);
        }
    }

    /// A plain variable whose value no function can change in between.
    fn narrowable(&mut self, value: &Expr) -> Option<(VarId, Type)> {
        let name = match &value.kind {
            ExprKind::Name(name) => name,
            ExprKind::Paren(inner) => return self.narrowable(inner),
            _ => return None,
        };
        let found = self.find_variable(name, value.span)?;
        let id = found.variable?;
        let info = self.variable_info(id);
        let own = matches!(found.place, FoundPlace::Variable(_));
        (own && !((info.captured || info.shared) && info.assigned)).then_some((id, found.ty))
    }

    /// The facts at this point, to be restored later.
    pub(super) fn narrowed(&mut self) -> HashMap<VarId, Type> {
        let known = self.function().narrowed.len();
        self.look(known);
        self.function().narrowed.clone()
    }

    /// At the start of a loop: variables that are set somewhere may be set in its body.
    pub(super) fn forget_assigned(&mut self) {
        let narrowed = std::mem::take(&mut self.function().narrowed);
        self.function().narrowed = self.still_narrowed(narrowed);
    }

    /// The facts in `narrowed` that still hold where paths meet.
    pub(super) fn still_narrowed(&mut self, mut narrowed: HashMap<VarId, Type>) -> HashMap<VarId, Type> {
        self.look(narrowed.len());
        let unit = &self.units[self.unit];
        narrowed.retain(|id, _| !unit.variables[*id].assigned);
        narrowed
    }
}
