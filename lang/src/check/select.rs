//! `select`: sources, joins, grouping, items and order.

use super::calls::Given;
use super::checker::Checker;
use super::expressions::invalid;

use super::queries::column_name;
use super::scope::{Columns, Scope, SelectScope, SourceInfo, Stage};
use crate::ast::{self, BinaryOp, ExprKind as A};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{self, Aggregate, AggregateKind, Expr, ExprKind, ScopeId};
use crate::types::{Field, RecordType, Type};
use ecow::EcoString;
use std::sync::Arc;

impl Checker<'_> {
    /// `select … from …`
    pub(super) fn select(&mut self, select: &ast::Select, span: Span) -> Expr {
        let rows: Vec<Expr> = std::iter::once(&select.source)
            .chain(select.joins.iter().map(|join| &join.source))
            .map(|source| self.expr(&source.value))
            .collect();
        let grouped = !select.group.is_empty() || select.having.is_some() || only_aggregates(&select.items);
        let function = self.function();
        let id = function.row_scopes as ScopeId;
        function.row_scopes += 1;
        function.scopes.push(Scope::Select(Box::new(SelectScope {
            id,
            sources: Vec::new(),
            names: Vec::new(),
            stage: Stage::On,
            keys: Vec::new(),
            aggregates: Vec::new(),
            grouped,
            distinct: select.distinct,
            aliases: aliases(select),
            results: Vec::new(),
            whole: Vec::new(),
            expanding: Vec::new(),
        })));
        let sources = self.sources(select, rows);
        self.stage(Stage::Where);
        let condition = select.condition.as_ref().map(|condition| self.expr(condition));
        let keys = self.group_keys(&select.group);
        self.stage(if grouped { Stage::Grouped } else { Stage::Rows });
        let (items, ty) = self.items(&select.items, grouped);
        self.stage(Stage::Having);
        let having = select.having.as_ref().map(|having| self.expr(having));
        self.stage(Stage::Order);
        let order = self.order(select, &ty);
        let scope = match self.function().scopes.pop() {
            Some(Scope::Select(scope)) => *scope,
            _ => return invalid(span),
        };
        let group = grouped.then(|| tree::Group {
            keys,
            aggregates: scope.aggregates.into_iter().map(|(aggregate, _)| aggregate).collect(),
            having,
        });
        let scope = tree::Scope { id, names: scope.names };
        let lowered = tree::Select { scope, sources, condition, group, items, distinct: select.distinct, order };
        Expr { kind: ExprKind::Select(Arc::new(lowered)), span, ty }
    }

    pub(super) fn select_scope(&mut self) -> Option<&mut SelectScope> {
        match self.function().scopes.last_mut() {
            Some(Scope::Select(select)) => Some(select),
            _ => None,
        }
    }

    fn stage(&mut self, stage: Stage) {
        if let Some(select) = self.select_scope() {
            select.stage = stage;
        }
    }

    fn sources(&mut self, select: &ast::Select, rows: Vec<Expr>) -> Vec<tree::Source> {
        let mut lowered = Vec::with_capacity(rows.len());
        for (position, rows) in rows.into_iter().enumerate() {
            let join = position.checked_sub(1).and_then(|at| select.joins.get(at));
            let source = join.map_or(&select.source, |join| &join.source);
            let name = source_name(source);
            let element = self.element_of(&rows, "`from` takes a list or a table");
            let left = join.is_some_and(|join| join.left);
            let columns = match (Columns::of(&self.types, &element), left) {
                (Columns::Known(record), true) => {
                    let nullable = Arc::new(nullable_fields(&record));
                    self.note_made_of(&Type::Record(nullable.clone()), &Type::Record(record));
                    Columns::Known(nullable)
                }
                (columns, _) => columns,
            };
            let taken = self.select_scope().is_some_and(|scope| scope.sources.iter().any(|other| other.name == name));
            if taken && !name.is_empty() {
                let hint = Some("give one of them another name: `… as x`".to_owned());
                self.error_hint(
                    codes::AMBIGUOUS_NAME,
                    source.value.span,
                    format!("Two sources are named `{name}`."),
                    hint,
                );
            }
            let row = match &columns {
                Columns::Known(record) => Type::Record(record.clone()),
                Columns::Every => Type::Any,
                _ => element,
            };
            let info = SourceInfo { name: name.clone(), columns, row };
            if let Some(scope) = self.select_scope() {
                scope.sources.push(info);
            }
            let (equalities, rest) = join.map_or((Vec::new(), None), |join| self.join_condition(&join.on, position));
            let span = join.map_or(source.value.span, |join| join.span);
            lowered.push(tree::Source { name, rows, left, equalities, rest, span });
        }
        lowered
    }

    /// Splits `on` into the equalities for hashing and the remaining conditions.
    fn join_condition(&mut self, on: &ast::Expr, position: usize) -> (Vec<(Expr, Expr)>, Option<Expr>) {
        let mut equalities = Vec::new();
        let mut rest: Option<Expr> = None;
        let scope = self.select_scope().map_or(0, |scope| scope.id);
        for part in conjuncts(on) {
            let value = self.expr(part);
            let (kind, other) = match value.kind {
                ExprKind::Binary(first, mut sides) if matches!(sides.as_slice(), [(BinaryOp::Equal, ..)]) => {
                    match sides.pop() {
                        Some((op, at, second)) => match side_of(&first, &second, scope, position as u16) {
                            Side::LeftRight => {
                                equalities.push((*first, second));
                                continue;
                            }
                            Side::RightLeft => {
                                equalities.push((second, *first));
                                continue;
                            }
                            Side::Mixed => (ExprKind::Binary(first, vec![(op, at, second)]), value.span),
                        },
                        None => continue,
                    }
                }
                kind => (kind, value.span),
            };
            let value = Expr { kind, span: other, ty: value.ty };
            rest = Some(match rest {
                None => value,
                Some(before) => {
                    let span = before.span.to(value.span);
                    let kind = ExprKind::Binary(Box::new(before), vec![(BinaryOp::And, span, value)]);
                    Expr { kind, span, ty: Type::Bool }
                }
            });
        }
        (equalities, rest)
    }

    fn items(&mut self, items: &[ast::SelectItem], grouped: bool) -> (Vec<tree::SelectItem>, Type) {
        let mut lowered = Vec::with_capacity(items.len());
        let mut fields: Vec<Field> = Vec::new();
        let mut open = false;
        for item in items {
            let position = lowered.len() as u16;
            match item {
                ast::SelectItem::All(span) | ast::SelectItem::AllOf(ast::Name { span, .. }) if grouped => {
                    let hint = Some("name the group keys and aggregates instead".to_owned());
                    self.error_hint(
                        codes::MISPLACED_AGGREGATE,
                        *span,
                        "`*` is not allowed in a query with groups.",
                        hint,
                    );
                }
                ast::SelectItem::All(span) => {
                    let count = self.select_scope().map_or(0, |scope| scope.sources.len());
                    for source in 0..count {
                        open |= self.all_of(source, *span, &mut fields);
                        lowered.push(tree::SelectItem::AllOf(source as u16));
                    }
                }
                ast::SelectItem::AllOf(name) => {
                    let found = self
                        .select_scope()
                        .and_then(|scope| scope.sources.iter().position(|source| source.name == name.text));
                    match found {
                        Some(source) => {
                            open |= self.all_of(source, name.span, &mut fields);
                            lowered.push(tree::SelectItem::AllOf(source as u16));
                        }
                        None => self.error(
                            codes::UNKNOWN_COLUMN,
                            name.span,
                            format!("There is no source `{}` here.", name.text),
                        ),
                    }
                }
                ast::SelectItem::Value { label, value } => {
                    let named = label.as_ref().map(|label| label.text.clone()).or_else(|| column_name(value));
                    let lowered_value = self.item(label.as_ref(), value);
                    let Some(name) = named else {
                        let message = "This item needs a name, since it is not a column.";
                        let error = Diagnostic::error(codes::UNNAMED_COLUMN, value.span, message)
                            .with_hint("write `name: …` before it or `as name` after it")
                            .with_fix(Fix::insert(value.span.start, "value: "));
                        self.report(error);
                        continue;
                    };
                    let at = label.as_ref().map_or(value.span, |label| label.span);
                    self.result_column(&name, at, lowered_value.ty.clone(), &mut fields);
                    self.note_result(&name, position, value.span, &lowered_value);
                    lowered.push(tree::SelectItem::Value(name, lowered_value));
                }
            }
        }
        let row = Type::Record(Arc::new(RecordType { fields, open }));
        self.note_columns(items, &row);
        (lowered, row.many())
    }

    /// Records where the columns of a result are declared.
    fn note_columns(&mut self, items: &[ast::SelectItem], row: &Type) {
        if !self.indexes.are_wanted() {
            return;
        }
        for item in items {
            match item {
                ast::SelectItem::Value { label, value } => self.note_result_column(row, label.as_ref(), value.span),
                ast::SelectItem::All(_) | ast::SelectItem::AllOf(_) => {
                    let sources = self.select_scope().map_or(0, |scope| scope.sources.len());
                    for source in 0..sources {
                        let of =
                            self.select_scope().and_then(|scope| scope.sources.get(source)).map(|of| of.row.clone());
                        if let Some(of) = of {
                            self.note_made_of(row, &of);
                        }
                    }
                }
            }
        }
    }

    /// Adds all columns of a source; may there be unknown ones?
    fn all_of(&mut self, source: usize, span: Span, fields: &mut Vec<Field>) -> bool {
        if let Some(scope) = self.select_scope() {
            scope.whole.push(source);
        }
        let columns = self.select_scope().and_then(|scope| scope.sources.get(source)).map(|info| info.columns.clone());
        match columns {
            Some(Columns::Known(record)) => {
                for field in &record.fields {
                    self.result_column(&field.name, span, field.ty.clone(), fields);
                }
                record.open
            }
            Some(Columns::Every) | None => false,
            Some(Columns::None | Columns::Unknown) => true,
        }
    }

    fn result_column(&mut self, name: &EcoString, span: Span, ty: Type, fields: &mut Vec<Field>) {
        self.look(fields.len());
        if fields.iter().any(|field| field.name == *name) {
            let hint = Some("give one of them another name: `x: …`".to_owned());
            self.error_hint(
                codes::DUPLICATE_COLUMN,
                span,
                format!("Two columns of the result are named `{name}`."),
                hint,
            );
            return;
        }
        fields.push(Field { name: name.clone(), ty, default: None });
    }

    /// An aggregate of the enclosing `select`, if `name(given)` is one here.
    pub(super) fn aggregate(&mut self, name: &str, given: &[Given<'_>], span: Span) -> Option<Expr> {
        let kind = aggregate_kind(name, given.len())?;
        let scope = self.select_scope()?;
        if !scope.grouped || !matches!(scope.stage, Stage::Grouped | Stage::Having | Stage::Order) {
            let nothing = given.is_empty();
            if nothing {
                let hint = match scope.stage {
                    Stage::Where | Stage::On => "conditions on groups belong in `having`",
                    _ => "it counts the rows of a group: add `group by`, or leave only aggregates in the `select`",
                };
                self.error_hint(
                    codes::MISPLACED_AGGREGATE,
                    span,
                    format!("`{name}()` is not allowed here."),
                    Some(hint.to_owned()),
                );
                return Some(invalid(span));
            }
            return None;
        }
        let sources: Vec<&ast::Expr> = given
            .iter()
            .map(|given| match given {
                Given::Source(source) => Some(*source),
                Given::Lowered(_) => None,
            })
            .collect::<Option<_>>()?;
        if scope.distinct && scope.stage == Stage::Order {
            self.hidden(&format!("`{name}(…)`"), span);
            return Some(invalid(span));
        }
        let (scope_id, keys) = (scope.id, scope.keys.len());
        let stage = std::mem::replace(&mut scope.stage, Stage::Rows);
        let argument = sources.first().map(|argument| self.expr(argument));
        let separator = sources.get(1).map(|separator| self.expr(separator));
        self.stage(stage);
        if let Some(argument) = &argument {
            match kind {
                AggregateKind::Sum | AggregateKind::Avg => {
                    self.wants_number(argument, &format!("`{name}`"), argument.span);
                }
                AggregateKind::Join => self.wants_text(argument, "`join`"),
                _ => {}
            }
        }
        let inner = argument.as_ref().map_or(Type::Any, |argument| argument.ty.clone());
        let ty = match kind {
            AggregateKind::Count | AggregateKind::Sum => Type::Number,
            AggregateKind::Avg => Type::Number.nullable(),
            AggregateKind::Min | AggregateKind::Max => inner.nullable(),
            AggregateKind::First | AggregateKind::Last => inner,
            AggregateKind::Any | AggregateKind::All => Type::Bool,
            AggregateKind::Join => Type::Text,
        };
        let scope = self.select_scope()?;
        let number = (keys + scope.aggregates.len()) as u16;
        scope.aggregates.push((Aggregate { kind, argument, separator, span }, ty.clone()));
        Some(Expr { kind: ExprKind::GroupValue(scope_id, number), span, ty })
    }
}

