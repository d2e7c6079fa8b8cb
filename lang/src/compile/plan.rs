//! Query plans as text: what a query does, one step a line, the last step first, its sources below it.
//!
//! The operator form and the `select` form of a query have the same plan.

use super::walk::{self, Seen};
use crate::ast::BinaryOp;
use crate::function::{Fold, Reads};
use crate::span::Span;
use crate::tree::{
    Argument, Change, Container, Expr, ExprKind, RowBody, Select, SelectItem, Source, Step, Tree, first_rows,
};
use crate::types::Type;
use std::fmt::Write;

/// A step of a plan.
struct Node {
    /// Its text.
    text: String,
    /// Can all of it run over columns, or is something evaluated row by row?
    columns: bool,
    inputs: Vec<Node>,
}

/// The plans of all queries of a tree, in source order; empty without queries.
pub(crate) fn plans(tree: &Tree) -> String {
    let mut out = String::new();
    for definition in &tree.functions {
        let source = tree.units.get(definition.unit as usize).map_or("", |unit| &*unit.source);
        // Queries that are sources of a query are part of its plan.
        let mut shown = Span::default();
        walk::block(&definition.body, &mut |seen| {
            if let Seen::Expr(expr) = seen
                && !(expr.span.start >= shown.start && expr.span.end <= shown.end)
                && let Some(node) = planned(expr, source)
            {
                shown = expr.span;
                write(&mut out, &node, 0);
            }
        });
    }
    out
}

fn write(out: &mut String, node: &Node, depth: usize) {
    let how = if node.columns { "" } else { "  (row by row)" };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{:indent$}{}{how}", "", node.text, indent = depth * 2);
    for input in &node.inputs {
        write(out, input, depth + 1);
    }
}

/// The plan of a query, or of a library function that looks only at the first of its rows.
fn planned(expr: &Expr, source: &str) -> Option<Node> {
    match &expr.kind {
        ExprKind::Query(rows, steps) => {
            let mut node = input(rows, source);
            for (step, _) in steps {
                node = operator(step, node, source);
            }
            Some(node)
        }
        ExprKind::Select(select) => Some(selected(select, source)),
        ExprKind::CallNative { function, arguments, .. } => {
            let Some(Argument::Value(rows)) = arguments.first() else { return None };
            let query = planned(rows, source)?;
            let text = match (first_rows(function, arguments), function.facts.reads) {
                (Some(count), Reads::FirstOf) => format!("first {count} rows"),
                (Some(_), _) => "first row".to_owned(),
                (None, _) if function.facts.folds == Some(Fold::Count) && arguments.len() == 1 => {
                    "count rows".to_owned()
                }
                (None, _) => return None,
            };
            Some(Node { text, columns: true, inputs: vec![query] })
        }
        _ => None,
    }
}

fn input(rows: &Expr, source: &str) -> Node {
    let leaf = || Node { text: format!("rows of {}", text(rows, source)), columns: true, inputs: Vec::new() };
    planned(rows, source).unwrap_or_else(leaf)
}

fn operator(step: &Step, before: Node, source: &str) -> Node {
    let (text, columns) = match step {
        Step::Where(operand) => {
            (format!("where {}", text(&operand.body, source)), !operand.outside && has_kernel(&operand.body))
        }
        Step::ExceptWhere(operand) => {
            (format!("except where {}", text(&operand.body, source)), !operand.outside && has_kernel(&operand.body))
        }
        Step::Except(record) => (format!("except {}", text(record, source)), false),
        Step::OrderBy(_, keys) => {
            let keys: Vec<(&Expr, bool)> = keys.iter().map(|(key, descending)| (&key.expr, *descending)).collect();
            (order(&keys, source), keys.iter().all(|(key, _)| has_kernel(key)))
        }
        Step::GroupBy(_, keys) => {
            let shown: Vec<String> = keys.iter().map(|(name, key)| named(name, &key.expr, source)).collect();
            let columns = keys.iter().all(|(_, key)| body_has_kernel(key));
            (format!("group by {}: rows", shown.join(", ")), columns)
        }
        Step::With { changes, condition, .. } => {
            let mut shown = Vec::new();
            let mut columns = condition.as_ref().is_none_or(body_has_kernel);
            for (change, guard) in changes {
                let (what, kernels) = changed(change, source);
                let guarded = guard.as_ref().map(|guard| format!(" when {}", text(&guard.expr, source)));
                columns &= kernels && guard.as_ref().is_none_or(body_has_kernel);
                shown.push(what + &guarded.unwrap_or_default());
            }
            let limited = condition.as_ref().map(|condition| format!(" where {}", text(&condition.expr, source)));
            (format!("with {}{}", shown.join(", "), limited.unwrap_or_default()), columns)
        }
        Step::Map(_, change) => {
            let (what, columns) = changed(change, source);
            (format!("columns {what}"), columns)
        }
    };
    Node { text, columns, inputs: vec![before] }
}

