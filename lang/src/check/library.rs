//! Library functions as values: `let f = Upper;`, `Map(names, Upper)`.
//!
//! A bare name is a function only as an argument, as the value of `let` and `set`, and after `return`. Elsewhere it is
//! most likely a misspelt column.

use super::checker::Checker;
use super::expressions::constant;
use super::modules::Member;
use super::scope::{Found, FoundPlace, Scope};
use crate::ast::{self, ExprKind as A, PostfixKind};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::function::{Function, ParameterType};
use crate::span::Span;
use crate::tree::{Expr, ExprKind, ScopeId};
use crate::types::{FunctionType, Type};
use crate::value::Value;
use ecow::EcoString;
use std::sync::Arc;

impl Checker<'_> {
    /// A value at a place where the bare name of a library function means that function.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Expr {
        let mut inner = expr;
        while let A::Paren(next) = &inner.kind {
            inner = next;
        }
        match &inner.kind {
            A::Name(name) => self.function_or_name(name, inner),
            A::Postfix { base, steps } => match (&base.kind, steps.as_slice()) {
                (A::Name(module), [ast::PostfixStep { kind: PostfixKind::Field(name), .. }])
                    if self.is_free(module, base.span) =>
                {
                    let full = ecow::eco_format!("{module}.{}", name.text);
                    let is_user = self.is_user_module(module, base.span);
                    match self.options.registry.find(&full).cloned().filter(|_| !is_user) {
                        Some(function) => self.library_value(&function, inner.span),
                        None => self.expr(expr),
                    }
                }
                _ => self.expr(expr),
            },
            _ => self.expr(expr),
        }
    }

    fn function_or_name(&mut self, name: &EcoString, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        let known = self.find_function(name).is_some();
        let opened = self.opened(name);
        let member = opened.as_ref().and_then(|full| self.member(full));
        let member = member.or_else(|| self.options.registry.find(name).cloned().map(Member::Library));
        let Some(member) = member.filter(|_| !known && !name.contains('.')) else { return self.expr(expr) };
        if let Some(alias) = self.select_alias(name, span) {
            return alias;
        }
        let found = self.find_name(name, span);
        let is_open = found.as_ref().and_then(|found| self.open_row_name(found));
        if let (Some(found), None) = (&found, is_open) {
            return self.read(found.clone(), name, span);
        }
        let value = match member {
            Member::Library(function) => self.library_value(&function, span),
            Member::User(value) => {
                if let Some((module, _)) = opened.as_ref().and_then(|full| full.split_once('.')) {
                    self.note_function_of(module, name, span);
                }
                Expr { span, ..value }
            }
        };
        let (Some(found), Some((scope, position))) = (found, is_open) else {
            self.warn_of_case(name, span);
            return value;
        };
        // Only the run knows whether the rows have a column of this name.
        self.fall_back(scope, position, value);
        self.read(found, name, span)
    }

    /// Makes a name mean `value` if the rows have no such column.
    pub(super) fn fall_back(&mut self, scope: ScopeId, position: usize, value: Expr) {
        if let Some(entry) = self.row_names(scope).and_then(|names| names.get_mut(position)) {
            entry.outer = Some(value);
        }
    }

    /// A library function as a value.
    fn library_value(&mut self, function: &Arc<Function>, span: Span) -> Expr {
        self.allow_effect(function, span);
        let ty = self.library_type(function);
        Expr { ty, ..constant(Value::Function(function.clone()), span) }
    }

    /// The known type of a library function as a value.
    fn library_type(&self, function: &Function) -> Type {
        let signature = &function.signature;
        if signature.variadic {
            return Type::Any;
        }
        let parameters: Vec<Type> = signature
            .parameters
            .iter()
            .map(|parameter| match parameter.ty {
                ParameterType::Any | ParameterType::Expr | ParameterType::Function => Type::Any,
                // `null` is allowed for all others.
                ty => ty.to_type().nullable(),
            })
            .collect();
        let result = self.native_result(function, &vec![Type::Any; parameters.len()], None);
        Type::Function(Arc::new(FunctionType { required: signature.least(), parameters, result }))
    }

    /// The last entry that a name found in rows of unknown columns falls back to; `None` if the name is known.
    pub(super) fn open_row_name(&mut self, found: &Found) -> Option<(ScopeId, usize)> {
        let FoundPlace::RowName(mut scope, position) = found.place else { return None };
        let mut position = usize::from(position);
        loop {
            let entry = self.row_names(scope)?.get(position)?;
            let (name, next) = match &entry.outer {
                None => (entry.name.clone(), None),
                Some(Expr { kind: ExprKind::RowName(scope, position), .. }) => {
                    (entry.name.clone(), Some((*scope, *position)))
                }
                // Found before as this function.
                Some(Expr { kind: ExprKind::Constant(Value::Function(_)), .. }) => return Some((scope, position)),
                Some(_) => return None,
            };
            match next {
                Some((outer, at)) => (scope, position) = (outer, usize::from(at)),
                None => return (!self.is_column_of(scope, &name)).then_some((scope, position)),
            }
        }
    }

    /// The names of an open row scope of the function being walked.
    fn row_names(&mut self, id: ScopeId) -> Option<&mut Vec<crate::tree::RowName>> {
        self.function().scopes.iter_mut().find_map(|scope| match scope {
            Scope::Rows(rows) if rows.id == id => Some(&mut rows.names),
            Scope::Select(select) if select.id == id => Some(&mut select.names),
            _ => None,
        })
    }

    fn is_column_of(&mut self, id: ScopeId, name: &str) -> bool {
        self.function().scopes.iter().any(|scope| match scope {
            Scope::Rows(rows) if rows.id == id => rows.columns.has(name) == Some(true),
            Scope::Select(select) if select.id == id => {
                select.sources.iter().any(|source| source.columns.has(name) == Some(true))
            }
            _ => false,
        })
    }

    /// Is a name neither a variable, a function of the script nor certainly a column or source? Then it may be a
    /// module.
    pub(super) fn is_free(&mut self, name: &str, span: Span) -> bool {
        if self.find_variable(name, span).is_some() || self.find_function(name).is_some() {
            return false;
        }
        let unit = &self.units[self.unit];
        !unit.stack.iter().flat_map(|function| &function.scopes).any(|scope| match scope {
            Scope::Block(_) => false,
            Scope::Rows(rows) => name == "row" || rows.columns.has(name) == Some(true),
            Scope::Select(select) => {
                name == "row"
                    || select.results.iter().any(|result| result.name == name)
                    || select.keys.iter().any(|key| key.name == name)
                    || select.aliases.iter().any(|(alias, _)| alias == name)
                    || select.sources.iter().any(|source| source.name == name || source.columns.has(name) == Some(true))
            }
        })
    }

    /// Warns if a column differs from a function's name only in case.
    fn warn_of_case(&mut self, name: &str, span: Span) {
        let unit = &self.units[self.unit];
        let columns = unit.stack.iter().flat_map(|function| &function.scopes).flat_map(|scope| match scope {
            Scope::Block(_) => Vec::new(),
            Scope::Rows(rows) => rows.columns.names(),
            Scope::Select(select) => select.sources.iter().flat_map(|source| source.columns.names()).collect(),
        });
        let near = columns.into_iter().find(|column| column.eq_ignore_ascii_case(name));
        if let Some(near) = near {
            let message = format!("`{name}` is the function here; the column is `{near}`.");
            let hint = format!("write `{near}` for the column, or `x => {name}(x)` for the function");
            let warning = Diagnostic::warning(codes::FUNCTION_FOR_COLUMN, span, message).with_hint(hint);
            let fixes = [Fix::replace(span, near.as_str()), Fix::replace(span, format!("x => {name}(x)"))];
            self.report(fixes.into_iter().fold(warning, Diagnostic::with_fix));
        }
    }
}