/// The named items, which conditions may refer to.
fn aliases(select: &ast::Select) -> Vec<(EcoString, ast::Expr)> {
    select
        .items
        .iter()
        .filter_map(|item| match item {
            ast::SelectItem::Value { label: Some(label), value } => Some((label.text.clone(), value.clone())),
            _ => None,
        })
        .collect()
}

fn source_name(source: &ast::Source) -> EcoString {
    match (&source.alias, &source.value.kind) {
        (Some(alias), _) => alias.text.clone(),
        (None, A::Name(name)) => name.clone(),
        _ => EcoString::new(),
    }
}

fn nullable_fields(record: &RecordType) -> RecordType {
    let fields = record
        .fields
        .iter()
        .map(|field| Field { name: field.name.clone(), ty: field.ty.clone().nullable(), default: None })
        .collect();
    RecordType { fields, open: record.open }
}

/// The parts of an `and` chain.
fn conjuncts(on: &ast::Expr) -> Vec<&ast::Expr> {
    let mut parts = Vec::new();
    let mut open = vec![on];
    while let Some(next) = open.pop() {
        match &next.kind {
            A::Paren(inner) => open.push(inner),
            A::Binary { first, rest } if rest.iter().all(|(op, ..)| *op == BinaryOp::And) => {
                open.extend(rest.iter().rev().map(|(_, _, side)| side));
                open.push(first);
            }
            _ => parts.push(next),
        }
    }
    parts
}

