//! The steps after an operand: fields, positions and calls.

use super::calls::Given;
use super::checker::Checker;
use super::expressions::invalid;
use super::scope::Scope;
use super::suggest::is_plain_name;
use crate::ast::{self, PostfixKind, PostfixStep};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{Expr, ExprKind};
use crate::types::Type;
use crate::value::Value;
use ecow::EcoString;

impl Checker<'_> {
    /// A chain of steps after an operand.
    pub(super) fn postfix(&mut self, base: &ast::Expr, steps: &[PostfixStep], _span: Span) -> Expr {
        let (mut value, mut at) = match &base.kind {
            ast::ExprKind::Name(name) => self.first_steps(name, base.span, steps),
            _ => (self.expr(base), 0),
        };
        while let Some(step) = steps.get(at) {
            let span = base.span.to(step.span);
            match (&step.kind, steps.get(at + 1).map(|next| &next.kind)) {
                (PostfixKind::Field(name), Some(PostfixKind::Call { type_argument, arguments })) => {
                    let span = span.to(steps[at + 1].span);
                    value = self.method(value, name, type_argument.as_ref(), arguments, span);
                    at += 1;
                }
                (PostfixKind::Field(name), _) => value = self.field(value, name, span),
                (PostfixKind::SafeField(name), _) => value = self.safe_field(value, name, span),
                (PostfixKind::Index(index), _) => value = self.index(value, index, span),
                (PostfixKind::Call { arguments, .. }, _) => value = self.call_value(value, arguments, span),
            }
            at += 1;
        }
        value
    }

    /// The start of a chain after a name: a call, a source's column, a module's member, or just the name. Returns the
    /// value and how many steps it took.
    fn first_steps(&mut self, name: &EcoString, span: Span, steps: &[PostfixStep]) -> (Expr, usize) {
        let whole = |count: usize| steps.get(..count).and_then(<[_]>::last).map_or(span, |last| span.to(last.span));
        match steps.first().map(|step| &step.kind) {
            Some(PostfixKind::Call { type_argument, arguments }) => {
                let given = arguments.iter().map(Given::Source).collect();
                (self.call(name, span, type_argument.as_ref(), given, whole(1)), 1)
            }
            Some(PostfixKind::Field(field)) => {
                let next = steps.get(1).map(|step| &step.kind);
                if !matches!(next, Some(PostfixKind::Call { .. }))
                    && let Some(column) = self.source_field(name, field, whole(1))
                {
                    return (column, 1);
                }
                if let Some(value) = self.module_in_rows(name, span, steps) {
                    return value;
                }
                let bound = self.source_row(name, span);
                let bound = bound.or_else(|| {
                    let found = self.find_name(name, span)?;
                    Some(self.read(found, name, span))
                });
                if let Some(value) = bound {
                    return (value, 0);
                }
                if let Some(alias) = self.select_alias(name, span) {
                    return (alias, 0);
                }
                if let Some(PostfixKind::Call { type_argument, arguments }) = next
                    && let Some(value) =
                        self.module_call(name, span, field, type_argument.as_ref(), arguments, whole(2))
                {
                    return (value, 2);
                }
                if self.is_circular(name) {
                    return (invalid(span), steps.len());
                }
                if let Some(value) = self.module_member(name, field, whole(1)) {
                    return (value, 1);
                }
                if self.is_circular(name) {
                    return (invalid(span), steps.len());
                }
                if self.find_function(name).is_some() {
                    let base = ast::Expr { kind: ast::ExprKind::Name(name.clone()), span };
                    return (self.expr(&base), 0);
                }
                self.undefined_or_module(name, span);
                (invalid(span), 0)
            }
            _ => {
                let base = ast::Expr { kind: ast::ExprKind::Name(name.clone()), span };
                (self.expr(&base), 0)
            }
        }
    }

    /// A call of a module's function, or another use of a module's member, if rows of unknown columns could have a
    /// column of the module's name. Columns never hold functions.
    fn module_in_rows(&mut self, name: &EcoString, span: Span, steps: &[PostfixStep]) -> Option<(Expr, usize)> {
        let in_rows = self.function().scopes.iter().any(|scope| !matches!(scope, Scope::Block(_)));
        let [PostfixStep { kind: PostfixKind::Field(field), span: first }, rest @ ..] = steps else { return None };
        if !in_rows || !self.is_free(name, span) {
            return None;
        }
        match rest.first() {
            Some(PostfixStep { kind: PostfixKind::Call { type_argument, arguments }, span: call }) => {
                let is_user = self.is_user_module(name, span);
                let full = format!("{name}.{}", field.text);
                if !is_user && self.options.registry.find(&full).is_none() {
                    return None;
                }
                let whole = span.to(*call);
                Some((self.module_call(name, span, field, type_argument.as_ref(), arguments, whole)?, 2))
            }
            _ => Some((self.module_member_in_rows(name, span, field, span.to(*first))?, 1)),
        }
    }

    /// `x.name`
    fn field(&mut self, object: Expr, name: &ast::Name, span: Span) -> Expr {
        let ty = self.field_type(&object.ty, name, true);
        Expr { kind: ExprKind::Field(Box::new(object), name.text.clone()), span, ty }
    }

    /// `x?.name`
    fn safe_field(&mut self, object: Expr, name: &ast::Name, span: Span) -> Expr {
        let ty = self.field_type(&object.ty, name, false).nullable();
        Expr { kind: ExprKind::SafeField(Box::new(object), name.text.clone()), span, ty }
    }

    /// The type of a field; an unknown one is reported if `strict`.
    fn field_type(&mut self, ty: &Type, name: &ast::Name, strict: bool) -> Type {
        let resolved = self.types.resolve(ty).clone();
        match &resolved {
            Type::Any | Type::Never => Type::Any,
            Type::Nullable(inner) => self.field_type(inner, name, strict),
            Type::Record(record) => match record.field(&name.text) {
                Some(field) => {
                    self.note_field(record, &name.text, name.span);
                    field.ty.clone()
                }
                None if record.open || !strict => Type::Any,
                None => {
                    self.unknown_field(&name.text, name.span, ty);
                    Type::Any
                }
            },
            Type::List(element) => match self.types.resolve(element).clone() {
                Type::Any => Type::Any.many(),
                Type::Never => Type::Never.many(),
                Type::Nullable(_) | Type::Record(_) => self.field_type(element, name, strict).many(),
                other => {
                    let message = format!("`.{}` cannot be read: this is a list of {other}, not a table.", name.text);
                    self.error(codes::CANNOT_READ, name.span, message);
                    Type::Any
                }
            },
            Type::Null if !strict => Type::Null,
            other => {
                let message = format!("`.{}` cannot be read: a value of type {other} has no fields.", name.text);
                let function = self.options.registry.find(&name.text).map(|function| function.name);
                let error = Diagnostic::error(codes::CANNOT_READ, name.span, message);
                self.report(match function {
                    Some(function) => error
                        .with_hint(format!("`{function}` is a function: write `.{function}()`"))
                        .with_fix(Fix::insert(name.span.end, "()").titled(format!("write `.{function}()`"))),
                    None => error,
                });
                Type::Any
            }
        }
    }

    fn index(&mut self, object: Expr, index: &ast::Expr, span: Span) -> Expr {
        let index = self.expr(index);
        let resolved = self.types.resolve(&object.ty).without_null().clone();
        let constant = match &index.kind {
            ExprKind::Constant(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let ty = match (&resolved, &constant) {
            (Type::List(element), None) => {
                self.wants_number(&index, "`[ ]`", span);
                match **element {
                    Type::Never => Type::Any,
                    ref element => element.clone(),
                }
            }
            (Type::List(_), Some(name)) => {
                let message = format!("A list or table is read by position, not by the text '{name}'.");
                let error = Diagnostic::error(codes::CANNOT_READ, index.span, message);
                let brackets = Span { start: object.span.end, end: span.end };
                let fix = is_plain_name(name).then(|| Fix::replace(brackets, format!(".{name}")));
                self.report(error.with_hint(format!("for the column write `.{name}`")).with_fix(fix));
                Type::Any
            }
            (Type::Record(_), Some(name)) => {
                let name = ast::Name { text: name.clone(), span: index.span };
                self.field_type(&resolved, &name, true)
            }
            (Type::Record(_), None) => {
                if matches!(index.ty, Type::Number | Type::Bool) {
                    let message = "A record is read by the name of a field, not by a position.";
                    self.error(codes::CANNOT_READ, index.span, message);
                }
                Type::Any
            }
            (Type::Any | Type::Never | Type::Null, _) => Type::Any,
            (other, _) => {
                let hint =
                    matches!(other, Type::Text).then(|| "for one character write `Mid(x, position, 1)`".to_owned());
                self.error_hint(
                    codes::CANNOT_READ,
                    span,
                    format!("`[ ]` reads lists, tables and records, not {other}."),
                    hint,
                );
                Type::Any
            }
        };
        Expr { kind: ExprKind::Index(Box::new(object), Box::new(index)), span, ty }
    }

    /// `x.f(y)`: the field f if x's type has one that can be called, else `f(x, y)`, else the field when it runs.
    fn method(
        &mut self,
        object: Expr,
        name: &ast::Name,
        type_argument: Option<&ast::TypeExpr>,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Expr {
        let known = self.types.record(&object.ty).and_then(|record| record.field(&name.text)).map(|f| f.ty.clone());
        let callable = known.as_ref().is_some_and(|ty| matches!(self.types.resolve(ty), Type::Function(_) | Type::Any));
        if callable {
            let value = self.field(object, name, name.span);
            return self.call_value(value, arguments, span);
        }
        if self.is_function(&name.text, name.span) {
            let given = std::iter::once(Given::Lowered(object)).chain(arguments.iter().map(Given::Source)).collect();
            return self.call(&name.text, name.span, type_argument, given, span);
        }
        let unknown = match self.types.resolve(&object.ty).without_null() {
            Type::Any | Type::Never => true,
            Type::Record(record) => record.open,
            _ => false,
        };
        if !unknown {
            arguments.iter().for_each(|argument| drop(self.value(argument)));
            self.undefined_function(&name.text, name.span);
            return invalid(span);
        }
        let arguments = arguments.iter().map(|argument| self.value(argument)).collect();
        let kind = ExprKind::CallField { object: Box::new(object), name: name.text.clone(), arguments };
        Expr { kind, span, ty: Type::Any }
    }

    /// Is there a user or library function of this name, or a variable that holds one?
    fn is_function(&mut self, name: &EcoString, span: Span) -> bool {
        let variable = self.find_variable(name, span);
        variable.is_some_and(|found| matches!(self.types.resolve(found.ty.without_null()), Type::Function(_)))
            || self.find_function(name).is_some()
            || self.opened(name).is_some()
            || (!name.contains('.') && self.options.registry.find(name).is_some())
    }

    /// A call of a value.
    pub(super) fn call_value(&mut self, callee: Expr, arguments: &[ast::Expr], span: Span) -> Expr {
        let ty = self.types.resolve(&callee.ty).clone();
        let expected = match &ty {
            Type::Function(function) => function.parameters.clone(),
            _ => Vec::new(),
        };
        let arguments: Vec<Expr> = arguments
            .iter()
            .enumerate()
            .map(|(position, argument)| match (&argument.kind, expected.get(position)) {
                (ast::ExprKind::Function(literal), Some(wanted)) => {
                    let expected = self.parameters_of(wanted);
                    self.function_literal(literal, argument.span, &expected)
                }
                _ => self.value(argument),
            })
            .collect();
        let result = match &ty {
            Type::Function(function) => {
                let most = function.parameters.len();
                if arguments.len() < function.required || arguments.len() > most {
                    self.argument_count("this function", function.required, Some(most), arguments.len(), span);
                }
                for (argument, wanted) in arguments.iter().zip(&function.parameters) {
                    self.check_fit(argument, wanted, "the parameter");
                }
                match &function.result {
                    Type::Never => Type::Any,
                    result => result.clone(),
                }
            }
            Type::Any | Type::Never | Type::Nullable(_) => Type::Any,
            other => {
                self.error(codes::NOT_CALLABLE, callee.span, format!("A value of type {other} cannot be called."));
                Type::Any
            }
        };
        Expr { kind: ExprKind::CallValue(Box::new(callee), arguments), span, ty: result }
    }

    pub(super) fn parameters_of(&self, ty: &Type) -> Vec<Type> {
        match self.types.resolve(ty) {
            Type::Function(function) => function.parameters.clone(),
            _ => Vec::new(),
        }
    }

    /// Reports a name that is neither a variable nor a module.
    fn undefined_or_module(&mut self, name: &str, span: Span) {
        let registry = self.options.registry;
        let mut modules: Vec<String> = registry.modules().into_iter().map(str::to_owned).collect();
        modules.extend(self.options.modules.names());
        let near = crate::suggest::nearest(name, modules.iter().map(String::as_str));
        let in_rows = self.function().scopes.iter().any(|scope| !matches!(scope, Scope::Block(_)));
        match near {
            Some(near) if !in_rows => {
                let message = format!("There is no variable or module `{name}`.");
                let error = Diagnostic::error(codes::UNKNOWN_VARIABLE, span, message).about(name);
                let hint = format!("did you mean the module `{near}`?");
                self.report(error.with_hint(hint).with_fix(Fix::replace(span, near)));
            }
            _ => self.undefined(name, span),
        }
    }
}
