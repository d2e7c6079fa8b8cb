//! Precedence: the Pratt table, and flat rows of operators.

use super::{Builder, Node};
use crate::ast::{BinaryOp, Expr, ExprKind};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::span::Span;
use pest::pratt_parser::{Assoc, Op, PrattParser};
use std::cell::RefCell;
use std::sync::LazyLock;

/// Loosest first (lang/README.md, Operators, levels 10 to 2).
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::greater)
            | left(Rule::less_equal)
            | left(Rule::greater_equal)
            | left(Rule::r#in)
            | left(Rule::not_in)
            | left(Rule::like)
            | left(Rule::not_like)
            | Op::postfix(Rule::is_test))
        .op(left(Rule::concat))
        .op(left(Rule::add) | left(Rule::subtract))
        .op(left(Rule::multiply) | left(Rule::divide) | left(Rule::modulo))
        .op(left(Rule::coalesce))
        .op(Op::prefix(Rule::minus) | Op::prefix(Rule::star))
});

impl Builder<'_> {
    /// An expression of levels 1 to 10, or of levels 1 to 6.
    pub(super) fn logic(&mut self, node: Node) -> Expr {
        let mut nodes = node.into_inner();
        if nodes.len() == 1 {
            return self.operand(super::child(&mut nodes));
        }
        // The Pratt parser holds all its closures at once; only one of them runs at a time.
        let builder = RefCell::new(self);
        PRECEDENCE
            .map_primary(|node| builder.borrow_mut().operand(node))
            .map_prefix(|operator, operand| prefix(builder.borrow().span(&operator), operator.as_rule(), operand))
            .map_infix(|left, operator, right| builder.borrow_mut().infix(left, &operator, right))
            .map_postfix(|value, test| builder.borrow_mut().is_test(value, test))
            .parse(nodes)
    }

    fn infix(&mut self, left: Expr, operator: &Node, right: Expr) -> Expr {
        let place = self.tight_span(operator);
        let operator = binary_operator(operator.as_rule());
        if matches!(operator, BinaryOp::In | BinaryOp::NotIn) && matches!(right.kind, ExprKind::Tuple(_)) {
            // Its parts are complete, so the list itself was recorded last.
            self.unclaimed_tuples.pop();
        }
        if level(operator) == COMPARISON {
            self.check_single_comparison(&left, place);
        }
        let span = left.span.to(right.span);
        match left.kind {
            ExprKind::Binary { first, mut rest }
                if level(operator) != COMPARISON
                    && rest.first().is_some_and(|other| level(other.0) == level(operator)) =>
            {
                rest.push((operator, place, right));
                Expr { kind: ExprKind::Binary { first, rest }, span }
            }
            _ => Expr { kind: ExprKind::Binary { first: Box::new(left), rest: vec![(operator, place, right)] }, span },
        }
    }

    fn is_test(&mut self, value: Expr, test: Node) -> Expr {
        let mut nodes = test.into_inner();
        let word = super::child(&mut nodes);
        let not = super::child_if(&mut nodes, Rule::k_not);
        let place = self.span(&word);
        self.check_single_comparison(&value, not.as_ref().map_or(place, |not| place.to(self.span(not))));
        let ty = self.type_expr(super::child(&mut nodes));
        let span = value.span.to(ty.span);
        Expr { kind: ExprKind::Is { value: Box::new(value), negated: not.is_some(), ty }, span }
    }

    fn check_single_comparison(&mut self, left: &Expr, operator: Span) {
        let compared = match &left.kind {
            ExprKind::Binary { rest, .. } => rest.first().is_some_and(|other| level(other.0) == COMPARISON),
            ExprKind::Is { .. } => true,
            _ => false,
        };
        if compared {
            let shared = match &left.kind {
                ExprKind::Binary { rest, .. } => rest.last().map(|(_, _, second)| second.span),
                _ => None,
            };
            let and = |shared: Span| Fix::insert(shared.end, format!(" and {}", shared.text(self.source)));
            let fix = shared.map(|shared| and(shared).titled("compare twice, with `and`"));
            let message = "two comparisons cannot follow each other";
            let error = Diagnostic::error(codes::CHAINED_COMPARISON, operator, message).with_fix(fix);
            let hint = "write `a < b and b < c`, or put parentheses around one of them";
            self.diagnostics.push(error.with_hint(hint));
        }
    }
}

fn prefix(place: Span, rule: Rule, operand: Expr) -> Expr {
    let span = place.to(operand.span);
    let operand = Box::new(operand);
    let kind = match rule {
        Rule::not => ExprKind::Not(operand),
        Rule::minus => ExprKind::Negate(operand),
        _ => ExprKind::Star(operand),
    };
    Expr { kind, span }
}

fn binary_operator(rule: Rule) -> BinaryOp {
    match rule {
        Rule::or => BinaryOp::Or,
        Rule::and => BinaryOp::And,
        Rule::equal => BinaryOp::Equal,
        Rule::not_equal => BinaryOp::NotEqual,
        Rule::less => BinaryOp::Less,
        Rule::greater => BinaryOp::Greater,
        Rule::less_equal => BinaryOp::LessEqual,
        Rule::greater_equal => BinaryOp::GreaterEqual,
        Rule::r#in => BinaryOp::In,
        Rule::not_in => BinaryOp::NotIn,
        Rule::like => BinaryOp::Like,
        Rule::not_like => BinaryOp::NotLike,
        Rule::concat => BinaryOp::Concat,
        Rule::add => BinaryOp::Add,
        Rule::subtract => BinaryOp::Subtract,
        Rule::multiply => BinaryOp::Multiply,
        Rule::divide => BinaryOp::Divide,
        Rule::modulo => BinaryOp::Modulo,
        rule => {
            debug_assert_eq!(rule, Rule::coalesce);
            BinaryOp::Coalesce
        }
    }
}

const COMPARISON: u8 = 7;

/// The level in the table of lang/README.md, Operators.
fn level(operator: BinaryOp) -> u8 {
    match operator {
        BinaryOp::Coalesce => 3,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => 4,
        BinaryOp::Add | BinaryOp::Subtract => 5,
        BinaryOp::Concat => 6,
        BinaryOp::And => 9,
        BinaryOp::Or => 10,
        _ => COMPARISON,
    }
}
