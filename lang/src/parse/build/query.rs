//! Queries: postfix operators, `select`, `map`.

use super::expression::last_expression;
use super::{Builder, Node, Nodes, child, child_if};
use crate::ast::{
    Expr, ExprKind, GroupKey, Join, OrderKey, PostfixKind, PostfixStep, QueryOp, Select, SelectItem, Source,
};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::span::Span;

impl Builder<'_> {
    /// One operator after a source, with its place.
    pub(super) fn query_step(&mut self, node: Node) -> (QueryOp, Span) {
        let span = self.tight_span(&node);
        let operator = match node.as_rule() {
            Rule::where_step => QueryOp::Where(self.logic(last_expression(node))),
            Rule::with_step => self.with_step(node.into_inner()),
            Rule::except_step => {
                let inner = last_expression(node);
                if inner.as_rule() == Rule::where_step {
                    QueryOp::ExceptWhere(self.logic(last_expression(inner)))
                } else {
                    let record = self.logic(inner);
                    QueryOp::Except(self.record_only(record))
                }
            }
            Rule::order_step => QueryOp::OrderBy(self.order_keys(node.into_inner())),
            rule => {
                debug_assert_eq!(rule, Rule::group_step);
                QueryOp::GroupBy(self.group_keys(node.into_inner()))
            }
        };
        (operator, span)
    }

    fn with_step(&mut self, nodes: Nodes) -> QueryOp {
        let mut changes: Vec<(Expr, Option<Guard>)> = Vec::new();
        let mut condition = None;
        for node in nodes {
            match node.as_rule() {
                Rule::bracket | Rule::brace | Rule::paren => changes.push((self.change(node), None)),
                Rule::with_guard => {
                    let guard = self.guard(node);
                    if let Some(last) = changes.last_mut() {
                        last.1 = Some(guard);
                    }
                }
                Rule::where_step => condition = Some(self.logic(last_expression(node))),
                _ => {} // keywords and commas
            }
        }
        if let [(_, None)] = changes.as_slice()
            && let Some((change, _)) = changes.pop()
        {
            return QueryOp::With { change, condition };
        }
        self.check_guards(&changes);
        let guards = changes.into_iter().map(|(change, guard)| (change, guard.and_then(Guard::condition))).collect();
        QueryOp::WithGuards { guards, condition }
    }

    fn guard(&mut self, node: Node) -> Guard {
        let mut nodes = node.into_inner();
        let word = child(&mut nodes);
        match nodes.next() {
            Some(condition) => Guard::When(self.logic(condition)),
            None => Guard::Otherwise(self.span(&word)),
        }
    }

    /// Each change has a guard, and `otherwise` is the last.
    fn check_guards(&mut self, changes: &[(Expr, Option<Guard>)]) {
        for (index, (change, guard)) in changes.iter().enumerate() {
            let diagnostic = match guard {
                None => Diagnostic::error(codes::GUARD, change.span, "this change has no `when` and no `otherwise`")
                    .with_hint("if it does not belong to `with`, put parentheses around the query before the comma"),
                Some(Guard::Otherwise(span)) if index + 1 < changes.len() => {
                    Diagnostic::error(codes::GUARD, *span, "`otherwise` must be the last of these changes")
                        .with_hint("if what follows does not belong to `with`, put parentheses around the query")
                }
                Some(_) => continue,
            };
            self.diagnostics.push(diagnostic);
            return;
        }
    }

    /// A record literal or a function in parentheses.
    fn change(&mut self, node: Node) -> Expr {
        if node.as_rule() == Rule::paren {
            return self.paren(node);
        }
        let bracket = self.bracket(node);
        self.record_only(bracket)
    }

    fn order_keys(&mut self, nodes: Nodes) -> Vec<OrderKey> {
        let keys = nodes.filter(|node| node.as_rule() == Rule::order_key);
        keys.map(|key| {
            let mut parts = key.into_inner();
            let value = self.logic(child(&mut parts));
            OrderKey { value, descending: parts.next().is_some_and(|word| word.as_rule() == Rule::s_desc) }
        })
        .collect()
    }

    fn group_keys(&mut self, nodes: Nodes) -> Vec<GroupKey> {
        let keys = nodes.filter(|node| node.as_rule() == Rule::group_key);
        keys.map(|key| {
            let mut parts = key.into_inner();
            let label = child_if(&mut parts, Rule::label).map(|label| self.label(&label));
            let value = self.logic(parts.next_back().expect("the grammar ends a key with its value"));
            GroupKey { label, value }
        })
        .collect()
    }

    /// `map rows as change`
    pub(super) fn map_expression(&mut self, node: Node) -> Expr {
        let start = self.span(&node).start;
        let mut nodes = node.into_inner().filter(|inner| !matches!(inner.as_rule(), Rule::s_map | Rule::s_as));
        let rows = nodes.next().map(|rows| self.expression(rows));
        let body = nodes.next().map(|body| self.change(body));
        let (rows, body) = rows.zip(body).expect("the grammar gives `map` its rows and its change");
        let span = Span { start, end: body.span.end };
        Expr { kind: ExprKind::Map { rows: Box::new(rows), body: Box::new(body) }, span }
    }

    /// `map(rows, function)`, or `map(rows) as change`
    pub(super) fn map_call(&mut self, node: Node) -> Expr {
        let mut nodes = node.into_inner();
        let name = child(&mut nodes);
        let name = Expr { kind: ExprKind::Name(name.as_str().into()), span: self.span(&name) };
        let call = self.step(child(&mut nodes));
        let Some(change) = nodes.next_back() else {
            let span = name.span.to(call.span);
            return Expr { kind: ExprKind::Postfix { base: Box::new(name), steps: vec![call] }, span };
        };
        let body = Box::new(self.change(change));
        let span = name.span.to(body.span);
        let PostfixStep { kind: PostfixKind::Call { mut arguments, .. }, span: place } = call else {
            return Expr { kind: ExprKind::Invalid, span };
        };
        let (Some(rows), true) = (arguments.pop(), arguments.is_empty()) else {
            self.diagnostics.push(
                Diagnostic::error(codes::UNEXPECTED, place, "`map … as` takes the rows of one table")
                    .with_hint("write `map rows as [field: value]`, or `map(rows, function)` without `as`"),
            );
            return Expr { kind: ExprKind::Invalid, span };
        };
        let rows = Box::new(Expr { kind: ExprKind::Paren(Box::new(rows)), span: place });
        Expr { kind: ExprKind::Map { rows, body }, span }
    }

    /// `select …`
    pub(super) fn select(&mut self, node: Node) -> Expr {
        let span = self.tight_span(&node);
        let mut select = Select {
            distinct: false,
            items: Vec::new(),
            source: Source { value: Expr { kind: ExprKind::Invalid, span }, alias: None },
            joins: Vec::new(),
            condition: None,
            group: Vec::new(),
            having: None,
            order: Vec::new(),
        };
        for inner in node.into_inner() {
            match inner.as_rule() {
                Rule::s_distinct => select.distinct = true,
                Rule::all | Rule::all_of | Rule::select_value => select.items.push(self.select_item(inner)),
                Rule::source => select.source = self.source(inner),
                Rule::join => select.joins.push(self.join(inner)),
                Rule::where_step => select.condition = Some(self.logic(last_expression(inner))),
                Rule::group_step => select.group = self.group_keys(inner.into_inner()),
                Rule::having => select.having = Some(self.logic(last_expression(inner))),
                Rule::order_step => select.order = self.order_keys(inner.into_inner()),
                _ => {} // keywords and commas
            }
        }
        Expr { kind: ExprKind::Select(Box::new(select)), span }
    }

    fn select_item(&mut self, node: Node) -> SelectItem {
        let span = self.span(&node);
        match node.as_rule() {
            Rule::all => SelectItem::All(Span { end: span.start + 1, ..span }),
            Rule::all_of => SelectItem::AllOf(self.name(&child(&mut node.into_inner()))),
            _ => {
                let mut parts = node.into_inner();
                let mut label = child_if(&mut parts, Rule::label).map(|label| self.label(&label));
                child_if(&mut parts, Rule::colon);
                let value = self.expression(child(&mut parts));
                if let Some(alias) = parts.next_back().filter(|part| part.as_rule() == Rule::alias) {
                    let alias = self.name(&alias);
                    let second = Span { start: value.span.end, end: alias.span.end };
                    if label.is_some() {
                        self.diagnostics.push(
                            Diagnostic::error(codes::UNEXPECTED, alias.span, "this column is given two names")
                                .with_hint("write either `name: value` or `value as name`")
                                .with_fix(Fix::remove(second, "the second name")),
                        );
                    }
                    label = Some(alias);
                }
                SelectItem::Value { label, value }
            }
        }
    }

    fn source(&mut self, node: Node) -> Source {
        let mut parts = node.into_inner();
        let value = self.logic(child(&mut parts));
        let alias = parts.find(|part| matches!(part.as_rule(), Rule::alias | Rule::free_alias));
        Source { value, alias: alias.map(|alias| self.name(&alias)) }
    }

    fn join(&mut self, node: Node) -> Join {
        let span = self.tight_span(&node);
        let mut parts = node.into_inner();
        let left = parts.peek().is_some_and(|word| word.as_rule() == Rule::s_left);
        let on = self.logic(parts.next_back().expect("the grammar ends a join with its condition"));
        let source = parts.find(|part| part.as_rule() == Rule::source).expect("the grammar gives a join its source");
        Join { left, source: self.source(source), on, span }
    }
}

/// The limit of one change of a `with`.
enum Guard {
    /// `when c`
    When(Expr),
    /// `otherwise`, and its place.
    Otherwise(Span),
}

impl Guard {
    fn condition(self) -> Option<Expr> {
        match self {
            Guard::When(condition) => Some(condition),
            Guard::Otherwise(_) => None,
        }
    }
}