fn selected(select: &Select, source: &str) -> Node {
    let mut node = match select.sources.first() {
        Some(first) => input(&first.rows, source),
        None => Node { text: "no rows".into(), columns: true, inputs: Vec::new() },
    };
    for joined in select.sources.iter().skip(1) {
        node = join(joined, node, source);
    }
    let mut wrap = |text: String, columns: bool| {
        let before = std::mem::replace(&mut node, Node { text, columns, inputs: Vec::new() });
        node.inputs.push(before);
    };
    if let Some(condition) = &select.condition {
        wrap(format!("where {}", text(condition, source)), has_kernel(condition));
    }
    if let Some(group) = &select.group {
        let mut columns = group.keys.iter().all(|(_, key)| has_kernel(key));
        let mut shown: Vec<String> = group.keys.iter().map(|(name, key)| named(name, key, source)).collect();
        if shown.is_empty() {
            shown.push("nothing".into());
        }
        let mut aggregates = Vec::new();
        for aggregate in &group.aggregates {
            aggregates.push(slice(source, aggregate.span));
            columns &= aggregate.separator.is_none() && aggregate.kind != crate::tree::AggregateKind::Join;
            columns &= aggregate.argument.as_ref().is_none_or(has_kernel);
        }
        let found = if aggregates.is_empty() { String::new() } else { format!(": {}", aggregates.join(", ")) };
        wrap(format!("group by {}{found}", shown.join(", ")), columns);
        if let Some(having) = &group.having {
            wrap(format!("having {}", text(having, source)), false);
        }
    }
    let all = select.items.iter().all(|item| matches!(item, SelectItem::AllOf(_)));
    if !all {
        let mut columns = true;
        let mut shown = Vec::new();
        for item in &select.items {
            match item {
                SelectItem::AllOf(_) => shown.push("*".to_owned()),
                SelectItem::Value(name, value) => {
                    columns &= has_kernel(value);
                    shown.push(named(name, value, source));
                }
            }
        }
        wrap(format!("columns {}", shown.join(", ")), columns);
    }
    if select.distinct {
        wrap("distinct".into(), true);
    }
    if !select.order.is_empty() {
        let keys: Vec<(&Expr, bool)> = select.order.iter().map(|(key, descending)| (key, *descending)).collect();
        wrap(order(&keys, source), keys.iter().all(|(key, _)| has_kernel(key)));
    }
    node
}

fn join(joined: &Source, before: Node, source: &str) -> Node {
    let kind = if joined.left { "left join" } else { "join" };
    let mut on: Vec<String> = joined
        .equalities
        .iter()
        .map(|(left, right)| format!("{} = {}", text(left, source), text(right, source)))
        .collect();
    on.extend(joined.rest.as_ref().map(|rest| text(rest, source)));
    let how = if joined.equalities.is_empty() { "in loops" } else { "by hash" };
    let columns = joined.rest.is_none() && joined.equalities.iter().all(|(a, b)| has_kernel(a) && has_kernel(b));
    let text = format!("{kind} {how} on {}", on.join(" and "));
    Node { text, columns, inputs: vec![before, input(&joined.rows, source)] }
}

fn order(keys: &[(&Expr, bool)], source: &str) -> String {
    let key = |(key, descending): &(&Expr, bool)| text(key, source) + if *descending { " desc" } else { "" };
    format!("order by {}", keys.iter().map(key).collect::<Vec<_>>().join(", "))
}

/// A change as written, and whether it has kernels.
fn changed(change: &Change, source: &str) -> (String, bool) {
    match change {
        Change::Record(shape, cells) => {
            let fields = shape.names().iter().zip(cells).map(|(name, cell)| named(name, cell, source));
            (fields.collect::<Vec<_>>().join(", "), cells.iter().all(has_kernel))
        }
        Change::Function(function) => (text(function, source), false),
    }
}

fn named(name: &str, expr: &Expr, source: &str) -> String {
    let shown = text(expr, source);
    if shown == name || shown.ends_with(&format!(".{name}")) { shown } else { format!("{name}: {shown}") }
}

fn text(expr: &Expr, source: &str) -> String {
    slice(source, expr.span)
}

/// A piece of the script on one line.
fn slice(source: &str, span: Span) -> String {
    let written = source.get(span.start as usize..span.end as usize).unwrap_or("");
    written.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn body_has_kernel(body: &RowBody) -> bool {
    !body.outside && has_kernel(&body.expr)
}

/// Can an expression run over columns, if they are of simple types?
fn has_kernel(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_)
        | ExprKind::Variable(..)
        | ExprKind::RowName(..)
        | ExprKind::SourceField(..)
        | ExprKind::GroupValue(..)
        | ExprKind::ResultValue(..) => true,
        ExprKind::Field(object, _) => {
            matches!(object.kind, ExprKind::Row(_) | ExprKind::SourceRow(..)) || has_kernel(object)
        }
        ExprKind::Negate(inner) | ExprKind::Not(inner) | ExprKind::Is(inner, Type::Null, _) => has_kernel(inner),
        ExprKind::Binary(first, rest) => {
            has_kernel(first) && rest.iter().all(|(op, _, right)| *op != BinaryOp::Concat && has_kernel(right))
        }
        ExprKind::In { value, container, .. } => {
            has_kernel(value)
                && match container {
                    Container::Values(values) => values.iter().all(has_kernel),
                    Container::Value(value) => has_kernel(value),
                }
        }
        ExprKind::Case(branches, otherwise) => {
            branches.iter().all(|(condition, value)| has_kernel(condition) && has_kernel(value))
                && otherwise.as_deref().is_none_or(has_kernel)
        }
        _ => false,
    }
}
