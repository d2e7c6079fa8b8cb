//! Modules: the user's files and the library's names.

use super::calls::Given;
use super::checker::Checker;
use super::expressions::invalid;
use super::note::function_key;
use super::scope::{FoundPlace, Members, Scope, Signature, VarKind};
use super::symbols::Export;
use crate::ast::{self, StatementKind};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::function::Function;
use crate::parse;
use crate::span::Span;
use crate::suggest::nearest;
use crate::tree::{Expr, ExprKind, FunctionId, Variable};
use crate::types::Type;
use crate::value::{Shape, fold_text};
use ecow::EcoString;
use std::sync::Arc;

/// A function of a module as a value.
pub(super) enum Member {
    Library(Arc<Function>),
    User(Expr),
}

impl Checker<'_> {
    /// The function `module.name`, if `open` has found it.
    pub(super) fn member(&self, full: &str) -> Option<Member> {
        let (module, name) = full.split_once('.')?;
        if let Some((id, signature)) = self.module_function(module, name) {
            let kind = ExprKind::Closure(id, Vec::new());
            return Some(Member::User(Expr { kind, span: Span::default(), ty: signature.to_type() }));
        }
        self.options.registry.find(full).cloned().map(Member::Library)
    }

    /// Is there a module of the user with this name?
    pub(super) fn is_user_module(&mut self, name: &str, span: Span) -> bool {
        !self.is_circular(name) && self.module(name, span).is_some()
    }

    /// `module.member` among rows that may have a column of the module's name: the column has precedence.
    pub(super) fn module_member_in_rows(
        &mut self,
        module: &EcoString,
        at: Span,
        field: &ast::Name,
        span: Span,
    ) -> Option<Expr> {
        if self.is_circular(module) {
            return None;
        }
        let unit = self.module(module, at)?;
        let members = &self.units[unit].members;
        let function = members.functions.get(field.text.to_lowercase().as_str());
        let name = match function {
            Some((_, signature)) => signature.name.clone(),
            None => field.text.clone(),
        };
        if members.private.contains(&name) || function.is_none() && !members.constants.contains_key(&name) {
            return None;
        }
        let count = members.constants.len() + members.functions.len();
        match function {
            Some(_) => self.note_function_of(module, &name, field.span),
            None => self.note_member(unit, &name, field.span),
        }
        self.pay(count as u64);
        let members = &self.units[unit].members;
        let constants = members.constants.iter().map(|(name, (slot, ty))| {
            let full = ecow::eco_format!("{module}.{name}");
            (name.clone(), ExprKind::Variable(Variable::Global(*slot), full), ty.clone())
        });
        let functions = members
            .functions
            .values()
            .map(|(id, signature)| (signature.name.clone(), ExprKind::Closure(*id, Vec::new()), signature.to_type()));
        let mut all: Vec<(EcoString, ExprKind, Type)> = constants.chain(functions).collect();
        all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let found = self.find_name(module, at)?;
        let FoundPlace::RowName(scope, position) = found.place else { return None };
        let shape = Shape::new(all.iter().map(|(name, ..)| name.clone()));
        let cells = all.into_iter().map(|(_, kind, ty)| Expr { kind, span: at, ty }).collect();
        let members = Expr { kind: ExprKind::Record(shape, cells), span: at, ty: Type::any_record() };
        self.fall_back(scope, usize::from(position), members);
        let row = Expr { kind: ExprKind::RowName(scope, position), span: at, ty: Type::Any };
        Some(Expr { kind: ExprKind::Field(Box::new(row), name), span, ty: Type::Any })
    }

    /// The unit of the user's module `name`, loaded and checked when it is first met.
    fn module(&mut self, name: &str, span: Span) -> Option<usize> {
        let lower: EcoString = name.to_lowercase().into();
        let found = self.load(name, &lower, span)?;
        let hiding = &mut self.units[self.unit].hiding;
        match hiding.iter_mut().find(|(module, _)| *module == lower) {
            Some((_, first)) if span.start < first.start => *first = span,
            None if self.options.registry.has_module(&lower) => hiding.push((lower, span)),
            _ => {}
        }
        Some(found)
    }

    /// Reports modules of the author that hide one of the library.
    pub(super) fn report_hiding(&mut self) {
        for (module, span) in std::mem::take(&mut self.units[self.unit].hiding) {
            let message = format!("`{module}` is a module of your own here, which hides that of the library.");
            self.warn(codes::HIDDEN_MODULE, span, message, Some(rename(&module)));
        }
    }

    fn load(&mut self, name: &str, lower: &EcoString, span: Span) -> Option<usize> {
        let lower = lower.clone();
        if let Some(circle) = self.modules.circle(&lower) {
            let message = format!("The modules use each other in a circle: {}.", circle.join(" → "));
            let hides = circle.len() == 2 && self.options.registry.has_module(&lower);
            let hint = if hides { rename(&lower) } else { "move what both need into a third module".to_owned() };
            self.error_hint(codes::MODULE_CIRCLE, span, message, Some(hint));
            return None;
        }
        if let Some(known) = self.modules.met(&lower) {
            return known;
        }
        let text = match self.options.modules.load(&lower)? {
            Ok(text) => text,
            Err(reason) => {
                self.error(codes::UNKNOWN_MODULE, span, format!("The module `{name}` cannot be read: {reason}"));
                self.modules.refuse(lower);
                return None;
            }
        };
        if !self.scan(text.len()) {
            return None;
        }
        if let Some(refused) = super::bounds::too_long(&text) {
            self.error(refused.code, span, format!("The module `{name}` cannot be read: {}", refused.message));
            self.modules.refuse(lower);
            return None;
        }
        let mut parsed = parse::parse_script_while(&text, &mut |bytes| self.reads(bytes));
        for diagnostic in &mut parsed.diagnostics {
            diagnostic.module = Some(lower.clone());
        }
        self.take_over(parsed.diagnostics);
        self.modules.begin(lower.clone());
        let unit = self.units.len();
        let checked = self.check_unit(Some(lower), &text, &parsed.tree);
        self.modules.end(unit);
        self.finished.add(checked);
        // The functions of the unit that uses it now come after those of the module.
        self.walk.learn();
        Some(unit)
    }

    /// Has `name` been found to be a module that uses itself? That has been reported.
    pub(super) fn is_circular(&self, name: &str) -> bool {
        self.modules.is_circular(&name.to_lowercase())
    }

    /// A module holds declarations only.
    pub(super) fn only_declarations(&mut self, statements: &[ast::Statement]) {
        for statement in statements {
            let declaration = matches!(
                statement.kind,
                StatementKind::Let { .. }
                    | StatementKind::Function { .. }
                    | StatementKind::Type { .. }
                    | StatementKind::Assert(_)
                    | StatementKind::Open(_)
                    | StatementKind::Invalid
            );
            if !declaration {
                let hint = Some("it holds only `function`, `type`, `let` and `assert`".to_owned());
                self.error_hint(
                    codes::NOT_A_DECLARATION,
                    statement.span,
                    "This statement is not allowed in a module.",
                    hint,
                );
            }
        }
    }

    /// The exports of the module that has just been walked; its outermost block still exists.
    pub(super) fn module_members(&mut self, statements: &[ast::Statement]) {
        let private: Vec<EcoString> = statements
            .iter()
            .filter_map(|statement| match &statement.kind {
                StatementKind::Let { private: true, name, .. }
                | StatementKind::Function { private: true, name, .. }
                | StatementKind::Type { private: true, name, .. } => Some(name.text.clone()),
                _ => None,
            })
            .collect();
        let mut members = Members::default();
        let mut exports: Vec<(EcoString, Export)> = Vec::new();
        let base = self.finished.functions();
        let unit = &self.units[self.unit];
        if let Some(Scope::Block(block)) = unit.stack.first().and_then(|function| function.scopes.first()) {
            for (folded, function) in &block.functions {
                let mut signature = function.signature.clone();
                if let Type::Never = signature.result {
                    signature.result = Type::Any;
                }
                exports.push((function_key(folded), Export::Function(function.id)));
                members.functions.insert(folded.clone(), ((base + function.id) as u32, signature));
            }
            for (name, id) in &block.variables {
                if let (Some(Variable::Global(slot)), VarKind::Let) = (unit.places.get(*id), unit.variables[*id].kind) {
                    exports.push((name.clone(), Export::Constant(*id)));
                    members.constants.insert(name.clone(), (*slot, unit.variables[*id].ty.clone()));
                }
            }
            members.types.clone_from(&block.types);
        }
        members.private = private;
        self.units[self.unit].members = members;
        self.note_exports(exports.into_iter());
    }

    /// `open Module;`
    pub(super) fn open(&mut self, name: &ast::Name) {
        let known = self.module(&name.text, name.span).is_some() || self.options.registry.has_module(&name.text);
        if known || self.is_circular(&name.text) {
            self.block().opened.push(name.text.clone());
            return;
        }
        let mut modules: Vec<String> = self.options.registry.modules().into_iter().map(str::to_owned).collect();
        modules.extend(self.options.modules.names());
        let error = Diagnostic::error(codes::UNKNOWN_MODULE, name.span, format!("There is no module `{}`.", name.text));
        self.report(error.did_you_mean(nearest(&name.text, modules.iter().map(String::as_str))));
    }

    /// The full name of a function that `open` has made available under its short one.
    pub(super) fn opened(&mut self, name: &str) -> Option<EcoString> {
        let unit = &self.units[self.unit];
        let opened: Vec<EcoString> = unit
            .stack
            .iter()
            .rev()
            .flat_map(|function| function.scopes.iter().rev())
            .filter_map(|scope| match scope {
                Scope::Block(block) => Some(block.opened.iter().rev().cloned()),
                _ => None,
            })
            .flatten()
            .collect();
        self.look(opened.len().saturating_mul(4));
        for module in opened {
            let full = ecow::eco_format!("{module}.{name}");
            if let Some(unit) = self.modules.unit(&module) {
                if self.units[unit].members.functions.contains_key(&fold_text(name)) {
                    return Some(full);
                }
            } else if self.options.registry.find(&full).is_some() {
                return Some(full);
            }
        }
        None
    }

    /// `module.function(arguments)`; `None` for an unknown module.
    pub(super) fn module_call(
        &mut self,
        module: &EcoString,
        at: Span,
        name: &ast::Name,
        type_argument: Option<&ast::TypeExpr>,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Expr> {
        let given: Vec<Given<'_>> = arguments.iter().map(Given::Source).collect();
        if let Some(unit) = self.module(module, at) {
            if self.is_private(unit, name) {
                return Some(invalid(span));
            }
            if let Some((id, signature)) = self.module_function(module, &name.text) {
                if let Some(ty) = type_argument {
                    self.error(
                        codes::ARGUMENT_COUNT,
                        ty.span,
                        format!("`{module}.{}` takes no type in `< >`.", signature.name),
                    );
                }
                self.note_function_of(module, &name.text, name.span);
                return Some(self.call_member(id, &signature, given, span));
            }
            if let Some(constant) = self.module_member(module, name, span) {
                return Some(self.call_value(constant, arguments, span));
            }
            return Some(invalid(span));
        }
        if !self.options.registry.has_module(module) {
            return None;
        }
        let full = format!("{module}.{}", name.text);
        match self.options.registry.find(&full).cloned() {
            Some(function) => Some(self.call_native(&function, type_argument, given, span)),
            None => {
                arguments.iter().for_each(|argument| drop(self.value(argument)));
                let prefix = format!("{}.", module.to_lowercase());
                let names: Vec<&str> =
                    self.options.registry.all_names().filter(|n| n.to_lowercase().starts_with(&prefix)).collect();
                let message = format!("There is no function `{}` in the module `{module}`.", name.text);
                let error = Diagnostic::error(codes::UNKNOWN_FUNCTION, name.span, message);
                self.report(match nearest(&full, names) {
                    Some(near) => {
                        let short = near.rsplit_once('.').map_or(near, |(_, short)| short);
                        error.with_hint(format!("did you mean `{near}`?")).with_fix(Fix::replace(name.span, short))
                    }
                    None => error,
                });
                Some(invalid(span))
            }
        }
    }

    /// A function of the user's module `module`, if that is loaded and has it.
    pub(super) fn module_function(&self, module: &str, name: &str) -> Option<(FunctionId, Signature)> {
        let unit = self.modules.unit(module)?;
        self.units[unit].members.functions.get(&fold_text(name)).cloned()
    }

    /// `module.name` that is not called: a constant, or a function as a value.
    pub(super) fn module_member(&mut self, module: &EcoString, name: &ast::Name, span: Span) -> Option<Expr> {
        let Some(unit) = self.module(module, span) else {
            let function = self.options.registry.find(&format!("{module}.{}", name.text))?;
            let message = format!("`{}` is a function.", function.name);
            let lambda = format!("x => {}(x)", function.name);
            let error = Diagnostic::error(codes::UNKNOWN_VARIABLE, span, message);
            let hint = format!("call it, or write `{lambda}` to pass it on");
            self.report(error.with_hint(hint).with_fix(Fix::replace(span, lambda)));
            return Some(invalid(span));
        };
        if self.is_private(unit, name) {
            return Some(invalid(span));
        }
        let members = &self.units[unit].members;
        if let Some((slot, ty)) = members.constants.get(&name.text).cloned() {
            let full = ecow::eco_format!("{module}.{}", name.text);
            self.note_member(unit, &name.text, name.span);
            return Some(Expr { kind: ExprKind::Variable(Variable::Global(slot), full), span, ty });
        }
        if let Some((id, signature)) = members.functions.get(&fold_text(&name.text)) {
            let value = Expr { kind: ExprKind::Closure(*id, Vec::new()), span, ty: signature.to_type() };
            self.note_function_of(module, &name.text, name.span);
            return Some(value);
        }
        let names: Vec<EcoString> = members
            .constants
            .keys()
            .cloned()
            .chain(members.functions.values().map(|(_, signature)| signature.name.clone()))
            .collect();
        let near = nearest(&name.text, names.iter().map(EcoString::as_str));
        let message = format!("The module `{module}` has no `{}`.", name.text);
        self.report(Diagnostic::error(codes::UNKNOWN_FIELD, name.span, message).did_you_mean(near));
        Some(invalid(span))
    }

    fn is_private(&mut self, unit: usize, name: &ast::Name) -> bool {
        let folded = fold_text(&name.text);
        self.pay(self.units[unit].members.private.len() as u64);
        let private = self.units[unit].members.private.iter().any(|private| fold_text(private) == folded);
        if private {
            let message = format!("`{}` is private to its module.", name.text);
            let hint = Some("take `private` away there, or use what the module shows".to_owned());
            self.error_hint(codes::PRIVATE_MEMBER, name.span, message, hint);
        }
        private
    }

    /// `module.Type`
    pub(super) fn module_type(&mut self, module: &ast::Name, name: &ast::Name) -> Type {
        let Some(unit) = self.module(&module.text, module.span) else {
            if !self.is_circular(&module.text) {
                self.error(codes::UNKNOWN_MODULE, module.span, format!("There is no module `{}`.", module.text));
            }
            return Type::Any;
        };
        if self.is_private(unit, name) {
            return Type::Any;
        }
        match self.units[unit].members.types.get(&name.text) {
            Some(id) => {
                let ty = Type::Named(*id, name.text.clone());
                self.note_named_type(&ty, name.span);
                ty
            }
            None => {
                let names: Vec<EcoString> = self.units[unit].members.types.keys().cloned().collect();
                let near = nearest(&name.text, names.iter().map(EcoString::as_str));
                let message = format!("The module `{}` has no type `{}`.", module.text, name.text);
                self.report(Diagnostic::error(codes::UNKNOWN_TYPE, name.span, message).did_you_mean(near));
                Type::Any
            }
        }
    }
}

/// The advice for a module that hides one of the library.
fn rename(module: &str) -> String {
    format!("rename the file `{module}.flow`, and the name is the library's again")
}
