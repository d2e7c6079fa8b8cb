//! Calls by name: special forms, user functions and the library.

use super::checker::Checker;
use super::expressions::invalid;
use super::mend::{has_keys, without_keys};
use super::scope::{Columns, LocalFunction, RowsScope, Scope, Signature};
use crate::ast;
use crate::diagnostic::codes;
use crate::function::{Function, ParameterType, ResultType};
use crate::span::Span;
use crate::tree::{self, Argument, Expr, ExprKind, RowOperand};
use crate::types::{Fit, Type};
use crate::value::{Shape, Table, Value};
use ecow::EcoString;
use std::sync::Arc;

/// An argument of a call: the object before the dot has already been lowered.
pub(super) enum Given<'e> {
    Lowered(Expr),
    Source(&'e ast::Expr),
}

impl Given<'_> {
    fn source(&self) -> Option<&ast::Expr> {
        match self {
            Self::Lowered(_) => None,
            Self::Source(expr) => Some(expr),
        }
    }
}

impl Checker<'_> {
    /// `name(arguments)`, and `x.name(arguments)` with x as first argument.
    pub(super) fn call(
        &mut self,
        name: &EcoString,
        at: Span,
        type_argument: Option<&ast::TypeExpr>,
        given: Vec<Given<'_>>,
        span: Span,
    ) -> Expr {
        if let Some(value) = self.aggregate(name, &given, span) {
            return value;
        }
        if let Some(found) = self.find_variable(name, at)
            && matches!(self.types.resolve(found.ty.without_null()), Type::Function(_) | Type::Any | Type::Never)
        {
            let callee = self.read(found, name, at);
            return self.call_given(callee, given, span);
        }
        if let Some(function) = self.find_function(name) {
            self.note_function(function.id, at);
            return self.call_user(&function, given, span);
        }
        if let Some(value) = self.special_form(name, &given, span) {
            return value;
        }
        if let Some(full) = self.opened(name) {
            if let Some((module, member)) = full.split_once('.')
                && let Some((id, signature)) = self.module_function(module, member)
            {
                self.note_function_of(module, member, at);
                return self.call_member(id, &signature, given, span);
            }
            if let Some(function) = self.options.registry.find(&full).cloned() {
                return self.call_native(&function, type_argument, given, span);
            }
        }
        if let Some(function) = self.options.registry.find(name).cloned().filter(|_| !name.contains('.')) {
            return self.call_native(&function, type_argument, given, span);
        }
        let mut given = given.into_iter();
        given.next().map(|rows| self.lower(rows));
        let before = self.findings.len();
        given.for_each(|argument| drop(self.lower(argument)));
        // After rows it may take expressions, whose names are their columns.
        self.findings.retain_since(before, |found| found.code != codes::UNKNOWN_VARIABLE);
        self.undefined_function(name, at);
        invalid(span)
    }

    fn lower(&mut self, given: Given<'_>) -> Expr {
        match given {
            Given::Lowered(value) => value,
            Given::Source(expr) => self.value(expr),
        }
    }

    fn call_given(&mut self, callee: Expr, given: Vec<Given<'_>>, span: Span) -> Expr {
        let sources: Option<Vec<ast::Expr>> = given.iter().map(|given| given.source().cloned()).collect();
        if let Some(sources) = sources {
            return self.call_value(callee, &sources, span);
        }
        let ty = match self.types.resolve(&callee.ty) {
            Type::Function(function) => function.result.clone(),
            _ => Type::Any,
        };
        let arguments = given.into_iter().map(|given| self.lower(given)).collect();
        Expr { kind: ExprKind::CallValue(Box::new(callee), arguments), span, ty }
    }

    /// `table(…)` and `default(T)`, which take names of types and columns.
    fn special_form(&mut self, name: &str, given: &[Given<'_>], span: Span) -> Option<Expr> {
        let sources: Vec<&ast::Expr> = given.iter().map(Given::source).collect::<Option<_>>()?;
        if name.eq_ignore_ascii_case("table") {
            return Some(self.table_form(&sources, span));
        }
        if name.eq_ignore_ascii_case("default") && sources.len() == 1 {
            let Some(ty) = self.type_argument(sources[0], true) else {
                if let ast::ExprKind::Name(name) = &sources[0].kind {
                    self.unknown_type(name, sources[0].span);
                    return Some(invalid(span));
                }
                let hint = "`default(T)` takes the name of a type, `Default(x, fallback)` two values";
                self.error_hint(codes::UNKNOWN_TYPE, sources[0].span, "This is not a type.", Some(hint.to_owned()));
                return Some(invalid(span));
            };
            let value = self.types.default_value(&ty);
            return Some(Expr { kind: ExprKind::Constant(value), span, ty });
        }
        None
    }

    /// An argument that names a type; only simple ones unless `simple` is false.
    fn type_argument(&mut self, argument: &ast::Expr, simple: bool) -> Option<Type> {
        match &argument.kind {
            ast::ExprKind::Name(name) => {
                let ty = self.named_type(name)?;
                self.note_named_type(&ty, argument.span);
                (simple || matches!(ty, Type::Named(..))).then_some(ty)
            }
            ast::ExprKind::Null if simple => Some(Type::Null),
            ast::ExprKind::Postfix { base, steps } => match (&base.kind, steps.as_slice()) {
                (ast::ExprKind::Name(module), [ast::PostfixStep { kind: ast::PostfixKind::Field(name), .. }]) => {
                    let module = ast::Name { text: module.clone(), span: base.span };
                    self.find_variable(&module.text, base.span).is_none().then(|| self.module_type(&module, name))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn table_form(&mut self, arguments: &[&ast::Expr], span: Span) -> Expr {
        if let [single] = arguments
            && let Some(ty) = self.type_argument(single, false)
        {
            if self.types.record(&ty).is_none() {
                self.error(
                    codes::WRONG_OPERAND,
                    single.span,
                    format!("`table(T)` requires a record type, which `{ty}` is not."),
                );
                return invalid(span);
            }
            let ty = ty.many();
            let value = self.types.default_value(&ty);
            return Expr { kind: ExprKind::Constant(value), span, ty };
        }
        let mut names: Vec<EcoString> = Vec::new();
        for argument in arguments {
            match &argument.kind {
                ast::ExprKind::Name(name) | ast::ExprKind::Text(name) if !names.contains(name) => {
                    names.push(name.clone());
                }
                ast::ExprKind::Name(name) | ast::ExprKind::Text(name) => {
                    self.error(codes::DECLARED_TWICE, argument.span, format!("The column `{name}` is there twice."));
                }
                _ => {
                    let hint = Some("`table(a, b)` makes an empty table with columns a and b".to_owned());
                    self.error_hint(codes::WRONG_OPERAND, argument.span, "`table` takes names of columns.", hint);
                }
            }
        }
        if names.is_empty() {
            let value = Value::empty_list();
            return Expr { kind: ExprKind::Constant(value), span, ty: Type::Never.many() };
        }
        let ty = Type::closed_record(names.iter().map(|name| (name.clone(), Type::Any))).many();
        let value = Value::table(Table::empty(Shape::new(names), None));
        Expr { kind: ExprKind::Constant(value), span, ty }
    }

    /// A call of a function of this unit.
    fn call_user(&mut self, function: &LocalFunction, given: Vec<Given<'_>>, span: Span) -> Expr {
        let before = self.findings.len();
        let arguments = self.user_arguments(&function.signature, given, span);
        self.label_since(before, codes::ARGUMENT_COUNT, function.span, "declared here");
        self.note_arguments(function.id, &arguments, function.signature.parameters.len());
        let ty = self.result_of(&function.signature);
        if self.units[self.unit].functions[function.id].captures {
            let callee = self.function_value(function, span);
            return Expr { kind: ExprKind::CallValue(Box::new(callee), arguments), span, ty };
        }
        Expr { kind: ExprKind::Call(self.function_number(function.id), arguments), span, ty }
    }

    /// A call of a function of a module.
    pub(super) fn call_member(
        &mut self,
        id: tree::FunctionId,
        signature: &Signature,
        given: Vec<Given<'_>>,
        span: Span,
    ) -> Expr {
        let arguments = self.user_arguments(signature, given, span);
        Expr { kind: ExprKind::Call(id, arguments), span, ty: self.result_of(signature) }
    }

    fn user_arguments(&mut self, signature: &Signature, given: Vec<Given<'_>>, span: Span) -> Vec<Expr> {
        let (least, most) = (signature.required, signature.parameters.len());
        if given.len() < least || given.len() > most {
            self.argument_count(&format!("`{}`", signature.name), least, Some(most), given.len(), span);
        }
        let mut arguments = Vec::with_capacity(given.len());
        for (position, argument) in given.into_iter().enumerate() {
            let parameter = signature.parameters.get(position);
            let value = match (&argument, parameter) {
                (Given::Source(ast::Expr { kind: ast::ExprKind::Function(literal), span }), Some((_, wanted))) => {
                    let expected = self.parameters_of(wanted);
                    self.function_literal(literal, *span, &expected)
                }
                _ => self.lower(argument),
            };
            if let Some((name, wanted)) = parameter {
                self.check_fit(&value, wanted, &format!("the parameter {name} of `{}`", signature.name));
            }
            arguments.push(value);
        }
        arguments
    }

    pub(super) fn argument_count(&mut self, what: &str, least: usize, most: Option<usize>, given: usize, span: Span) {
        let wanted = match most {
            Some(most) if most == least => format!("{least}"),
            Some(most) => format!("{least} to {most}"),
            None => format!("at least {least}"),
        };
        let noun = if most == Some(1) && least == 1 { "argument" } else { "arguments" };
        self.error(codes::ARGUMENT_COUNT, span, format!("{what} takes {wanted} {noun}, not {given}."));
    }

    /// A call of a library function.
    pub(super) fn call_native(
        &mut self,
        function: &Arc<Function>,
        type_argument: Option<&ast::TypeExpr>,
        given: Vec<Given<'_>>,
        span: Span,
    ) -> Expr {
        let signature = &function.signature;
        self.count_native(function, &given, span);
        self.allow_effect(function, span);
        let type_argument = type_argument.map(|ty| (self.type_expr(ty), ty.span));
        if let Some((_, at)) = &type_argument
            && !signature.generic
        {
            self.error(codes::ARGUMENT_COUNT, *at, format!("`{}` takes no type in `< >`.", function.name));
        }
        let type_argument = type_argument.map(|(ty, _)| ty);
        let mut arguments: Vec<Argument> = Vec::with_capacity(given.len());
        let mut types: Vec<Type> = Vec::with_capacity(given.len());
        for (position, argument) in given.into_iter().enumerate() {
            let Some(parameter) = signature.parameter(position) else {
                self.lower(argument);
                continue;
            };
            let element = types.first().map(|rows| self.element_type(rows));
            match (parameter.ty, argument) {
                (ParameterType::Expr, Given::Source(source)) => {
                    let operand = self.row_argument(source, &element.unwrap_or(Type::Any));
                    types.push(match &operand.body.ty {
                        Type::Function(function) if operand.outside => function.result.clone(),
                        ty => ty.clone(),
                    });
                    arguments.push(Argument::Row(Arc::new(operand)));
                }
                (
                    ParameterType::Function,
                    Given::Source(ast::Expr { kind: ast::ExprKind::Function(literal), span }),
                ) => {
                    let expected = match literal.parameters.len() {
                        1 => vec![element.unwrap_or(Type::Any)],
                        _ => Vec::new(),
                    };
                    let value = self.function_literal(literal, *span, &expected);
                    types.push(value.ty.clone());
                    arguments.push(Argument::Value(value));
                }
                (_, argument) => {
                    let outer = std::mem::replace(&mut self.in_pattern, parameter.name == "pattern");
                    let value = self.lower(argument);
                    self.in_pattern = outer;
                    self.check_argument(function, parameter.name, parameter.ty, &value);
                    self.check_text(function, position, &value);
                    types.push(value.ty.clone());
                    arguments.push(Argument::Value(value));
                }
            }
        }
        let ty = self.native_result(function, &types, type_argument.as_ref());
        let kind = ExprKind::CallNative { function: function.clone(), arguments, type_argument };
        Expr { kind, span, ty }
    }

    /// Reports a literal that its function refuses with any other arguments.
    fn check_text(&mut self, function: &Function, position: usize, value: &Expr) {
        if let (Some((wanted, look)), ExprKind::Constant(Value::Text(text))) = (function.on_text, &value.kind)
            && wanted == position
            && let Err(problem) = look(text)
        {
            self.error(codes::REFUSED_TEXT, value.span, format!("{}: {problem}", function.name));
        }
    }

    fn count_native(&mut self, function: &Function, given: &[Given<'_>], span: Span) {
        let (least, most) = (function.signature.least(), function.signature.most());
        if given.len() >= least && most.is_none_or(|most| given.len() <= most) {
            return;
        }
        let missing = least.saturating_sub(given.len());
        let swallowed = given.iter().filter_map(Given::source).find(|argument| has_keys(argument));
        let swallowed = swallowed.filter(|_| missing > 0);
        let before = self.findings.len();
        self.argument_count(&format!("`{}`", function.name), least, most, given.len(), span);
        let fix = swallowed.and_then(|query| without_keys(query, missing, &self.units[self.unit].source));
        if let Some(diagnostic) = self.findings.since_mut(before).next() {
            diagnostic.hint = Some(match swallowed {
                Some(_) => {
                    format!("the commas belong to `order by` here; write `{}((t order by k), …)`", function.name)
                }
                None => format!("it is `{}`", function.signature),
            });
            diagnostic.fixes.extend(fix);
        }
    }

    pub(super) fn allow_effect(&mut self, function: &Function, span: Span) {
        self.effect = self.effect.max(function.effect);
        if function.effect > self.options.effect {
            let message = format!("`{}` cannot be used here: it reaches outside.", function.name);
            let hint = Some("HTTP calls are allowed only in `script` steps".to_owned());
            self.error_hint(codes::NOT_ALLOWED, span, message, hint);
        }
    }

    /// Reports an argument that its parameter can never accept. `null` is always possible.
    fn check_argument(&mut self, function: &Function, name: &str, wanted: ParameterType, value: &Expr) {
        let ty = self.types.resolve(&value.ty).without_null().clone();
        let resolved = self.types.resolve(&ty).clone();
        let fits = match (wanted, &value.kind) {
            (_, ExprKind::Constant(Value::Null)) => true,
            (ParameterType::Text | ParameterType::Number | ParameterType::Bool | ParameterType::DateTime, kind) => {
                let wanted = wanted.to_type();
                match kind {
                    ExprKind::Constant(constant) => {
                        self.types.convert(constant.clone(), &wanted, crate::value::Zone::UTC).is_ok()
                    }
                    _ => resolved == Type::Null || self.types.fit(&resolved, &wanted) != Fit::Never,
                }
            }
            (ParameterType::Rows | ParameterType::Table, _) => {
                matches!(resolved, Type::List(_) | Type::Any | Type::Never | Type::Null)
            }
            (ParameterType::Record, _) => matches!(resolved, Type::Record(_) | Type::Any | Type::Never),
            (ParameterType::Function, _) => matches!(resolved, Type::Function(_) | Type::Any | Type::Never),
            (ParameterType::Binary, _) => matches!(resolved, Type::Binary | Type::Any | Type::Never),
            (ParameterType::Any | ParameterType::Expr, _) => true,
        };
        if fits {
            return;
        }
        let found = match &value.kind {
            ExprKind::Constant(function @ Value::Function(_)) => format!("the {}", function.to_literal(40)),
            ExprKind::Constant(constant) => format!("the {} {}", constant.type_name(), constant.to_literal(40)),
            _ => value.ty.to_string(),
        };
        let message = format!("{}: the parameter {name} takes {}, not {found}.", function.name, wanted.name());
        self.error(codes::TYPE_MISMATCH, value.span, message);
    }

    pub(super) fn element_type(&self, rows: &Type) -> Type {
        match self.types.element(rows) {
            Some(element) => element.clone(),
            None => Type::Any,
        }
    }

    pub(super) fn native_result(&self, function: &Function, types: &[Type], type_argument: Option<&Type>) -> Type {
        let argument = |at: usize| types.get(at).cloned().unwrap_or(Type::Any);
        let known = |ty: Type| if ty == Type::Never { Type::Any } else { ty };
        let result_of = |at: usize| match argument(at) {
            Type::Function(function) => function.result.clone(),
            ty if function.signature.parameters.get(at).is_some_and(|p| p.ty == ParameterType::Expr) => ty,
            _ => Type::Any,
        };
        let result = match &function.signature.result {
            ResultType::Fixed(ty) => ty.clone(),
            ResultType::Element(at) => known(self.element_type(&argument(*at))),
            ResultType::Same(at) => argument(*at).without_null().clone(),
            ResultType::Join(at) => {
                let joined = types.iter().skip(*at).fold(Type::Never, |joined, ty| self.types.join(&joined, ty));
                match (self.types.resolve(&joined), types.len()) {
                    // `Max(list)`: one of its elements, or null.
                    (Type::List(element), 1) => known((**element).clone()).nullable(),
                    _ => known(joined),
                }
            }
            ResultType::ListOf(at) => known(result_of(*at)).many(),
            ResultType::ResultOf(at) => known(result_of(*at)),
            ResultType::TypeArgument => type_argument.cloned().unwrap_or(Type::Any),
            ResultType::TypeArguments => type_argument.map_or(Type::Any, |ty| ty.clone().many()),
        };
        // With null for a simple parameter other than text the function returns null.
        let nulls = function.signature.parameters.iter().zip(types).any(|(parameter, ty)| {
            matches!(parameter.ty, ParameterType::Number | ParameterType::Bool | ParameterType::DateTime)
                && matches!(ty, Type::Any | Type::Null | Type::Nullable(_))
        });
        if nulls { result.nullable() } else { result }
    }

    /// An expression evaluated for each row of type `element`.
    pub(super) fn row_operand(&mut self, source: &ast::Expr, element: &Type) -> RowOperand {
        let ((body, outside), scope) = self.in_rows(element, |checker| checker.row_body(source, element));
        RowOperand { scope, body, outside }
    }

    /// Walks something in the scope of a row.
    pub(super) fn in_rows<T>(&mut self, element: &Type, walk: impl FnOnce(&mut Self) -> T) -> (T, tree::Scope) {
        let columns = Columns::of(&self.types, element);
        let function = self.function();
        let id = function.row_scopes as tree::ScopeId;
        function.row_scopes += 1;
        let row = if *element == Type::Never { Type::Any } else { element.clone() };
        function.scopes.push(Scope::Rows(RowsScope { id, columns, row, names: Vec::new() }));
        let result = walk(self);
        let names = match self.function().scopes.pop() {
            Some(Scope::Rows(rows)) => rows.names,
            _ => Vec::new(),
        };
        (result, tree::Scope { id, names })
    }

    /// One row expression in an open scope; a function literal is outside of it.
    pub(super) fn row_body(&mut self, source: &ast::Expr, element: &Type) -> (Expr, bool) {
        self.row_body_by(source, element, Self::expr)
    }

    /// The same, where `read` walks any expression other than a function literal.
    fn row_body_by(
        &mut self,
        source: &ast::Expr,
        element: &Type,
        read: fn(&mut Self, &ast::Expr) -> Expr,
    ) -> (Expr, bool) {
        let mut inner = source;
        while let ast::ExprKind::Paren(next) = &inner.kind {
            inner = next;
        }
        if let ast::ExprKind::Function(literal) = &inner.kind {
            // Columns are not variables inside it, so the scope is removed.
            let scope = self.function().scopes.pop();
            let row = if *element == Type::Never { Type::Any } else { element.clone() };
            let value = self.function_literal(literal, inner.span, &[row]);
            self.function().scopes.extend(scope);
            return (value, true);
        }
        (read(self, source), false)
    }

    /// An argument for a parameter that takes an expression over rows or a library function.
    fn row_argument(&mut self, source: &ast::Expr, element: &Type) -> RowOperand {
        let ((body, outside), scope) =
            self.in_rows(element, |checker| checker.row_body_by(source, element, Self::value));
        RowOperand { scope, body, outside }
    }

    fn result_of(&self, signature: &Signature) -> Type {
        match &signature.result {
            // In the first walk nothing is known yet; later, a function that never returns has no result.
            Type::Never if !self.walk.is_first() => Type::Any,
            result => result.clone(),
        }
    }
}
