//! Operators: which operands are allowed, and the result.

use super::checker::Checker;
use crate::ast::{self, BinaryOp};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{Container, Expr, ExprKind};
use crate::types::{Fit, Type};
use crate::value::{Value, Zone, parse_datetime, to_number};

impl Checker<'_> {
    /// A chain of operators of one level.
    pub(super) fn binary(&mut self, first: &ast::Expr, rest: &[(BinaryOp, Span, ast::Expr)], span: Span) -> Expr {
        if let [(op @ (BinaryOp::In | BinaryOp::NotIn), _, container)] = rest {
            return self.contained(first, container, *op == BinaryOp::NotIn, span);
        }
        let logic = matches!(rest.first(), Some((BinaryOp::And | BinaryOp::Or, ..)));
        let before = if logic { Some(self.narrowed()) } else { None };
        let first_source = first;
        let first = self.expr(first);
        let mut ty = first.ty.clone();
        let mut lowered: Vec<(BinaryOp, Span, Expr)> = Vec::with_capacity(rest.len());
        let mut left_source = first_source;
        for (position, (op, at, side)) in rest.iter().enumerate() {
            // After `and` the left side is true, after `or` it is false.
            match op {
                BinaryOp::And => self.narrow(left_source, true),
                BinaryOp::Or => self.narrow(left_source, false),
                _ => {}
            }
            let right = self.expr(side);
            let left = if position == 0 { Some(&first) } else { None };
            ty = self.operator(*op, *at, left, &ty, &right, first_source, side);
            lowered.push((*op, *at, right));
            left_source = side;
        }
        if let Some(before) = before {
            self.function().narrowed = before;
        }
        Expr { kind: ExprKind::Binary(Box::new(first), lowered), span, ty }
    }

    /// The type of `left op right`. `constant_left` is the left side if it is a single operand.
    #[expect(clippy::too_many_arguments, reason = "the two sides come as tree, as type and as source")]
    fn operator(
        &mut self,
        op: BinaryOp,
        at: Span,
        left: Option<&Expr>,
        left_ty: &Type,
        right: &Expr,
        left_source: &ast::Expr,
        right_source: &ast::Expr,
    ) -> Type {
        match op {
            BinaryOp::Coalesce => match self.types.resolve(left_ty) {
                Type::Null => right.ty.clone(),
                Type::Nullable(inner) => {
                    let inner = (**inner).clone();
                    self.types.join(&inner, &right.ty)
                }
                _ => self.types.join(left_ty, &right.ty),
            },
            BinaryOp::And | BinaryOp::Or => Type::Bool,
            BinaryOp::Concat => self.concat_type(left_ty, &right.ty, at),
            // If one side is null, the result is null for any other side.
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo
                if self.is_null(left_ty) || self.is_null(&right.ty) =>
            {
                self.number_result(left_ty, &right.ty)
            }
            BinaryOp::Add | BinaryOp::Subtract => self.sum_type(op, at, left, left_ty, right),
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => {
                let sign = op_text(op);
                if let Some(left) = left {
                    self.wants_number(left, sign, at);
                } else {
                    self.number_type(left_ty, at, sign, at);
                }
                self.wants_number(right, sign, at);
                self.number_result(left_ty, &right.ty)
            }
            BinaryOp::Like | BinaryOp::NotLike => {
                if let Some(left) = left {
                    self.wants_text(left, "`like`");
                }
                self.wants_text(right, "`like`");
                Type::Bool
            }
            BinaryOp::Equal | BinaryOp::NotEqual => {
                self.same_sides(op, left_source, right_source, at);
                self.never_equal(left_ty, &right.ty, at, op);
                Type::Bool
            }
            BinaryOp::Less | BinaryOp::Greater | BinaryOp::LessEqual | BinaryOp::GreaterEqual => {
                self.same_sides(op, left_source, right_source, at);
                self.never_ordered(left_ty, &right.ty, at, op);
                Type::Bool
            }
            BinaryOp::In | BinaryOp::NotIn => Type::Bool,
        }
    }

    fn contained(&mut self, value: &ast::Expr, container: &ast::Expr, negated: bool, span: Span) -> Expr {
        let value = Box::new(self.expr(value));
        let container = match &container.kind {
            ast::ExprKind::Tuple(items) => Container::Values(items.iter().map(|item| self.expr(item)).collect()),
            ast::ExprKind::Paren(inner) => Container::Values(vec![self.expr(inner)]),
            _ => {
                let container = self.expr(container);
                let ty = self.types.resolve(&container.ty).without_null();
                if matches!(ty, Type::Number | Type::Bool | Type::DateTime | Type::Record(_) | Type::Function(_)) {
                    let message = format!("`in` looks in a list, a table or a text, not in {ty}.");
                    let error = Diagnostic::error(codes::WRONG_OPERAND, container.span, message);
                    let error = error.with_hint("put several values in parentheses: `x in (1, 2)`");
                    self.report(error.with_fix(Fix::around(container.span, "(", ")")));
                }
                Container::Value(Box::new(container))
            }
        };
        Expr { kind: ExprKind::In { value, container, negated }, span, ty: Type::Bool }
    }

    /// The type of `left & right`.
    pub(super) fn concat_type(&mut self, left: &Type, right: &Type, at: Span) -> Type {
        let (a, b) = (self.types.resolve(left).clone(), self.types.resolve(right).clone());
        match (&a, &b) {
            (Type::Never, other) | (other, Type::Never) => other.clone(),
            (Type::List(element), _) if **element == Type::Never => match &b {
                Type::List(_) => right.clone(),
                Type::Any => Type::Any.many(),
                _ => right.clone().many(),
            },
            (_, Type::List(element)) if **element == Type::Never && matches!(a, Type::List(_)) => left.clone(),
            (Type::Record(_), Type::List(element)) if **element == Type::Never => left.clone().many(),
            (Type::Record(_), Type::Record(_)) => self.rows_type(left, right, at),
            (Type::Record(_), Type::List(element)) => self.rows_type(left, element, at),
            (Type::List(element), Type::Record(_)) if self.types.record(element).is_some() => {
                self.rows_type(element, right, at)
            }
            (Type::List(x), Type::List(y)) if self.types.record(x).is_some() && self.types.record(y).is_some() => {
                self.rows_type(x, y, at)
            }
            (Type::List(x), Type::List(y)) => self.types.join_rows(x, y).many(),
            (Type::List(element), Type::Any) => match **element {
                // Columns of the left side, cells of any type.
                _ if self.types.record(element).is_some() => self.rows_type(element, &Type::any_record(), at),
                _ => Type::Any.many(),
            },
            (Type::List(element), _) if self.types.record(element).is_some() => {
                self.cannot_join(left, right, at);
                Type::Any
            }
            (Type::List(element), _) => self.types.join(element, right).many(),
            (Type::Any, _) => Type::Any,
            (Type::Nullable(inner), _) if !inner.is_simple() => Type::Any,
            (simple, Type::Any) if simple.is_simple() => Type::Text,
            (_, Type::Any) => Type::Any,
            (x, y) if x.is_simple() && y.is_simple() => Type::Text,
            (x, Type::Nullable(inner)) if x.is_simple() && !inner.is_simple() => Type::Any,
            (Type::Record(_), Type::Nullable(_)) => left.clone().many(),
            _ => {
                self.cannot_join(left, right, at);
                Type::Any
            }
        }
    }

    fn cannot_join(&mut self, left: &Type, right: &Type, at: Span) {
        let message = format!("`&` cannot join {left} and {right}.");
        let hint = "it joins texts and other simple values, rows of tables and records, and lists with anything";
        self.error_hint(codes::CANNOT_JOIN, at, message, Some(hint.to_owned()));
    }

    /// Does a value of type `added` joined to one of type `whole` result in that type, without conversion?
    pub(super) fn joins_within(&self, whole: &Type, added: &Type) -> bool {
        let whole = self.types.resolve(whole).without_null();
        match self.types.resolve(whole) {
            Type::List(element) => {
                self.types.is_within(added, whole)
                    || !matches!(self.types.resolve(added), Type::List(_)) && self.types.is_within(added, element)
            }
            Type::Text => true,
            other => other.is_any(),
        }
    }

    /// The left row decides the columns.
    fn rows_type(&mut self, left: &Type, right: &Type, at: Span) -> Type {
        let (Some(x), Some(y)) = (self.types.record(left).cloned(), self.types.record(right).cloned()) else {
            return left.clone().many();
        };
        let missing: Vec<String> = x
            .fields
            .iter()
            .filter(|field| y.field(&field.name).is_none())
            .map(|field| format!("`{}`", field.name))
            .collect();
        if !missing.is_empty() && !y.open {
            let message = format!("The right side of `&` lacks {} that the left side has.", missing.join(", "));
            let hint = "the left side decides the columns; to collect rows of different fields write a list";
            self.error_hint(codes::CANNOT_JOIN, at, message, Some(hint.to_owned()));
            return left.clone().many();
        }
        let mut joined = (*x).clone();
        let mut same = true;
        for field in &mut joined.fields {
            let other = y.field(&field.name).map_or(Type::Any, |other| other.ty.clone());
            let ty = self.types.join(&field.ty, &other);
            same &= ty == field.ty;
            field.ty = ty;
        }
        if same { left.clone().many() } else { Type::Record(joined.into()).many() }
    }

    fn sum_type(&mut self, op: BinaryOp, at: Span, left: Option<&Expr>, left_ty: &Type, right: &Expr) -> Type {
        let (a, b) = (self.types.resolve(left_ty).without_null().clone(), self.types.resolve(&right.ty).clone());
        let b = b.without_null().clone();
        let null = |ty: &Type| matches!(ty, Type::Nullable(_) | Type::Null | Type::Any);
        let nullable = |ty: Type| if null(left_ty) || null(&right.ty) { ty.nullable() } else { ty };
        let sign = op_text(op);
        match (&a, &b) {
            (Type::DateTime, Type::DateTime) if op == BinaryOp::Subtract => nullable(Type::Number),
            (Type::DateTime, Type::DateTime) => {
                let hint = Some("`-` gives the days between them; add a number of days to one".to_owned());
                self.error_hint(codes::WRONG_OPERAND, right.span, "Two datetimes cannot be added.", hint);
                Type::Any
            }
            (Type::DateTime, Type::Any) => Type::Any,
            (Type::DateTime, Type::Text) if op == BinaryOp::Subtract => match constant_text(Some(right)) {
                // A text is a number of days, or else another datetime.
                None => Type::Any,
                Some(text) if to_number(text).is_ok() => nullable(Type::DateTime),
                Some(text) => {
                    self.wants_datetime(text, right.span, "is neither a number of days nor a datetime");
                    nullable(Type::Number)
                }
            },
            (Type::DateTime, _) => {
                self.wants_number(right, sign, at);
                nullable(Type::DateTime)
            }
            (Type::Text, Type::DateTime) if op == BinaryOp::Subtract => {
                if let Some((text, left)) = constant_text(left).zip(left) {
                    self.wants_datetime(text, left.span, "is not a datetime, so no datetime can be subtracted from it");
                }
                nullable(Type::Number)
            }
            (Type::Any, Type::DateTime | Type::Any) => Type::Any,
            // A value of unknown type may be a datetime, from which a text may be subtracted as one, and vice versa.
            (Type::Any, Type::Text) if op == BinaryOp::Subtract && is_datetime(constant_text(Some(right))) => {
                nullable(Type::Number)
            }
            (Type::Text, Type::Any) if op == BinaryOp::Subtract && is_datetime(constant_text(left)) => {
                nullable(Type::Number)
            }
            _ => {
                if let Some(left) = left {
                    self.wants_number(left, sign, at);
                } else {
                    self.number_type(&a, right.span, sign, at);
                }
                let before = self.findings.len();
                self.wants_number(right, sign, at);
                if let (Some(left), BinaryOp::Add, Type::DateTime) = (left, op, &b) {
                    let text = |span: Span| span.text(&self.units[self.unit].source).to_owned();
                    let fix = Fix::replace(left.span, text(right.span)).and(right.span, text(left.span));
                    self.fix_since(before, codes::WRONG_OPERAND, Some(&fix.titled("write the datetime first")));
                }
                if a.is_any() || matches!(a, Type::Text) && b.is_any() { Type::Any } else { nullable(Type::Number) }
            }
        }
    }

    /// Reports a constant text that is not a datetime.
    fn wants_datetime(&mut self, text: &Value, span: Span, problem: &str) {
        if !is_datetime(Some(text)) {
            let hint = Some("a datetime in a text is written as in '2024-12-31T18:00'".to_owned());
            self.error_hint(codes::WRONG_OPERAND, span, format!("{} {problem}.", text.to_literal(40)), hint);
        }
    }

    fn is_null(&self, ty: &Type) -> bool {
        matches!(self.types.resolve(ty), Type::Null)
    }

    fn number_result(&self, left: &Type, right: &Type) -> Type {
        let sure = |ty: &Type| matches!(self.types.resolve(ty), Type::Number | Type::Text | Type::Never);
        if sure(left) && sure(right) { Type::Number } else { Type::Number.nullable() }
    }

    /// Reports an operand that is never a number.
    pub(super) fn wants_number(&mut self, value: &Expr, sign: &str, at: Span) {
        if let ExprKind::Constant(Value::Text(text)) = &value.kind {
            if to_number(&Value::Text(text.clone())).is_err() {
                let is_sum = sign == op_text(BinaryOp::Add);
                let join = if is_sum { " Use `&` to join texts." } else { "" };
                let shown = Value::Text(text.clone()).to_literal(40);
                let message = format!("{sign} works with numbers, and {shown} is not a number.{join}");
                let error = Diagnostic::error(codes::WRONG_OPERAND, value.span, message);
                self.report(error.with_fix(self.joining(sign, at)));
            }
            return;
        }
        self.number_type(&value.ty, value.span, sign, at);
    }

    fn number_type(&mut self, ty: &Type, span: Span, sign: &str, at: Span) {
        let resolved = self.types.resolve(ty);
        if matches!(resolved.without_null(), Type::Null) {
            return;
        }
        if self.types.fit(resolved.without_null(), &Type::Number) == Fit::Never {
            let hint = match resolved.without_null() {
                Type::List(_) if sign == "`+`" => Some("use `&` to join lists and tables".to_owned()),
                Type::List(_) => Some("use `Sum(x)`, or `map` to change each element".to_owned()),
                Type::DateTime => Some(match sign {
                    "`+`" => "write the datetime first: `date + days`".to_owned(),
                    "`-`" => "a datetime can be subtracted from another one, which gives days".to_owned(),
                    _ => "only `+` and `-` work with datetimes".to_owned(),
                }),
                _ => None,
            };
            let is_list = matches!(resolved.without_null(), Type::List(_));
            let message = format!("{sign} works with numbers, not with {ty}.");
            let fix = self.joining(sign, at).filter(|_| is_list);
            let mut error = Diagnostic::error(codes::WRONG_OPERAND, span, message).with_fix(fix);
            error.hint = hint;
            self.report(error);
        }
    }

    /// `&` in place of the `+` at `at`.
    fn joining(&self, sign: &str, at: Span) -> Option<Fix> {
        (sign == op_text(BinaryOp::Add) && at.text(&self.units[self.unit].source) == "+").then(|| Fix::replace(at, "&"))
    }

    /// `x = x` on the same column.
    fn same_sides(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, at: Span) {
        let (ast::ExprKind::Name(a), ast::ExprKind::Name(b)) = (&left.kind, &right.kind) else { return };
        if a != b {
            return;
        }
        let outcome = match op {
            BinaryOp::Equal | BinaryOp::LessEqual | BinaryOp::GreaterEqual => "true",
            _ => "false",
        };
        let in_rows = self.function().scopes.iter().any(|scope| !matches!(scope, super::scope::Scope::Block(_)));
        let message = format!("`{a}` is compared with itself, which is always {outcome}.");
        let mut warning = Diagnostic::warning(codes::SELF_COMPARISON, at, message);
        if in_rows {
            let lambda = format!("r => r.{a} = {a}");
            let hint =
                format!("inside a query the column hides a variable of the same name; use a function: `{lambda}`");
            warning = warning.with_hint(hint);
        }
        self.report(warning);
    }

    /// A comparison that is always false because of the types.
    fn never_equal(&mut self, left: &Type, right: &Type, at: Span, op: BinaryOp) {
        if self.may_be_equal(left, right) {
            return;
        }
        let outcome = if op == BinaryOp::Equal { "false" } else { "true" };
        let message = format!("{left} and {right} are never equal, so this is always {outcome}.");
        self.warn(codes::ALWAYS_FALSE, at, message, None);
    }

    fn may_be_equal(&self, left: &Type, right: &Type) -> bool {
        let (a, b) = (self.types.resolve(left), self.types.resolve(right));
        let (inner_a, inner_b) = (self.types.resolve(a.without_null()), self.types.resolve(b.without_null()));
        let may_be_null = |ty: &Type| matches!(ty, Type::Null | Type::Nullable(_));
        if may_be_null(a) && may_be_null(b) {
            return true;
        }
        match (inner_a, inner_b) {
            (Type::Any | Type::Never, _) | (_, Type::Any | Type::Never) => true,
            (Type::Text, Type::Number | Type::Bool | Type::DateTime)
            | (Type::Number | Type::Bool | Type::DateTime, Type::Text)
            | (Type::List(_), Type::List(_))
            | (Type::Record(_), Type::Record(_)) => true,
            (Type::Function(_), _) => false,
            (Type::Null, _) | (_, Type::Null) => false,
            (x, y) => x == y,
        }
    }

    fn never_ordered(&mut self, left: &Type, right: &Type, at: Span, op: BinaryOp) {
        let (a, b) = (self.types.resolve(left).without_null(), self.types.resolve(right).without_null());
        let ordered = match (a, b) {
            (Type::Any | Type::Never, _) | (_, Type::Any | Type::Never) => true,
            (Type::Text, Type::Number | Type::Bool | Type::DateTime)
            | (Type::Number | Type::Bool | Type::DateTime, Type::Text) => true,
            (Type::Number | Type::Text | Type::Bool | Type::DateTime, _) => a == b,
            _ => false,
        };
        if !ordered {
            let sign = op_text(op);
            self.warn(
                codes::ALWAYS_FALSE,
                at,
                format!("{left} and {right} have no order, so {sign} is always false."),
                None,
            );
        }
    }

    /// The type of an element of a list or table, or of the parts of a text.
    pub(super) fn element_of(&mut self, rows: &Expr, wants: &str) -> Type {
        match self.types.resolve(&rows.ty).without_null() {
            Type::List(element) => (**element).clone(),
            Type::Text => Type::Text,
            Type::Any | Type::Never | Type::Null => Type::Any,
            Type::Named(..) => self.types.element(&rows.ty).cloned().unwrap_or(Type::Any),
            other => {
                let message = format!("{wants}, not over {other}.");
                let error = Diagnostic::error(codes::WRONG_OPERAND, rows.span, message);
                self.report(match other {
                    Type::Number => error
                        .with_hint("for a number of passes write `range(0, n)`")
                        .with_fix(Fix::around(rows.span, "range(0, ", ")")),
                    _ => error,
                });
                Type::Any
            }
        }
    }
}

