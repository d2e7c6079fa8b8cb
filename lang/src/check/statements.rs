//! Statements and blocks.

use super::Mode;
use super::checker::Checker;
use super::loaded::CheckedUnit;
use super::scope::{BlockScope, FunctionState, Scope, VarId, VarKind};
use crate::ast::{self, StatementKind};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{self, Statement, Variable};
use crate::types::Type;
use ecow::EcoString;
use hashbrown::HashSet;

/// Is the next statement reachable?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Falls,
    /// `return`, `error`, an endless loop, `break` …
    Ends,
}

impl Checker<'_> {
    /// Walks a script or module once.
    pub(super) fn walk_unit(&mut self, script: &ast::Script) -> CheckedUnit {
        self.unit_state().restart();
        self.restart_index();
        let id = self.new_function();
        self.unit_state().stack.push(FunctionState::new(id, false));
        self.function().scopes.push(Scope::Block(BlockScope { top: true, ..BlockScope::default() }));
        let mut inputs = Vec::new();
        if self.unit == 0 {
            for input in self.options.variables {
                let (variable, place) = self.declare(&input.name, Span::default(), VarKind::Host, input.ty.clone());
                self.bind(input.name.clone(), variable, place);
                inputs.push((input, variable, place));
            }
        } else {
            self.only_declarations(&script.statements);
        }
        let (body, flow) = self.statements(&script.statements);
        let inputs = inputs
            .into_iter()
            .filter_map(|(input, variable, place)| {
                let info = self.variable_info(variable);
                let Variable::Global(slot) = place else { return None };
                Some(tree::Input { name: input.name.clone(), slot, written: info.assigned, read: info.read })
            })
            .collect();
        self.module_members(&script.statements);
        let mut exports = Vec::new();
        if let Some(Scope::Block(block)) = self.function().scopes.pop() {
            let mut names: Vec<(EcoString, VarId)> = block.variables.into_iter().collect();
            names.sort_by_key(|(_, id)| *id);
            for (name, id) in names {
                let unit = self.unit_state();
                if let (Some(Variable::Global(slot)), VarKind::Let) = (unit.places.get(id), unit.variables[id].kind) {
                    exports.push((name, *slot));
                }
            }
        }
        let span = Span::new(0, self.units[self.unit].source.len());
        let end = script.statements.last().map_or(span, |last| last.span);
        self.finish_returns(flow, end);
        let result = self.finish_function("".into(), Vec::new(), 0, body, span);
        let unit = self.unit_state();
        let functions = unit.emitted.drain(..).flatten().collect();
        let globals = unit.globals;
        CheckedUnit { functions, globals, inputs, exports, start: self.function_number(id), result }
    }

    /// A block of its own.
    pub(super) fn nested(&mut self, block: &ast::Block) -> (tree::Block, Flow) {
        self.function().scopes.push(Scope::Block(BlockScope::default()));
        let result = self.statements(&block.statements);
        self.function().scopes.pop();
        result
    }

    /// Statements in the innermost block, which already exists.
    pub(super) fn statements(&mut self, statements: &[ast::Statement]) -> (tree::Block, Flow) {
        self.declare_types(statements);
        let hoisted = self.declare_functions(statements);
        let mut out = tree::Block::default();
        let mut flow = Flow::Falls;
        let mut reported = false;
        let mut ended_at: Option<Span> = None;
        for (at, statement) in statements.iter().enumerate() {
            if !self.pay(1) {
                break;
            }
            let declaration = matches!(statement.kind, StatementKind::Function { .. } | StatementKind::Type { .. });
            if flow == Flow::Ends && !reported && !declaration {
                reported = true;
                self.unreachable(statement.span, &statements[at..], ended_at);
            }
            let (lowered, after) = self.statement(statement);
            out.statements.extend(lowered.map(|lowered| (lowered, statement.span)));
            if after == Flow::Ends {
                flow = Flow::Ends;
                ended_at.get_or_insert(statement.span);
            }
        }
        out.functions = self.make_functions(hoisted);
        out.cells = std::mem::take(&mut self.block().cells);
        (out, flow)
    }

    /// Warns of a statement that never runs; `ended_at` is what ends the path before it.
    fn unreachable(&mut self, span: Span, rest: &[ast::Statement], ended_at: Option<Span>) {
        let hint = "remove it, or the statement before it that ends this path";
        let mut warning = Diagnostic::warning(codes::UNREACHABLE, span, "This statement never runs.").with_hint(hint);
        if let Some(before) = ended_at {
            warning = warning.with_label(before, "this always leaves");
        }
        let declares = |statement: &ast::Statement| {
            matches!(statement.kind, StatementKind::Function { .. } | StatementKind::Type { .. })
        };
        // Functions and types that are declared after it may be used before.
        let last = rest.last().filter(|_| !rest.iter().any(declares));
        let source = &self.units[self.unit].source;
        let whole = last.map(|last| {
            let behind = source.get(last.span.end as usize..).unwrap_or_default();
            let blanks = behind.len() - behind.trim_start().len();
            let is_open = behind[blanks..].starts_with(';') && !last.span.text(source).ends_with(';');
            let more = if is_open { blanks as u32 + 1 } else { 0 };
            Span { start: span.start, end: last.span.end + more }
        });
        let fix = whole.map(|whole| Fix::remove(whole, "what never runs"));
        self.report(warning.with_fix(fix));
    }

    fn statement(&mut self, statement: &ast::Statement) -> (Option<Statement>, Flow) {
        match &statement.kind {
            StatementKind::Let { name, annotation, value, .. } => {
                (Some(self.let_statement(name, annotation.as_ref(), value)), Flow::Falls)
            }
            StatementKind::Set { name, path, value } => (self.set_statement(name, path, value), Flow::Falls),
            StatementKind::If { branches, otherwise } => self.if_statement(branches, otherwise.as_ref()),
            StatementKind::For { name, rows, body } => (Some(self.for_statement(name, rows, body)), Flow::Falls),
            StatementKind::While { condition, body } => self.while_statement(condition, body),
            StatementKind::Break => {
                self.jump(statement.span, "break");
                if let Some(broken) = self.function().loops.last_mut() {
                    *broken = true;
                }
                (Some(Statement::Break), Flow::Ends)
            }
            StatementKind::Continue => {
                self.jump(statement.span, "continue");
                (Some(Statement::Continue), Flow::Ends)
            }
            StatementKind::Return(value) => (Some(self.return_statement(value.as_ref(), statement.span)), Flow::Ends),
            StatementKind::Try { body, name, handler } => self.try_statement(body, name.as_ref(), handler),
            StatementKind::Function { name, function, .. } => {
                self.function_statement(name, function);
                (None, Flow::Falls)
            }
            StatementKind::Open(name) => {
                self.open(name);
                (None, Flow::Falls)
            }
            StatementKind::Assert(condition) => (Some(Statement::Assert(self.expr(condition))), Flow::Falls),
            StatementKind::Expression(value) => {
                let ends = matches!(value.kind, ast::ExprKind::Error(_));
                let source = value;
                let value = self.expr(source);
                self.dropped(source, &value);
                (Some(Statement::Evaluate(value)), if ends { Flow::Ends } else { Flow::Falls })
            }
            StatementKind::Invalid => {
                let name = declared_name(statement.span.text(&self.units[self.unit].source));
                self.unparsed.extend(name);
                (None, Flow::Falls)
            }
            StatementKind::Type { .. } => (None, Flow::Falls),
        }
    }

    fn let_statement(&mut self, name: &ast::Name, annotation: Option<&ast::TypeExpr>, value: &ast::Expr) -> Statement {
        let written = annotation;
        let annotation = annotation.map(|annotation| self.type_expr(annotation));
        let mut value = self.value(value);
        if let (Some(annotation), Some(written)) = (&annotation, written) {
            let before = self.findings.len();
            value = self.convert(value, annotation, ecow::eco_format!("the variable {}", name.text));
            self.label_since(before, codes::TYPE_MISMATCH, written.span, "its type");
        }
        let ty = annotation.clone().unwrap_or_else(|| value.ty.clone());
        let (id, place) = self.declare(&name.text, name.span, VarKind::Let, ty);
        self.unit_state().annotations.insert(id, annotation);
        self.bind(name.text.clone(), id, place);
        Statement::Set(place, value)
    }

    fn if_statement(
        &mut self,
        branches: &[(ast::Expr, ast::Block)],
        otherwise: Option<&ast::Block>,
    ) -> (Option<Statement>, Flow) {
        let outside = self.narrowed();
        let mut lowered = Vec::with_capacity(branches.len());
        let mut flow = Flow::Ends;
        for (condition, block) in branches {
            let value = self.expr(condition);
            let before = self.narrowed();
            self.narrow(condition, true);
            let (block, after) = self.nested(block);
            if after == Flow::Falls {
                flow = Flow::Falls;
            }
            self.function().narrowed = before;
            // After it, and in the branches that follow, the condition is false.
            self.narrow(condition, false);
            lowered.push((value, block));
        }
        let otherwise = otherwise.map(|block| {
            let (block, after) = self.nested(block);
            if after == Flow::Falls {
                flow = Flow::Falls;
            }
            block
        });
        let all_others_end = otherwise.is_none() && lowered.len() == 1 && leaves(&lowered[0].1);
        if otherwise.is_none() {
            flow = Flow::Falls;
        }
        if !all_others_end {
            self.function().narrowed = self.still_narrowed(outside);
        }
        (Some(Statement::If(lowered, otherwise)), flow)
    }

    fn for_statement(&mut self, name: &ast::Name, rows: &ast::Expr, body: &ast::Block) -> Statement {
        let rows = self.expr(rows);
        let ty = self.element_of(&rows, "A loop runs over a list, a table or the characters of a text");
        self.function().scopes.push(Scope::Block(BlockScope::default()));
        let (id, variable) = self.declare(&name.text, name.span, VarKind::Loop, ty);
        self.bind(name.text.clone(), id, variable);
        let (body, _) = self.loop_body(body);
        self.function().scopes.pop();
        Statement::For { variable, rows, body }
    }

    fn while_statement(&mut self, condition: &ast::Expr, body: &ast::Block) -> (Option<Statement>, Flow) {
        self.forget_assigned();
        let value = self.expr(condition);
        let before = self.narrowed();
        self.narrow(condition, true);
        let (body, broken) = self.loop_body(body);
        self.function().narrowed = self.still_narrowed(before);
        let endless = matches!(condition.kind, ast::ExprKind::Bool(true)) && !broken;
        (Some(Statement::While(value, body)), if endless { Flow::Ends } else { Flow::Falls })
    }

    /// The body of a loop, and whether it has a `break`.
    fn loop_body(&mut self, body: &ast::Block) -> (tree::Block, bool) {
        self.forget_assigned();
        self.function().loops.push(false);
        let before = self.narrowed();
        let (body, _) = self.nested(body);
        self.function().narrowed = self.still_narrowed(before);
        (body, self.function().loops.pop().unwrap_or(false))
    }

    fn jump(&mut self, span: Span, word: &str) {
        if self.function().loops.is_empty() {
            let message = format!("`{word}` is outside a loop.");
            self.error_hint(
                codes::OUTSIDE_LOOP,
                span,
                message,
                Some(format!("`{word}` only works inside `for` and `while`")),
            );
        }
    }

    fn return_statement(&mut self, value: Option<&ast::Expr>, span: Span) -> Statement {
        let Some(value) = value else {
            self.function().returns_nothing.get_or_insert(span);
            return Statement::Return(None);
        };
        // An expression on its own, as in a template, is not a `return`.
        let written = span.start < value.span.start;
        let value = if written { self.value(value) } else { self.expr(value) };
        self.returned(&value);
        Statement::Return(Some(value))
    }

    /// Checks a returned value against the annotation and joins its type.
    pub(super) fn returned(&mut self, value: &tree::Expr) {
        if let Some(annotation) = self.function().annotation.clone() {
            self.check_fit(value, &annotation, "the result of the function");
        }
        let known = self.function().result.clone();
        let joined = self.types.join(&known, &value.ty);
        self.function().result = joined;
        self.function().returns_value = true;
    }

    /// A path that returns no value although another does is an error.
    pub(super) fn finish_returns(&mut self, flow: Flow, span: Span) {
        let function = self.function();
        if !function.returns_value {
            if flow == Flow::Falls || function.returns_nothing.is_some() {
                let joined = function.result.clone().nullable();
                function.result = joined;
            }
            return;
        }
        let nothing = function.returns_nothing;
        if let Some(span) = nothing {
            let message = "This `return` gives no value, but another one here does.";
            let fix = Fix::insert(span.start + "return".len() as u32, " null").titled("write `return null;`");
            let error = Diagnostic::error(codes::MISSING_RETURN, span, message);
            self.report(error.with_hint("write `return null;` if that is meant").with_fix(fix));
        } else if flow == Flow::Falls && self.options_mode_wants_return() {
            let source = &self.units[self.unit].source;
            let text = span.text(source).trim_end();
            let end = span.start as usize + text.len();
            let last = text.chars().next_back().map_or(0, char::len_utf8);
            let at = Span::new(end - last, end);
            let is_script = self.units[self.unit].stack.len() == 1;
            let closing = if text.ends_with("done") { "done" } else { "}" };
            let fix = if is_script {
                let blank = if text.ends_with([';', '}']) { "\n" } else { ";\n" };
                Some(Fix::insert(end as u32, format!("{blank}return null;")))
            } else {
                text.ends_with(closing).then(|| Fix::insert((end - closing.len()) as u32, "return null; "))
            };
            let message = "Not every path returns a value: this end is reached without `return`.";
            let error = Diagnostic::error(codes::MISSING_RETURN, at, message);
            let fix = fix.map(|fix| fix.titled("add `return null;`"));
            self.report(error.with_hint("add a `return` at the end, or `return null;`").with_fix(fix));
        }
    }

    fn options_mode_wants_return(&mut self) -> bool {
        // A line of the repl may end in any statement.
        self.options.mode != Mode::Line || self.unit_state().stack.len() > 1
    }

    fn try_statement(
        &mut self,
        body: &ast::Block,
        name: Option<&ast::Name>,
        handler: &ast::Block,
    ) -> (Option<Statement>, Flow) {
        let before = self.narrowed();
        self.trying += 1;
        let (body, body_flow) = self.nested(body);
        self.trying -= 1;
        let outside = self.still_narrowed(before);
        self.function().narrowed.clone_from(&outside);
        self.function().scopes.push(Scope::Block(BlockScope::default()));
        let variable = name.map(|name| {
            let fields =
                [("message", Type::Text), ("kind", Type::Text), ("line", Type::Number), ("column", Type::Number)];
            let ty = Type::closed_record(fields.map(|(name, ty)| (name.into(), ty)));
            let (id, place) = self.declare(&name.text, name.span, VarKind::Catch, ty);
            self.bind(name.text.clone(), id, place);
            place
        });
        let (handler, handler_flow) = self.nested(handler);
        self.function().scopes.pop();
        // Facts learned in the handler hold only if it has run.
        self.function().narrowed = self.still_narrowed(outside);
        let flow = if body_flow == Flow::Ends && handler_flow == Flow::Ends { Flow::Ends } else { Flow::Falls };
        (Some(Statement::Try { body, variable, handler }), flow)
    }

    /// Reports variables that are never read.
    pub(super) fn report_unused(&mut self) {
        // If a name is not found, an unread variable is most likely the one that was meant.
        let unsure = self
            .findings
            .since(0)
            .any(|d| matches!(d.code, codes::UNKNOWN_VARIABLE | codes::UNKNOWN_COLUMN) || d.code.is_syntax());
        if unsure || self.options.mode == Mode::Line && self.unit == 0 {
            return;
        }
        let is_module = self.unit > 0;
        let unit = self.unit_state();
        let unused: Vec<(EcoString, Span, bool)> = unit
            .variables
            .iter()
            .enumerate()
            .filter(|(id, info)| {
                let constant = is_module && matches!(unit.places.get(*id), Some(Variable::Global(_)));
                info.kind == VarKind::Let && !info.read && !info.name.starts_with('_') && !constant
            })
            .map(|(_, info)| (info.name.clone(), info.span, info.assigned))
            .collect();
        let underscored = unit.variables.iter().map(|info| info.name.clone()).filter(|name| name.starts_with('_'));
        let underscored: HashSet<EcoString> = underscored.collect();
        for (name, span, assigned) in unused {
            let message = format!("The variable `{name}` is never read.");
            let hint = format!("remove it, or name it `_{name}` if it is meant to stay");
            // If it is set, its name is used elsewhere, too. A name that already exists would be hidden.
            let new = ecow::eco_format!("_{name}");
            let taken = underscored.contains(&new);
            let fix = (!assigned && !taken).then(|| Fix::insert(span.start, "_").titled(format!("write `{new}`")));
            let warning = Diagnostic::warning(codes::UNUSED_VARIABLE, span, message).about(name);
            self.report(warning.with_hint(hint).with_fix(fix));
        }
    }
}

/// Does a block leave by `return`, `break`, `continue` or `error` at its end?
fn leaves(block: &tree::Block) -> bool {
    block.statements.last().is_some_and(|(statement, _)| match statement {
        Statement::Return(_) | Statement::Break | Statement::Continue => true,
        Statement::Evaluate(value) => matches!(value.kind, tree::ExprKind::Error(_)),
        _ => false,
    })
}

/// The name that a statement declares, as far as its first words show it.
fn declared_name(text: &str) -> Option<EcoString> {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let mut first = words.next()?;
    if first.eq_ignore_ascii_case("private") {
        first = words.next()?;
    }
    let declares = ["let", "function", "type", "for"].iter().any(|word| first.eq_ignore_ascii_case(word));
    declares.then(|| words.next().map(EcoString::from)).flatten()
}
