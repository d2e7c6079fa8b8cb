//! Postfix query operators and `map`.

use super::checker::Checker;
use super::expressions::invalid;
use super::mend::as_function;
use super::scope::Columns;
use crate::ast::{self, ExprKind as A, QueryOp};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{Change, Expr, ExprKind, RowBody, RowOperand, Step};
use crate::types::{Field, RecordType, Type};
use ecow::EcoString;
use std::sync::Arc;

impl Checker<'_> {
    /// `source where … order by …`
    pub(super) fn query(&mut self, source: &ast::Expr, operators: &[(QueryOp, Span)], span: Span) -> Expr {
        let source = self.expr(source);
        let mut ty = source.ty.clone();
        let mut steps = Vec::with_capacity(operators.len());
        for (operator, at) in operators {
            let Some(element) = self.query_element(&ty, operator, source.span) else { return invalid(span) };
            let (step, next) = self.step(operator, &element, &ty, *at);
            steps.push((step, *at));
            self.pay(1);
            ty = self.weighed(next);
        }
        Expr { kind: ExprKind::Query(Box::new(source), steps), span, ty }
    }

    /// `map rows as change`
    pub(super) fn map_query(&mut self, rows: &ast::Expr, body: &ast::Expr, span: Span) -> Expr {
        let rows = self.expr(rows);
        let element = self.element_of(&rows, "`map` runs over a list or a table");
        let ((change, row), scope) = self.in_rows(&element, |checker| checker.change(body, &element));
        let step = Step::Map(scope, change);
        let ty = row.many();
        Expr { kind: ExprKind::Query(Box::new(rows), vec![(step, span)]), span, ty }
    }

    /// The row type of an operator's rows.
    fn query_element(&mut self, ty: &Type, operator: &QueryOp, span: Span) -> Option<Type> {
        let word = match operator {
            QueryOp::Where(_) => "where",
            QueryOp::With { .. } | QueryOp::WithGuards { .. } => "with",
            QueryOp::Except(_) | QueryOp::ExceptWhere(_) => "except",
            QueryOp::OrderBy(_) => "order by",
            QueryOp::GroupBy(_) => "group by",
        };
        let is_with = word == "with";
        match self.types.resolve(ty).without_null() {
            Type::List(element) => Some((**element).clone()),
            Type::Any | Type::Null => Some(Type::Any),
            Type::Never => Some(Type::Never),
            Type::Record(_) if is_with => Some(ty.without_null().clone()),
            Type::Named(..) if self.types.element(ty).is_some() => self.types.element(ty).cloned(),
            Type::Named(..) if is_with => Some(ty.without_null().clone()),
            other => {
                let message = format!("`{word}` works on a table or list, not on {ty}.");
                let error = Diagnostic::error(codes::WRONG_OPERAND, span, message);
                self.report(match other {
                    Type::Record(_) => error
                        .with_hint(format!("to use the record as a table of one row write `*x {word} …`"))
                        .with_fix(self.is_operand(span).then(|| Fix::insert(span.start, "*"))),
                    _ => error,
                });
                None
            }
        }
    }

    /// Is there a name or a bracket at `span`, so that a sign before it belongs to all of it?
    fn is_operand(&self, span: Span) -> bool {
        let text = span.text(&self.units[self.unit].source);
        let is_name = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        is_name || text.starts_with('{') && text.find('}').is_some_and(|end| end + 1 == text.len())
    }

    fn step(&mut self, operator: &QueryOp, element: &Type, ty: &Type, at: Span) -> (Step, Type) {
        match operator {
            QueryOp::Where(condition) => (Step::Where(self.condition(condition, element)), ty.clone()),
            QueryOp::ExceptWhere(condition) => (Step::ExceptWhere(self.condition(condition, element)), ty.clone()),
            QueryOp::Except(record) => (Step::Except(self.except_record(record, element)), ty.clone()),
            QueryOp::With { change, condition } => {
                self.with_step(&[(change.clone(), None)], condition.as_ref(), element, ty)
            }
            QueryOp::WithGuards { guards, condition } => self.with_step(guards, condition.as_ref(), element, ty),
            QueryOp::OrderBy(keys) => {
                let (lowered, scope) = self.in_rows(element, |checker| {
                    let key = |checker: &mut Self, key: &ast::OrderKey| {
                        let body = checker.body(&key.value, element);
                        checker.sortable(&body);
                        checker.steady_key(&key.value, &body);
                        (body, key.descending)
                    };
                    keys.iter().map(|each| key(checker, each)).collect::<Vec<_>>()
                });
                (Step::OrderBy(scope, lowered), ty.clone())
            }
            QueryOp::GroupBy(keys) => self.group_step(keys, element, ty, at),
        }
    }

    fn condition(&mut self, condition: &ast::Expr, element: &Type) -> RowOperand {
        let before = self.findings.len();
        let lowered = self.row_operand(condition, element);
        if self.findings.len() > before {
            let fix = as_function(condition, &self.units[self.unit].source);
            self.fix_since(before, codes::SELF_COMPARISON, fix.as_ref());
        }
        lowered
    }

    fn body(&mut self, source: &ast::Expr, element: &Type) -> RowBody {
        let (expr, outside) = self.row_body(source, element);
        RowBody { expr, outside }
    }

    /// Reports a key without an order.
    pub(super) fn sortable(&mut self, key: &RowBody) {
        let ty = match &key.expr.ty {
            Type::Function(function) => function.result.clone(),
            ty => ty.clone(),
        };
        if matches!(self.types.resolve(&ty).without_null(), Type::List(_) | Type::Record(_) | Type::Binary) {
            let message = format!("`order by` cannot sort by a value of type {ty}.");
            let hint = Some("sort by null, numbers, texts, booleans or datetimes".to_owned());
            self.error_hint(codes::NO_ORDER, key.expr.span, message, hint);
        }
    }

    fn except_record(&mut self, record: &ast::Expr, element: &Type) -> Expr {
        let value = self.expr(record);
        let (Some(row), Some(named)) = (self.types.record(element).cloned(), self.types.record(&value.ty).cloned())
        else {
            return value;
        };
        if !row.open
            && let A::Record(fields) = &record.kind
        {
            for field in fields.iter().filter(|field| row.field(&field.label.text).is_none()) {
                self.unknown_field(&field.label.text, field.label.span, element);
            }
        }
        let _ = named;
        value
    }

    fn with_step(
        &mut self,
        guards: &[(ast::Expr, Option<ast::Expr>)],
        condition: Option<&ast::Expr>,
        element: &Type,
        ty: &Type,
    ) -> (Step, Type) {
        let ((changes, rows, condition), scope) = self.in_rows(element, |checker| {
            let mut changes = Vec::with_capacity(guards.len());
            let mut rows = Vec::with_capacity(guards.len());
            for (change, guard) in guards {
                let (change, row) = checker.change(change, element);
                let guard = guard.as_ref().map(|guard| checker.body(guard, element));
                changes.push((change, guard));
                rows.push(row);
            }
            let condition = condition.map(|condition| checker.body(condition, element));
            (changes, rows, condition)
        });
        let always = condition.is_none() && matches!(changes.as_slice(), [(_, None)]);
        let has_otherwise = condition.is_none() && changes.last().is_some_and(|(_, guard)| guard.is_none());
        let row = self.changed_row(element, &rows, always, has_otherwise);
        rows.iter().chain([element]).for_each(|of| self.note_made_of(&row, of));
        let is_record = self.types.element(ty).is_none() && self.types.record(ty.without_null()).is_some();
        let next = if is_record { row } else { row.many() };
        let next = if ty.is_any() { Type::Any } else { next };
        (Step::With { scope, changes, condition }, next)
    }

    /// A record literal or parenthesised function, and the type of the resulting record.
    fn change(&mut self, source: &ast::Expr, element: &Type) -> (Change, Type) {
        let mut inner = source;
        while let A::Paren(next) = &inner.kind {
            inner = next;
        }
        if let A::Record(fields) = &inner.kind {
            let (shape, cells, ty) = self.record_fields(fields);
            return (Change::Record(shape, cells), ty);
        }
        if let A::Name(name) = &inner.kind
            && Columns::of(&self.types, element).has(name).is_none()
            && let Some(value) = self.outer_function(name, inner.span)
        {
            let ty = match &value.ty {
                Type::Function(function) => function.result.clone(),
                _ => Type::Any,
            };
            return (Change::Function(value), ty);
        }
        let (value, outside) = self.row_body(source, element);
        if !outside && !matches!(self.types.resolve(&value.ty), Type::Function(_) | Type::Any) {
            let hint = Some("write a record, `[a: 1]`, or a function in parentheses, `(r => [a: r.b])`".to_owned());
            self.error_hint(codes::WRONG_OPERAND, value.span, "This is neither a record nor a function.", hint);
        }
        let ty = match &value.ty {
            Type::Function(function) => function.result.clone(),
            _ => Type::Any,
        };
        (Change::Function(value), ty)
    }

    /// The function or value of unknown type that a name means outside of rows. If only the run knows the columns, this
    /// changes the rows, since no column holds a function.
    fn outer_function(&mut self, name: &EcoString, span: Span) -> Option<Expr> {
        if let Some(found) = self.find_variable(name, span) {
            let may_be = matches!(self.types.resolve(&found.ty), Type::Function(_) | Type::Any);
            return may_be.then(|| self.read(found, name, span));
        }
        let function = self.find_function(name)?;
        self.note_function(function.id, span);
        Some(self.function_value(&function, span))
    }

    /// The row type after `with`.
    fn changed_row(&self, element: &Type, changes: &[Type], always: bool, has_otherwise: bool) -> Type {
        let Some(row) = self.types.record(element).cloned() else {
            return if always { Type::any_record() } else { Type::Any };
        };
        let mut fields = row.fields.clone();
        let mut open = row.open;
        let mut added: Vec<EcoString> = Vec::new();
        for change in changes {
            let Some(change) = self.types.record(change) else {
                return Type::Record(Arc::new(RecordType { fields, open: true }));
            };
            open |= change.open;
            for new in &change.fields {
                match fields.iter_mut().find(|field| field.name == new.name) {
                    Some(field) if always => *field = new.clone(),
                    Some(field) => field.ty = self.types.join(&field.ty, &new.ty),
                    None => {
                        added.push(new.name.clone());
                        fields.push(Field { name: new.name.clone(), ty: new.ty.clone(), default: None });
                    }
                }
            }
        }
        for field in fields.iter_mut().filter(|field| added.contains(&field.name)) {
            let everywhere = changes
                .iter()
                .all(|change| self.types.record(change).is_some_and(|change| change.field(&field.name).is_some()));
            let always_there = always || has_otherwise && everywhere;
            if !always_there {
                field.ty = field.ty.clone().nullable();
            }
        }
        Type::Record(Arc::new(RecordType { fields, open }))
    }

    fn group_step(&mut self, keys: &[ast::GroupKey], element: &Type, ty: &Type, at: Span) -> (Step, Type) {
        let (lowered, scope) = self.in_rows(element, |checker| {
            let mut lowered: Vec<(EcoString, RowBody)> = Vec::with_capacity(keys.len());
            for key in keys {
                let name = checker.key_name(key);
                let body = checker.body(&key.value, element);
                if lowered.iter().any(|(other, _)| *other == name) || name == "rows" {
                    let message = format!("Two columns of the result are named `{name}`.");
                    checker.error_hint(
                        codes::DUPLICATE_COLUMN,
                        key.value.span,
                        message,
                        Some("give the key a name: `k: …`".into()),
                    );
                    continue;
                }
                lowered.push((name, body));
            }
            lowered
        });
        let _ = at;
        let mut fields: Vec<(EcoString, Type)> = lowered
            .iter()
            .map(|(name, body)| {
                let ty = match &body.expr.ty {
                    Type::Function(function) if body.outside => function.result.clone(),
                    ty => ty.clone(),
                };
                (name.clone(), ty)
            })
            .collect();
        fields.push(("rows".into(), ty.without_null().clone()));
        let row = Type::closed_record(fields);
        keys.iter().for_each(|key| self.note_result_column(&row, key.label.as_ref(), key.value.span));
        (Step::GroupBy(scope, lowered), row.many())
    }

    /// The name of a group key: its label, or that of its column.
    pub(super) fn key_name(&mut self, key: &ast::GroupKey) -> EcoString {
        let name = key.label.as_ref().map(|label| label.text.clone()).or_else(|| column_name(&key.value));
        name.unwrap_or_else(|| {
            let item = self.repeated_item(key.value.span);
            let fix = match &item {
                Some(item) => Fix::replace(key.value.span, item.to_string()),
                None => Fix::insert(key.value.span.start, "key: "),
            };
            let hint = item.map_or("write `name: expression`".into(), |item| format!("write `group by {item}`"));
            let message = "A group key that is not a plain column needs a name.";
            let error = Diagnostic::error(codes::UNNAMED_COLUMN, key.value.span, message);
            self.report(error.with_hint(hint).with_fix(fix));
            EcoString::new()
        })
    }
}

/// The name a column has without an alias: `x` of `x` and of `o.x`.
pub(super) fn column_name(expr: &ast::Expr) -> Option<EcoString> {
    match &expr.kind {
        A::Name(name) => Some(name.clone()),
        A::Paren(inner) => column_name(inner),
        A::Postfix { steps, .. } => match steps.last().map(|step| &step.kind) {
            Some(ast::PostfixKind::Field(name) | ast::PostfixKind::SafeField(name)) => Some(name.text.clone()),
            _ => None,
        },
        _ => None,
    }
}
