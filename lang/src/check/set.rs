//! `set`: of a variable, of a part of it, and appending to it.

use super::checker::Checker;
use super::scope::{VarId, VarKind};
use crate::ast;
use crate::diagnostic::codes;
use crate::tree::{self, Statement, Variable};
use crate::types::Type;

impl Checker<'_> {
    pub(super) fn set_statement(
        &mut self,
        name: &ast::Name,
        path: &[ast::PathStep],
        value: &ast::Expr,
    ) -> Option<Statement> {
        let found = self.find_variable(&name.text, name.span);
        let Some((found, id)) = found.and_then(|found| Some((found.clone(), found.variable?))) else {
            self.expr(value);
            self.undefined_set(name, path.is_empty());
            // From here on it is declared, so that a missing `let` is reported once.
            let (id, place) = self.declare(&name.text, name.span, VarKind::Catch, Type::Any);
            self.bind(name.text.clone(), id, place);
            return None;
        };
        self.note_use(id, name.span);
        let super::scope::FoundPlace::Variable(variable) = found.place else { return None };
        if !self.may_set(id, name) {
            self.expr(value);
            return None;
        }
        let annotation = self.unit_state().annotations.get(&id).cloned().flatten();
        if path.is_empty() {
            if let Some(rest) = self.appended(id, name, value) {
                let rest = self.expr(rest);
                let ty = self.concat_type(&found.ty, &rest.ty, rest.span);
                let what = ecow::eco_format!("the variable {}", name.text);
                if let Some(annotation) = &annotation {
                    self.check_type_fit(&ty, annotation, value.span, &what);
                }
                self.assigned(id, annotation.as_ref().unwrap_or(&ty));
                self.unit_state().variables[id].read = true;
                let annotation = annotation.filter(|annotation| !self.joins_within(annotation, &rest.ty));
                let annotation = annotation.map(|annotation| (annotation, what));
                return Some(Statement::Append { variable, value: rest, annotation });
            }
            let mut value = self.value(value);
            if let Some(annotation) = &annotation {
                value = self.convert(value, annotation, ecow::eco_format!("the variable {}", name.text));
            }
            let ty = value.ty.clone();
            self.assigned(id, annotation.as_ref().unwrap_or(&ty));
            return Some(Statement::Set(variable, value));
        }
        let value = self.value(value);
        let steps = path.iter().map(|step| self.path_step(step)).collect::<Vec<_>>();
        let changed = self.path_type(&found.ty, &steps, &value.ty);
        let widened = annotation.clone().unwrap_or(changed);
        self.assigned(id, &widened);
        let place = annotation.as_ref().and_then(|annotation| self.place_type(annotation, &steps));
        let sure = place.is_some_and(|place| {
            self.check_fit(&value, &place, &format!("the variable {}", name.text))
                && self.types.is_within(&value.ty, &place)
        });
        let annotation = annotation.filter(|_| !sure);
        Some(Statement::SetPath { variable, name: name.text.clone(), path: steps, value, annotation })
    }

    /// Records that a variable is set after its `let`.
    pub(super) fn assigned(&mut self, id: VarId, ty: &Type) {
        if !self.variable_info(id).assigned {
            self.variable_info(id).assigned = true;
            self.walk.learn();
        }
        self.function().narrowed.remove(&id);
        self.widen(id, ty);
    }

    fn may_set(&mut self, id: VarId, name: &ast::Name) -> bool {
        let kind = self.variable_info(id).kind;
        let fixed = kind == VarKind::Host
            && self.options.variables.iter().any(|variable| variable.name == name.text && !variable.writable);
        if fixed {
            self.error(
                codes::READ_ONLY,
                name.span,
                format!("`{}` is given from outside and cannot be set here.", name.text),
            );
        }
        let constant = self.unit > 0 && self.units[self.unit].stack.len() > 1 && {
            let place = self.unit_state().places.get(id).copied();
            matches!(place, Some(Variable::Global(_)))
        };
        if constant {
            let message = format!("`{}` is a constant of this module and cannot be set.", name.text);
            self.error(codes::READ_ONLY, name.span, message);
        }
        !fixed && !constant
    }

    /// The right side of `set x = x & e`, if evaluating e cannot change x.
    fn appended<'e>(&mut self, id: VarId, name: &ast::Name, value: &'e ast::Expr) -> Option<&'e ast::Expr> {
        let ast::ExprKind::Binary { first, rest } = &value.kind else { return None };
        let [(ast::BinaryOp::Concat, _, added)] = rest.as_slice() else { return None };
        let same = matches!(&first.kind, ast::ExprKind::Name(text) if *text == name.text);
        // A closure could set x while e runs; without one nothing in e can.
        (same && !self.variable_info(id).captured).then_some(added)
    }

    fn path_step(&mut self, step: &ast::PathStep) -> tree::PathStep {
        match step {
            ast::PathStep::Field(name) => tree::PathStep::Field(name.text.clone(), name.span),
            ast::PathStep::Index(index) => tree::PathStep::Index(self.expr(index)),
        }
    }

    /// The annotated type of the place at the end of a path; `None` without an annotation.
    fn place_type(&self, annotation: &Type, path: &[tree::PathStep]) -> Option<Type> {
        let Some((step, rest)) = path.split_first() else { return Some(annotation.clone()) };
        match (self.types.resolve(annotation), step) {
            (Type::Nullable(inner), _) => self.place_type(inner, path),
            (Type::Record(record), tree::PathStep::Field(name, _)) => self.place_type(&record.field(name)?.ty, rest),
            (Type::List(element), tree::PathStep::Index(_)) => self.place_type(element, rest),
            _ => None,
        }
    }

    /// The type of a variable after `set x.field[index] = value`.
    fn path_type(&mut self, ty: &Type, path: &[tree::PathStep], value: &Type) -> Type {
        let Some((step, rest)) = path.split_first() else { return value.clone() };
        let resolved = self.types.resolve(ty).clone();
        match (step, &resolved) {
            (tree::PathStep::Field(name, span), Type::Record(record)) => {
                let old = record.field(name).map(|field| field.ty.clone());
                if old.is_none() && !rest.is_empty() && !record.open {
                    self.unknown_field(name, *span, &resolved);
                    return ty.clone();
                }
                let new = self.path_type(&old.clone().unwrap_or(Type::Any), rest, value);
                if matches!(ty, Type::Named(..)) && old.is_some_and(|old| self.types.is_within(&new, &old)) {
                    return ty.clone();
                }
                let mut changed = (**record).clone();
                match changed.fields.iter_mut().find(|field| field.name == *name) {
                    Some(field) => field.ty = new,
                    None => changed.fields.push(crate::types::Field { name: name.clone(), ty: new, default: None }),
                }
                Type::Record(changed.into())
            }
            (
                tree::PathStep::Field(name, span),
                Type::Bool | Type::Number | Type::Text | Type::DateTime | Type::Binary,
            ) => {
                let message = format!("`.{name}` cannot be set: the value is of type {resolved}, which has no fields.");
                self.error(codes::CANNOT_READ, *span, message);
                ty.clone()
            }
            (tree::PathStep::Index(_), Type::List(element)) => {
                let new = self.path_type(element, rest, value);
                let joined = if rest.is_empty() { self.types.join(element, &new) } else { new };
                joined.many()
            }
            _ => Type::Any,
        }
    }
}
