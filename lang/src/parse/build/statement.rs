//! Statements and blocks.

use super::expression::last_expression;
use super::{Builder, Node, Nodes, child, child_if};
use crate::ast::{
    BinaryOp, Block, Expr, ExprKind, FunctionBody, FunctionExpr, PathStep, PostfixKind, PostfixStep, Statement,
    StatementKind, TypeExpr, TypeExprKind,
};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::span::Span;

impl Builder<'_> {
    /// The statements among `nodes`.
    pub(super) fn statements(&mut self, nodes: Nodes) -> Vec<Statement> {
        let mut statements = Vec::new();
        for node in nodes {
            if !matches!(
                node.as_rule(),
                Rule::semicolon
                    | Rule::opening_brace
                    | Rule::closing_brace
                    | Rule::k_do
                    | Rule::k_done
                    | Rule::EOI
                    | Rule::colon
            ) {
                statements.push(self.statement(node));
            }
        }
        statements
    }

    fn statement(&mut self, node: Node) -> Statement {
        let mut span = self.tight_span(&node);
        let rule = node.as_rule();
        let mut nodes = node.into_inner();
        let kind = match rule {
            Rule::let_statement => self.let_statement(nodes),
            Rule::set_statement => self.set_statement(nodes),
            Rule::if_statement => self.if_statement(nodes),
            Rule::for_statement => {
                nodes.next(); // the keyword
                let name = self.name(&child(&mut nodes));
                nodes.next(); // `in`
                let rows = self.expression(child(&mut nodes));
                StatementKind::For { name, rows, body: self.body(child(&mut nodes)) }
            }
            Rule::while_statement => {
                nodes.next(); // the keyword
                let condition = self.expression(child(&mut nodes));
                StatementKind::While { condition, body: self.body(child(&mut nodes)) }
            }
            Rule::try_statement => {
                nodes.next(); // the keyword
                let body = self.block(child(&mut nodes));
                nodes.next(); // `catch`
                let name = child_if(&mut nodes, Rule::name).map(|name| self.name(&name));
                StatementKind::Try { body, name, handler: self.block(child(&mut nodes)) }
            }
            Rule::function_statement => {
                let private = child_if(&mut nodes, Rule::k_private).is_some();
                nodes.next(); // the keyword
                let name = self.name(&child(&mut nodes));
                let (function, end) = if nodes.peek().is_some_and(|node| node.as_rule() == Rule::lost) {
                    broken_function(name.span)
                } else {
                    self.function(nodes)
                };
                span.end = end;
                StatementKind::Function { private, name, function: Box::new(function) }
            }
            Rule::type_statement => {
                let private = child_if(&mut nodes, Rule::k_private).is_some();
                nodes.next(); // the keyword
                let name = self.name(&child(&mut nodes));
                let definition = match nodes.next_back() {
                    Some(node) if node.as_rule() == Rule::r#type => self.type_expr(node),
                    _ => TypeExpr { kind: TypeExprKind::Name("any".into()), span: name.span },
                };
                StatementKind::Type { private, name, definition }
            }
            Rule::return_statement => {
                nodes.next(); // the keyword
                StatementKind::Return(nodes.next().map(|value| self.expression(value)))
            }
            Rule::break_statement => StatementKind::Break,
            Rule::continue_statement => StatementKind::Continue,
            Rule::open_statement => {
                nodes.next(); // the keyword
                StatementKind::Open(self.name(&child(&mut nodes)))
            }
            Rule::assert_statement => {
                nodes.next(); // the keyword
                StatementKind::Assert(self.expression(child(&mut nodes)))
            }
            Rule::exec_statement => {
                nodes.next(); // the keyword
                let call = self.expression(child(&mut nodes));
                self.check_call(&call);
                StatementKind::Expression(call)
            }
            _ => {
                let value = self.expression(child(&mut nodes));
                self.check_assignment(&value);
                self.check_function_name(&value);
                if value.kind == ExprKind::Invalid { StatementKind::Invalid } else { StatementKind::Expression(value) }
            }
        };
        Statement { kind, span }
    }

    fn let_statement(&mut self, mut nodes: Nodes) -> StatementKind {
        let private = child_if(&mut nodes, Rule::k_private).is_some();
        nodes.next(); // the keyword
        let name = self.name(&child(&mut nodes));
        let mut annotation = None;
        let mut value = None;
        for node in nodes {
            match node.as_rule() {
                Rule::r#type => annotation = Some(self.type_expr(node)),
                Rule::expression => value = Some(self.expression(node)),
                _ => {} // `:` and `=`
            }
        }
        let value = value.unwrap_or_else(|| invalid(name.span));
        StatementKind::Let { private, name, annotation, value }
    }

    fn set_statement(&mut self, mut nodes: Nodes) -> StatementKind {
        nodes.next(); // the keyword
        let name = self.name(&child(&mut nodes));
        let mut path = Vec::new();
        let mut value = None;
        for node in nodes {
            match node.as_rule() {
                Rule::field | Rule::index => path.extend(match self.step(node).kind {
                    PostfixKind::Field(name) => Some(PathStep::Field(name)),
                    PostfixKind::Index(index) => Some(PathStep::Index(index)),
                    _ => None,
                }),
                Rule::expression => value = Some(self.expression(node)),
                _ => {} // `=`
            }
        }
        let value = value.expect("the grammar gives `set` a value");
        StatementKind::Set { name, path, value }
    }

    fn if_statement(&mut self, nodes: Nodes) -> StatementKind {
        let mut branches = Vec::new();
        let mut condition: Option<Expr> = None;
        let mut otherwise = None;
        for node in nodes {
            match node.as_rule() {
                Rule::expression => condition = Some(self.expression(node)),
                Rule::block | Rule::one_statement => {
                    let body = self.body(node);
                    branches.extend(condition.take().map(|condition| (condition, body)));
                }
                Rule::otherwise => otherwise = Some(self.body(last_expression(node))),
                _ => {} // keywords
            }
        }
        StatementKind::If { branches, otherwise }
    }

    /// A block, or the one statement after `:`.
    fn body(&mut self, node: Node) -> Block {
        if node.as_rule() == Rule::block {
            return self.block(node);
        }
        let statements = self.statements(node.into_inner());
        let span = statements.first().map(|statement| statement.span).unwrap_or_default();
        Block { statements, span }
    }

    /// `{ … }` or `do … done`
    pub(super) fn block(&mut self, node: Node) -> Block {
        let span = self.span(&node);
        self.check_block_ends(&node);
        Block { statements: self.statements(node.into_inner()), span }
    }

    fn check_block_ends(&mut self, node: &Node) {
        let mut ends = node.clone().into_inner();
        let (Some(open), Some(close)) = (ends.next(), ends.next_back()) else { return };
        if (open.as_rule() == Rule::k_do) == (close.as_rule() == Rule::k_done) {
            return;
        }
        let (open, close, wanted) = match open.as_rule() {
            Rule::k_do => ("do", &close, "done"),
            _ => ("{", &close, "}"),
        };
        let message = format!("this block begins with `{open}`, so `{}` cannot end it", close.as_str());
        let place = self.span(close);
        self.diagnostics.push(Diagnostic::error(codes::STRAY_CLOSING, place, message).with_write(wanted).surely());
    }

    /// `exec` must come before a call.
    fn check_call(&mut self, value: &Expr) {
        let call = match &value.kind {
            ExprKind::Postfix { steps, .. } => {
                steps.last().is_some_and(|step| matches!(step.kind, PostfixKind::Call { .. }))
            }
            ExprKind::Invalid => true,
            _ => false,
        };
        if !call {
            let may_call = matches!(value.kind, ExprKind::Name(_) | ExprKind::Postfix { .. });
            let call = may_call.then(|| Fix::insert(value.span.end, "()"));
            let error = Diagnostic::error(codes::UNEXPECTED, value.span, "`exec` must come before a call");
            self.diagnostics.push(error.with_hint("write `exec name(…);`").with_fix(call));
        }
    }

    /// `function (x) { … }` as a statement declares nothing.
    fn check_function_name(&mut self, value: &Expr) {
        if let ExprKind::Function(function) = &value.kind
            && !function.lambda
        {
            let place = Span { start: value.span.start, end: value.span.start + "function".len() as u32 };
            self.diagnostics.push(
                Diagnostic::error(codes::NAME_EXPECTED, place, "this function has no name")
                    .with_hint("write `function name(x) { … }`, or `let name = function (x) { … };`"),
            );
        }
    }

    /// `x = 5;` compares; it was meant to assign.
    fn check_assignment(&mut self, value: &Expr) {
        let ExprKind::Binary { first, rest } = &value.kind else { return };
        let (true, [(BinaryOp::Equal, span, _)]) = (is_place(first), rest.as_slice()) else { return };
        let hint = match &first.kind {
            ExprKind::Name(name) if name.eq_ignore_ascii_case("type") => "write `type name = …;`".to_owned(),
            ExprKind::Name(name) => format!("write `set {name} = …;`, or `let {name} = …;` for a new variable"),
            _ => "write `set` before it".to_owned(),
        };
        let message = "`=` compares here; a variable is changed with `set`";
        let start = Span { end: value.span.start, ..value.span };
        let word = |word: &str| Fix::insert(start.start, format!("{word} "));
        let is_name = matches!(first.kind, ExprKind::Name(_));
        let error = Diagnostic::error(codes::ASSIGNMENT, *span, message).with_hint(hint);
        self.diagnostics.push(match &first.kind {
            ExprKind::Name(name) if name.eq_ignore_ascii_case("type") => error,
            _ => error.with_fix(word("set")).with_fix(is_name.then(|| word("let"))),
        });
    }
}

/// A variable, or a field or position of one.
fn is_place(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Name(_) => true,
        ExprKind::Postfix { base, steps } => {
            let call = |step: &PostfixStep| matches!(step.kind, PostfixKind::Call { .. });
            matches!(base.kind, ExprKind::Name(_)) && !steps.iter().any(call)
        }
        _ => false,
    }
}

/// An unreadable value in the declaration at `place`.
fn invalid(place: Span) -> Expr {
    Expr { kind: ExprKind::Invalid, span: Span { start: place.end, end: place.end } }
}

/// A function with only its name readable; with its end.
fn broken_function(place: Span) -> (FunctionExpr, u32) {
    let body = FunctionBody::Expr(invalid(place));
    (FunctionExpr { parameters: Vec::new(), result: None, body, lambda: false }, place.end)
}
