//! Expressions, one by one.

use super::checker::Checker;
use crate::ast::{self, ExprKind as A, TemplatePart};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::function::Role;
use crate::span::Span;
use crate::tree::{Expr, ExprKind};
use crate::types::Type;
use crate::value::{Shape, Value};
use ecow::EcoString;
use hashbrown::HashMap;

impl Checker<'_> {
    /// Lowers an expression. A part that was reported becomes a null of type `any`.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Expr {
        if !self.pay(1) {
            return invalid(expr.span);
        }
        let lowered = self.lowered(expr);
        self.made(lowered)
    }

    fn lowered(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        if let Some(repeated) = self.repeated_in_select(expr) {
            return repeated;
        }
        match &expr.kind {
            A::Null => constant(Value::Null, span),
            A::Bool(value) => constant(Value::Bool(*value), span),
            A::Number(number) => constant(Value::Number(*number), span),
            A::Text(text) => {
                self.unknown_escapes(span);
                constant(Value::Text(text.clone()), span)
            }
            A::Template(parts) => self.template(parts, span),
            A::Name(name) => self.name(name, span),
            A::List(items) => self.list(items, span),
            A::Record(fields) => self.record(fields, span),
            A::Tuple(items) => {
                items.iter().for_each(|item| drop(self.expr(item)));
                // The parser has reported that several values are allowed only after `in`.
                invalid(span)
            }
            A::Paren(inner) => self.expr(inner),
            A::Postfix { base, steps } => self.postfix(base, steps, span),
            A::Negate(inner) => self.negate(inner, span),
            A::Star(inner) => self.star(inner, span),
            A::Not(inner) => {
                let inner = self.expr(inner);
                Expr { kind: ExprKind::Not(Box::new(inner)), span, ty: Type::Bool }
            }
            A::Binary { first, rest } => self.binary(first, rest, span),
            A::Is { value, negated, ty } => {
                let value = self.expr(value);
                let ty = self.type_expr(ty);
                Expr { kind: ExprKind::Is(Box::new(value), ty, *negated), span, ty: Type::Bool }
            }
            A::Case { branches, otherwise } => self.case(branches, otherwise.as_deref(), span),
            A::New { ty, fields } => self.new_record(ty, fields, span),
            A::Function(function) => self.function_literal(function, span, &[]),
            A::Error(message) => {
                let message = self.expr(message);
                self.wants_text(&message, "`error`");
                Expr { kind: ExprKind::Error(Box::new(message)), span, ty: Type::Never }
            }
            A::Map { rows, body } => self.map_query(rows, body, span),
            A::Select(select) => self.select(select, span),
            A::Query { source, operators } => self.query(source, operators, span),
            A::Invalid => invalid(span),
        }
    }

    fn name(&mut self, name: &EcoString, span: Span) -> Expr {
        if let Some(alias) = self.select_alias(name, span) {
            return alias;
        }
        let found = self.find_name(name, span);
        let function = self.find_function(name);
        match (found, function) {
            (Some(found), function) => {
                // Only the run knows whether the rows have a column of this name.
                if let Some(function) = function
                    && let Some((scope, position)) = self.open_row_name(&found)
                {
                    self.note_function(function.id, span);
                    let value = self.function_value(&function, span);
                    self.fall_back(scope, position, value);
                }
                return self.read(found, name, span);
            }
            (None, Some(function)) => {
                self.note_function(function.id, span);
                return self.function_value(&function, span);
            }
            (None, None) => {}
        }
        // The report about it searches all variables.
        self.look(self.units[self.unit].variables.len());
        self.scan(span.start as usize);
        self.undefined(name, span);
        invalid(span)
    }

    fn template(&mut self, parts: &[TemplatePart], span: Span) -> Expr {
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            pieces.push(match part {
                TemplatePart::Text(text) => constant(Value::Text(text.clone()), span),
                TemplatePart::Expr(value) => {
                    let value = self.expr(value);
                    self.wants_text(&value, "a template");
                    value
                }
            });
        }
        Expr { kind: ExprKind::Template(pieces), span, ty: Type::Text }
    }

    /// Reports a value without a text form.
    pub(super) fn wants_text(&mut self, value: &Expr, what: &str) {
        let ty = self.types.resolve(&value.ty).without_null();
        if matches!(ty, Type::List(_) | Type::Record(_) | Type::Function(_) | Type::Binary) {
            let message = format!("A value of type {} has no text form, which {what} requires.", value.ty);
            let of_role = |role| self.options.registry.of_role(role);
            let shown = |name: &str| format!("`{name}(x)`");
            let (functions, hint): (Vec<&str>, _) = match ty {
                Type::Binary => {
                    let functions: Vec<&str> = of_role(Role::WritesBinary).collect();
                    let shown: Vec<String> = functions.iter().map(|name| shown(name)).collect();
                    (functions, format!("use {}", shown.join(" or ")))
                }
                Type::Function(_) => (Vec::new(), "call the function".to_owned()),
                _ => {
                    let functions: Vec<&str> = of_role(Role::WritesAny).collect();
                    let of_lists = of_role(Role::WritesList).map(|name| format!("`{name}(x, ', ')`"));
                    let shown: Vec<String> = functions.iter().map(|name| shown(name)).chain(of_lists).collect();
                    (functions, format!("use {}, or one of its fields", shown.join(", ")))
                }
            };
            let error = Diagnostic::error(codes::NO_TEXT_FORM, value.span, message).with_hint(hint);
            let call = |name: &&str| Fix::around(value.span, format!("{name}("), ")");
            self.report(functions.iter().map(call).fold(error, Diagnostic::with_fix));
        }
    }

    fn unknown_escapes(&mut self, span: Span) {
        if self.in_pattern {
            return;
        }
        let source = self.units[self.unit].source.clone();
        for escape in crate::parse::unknown_escapes(span.text(&source)) {
            let at = Span { start: span.start + escape.start, end: span.start + escape.end };
            let message = format!("`{}` is not an escape; the backslash stays in the text.", at.text(&source));
            let hint = "double the backslash, or write a verbatim text: @'…'";
            let fix = Fix::insert(at.start, "\\").titled("double the backslash").safe();
            self.report(Diagnostic::warning(codes::UNKNOWN_ESCAPE, at, message).with_hint(hint).with_fix(fix));
        }
    }

    fn list(&mut self, items: &[ast::Expr], span: Span) -> Expr {
        if items.is_empty() {
            return Expr { kind: ExprKind::Constant(Value::empty_list()), span, ty: Type::Never.many() };
        }
        let items: Vec<Expr> = items.iter().map(|item| self.expr(item)).collect();
        let mut element = Type::Never;
        for item in &items {
            element = match element {
                Type::Never => item.ty.clone(),
                element => {
                    let joined = self.types.join_rows(&element, &item.ty);
                    self.note_same_rows(&joined, &element);
                    self.note_same_rows(&joined, &item.ty);
                    joined
                }
            };
            self.pay(0);
        }
        Expr { kind: ExprKind::List(items), span, ty: element.many() }
    }

    fn record(&mut self, fields: &[ast::RecordField], span: Span) -> Expr {
        let (shape, cells, ty) = self.record_fields(fields);
        Expr { kind: ExprKind::Record(shape, cells), span, ty }
    }

    /// The fields of a record literal: its shape, its cells and its type.
    pub(super) fn record_fields(&mut self, fields: &[ast::RecordField]) -> (std::sync::Arc<Shape>, Vec<Expr>, Type) {
        let mut names: Vec<EcoString> = Vec::with_capacity(fields.len());
        let mut known: HashMap<&EcoString, Span> = HashMap::with_capacity(fields.len());
        let mut cells = Vec::with_capacity(fields.len());
        for field in fields {
            let name = &field.label.text;
            let value = self.expr(&field.value);
            if let Some(first) = known.get(name) {
                self.twice(field.label.span, format!("The field `{name}` is there twice."), Some(*first));
                continue;
            }
            known.insert(name, field.label.span);
            names.push(name.clone());
            cells.push(value);
        }
        let ty = Type::closed_record(names.iter().cloned().zip(cells.iter().map(|cell| cell.ty.clone())));
        self.note_fields(&ty, fields.iter().map(|field| &field.label));
        (Shape::new(names), cells, ty)
    }

    fn negate(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        let inner = self.expr(inner);
        if let ExprKind::Constant(Value::Number(number)) = inner.kind {
            return constant(Value::Number(-number), span);
        }
        self.wants_number(&inner, "`-`", span);
        let nullable = !matches!(inner.ty, Type::Number | Type::Text | Type::Never);
        let ty = if nullable { Type::Number.nullable() } else { Type::Number };
        Expr { kind: ExprKind::Negate(Box::new(inner)), span, ty }
    }

    fn star(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        let inner = self.expr(inner);
        let ty = match self.types.resolve(&inner.ty) {
            Type::Record(_) | Type::Named(..) => inner.ty.clone().many(),
            Type::Any | Type::Never => Type::any_record().many(),
            Type::Nullable(of) if self.types.record(of).is_some() => (**of).clone().many(),
            other => {
                let message = format!("`*` makes a table of a record, not of {other}.");
                self.error(codes::WRONG_OPERAND, inner.span, message);
                Type::Any
            }
        };
        Expr { kind: ExprKind::Star(Box::new(inner)), span, ty }
    }

    fn case(&mut self, branches: &[(ast::Expr, ast::Expr)], otherwise: Option<&ast::Expr>, span: Span) -> Expr {
        let outside = self.narrowed();
        let mut lowered = Vec::with_capacity(branches.len());
        let mut ty = Type::Never;
        for (condition, value) in branches {
            let when = self.expr(condition);
            let before = self.narrowed();
            self.narrow(condition, true);
            let value = self.expr(value);
            self.function().narrowed = before;
            self.narrow(condition, false);
            ty = self.types.join(&ty, &value.ty);
            lowered.push((when, value));
        }
        let otherwise = otherwise.map(|value| Box::new(self.expr(value)));
        self.function().narrowed = outside;
        let rest = otherwise.as_ref().map_or(Type::Null, |value| value.ty.clone());
        ty = self.types.join(&ty, &rest);
        Expr { kind: ExprKind::Case(lowered, otherwise), span, ty }
    }

    fn new_record(&mut self, written: &ast::TypeExpr, fields: &[ast::RecordField], span: Span) -> Expr {
        let ty = self.type_expr(written);
        let record = self.types.record(&ty).cloned();
        if record.is_none() && !ty.is_any() {
            self.error(codes::WRONG_OPERAND, written.span, format!("`new` makes a record, which `{ty}` is not."));
        }
        let mut lowered: Vec<(EcoString, Expr)> = Vec::with_capacity(fields.len());
        let mut given: HashMap<&EcoString, Span> = HashMap::with_capacity(fields.len());
        for (place, field) in fields.iter().enumerate() {
            let name = &field.label.text;
            let value = self.expr(&field.value);
            if let Some(record) = &record {
                self.look(record.fields.len());
                self.note_field(record, name, field.label.span);
                match record.field_near(place, name) {
                    None => self.unknown_field(name, field.label.span, &ty),
                    Some(_) if value.ty == Type::Null => {}
                    Some(known) => self.check_filled(&value, &known.ty, name),
                }
            }
            if let Some(first) = given.get(name) {
                self.twice(field.label.span, format!("The field `{name}` is there twice."), Some(*first));
                continue;
            }
            given.insert(name, field.label.span);
            lowered.push((name.clone(), value));
        }
        Expr { kind: ExprKind::New(ty.clone(), lowered), span, ty }
    }

    /// A field of `new` is filled into its type: records and lists in it take defaults, too.
    fn check_filled(&mut self, value: &Expr, wanted: &Type, name: &str) {
        let inner = self.types.resolve(wanted).without_null();
        let structured = matches!(self.types.resolve(inner), Type::Record(_) | Type::List(_));
        let shape_fits = matches!(
            (self.types.resolve(&value.ty).without_null(), self.types.resolve(inner)),
            (Type::Record(_), Type::Record(_))
                | (Type::List(_), Type::List(_))
                | (Type::Any | Type::Never | Type::Null, _)
        );
        if structured && shape_fits {
            return;
        }
        self.check_fit(value, wanted, &format!("the field {name}"));
    }
}

/// A value known at compile time.
pub(super) fn constant(value: Value, span: Span) -> Expr {
    let ty = Type::of_value(&value);
    Expr { kind: ExprKind::Constant(value), span, ty }
}

/// The replacement of a reported expression.
pub(super) fn invalid(span: Span) -> Expr {
    Expr { kind: ExprKind::Constant(Value::Null), span, ty: Type::Any }
}