enum Side {
    /// The first belongs to the sources before, the second to the joined one.
    LeftRight,
    RightLeft,
    Mixed,
}

fn side_of(first: &Expr, second: &Expr, scope: ScopeId, joined: u16) -> Side {
    match (sources_of(first, scope), sources_of(second, scope)) {
        (Some(a), Some(b)) if is_only(&b, joined) && !a.contains(&joined) => Side::LeftRight,
        (Some(a), Some(b)) if is_only(&a, joined) && !b.contains(&joined) => Side::RightLeft,
        _ => Side::Mixed,
    }
}

fn is_only(sources: &[u16], joined: u16) -> bool {
    !sources.is_empty() && sources.iter().all(|source| *source == joined)
}

/// The sources that an expression reads; `None` if that is not obvious.
fn sources_of(expr: &Expr, scope: ScopeId) -> Option<Vec<u16>> {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::Variable(..) => Some(Vec::new()),
        ExprKind::SourceField(id, source, _) | ExprKind::SourceRow(id, source) if *id == scope => Some(vec![*source]),
        ExprKind::Field(inner, _) | ExprKind::SafeField(inner, _) | ExprKind::Negate(inner) | ExprKind::Not(inner) => {
            sources_of(inner, scope)
        }
        ExprKind::Index(object, index) => Some([sources_of(object, scope)?, sources_of(index, scope)?].concat()),
        ExprKind::Template(parts) => {
            Some(parts.iter().map(|part| sources_of(part, scope)).collect::<Option<Vec<_>>>()?.concat())
        }
        ExprKind::Binary(first, rest) => {
            let mut sources = sources_of(first, scope)?;
            for (_, _, side) in rest {
                sources.extend(sources_of(side, scope)?);
            }
            Some(sources)
        }
        ExprKind::CallNative { arguments, .. } => {
            let mut sources = Vec::new();
            for argument in arguments {
                match argument {
                    tree::Argument::Value(value) => sources.extend(sources_of(value, scope)?),
                    tree::Argument::Row(_) => return None,
                }
            }
            Some(sources)
        }
        _ => None,
    }
}

