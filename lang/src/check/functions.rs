//! Functions: declared ones, which may be used before their declaration, and literals.

use super::checker::Checker;
use super::lookup::hidden_name;
use super::scope::{BlockScope, FnId, FnInfo, FunctionState, LocalFunction, Scope, Signature, VarKind};
use super::statements::Flow;
use crate::ast::{self, FunctionBody, StatementKind};
use crate::diagnostic::{Diagnostic, codes};
use crate::span::Span;
use crate::tree::{self, Capture, Expr, ExprKind, FunctionDef, ParameterDef, Statement, Variable};
use crate::types::{FunctionType, Type};
use crate::value::fold_text;
use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

/// A function declared in a block. Its body is walked at its declaration.
pub(super) struct Hoisted {
    function: LocalFunction,
    place: Variable,
}

impl Checker<'_> {
    /// Numbers a function.
    pub(super) fn new_function(&mut self) -> FnId {
        let unit = self.unit_state();
        let id = unit.next.function;
        unit.next.function += 1;
        if id == unit.functions.len() {
            unit.functions.push(FnInfo { result: Type::Never, captures: false, arguments: Vec::new(), escapes: false });
            self.walk.learn();
        }
        let unit = self.unit_state();
        unit.emitted.resize_with(unit.next.function, || None);
        id
    }

    /// Makes the functions declared in a block visible in all of it.
    pub(super) fn declare_functions(&mut self, statements: &[ast::Statement]) -> Vec<Hoisted> {
        let mut hoisted = Vec::new();
        let mut places: HashMap<EcoString, Span> = HashMap::new();
        for statement in statements {
            let StatementKind::Function { name, function, .. } = &statement.kind else { continue };
            let id = self.new_function();
            let signature = self.signature(&name.text, id, function);
            let hidden = hidden_name(id);
            let (variable, place) = self.declare(&hidden, name.span, VarKind::Function, signature.to_type());
            self.note_closure(variable, id, &signature);
            self.bind(hidden, variable, place);
            let function = LocalFunction { id, signature, span: name.span };
            if self.block().functions.insert(fold_text(&name.text), function.clone()).is_some() {
                let message = format!("The function `{}` is declared twice in this block.", name.text);
                let first = places.get(&fold_text(&name.text)).copied();
                let error = Diagnostic::error(codes::DECLARED_TWICE, name.span, message)
                    .with_hint("function names are the same in any case");
                self.report(match first {
                    Some(first) => error.with_label(first, "first here"),
                    None => error,
                });
            }
            places.insert(fold_text(&name.text), name.span);
            hoisted.push(Hoisted { function, place });
        }
        hoisted
    }

    fn signature(&mut self, name: &EcoString, id: FnId, function: &ast::FunctionExpr) -> Signature {
        let before = self.findings.len();
        let parameters: Vec<(EcoString, Type)> = function
            .parameters
            .iter()
            .map(|parameter| {
                let ty = parameter.annotation.as_ref().map_or(Type::Any, |annotation| self.type_expr(annotation));
                (parameter.name.text.clone(), ty)
            })
            .collect();
        let result = match &function.result {
            Some(result) => self.type_expr(result),
            None => self.unit_state().functions[id].result.clone(),
        };
        // The annotations are reported when the body is walked.
        self.findings.truncate(before);
        Signature { name: name.clone(), required: required(function), parameters, result }
    }

    /// Walks the body of a declared function.
    pub(super) fn function_statement(&mut self, name: &ast::Name, function: &ast::FunctionExpr) {
        let Some(local) = self.block().functions.get(&fold_text(&name.text)).cloned() else { return };
        let captures = self.function_body(local.id, name.text.clone(), function, true, &[]);
        self.unit_state().hoisted_captures.insert(local.id, captures.0);
    }

    /// The closures a block makes when it is entered.
    pub(super) fn make_functions(&mut self, hoisted: Vec<Hoisted>) -> Vec<(Variable, Expr)> {
        let mut made = Vec::new();
        for Hoisted { function, place } in hoisted {
            let captures = self.unit_state().hoisted_captures.remove(&function.id).unwrap_or_default();
            if self.units[self.unit].functions[function.id].captures {
                let ty = function.signature.to_type();
                let kind = ExprKind::Closure(self.function_number(function.id), captures);
                made.push((place, Expr { kind, span: Span::default(), ty }));
            }
        }
        made
    }

    /// A function literal. `expected` are the types of its parameters without annotation.
    pub(super) fn function_literal(&mut self, function: &ast::FunctionExpr, span: Span, expected: &[Type]) -> Expr {
        let id = self.new_function();
        let (captures, ty) = self.function_body(id, EcoString::new(), function, false, expected);
        Expr { kind: ExprKind::Closure(self.function_number(id), captures), span, ty: Type::Function(Arc::new(ty)) }
    }

    fn function_body(
        &mut self,
        id: FnId,
        name: EcoString,
        function: &ast::FunctionExpr,
        early: bool,
        expected: &[Type],
    ) -> (Vec<Capture>, FunctionType) {
        let annotation = function.result.as_ref().map(|result| self.type_expr(result));
        let mut state = FunctionState::new(id, early);
        state.annotation.clone_from(&annotation);
        self.unit_state().stack.push(state);
        self.function().scopes.push(Scope::Block(BlockScope::default()));
        // Arguments arrive in the first slots, even if they move later.
        self.function().locals = function.parameters.len();
        let mut parameters = Vec::new();
        let mut types = Vec::new();
        for (position, parameter) in function.parameters.iter().enumerate() {
            let (lowered, ty) = self.parameter(parameter, position, expected.get(position));
            parameters.push(lowered);
            types.push(ty);
        }
        self.repeated_parameters(function);
        self.function().scopes.push(Scope::Block(BlockScope::default()));
        let (body, flow, span) = match &function.body {
            FunctionBody::Expr(value) => {
                let lowered = self.expr(value);
                self.returned(&lowered);
                let statements = vec![(Statement::Return(Some(lowered)), value.span)];
                (tree::Block { statements, ..tree::Block::default() }, Flow::Ends, value.span)
            }
            FunctionBody::Block(block) => {
                let (body, flow) = self.statements(&block.statements);
                (body, flow, block.span)
            }
        };
        self.function().scopes.clear();
        self.finish_returns(flow, span);
        let mut captures = std::mem::take(&mut self.function().captures);
        let required = required(function);
        let result = self.finish_function(name, parameters, required, body, span);
        let result = annotation.unwrap_or(result);
        let captures = captures.drain(..).map(|(_, capture)| capture).collect();
        (captures, FunctionType { parameters: types, required, result })
    }

    fn parameter(
        &mut self,
        parameter: &ast::Parameter,
        position: usize,
        expected: Option<&Type>,
    ) -> (ParameterDef, Type) {
        let annotation = parameter.annotation.as_ref().map(|annotation| self.type_expr(annotation));
        let default = parameter.default.as_ref().map(|default| {
            let mut value = self.expr(default);
            if let Some(annotation) = &annotation {
                value = self.convert(value, annotation, ecow::eco_format!("the parameter {}", parameter.name.text));
            }
            value
        });
        let ty = annotation
            .clone()
            .or_else(|| expected.cloned())
            .unwrap_or_else(|| self.inferred(position, default.as_ref()));
        let (variable, place) = self.declare(&parameter.name.text, parameter.name.span, VarKind::Parameter, ty.clone());
        let cell = match place {
            Variable::Cell(cell) => Some(cell),
            _ => None,
        };
        let place = if cell.is_some() {
            place
        } else {
            // `declare` has counted a slot that the argument's own makes unnecessary.
            self.function().locals -= 1;
            Variable::Local(position as u16)
        };
        self.unit_state().annotations.insert(variable, annotation.clone());
        self.bind(parameter.name.text.clone(), variable, place);
        (ParameterDef { name: parameter.name.text.clone(), annotation, ty: ty.clone(), default, cell }, ty)
    }

    /// The type of a parameter without annotation: a number if every call gives one and all calls are known.
    fn inferred(&mut self, position: usize, default: Option<&Expr>) -> Type {
        let id = self.function().id;
        let unit = self.unit;
        let info = &self.units[unit].functions[id];
        if info.escapes || unit > 0 || self.units[unit].stack.len() < 2 {
            return Type::Any;
        }
        let given = match info.arguments.get(position) {
            Some(given) => given.clone(),
            // Calls may follow in this walk.
            None if self.walk.is_first() => Type::Never,
            None => return Type::Any,
        };
        let joined = match default {
            Some(default) => self.types.join(&given, &default.ty),
            None => given,
        };
        if matches!(joined, Type::Never | Type::Number) { joined } else { Type::Any }
    }

    /// Records the arguments of a call for the parameters of a function of this unit.
    pub(super) fn note_arguments(&mut self, id: FnId, arguments: &[Expr], parameters: usize) {
        let widening = self.walk.widens();
        let mut known = std::mem::take(&mut self.unit_state().functions[id].arguments);
        if known.len() < parameters {
            known.resize(parameters, Type::Never);
            self.walk.learn();
        }
        for (old, argument) in known.iter_mut().zip(arguments) {
            let joined = self.types.join(old, &argument.ty);
            if joined != *old {
                self.walk.learn();
                *old = if widening && *old != Type::Never { Type::Any } else { joined };
            }
        }
        self.unit_state().functions[id].arguments = known;
    }

    fn repeated_parameters(&mut self, function: &ast::FunctionExpr) {
        let mut names: HashMap<&EcoString, Span> = HashMap::with_capacity(function.parameters.len());
        for (position, parameter) in function.parameters.iter().enumerate() {
            let name = &parameter.name;
            let first = names.get(&name.text).copied();
            if first.is_some() {
                self.twice(name.span, format!("The parameter `{}` is there twice.", name.text), first);
            }
            names.entry(&name.text).or_insert(name.span);
            let earlier = position.checked_sub(1).and_then(|at| function.parameters.get(at));
            if parameter.default.is_none() && earlier.is_some_and(|earlier| earlier.default.is_some()) {
                let message =
                    format!("The parameter `{}` needs a default, since the one before it has one.", name.text);
                let error = Diagnostic::error(codes::DEFAULT_BEFORE, name.span, message);
                let before = earlier.map_or(name.span, |earlier| earlier.name.span);
                self.report(error.with_label(before, "this one has a default"));
            }
        }
    }

    /// Ends the walk of a function: stores its definition and returns the type of its result.
    pub(super) fn finish_function(
        &mut self,
        name: EcoString,
        parameters: Vec<ParameterDef>,
        required: usize,
        body: tree::Block,
        span: Span,
    ) -> Type {
        let Some(state) = self.unit_state().stack.pop() else { return Type::Any };
        let old = self.units[self.unit].functions[state.id].result.clone();
        let joined = self.types.join(&old, &state.result);
        if joined != old {
            self.walk.learn();
            let widened = if self.walk.widens() && old != Type::Never { Type::Any } else { joined };
            self.unit_state().functions[state.id].result = widened;
        }
        if state.locals > usize::from(u16::MAX) || state.cells > usize::from(u16::MAX) {
            self.error(codes::TOO_MANY_VARIABLES, span, "This function has more than 65,000 variables; split it.");
        }
        let unit = self.unit as u32;
        let definition = FunctionDef {
            name,
            unit,
            parameters,
            required,
            body,
            result: state.annotation,
            locals: state.locals,
            cells: state.cells,
            scopes: state.row_scopes,
            span,
        };
        let unit = self.unit_state();
        if let Some(slot) = unit.emitted.get_mut(state.id) {
            *slot = Some(definition);
        }
        unit.functions[state.id].result.clone()
    }
}

/// The required parameters: all up to the last without a default.
fn required(function: &ast::FunctionExpr) -> usize {
    function.parameters.iter().take_while(|parameter| parameter.default.is_none()).count()
}
