//! Operands: literals, names, brackets, calls, functions.

use super::literal::{plain_value, template_value, text_value};
use super::{Builder, Node, Nodes, child, child_if};
use crate::ast::{
    Expr, ExprKind, FunctionBody, FunctionExpr, Name, Parameter, PostfixKind, PostfixStep, RecordField, TemplatePart,
    TypeExpr,
};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::parse::message::unknown_character;
use crate::span::Span;
use crate::value::Number;

impl Builder<'_> {
    /// An expression of any level.
    pub(super) fn expression(&mut self, node: Node) -> Expr {
        let mut nodes = node.into_inner();
        let source = self.logic(child(&mut nodes));
        if nodes.peek().is_none() {
            return source;
        }
        let operators: Vec<_> = nodes.map(|step| self.query_step(step)).collect();
        let end = operators.last().map_or(source.span, |last| last.1);
        let span = source.span.to(end);
        Expr { kind: ExprKind::Query { source: Box::new(source), operators }, span }
    }

    /// A primary with the steps after it.
    pub(super) fn operand(&mut self, node: Node) -> Expr {
        let mut nodes = node.into_inner();
        let first = child(&mut nodes);
        let base = match first.as_rule() {
            Rule::name => match child_if(&mut nodes, Rule::lambda_body) {
                Some(body) => {
                    let parameters = vec![plain_parameter(self.name(&first))];
                    self.lambda(self.span(&first), parameters, body)
                }
                None => Expr { kind: ExprKind::Name(first.as_str().into()), span: self.span(&first) },
            },
            _ => self.primary(first),
        };
        self.with_steps(base, nodes)
    }

    /// `base` with the steps after it.
    fn with_steps(&mut self, base: Expr, nodes: Nodes) -> Expr {
        if nodes.is_empty() {
            return base;
        }
        let (base, mut steps) = match base.kind {
            // A call of `map` has already taken its first step.
            ExprKind::Postfix { base, steps } => (base, steps),
            _ => (Box::new(base), Vec::new()),
        };
        for node in nodes {
            let after_name = match steps.last() {
                None => matches!(base.kind, ExprKind::Name(_)),
                Some(PostfixStep { kind, .. }) => matches!(kind, PostfixKind::Field(_) | PostfixKind::SafeField(_)),
            };
            let step = self.step(node);
            if let PostfixKind::Call { type_argument: Some(ty), .. } = &step.kind
                && !after_name
            {
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::UNEXPECTED,
                        ty.span,
                        "a type in `<` and `>` can only follow a function's name",
                    )
                    .with_hint("put parentheses around each of two comparisons"),
                );
            }
            steps.push(step);
        }
        let span = steps.last().map_or(base.span, |last| base.span.to(last.span));
        Expr { kind: ExprKind::Postfix { base, steps }, span }
    }

    pub(super) fn step(&mut self, node: Node) -> PostfixStep {
        let span = self.tight_span(&node);
        let rule = node.as_rule();
        let mut nodes = node.into_inner();
        let kind = match rule {
            Rule::field => PostfixKind::Field(self.name(&child(&mut nodes))),
            Rule::safe_field => PostfixKind::SafeField(self.name(&child(&mut nodes))),
            Rule::index => PostfixKind::Index(self.expression(child(&mut nodes))),
            _ => {
                let type_argument = child_if(&mut nodes, Rule::type_argument)
                    .map(|argument| self.type_expr(child(&mut argument.into_inner())));
                PostfixKind::Call { type_argument, arguments: self.expressions(nodes) }
            }
        };
        PostfixStep { kind, span }
    }

    /// The expressions among `nodes`.
    fn expressions(&mut self, nodes: Nodes) -> Vec<Expr> {
        nodes.filter(|node| node.as_rule() == Rule::expression).map(|node| self.expression(node)).collect()
    }

    fn primary(&mut self, node: Node) -> Expr {
        let span = self.span(&node);
        let kind = match node.as_rule() {
            Rule::number => self.number(node.as_str(), span),
            Rule::text => ExprKind::Text(text_value(node.as_str())),
            Rule::template => ExprKind::Template(self.template_parts(node.into_inner())),
            Rule::r#true => ExprKind::Bool(true),
            Rule::r#false => ExprKind::Bool(false),
            Rule::null => ExprKind::Null,
            Rule::paren => return self.paren(node),
            Rule::bracket | Rule::brace => return self.bracket(node),
            Rule::error_expression => return self.error(node),
            Rule::map_expression => return self.map_expression(node),
            Rule::map_call => return self.map_call(node),
            Rule::case => return self.case(node),
            Rule::new => return self.new_record(node),
            Rule::select => return self.select(node),
            Rule::function_literal => return self.function_literal(node),
            rule => {
                debug_assert_eq!(rule, Rule::hole);
                if !self.holes.contains(&(span.start as usize)) {
                    self.diagnostics.push(unknown_character('\u{1}', span));
                }
                ExprKind::Invalid
            }
        };
        Expr { kind, span }
    }

    fn number(&mut self, digits: &str, span: Span) -> ExprKind {
        if let Some(number) = Number::parse(digits) {
            return ExprKind::Number(number);
        }
        if digits.contains("e-") || digits.contains("E-") {
            return ExprKind::Number(Number::ZERO); // an exponent beyond all counting
        }
        self.diagnostics.push(
            Diagnostic::error(codes::NUMBER_TOO_LARGE, span, format!("the number {} is too large", shortened(digits)))
                .with_hint("the largest number is 79228162514264337593543950335, about 7.9e28"),
        );
        ExprKind::Invalid
    }

    pub(super) fn template_parts(&mut self, nodes: Nodes) -> Vec<TemplatePart> {
        let mut parts = Vec::new();
        for node in nodes {
            match node.as_rule() {
                Rule::template_text => parts.push(TemplatePart::Text(template_value(node.as_str()))),
                Rule::plain_text => parts.push(TemplatePart::Text(plain_value(node.as_str()))),
                Rule::template_part => parts.push(TemplatePart::Expr(self.expression(child(&mut node.into_inner())))),
                _ => {} // the end of the source
            }
        }
        parts
    }

    /// `(a)`, `(a, b)` or `(a, b) => e`.
    pub(super) fn paren(&mut self, node: Node) -> Expr {
        let start = self.span(&node).start;
        let mut values = Vec::new();
        let mut commas = 0;
        let mut span = Span::default();
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::expression => values.push(self.expression(inner)),
                Rule::comma => commas += 1,
                Rule::closing_paren => span = Span { start, end: self.span(&inner).end },
                _ => {
                    let parameters = self.lambda_parameters(values);
                    return self.lambda(span, parameters, inner);
                }
            }
        }
        if values.is_empty() {
            self.diagnostics.push(
                Diagnostic::error(codes::VALUE_EXPECTED, span, "there is no value between these parentheses")
                    .with_hint("a function without parameters is `() => value`, an empty list `[]`")
                    .with_fix(Fix::replace(span, "[]")),
            );
            return Expr { kind: ExprKind::Invalid, span };
        }
        if commas == 0 {
            let kind = match values.pop() {
                Some(value) => ExprKind::Paren(Box::new(value)),
                None => ExprKind::Invalid,
            };
            return Expr { kind, span };
        }
        self.unclaimed_tuples.push(span);
        Expr { kind: ExprKind::Tuple(values), span }
    }

    fn lambda_parameters(&mut self, values: Vec<Expr>) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for value in values {
            if let ExprKind::Name(text) = value.kind {
                parameters.push(plain_parameter(Name { text, span: value.span }));
            } else if value.kind != ExprKind::Invalid {
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::NAME_EXPECTED,
                        value.span,
                        "the parameters before `=>` must be plain names",
                    )
                    .with_hint("write `(a, b) => …`, or `function (a: number, b = 0) => …`"),
                );
            }
        }
        parameters
    }

    /// `parameters => e`, whose parameters are at `head`.
    fn lambda(&mut self, head: Span, parameters: Vec<Parameter>, body: Node) -> Expr {
        let body = self.expression(last_expression(body));
        let span = head.to(body.span);
        let function = FunctionExpr { parameters, result: None, body: FunctionBody::Expr(body), lambda: true };
        Expr { kind: ExprKind::Function(Box::new(function)), span }
    }

    /// `[…]` or `{…}`: a list without labels, a record with one.
    pub(super) fn bracket(&mut self, node: Node) -> Expr {
        let span = self.span(&node);
        let brace = node.as_rule() == Rule::brace;
        let items: Vec<Node> = node
            .into_inner()
            .filter(|inner| matches!(inner.as_rule(), Rule::expression | Rule::record_field))
            .collect();
        if !brace && items.iter().all(|item| item.as_rule() == Rule::expression) {
            let values = items.into_iter().map(|item| self.expression(item)).collect();
            return Expr { kind: ExprKind::List(values), span };
        }
        if items.iter().all(|item| item.as_rule() == Rule::expression) {
            let values: Vec<Expr> = items.into_iter().map(|item| self.expression(item)).collect();
            return self.unlabelled_record(values, span);
        }
        let fields = items.into_iter().map(|item| self.record_item(item)).collect();
        Expr { kind: ExprKind::Record(fields), span }
    }

    /// `{…}` without any label: bare names, or a list in the wrong brackets.
    fn unlabelled_record(&mut self, values: Vec<Expr>, span: Span) -> Expr {
        let is_list =
            |value: &Expr| matches!(value.kind, ExprKind::Number(_) | ExprKind::Record(_) | ExprKind::List(_));
        if values.first().is_some_and(is_list) {
            self.diagnostics.push(
                Diagnostic::error(codes::FIELD_NAME, span, "the values between `{` and `}` need names")
                    .with_hint("a record is `{name: value}`, a list is `[1, 2]`")
                    .with_fix(super::brackets(span)),
            );
            return Expr { kind: ExprKind::Invalid, span };
        }
        let fields = values.into_iter().map(|value| self.shorthand(value)).collect();
        Expr { kind: ExprKind::Record(fields), span }
    }

    fn record_item(&mut self, item: Node) -> RecordField {
        if item.as_rule() == Rule::expression {
            let value = self.expression(item);
            return self.shorthand(value);
        }
        let mut nodes = item.into_inner();
        let label = self.label(&child(&mut nodes));
        let value = self.expression(last_of(nodes));
        RecordField { label, value, shorthand: false }
    }

    fn error(&mut self, node: Node) -> Expr {
        let start = self.span(&node).start;
        let value = self.expression(last_expression(node));
        let span = Span { start, end: value.span.end };
        Expr { kind: ExprKind::Error(Box::new(value)), span }
    }

    fn case(&mut self, node: Node) -> Expr {
        let span = self.span(&node);
        let mut branches = Vec::new();
        let mut otherwise = None;
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::case_when => {
                    let mut parts = inner.into_inner().filter(|part| part.as_rule() == Rule::expression);
                    if let (Some(condition), Some(value)) = (parts.next(), parts.next()) {
                        branches.push((self.expression(condition), self.expression(value)));
                    }
                }
                Rule::expression => otherwise = Some(Box::new(self.expression(inner))),
                _ => {} // keywords
            }
        }
        Expr { kind: ExprKind::Case { branches, otherwise }, span }
    }

    fn new_record(&mut self, node: Node) -> Expr {
        let span = self.span(&node);
        let mut nodes = node.into_inner();
        nodes.next(); // the keyword
        let ty = self.type_expr_of(child(&mut nodes));
        let record = self.bracket(child(&mut nodes));
        let fields = match self.record_only(record).kind {
            ExprKind::Record(fields) => fields,
            _ => Vec::new(),
        };
        Expr { kind: ExprKind::New { ty, fields }, span }
    }

    fn function_literal(&mut self, node: Node) -> Expr {
        let start = self.span(&node).start;
        let mut nodes = node.into_inner();
        nodes.next(); // the keyword
        let (function, end) = self.function(nodes);
        Expr { kind: ExprKind::Function(Box::new(function)), span: Span { start, end } }
    }

    /// Parameters, result and body; with the end of the body.
    pub(super) fn function(&mut self, mut nodes: Nodes) -> (FunctionExpr, u32) {
        let parameters = self.parameters(child(&mut nodes));
        let mut result: Option<TypeExpr> = None;
        let mut body = None;
        for node in nodes {
            match node.as_rule() {
                Rule::r#type => result = Some(self.type_expr(node)),
                Rule::block => {
                    let block = self.block(node);
                    let end = block.span.end;
                    body = Some((FunctionBody::Block(block), end));
                }
                Rule::expression => {
                    let value = self.expression(node);
                    let end = value.span.end;
                    body = Some((FunctionBody::Expr(value), end));
                }
                _ => {} // `:`, `=>`, `;`
            }
        }
        let (body, end) = body.expect("the grammar gives a function a body");
        (FunctionExpr { parameters, result, body, lambda: false }, end)
    }

    fn parameters(&mut self, node: Node) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for inner in node.into_inner().filter(|inner| inner.as_rule() == Rule::parameter) {
            let mut nodes = inner.into_inner();
            let mut parameter = plain_parameter(self.name(&child(&mut nodes)));
            for part in nodes {
                match part.as_rule() {
                    Rule::r#type => parameter.annotation = Some(self.type_expr(part)),
                    Rule::expression => parameter.default = Some(self.expression(part)),
                    _ => {} // `:` and `=`
                }
            }
            parameters.push(parameter);
        }
        parameters
    }
}

fn plain_parameter(name: Name) -> Parameter {
    Parameter { name, annotation: None, default: None }
}

/// The last node of a rule that ends in one.
fn last_of(mut nodes: Nodes) -> Node {
    nodes.next_back().expect("the grammar ends this rule with a node")
}

/// The expression that a rule ends with.
pub(super) fn last_expression(node: Node) -> Node {
    last_of(node.into_inner())
}

/// A long literal in a message.
fn shortened(digits: &str) -> String {
    if digits.len() <= 40 { digits.to_owned() } else { format!("{}…", &digits[..40]) }
}