pub(super) fn aggregate_kind(name: &str, arguments: usize) -> Option<AggregateKind> {
    let kind = AggregateKind::named(name)?;
    let fits = match kind {
        AggregateKind::Count => arguments <= 1,
        AggregateKind::Join => (1..=2).contains(&arguments),
        _ => arguments == 1,
    };
    fits.then_some(kind)
}

/// Do the items hold at least one aggregate, and otherwise only constants?
fn only_aggregates(items: &[ast::SelectItem]) -> bool {
    let mut found = false;
    let all = items.iter().all(|item| match item {
        ast::SelectItem::Value { value, .. } => of_aggregates(value, &mut found),
        _ => false,
    });
    all && found
}

/// Is an expression made of aggregates and constants alone?
fn of_aggregates(expr: &ast::Expr, found: &mut bool) -> bool {
    match &expr.kind {
        A::Null | A::Bool(_) | A::Number(_) | A::Text(_) => true,
        A::Paren(inner) | A::Negate(inner) | A::Not(inner) => of_aggregates(inner, found),
        A::Binary { first, rest } => {
            of_aggregates(first, found) && rest.iter().all(|(_, _, side)| of_aggregates(side, found))
        }
        A::List(items) => items.iter().all(|item| of_aggregates(item, found)),
        A::Record(fields) => fields.iter().all(|field| of_aggregates(&field.value, found)),
        A::Template(parts) => parts.iter().all(|part| match part {
            ast::TemplatePart::Text(_) => true,
            ast::TemplatePart::Expr(value) => of_aggregates(value, found),
        }),
        A::Case { branches, otherwise } => {
            branches.iter().all(|(when, then)| of_aggregates(when, found) && of_aggregates(then, found))
                && otherwise.as_ref().is_none_or(|value| of_aggregates(value, found))
        }
        A::Postfix { base, steps } => match (&base.kind, steps.as_slice()) {
            (A::Name(name), [ast::PostfixStep { kind: ast::PostfixKind::Call { arguments, .. }, .. }]) => {
                if aggregate_kind(name, arguments.len()).is_some() {
                    *found = true;
                    return true;
                }
                // A function of aggregates: `round(avg(x), 2)`.
                !arguments.is_empty() && arguments.iter().all(|argument| of_aggregates(argument, found))
            }
            _ => false,
        },
        _ => false,
    }
}