/// The text of a text literal. Is it a valid datetime? That does not depend on the zone.
fn is_datetime(text: Option<&Value>) -> bool {
    matches!(text, Some(Value::Text(written)) if parse_datetime(written, Zone::UTC).is_some())
}

fn constant_text(expr: Option<&Expr>) -> Option<&Value> {
    match &expr?.kind {
        ExprKind::Constant(value @ Value::Text(_)) => Some(value),
        _ => None,
    }
}

pub(super) fn op_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Coalesce => "`??`",
        BinaryOp::Multiply => "`*`",
        BinaryOp::Divide => "`/`",
        BinaryOp::Modulo => "`mod`",
        BinaryOp::Add => "`+`",
        BinaryOp::Subtract => "`-`",
        BinaryOp::Concat => "`&`",
        BinaryOp::Equal => "`=`",
        BinaryOp::NotEqual => "`!=`",
        BinaryOp::Less => "`<`",
        BinaryOp::Greater => "`>`",
        BinaryOp::LessEqual => "`<=`",
        BinaryOp::GreaterEqual => "`>=`",
        BinaryOp::In => "`in`",
        BinaryOp::NotIn => "`not in`",
        BinaryOp::Like => "`like`",
        BinaryOp::NotLike => "`not like`",
        BinaryOp::And => "`and`",
        BinaryOp::Or => "`or`",
    }
}
