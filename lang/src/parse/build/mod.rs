//! From pest's pairs to the tree, and the errors that are visible only in complete parts.
//!
//! pest counts the blanks and comments before an absent optional part as part of a rule. So the end of a node is always
//! taken from its last part, never from the rule.

mod expression;
mod literal;
mod operators;
mod query;
mod statement;
mod types;

pub(super) use literal::{text_value, unknown_escapes};

use super::grammar::Rule;
use crate::ast::{Expr, ExprKind, Name, RecordField, Script, TemplatePart, TypeExpr};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use pest::iterators::{Pair, Pairs};

/// A node of pest.
type Node<'a> = Pair<'a, Rule>;
/// Nodes in a row.
type Nodes<'a> = Pairs<'a, Rule>;

/// Builds trees and collects their errors.
pub(super) struct Builder<'a> {
    /// The start of the parsed text in the source, in bytes.
    base: usize,
    /// The source. A mended text may be longer, but no place beyond the source is reported.
    source: &'a str,
    /// The places that have been mended; a hole elsewhere is a stray character of the author.
    holes: &'a [usize],
    /// `(a, b)` without an `in`.
    unclaimed_tuples: Vec<Span>,
    /// The errors found.
    diagnostics: Vec<Diagnostic>,
}

/// Square brackets in place of those at both ends of `span`.
fn brackets(span: Span) -> Fix {
    let (first, last) = (Span { end: span.start + 1, ..span }, Span { start: span.end.saturating_sub(1), ..span });
    Fix::replace(first, "[").and(last, "]").titled("write `[…]`")
}

impl<'a> Builder<'a> {
    /// For a text that begins at byte `base` of `source`.
    pub(super) fn new(source: &'a str, base: usize, holes: &'a [usize]) -> Self {
        Self { base, source, holes, unclaimed_tuples: Vec::new(), diagnostics: Vec::new() }
    }

    /// A whole script.
    pub(super) fn script(&mut self, mut nodes: Nodes) -> Script {
        Script { statements: self.statements(child(&mut nodes).into_inner()) }
    }

    /// One expression that is the whole source.
    pub(super) fn expression_file(&mut self, mut nodes: Nodes) -> Expr {
        self.expression(child(&mut child(&mut nodes).into_inner()))
    }

    /// One type that is the whole source.
    pub(super) fn type_file(&mut self, mut nodes: Nodes) -> TypeExpr {
        self.type_expr(child(&mut child(&mut nodes).into_inner()))
    }

    /// A template that is the whole source.
    pub(super) fn template_file(&mut self, mut nodes: Nodes) -> Vec<TemplatePart> {
        self.template_parts(child(&mut nodes).into_inner())
    }

    /// The errors found.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        for span in self.unclaimed_tuples {
            self.diagnostics.push(
                Diagnostic::error(
                    codes::SEVERAL_VALUES,
                    span,
                    "several values in parentheses are allowed only after `in`",
                )
                .with_hint("write `[a, b]` for a list")
                .with_fix(brackets(span)),
            );
        }
        self.diagnostics
    }

    fn span(&self, node: &Node) -> Span {
        let span = node.as_span();
        self.place(span.start(), span.end())
    }

    fn place(&self, start: usize, end: usize) -> Span {
        Span::new((self.base + start).min(self.source.len()), (self.base + end).min(self.source.len()))
    }

    /// From the start of `node` to the end of the last token in it.
    fn tight_span(&self, node: &Node) -> Span {
        let mut last = node.clone();
        while let Some(inner) = last.clone().into_inner().rfind(|inner| inner.as_rule() != Rule::semicolon) {
            last = inner;
        }
        self.place(node.as_span().start(), last.as_span().end())
    }

    fn name(&self, node: &Node) -> Name {
        Name { text: node.as_str().into(), span: self.span(node) }
    }

    /// The name of a label, quoted or not.
    fn label(&self, node: &Node) -> Name {
        let text = match node.clone().into_inner().next() {
            Some(inner) if inner.as_rule() == Rule::text => text_value(inner.as_str()),
            _ => node.as_str().into(),
        };
        Name { text, span: self.span(node) }
    }

    /// Reads a bracket as a record, where only a record is allowed: bare names are fields.
    fn record_only(&mut self, bracket: Expr) -> Expr {
        match bracket.kind {
            ExprKind::List(items) => {
                let fields = items.into_iter().map(|item| self.shorthand(item)).collect();
                Expr { kind: ExprKind::Record(fields), span: bracket.span }
            }
            _ => bracket,
        }
    }

    /// A field of a record without a label: a name that is its own label.
    fn shorthand(&mut self, value: Expr) -> RecordField {
        match &value.kind {
            ExprKind::Name(text) => {
                RecordField { label: Name { text: text.clone(), span: value.span }, value, shorthand: true }
            }
            kind => {
                let diagnostic = match kind {
                    ExprKind::Invalid => None,
                    ExprKind::Binary { first, rest } if is_assignment_slip(first, rest) => Some(
                        Diagnostic::error(codes::FIELD_NAME, rest[0].1, "the fields of a record are written with `:`")
                            .with_hint("write `name: value`")
                            .with_fix(Fix::replace(rest[0].1, ":").safe()),
                    ),
                    ExprKind::Text(_) => Some(
                        Diagnostic::error(codes::FIELD_NAME, value.span, "this field has a name but no value")
                            .with_hint("write `'name': value`"),
                    ),
                    _ => Some(
                        Diagnostic::error(codes::FIELD_NAME, value.span, "this value of a record has no name")
                            .with_hint("write `name: value`"),
                    ),
                };
                self.diagnostics.extend(diagnostic);
                let label = Name { text: "".into(), span: value.span };
                RecordField { label, value, shorthand: false }
            }
        }
    }
}

/// `name = value`, intended as a field or an assignment.
fn is_assignment_slip(first: &Expr, rest: &[(crate::ast::BinaryOp, Span, Expr)]) -> bool {
    matches!(first.kind, ExprKind::Name(_) | ExprKind::Text(_)) && matches!(rest, [(crate::ast::BinaryOp::Equal, _, _)])
}

/// The next node of a rule that always has it.
fn child<'i>(nodes: &mut Nodes<'i>) -> Node<'i> {
    nodes.next().expect("the grammar gives this rule one more node")
}

/// The next node, if it is of this rule.
fn child_if<'i>(nodes: &mut Nodes<'i>, rule: Rule) -> Option<Node<'i>> {
    if nodes.peek().is_some_and(|node| node.as_rule() == rule) { nodes.next() } else { None }
}
