//! Group keys of a `select`, and the names that refer to them or to its result columns elsewhere in it.

use super::checker::Checker;
use super::expressions::invalid;
use super::mend::further_item;
use super::scope::{ColumnOf, Found, FoundPlace, KeyInfo, ResultInfo, Scope, SelectScope, Stage};
use super::select::aggregate_kind;
use crate::ast::{self, ExprKind as A};
use crate::diagnostic::codes;
use crate::parse::{same_tokens, tokens};
use crate::span::Span;
use crate::tree::{Expr, ExprKind, RowBody};
use crate::types::Type;
use ecow::EcoString;

impl Checker<'_> {
    pub(super) fn group_keys(&mut self, keys: &[ast::GroupKey]) -> Vec<(EcoString, Expr)> {
        let mut lowered: Vec<(EcoString, Expr)> = Vec::with_capacity(keys.len());
        let mut known: Vec<KeyInfo> = Vec::with_capacity(keys.len());
        for key in keys {
            let name = self.key_name(key);
            let (value, item) = self.group_key(key);
            if known.iter().any(|other| other.name == name) {
                self.error(codes::DUPLICATE_COLUMN, key.value.span, format!("Two group keys are named `{name}`."));
                continue;
            }
            let column = self.column_of(&value);
            let span = item.unwrap_or(key.value.span);
            known.push(KeyInfo { name: name.clone(), ty: value.ty.clone(), is_item: item.is_some(), span, column });
            lowered.push((name, value));
        }
        if let Some(scope) = self.select_scope() {
            scope.keys = known;
        }
        lowered
    }

    /// The value of a key, and the place of the item it matches.
    fn group_key(&mut self, key: &ast::GroupKey) -> (Expr, Option<Span>) {
        let inner = unparenthesised(&key.value);
        let A::Name(name) = &inner.kind else { return (self.expr(&key.value), None) };
        let item = self.select_scope().and_then(|scope| scope.alias(name)).map(|item| item.span);
        let (Some(item), None) = (item, &key.label) else { return (self.expr(&key.value), None) };
        let Some(value) = self.select_alias(name, inner.span) else { return (self.expr(&key.value), None) };
        // If only the run knows the columns, the item is not the key when the rows have a column of its name.
        if let (ExprKind::RowName(id, position), Some(scope)) = (&value.kind, self.select_scope())
            && *id == scope.id
            && let Some(entry) = scope.names.get_mut(usize::from(*position))
        {
            entry.is_item |= entry.name == *name;
        }
        (value, Some(item))
    }

    /// An item of a `select`; one that is a group key has the key's value.
    pub(super) fn item(&mut self, label: Option<&ast::Name>, value: &ast::Expr) -> Expr {
        let key = label.and_then(|label| {
            let scope = self.select_scope()?;
            let number = scope.keys.iter().position(|key| key.is_item && key.name == label.text)?;
            Some((scope.id, number as u16, scope.keys[number].ty.clone()))
        });
        match key {
            Some((id, number, ty)) => Expr { kind: ExprKind::GroupValue(id, number), span: value.span, ty },
            None => self.expr(value),
        }
    }

    /// Remembers a result column for `order by`.
    pub(super) fn note_result(&mut self, name: &EcoString, number: u16, span: Span, value: &Expr) {
        let column = self.column_of(value);
        let Some(scope) = self.select_scope() else { return };
        let key = match &value.kind {
            ExprKind::GroupValue(id, key) if *id == scope.id => Some(*key),
            _ => None,
        };
        scope.results.push(ResultInfo { name: name.clone(), number, ty: value.ty.clone(), span, column, key });
    }

    /// The column of a source that an expression names.
    fn column_of(&mut self, value: &Expr) -> Option<ColumnOf> {
        let scope = self.select_scope()?;
        match &value.kind {
            ExprKind::SourceField(id, source, name) if *id == scope.id => {
                Some(ColumnOf { source: Some(usize::from(*source)), name: name.clone() })
            }
            ExprKind::RowName(id, position) if *id == scope.id => {
                let entry = scope.names.get(usize::from(*position)).filter(|entry| entry.outer.is_none())?;
                Some(ColumnOf { source: None, name: entry.name.clone() })
            }
            _ => None,
        }
    }

    /// The name of the item that an expression repeats.
    pub(super) fn repeated_item(&mut self, span: Span) -> Option<EcoString> {
        let items = self.select_scope().map_or(0, |scope| scope.aliases.len());
        self.pay(items as u64);
        let unit = &self.units[self.unit];
        let Some(Scope::Select(scope)) = unit.stack.last()?.scopes.last() else { return None };
        let repeats = |item: &ast::Expr| same_tokens(span.text(&unit.source), item.span.text(&unit.source));
        scope.aliases.iter().find(|(_, item)| repeats(item)).map(|(name, _)| name.clone())
    }

    /// The group key that an expression repeats, and in `order by` of a `select distinct` the result column.
    pub(super) fn repeated_in_select(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let unit = &self.units[self.unit];
        let Some(Scope::Select(scope)) = unit.stack.last()?.scopes.last() else { return None };
        // Names are looked up, literals are the same everywhere.
        let plain = matches!(
            &expr.kind,
            A::Null | A::Bool(_) | A::Number(_) | A::Text(_) | A::Name(_) | A::Paren(_) | A::Invalid
        );
        if plain {
            return None;
        }
        let others = if scope.is_sorting_distinct() { scope.results.len() } else { scope.keys.len() };
        let seen = scope.is_sorting_distinct() || scope.sees_groups();
        let tokens = (expr.span.end.saturating_sub(expr.span.start) / 64) as usize + 1;
        if seen && !self.pay(others.saturating_mul(tokens) as u64 / 4) {
            return None;
        }
        let unit = &self.units[self.unit];
        let Some(Scope::Select(scope)) = unit.stack.last()?.scopes.last() else { return None };
        let repeats = |span: Span| same_tokens(span.text(&unit.source), expr.span.text(&unit.source));
        let (kind, ty) = if scope.is_sorting_distinct() {
            let result = scope.results.iter().find(|result| repeats(result.span))?;
            (ExprKind::ResultValue(scope.id, result.number), &result.ty)
        } else if scope.sees_groups() {
            let number = scope.keys.iter().position(|key| repeats(key.span))?;
            (ExprKind::GroupValue(scope.id, number as u16), &scope.keys[number].ty)
        } else {
            return None;
        };
        Some(Expr { kind, span: expr.span, ty: ty.clone() })
    }

    pub(super) fn order(&mut self, select: &ast::Select, result: &Type) -> Vec<(Expr, bool)> {
        select
            .order
            .iter()
            .map(|key| {
                let before = self.findings.len();
                let value = self.expr(&key.value);
                if self.findings.len() > before {
                    let fix = further_item(select, key.value.span, &self.units[self.unit].source);
                    self.fix_since(before, codes::DISTINCT_ORDER, fix.as_ref());
                }
                if self.indexes.are_wanted()
                    && let A::Name(name) = &key.value.kind
                    && let Some(Type::Record(row)) = self.types.element(result).cloned()
                {
                    self.note_field(&row, name, key.value.span);
                }
                let body = RowBody { expr: value, outside: false };
                self.sortable(&body);
                self.steady_key(&key.value, &body);
                (body.expr, key.descending)
            })
            .collect()
    }

    /// Reports an expression that `order by` of a `select distinct` cannot see.
    pub(super) fn hidden(&mut self, what: &str, span: Span) {
        let names: Vec<String> = match self.select_scope() {
            Some(scope) => scope.results.iter().take(12).map(|result| result.name.to_string()).collect(),
            None => Vec::new(),
        };
        let message = format!("{what} is not a column of the result, and only those can sort a `select distinct`.");
        let hint = match names.as_slice() {
            [] => "add it to the items of the `select`".to_owned(),
            names => format!("add it to the items of the `select`, or sort by one of them: {}", names.join(", ")),
        };
        self.error_hint(codes::DISTINCT_ORDER, span, message, Some(hint));
    }
}

impl SelectScope {
    /// Are rows of groups being walked, where names are keys?
    pub(super) fn sees_groups(&self) -> bool {
        self.grouped && matches!(self.stage, Stage::Grouped | Stage::Having | Stage::Order)
    }

    /// Is it `order by` of a `select distinct`, which sees only the result?
    pub(super) fn is_sorting_distinct(&self) -> bool {
        self.distinct && self.stage == Stage::Order
    }

    /// The item of this name. One that is a column of its own name is that column.
    pub(super) fn alias(&self, name: &str) -> Option<&ast::Expr> {
        let (_, value) = self.aliases.iter().find(|(alias, _)| alias == name)?;
        let itself = match &unparenthesised(value).kind {
            A::Name(column) => *column == *name,
            A::Postfix { base, steps } => match (&base.kind, steps.as_slice()) {
                (A::Name(source), [ast::PostfixStep { kind: ast::PostfixKind::Field(column), .. }]) => {
                    column.text == *name && self.is_row(source)
                }
                _ => false,
            },
            _ => false,
        };
        (!itself).then_some(value)
    }

    /// Is it the row of a source?
    fn is_row(&self, name: &str) -> bool {
        name == "row" || self.sources.iter().any(|source| source.name == name)
    }

    /// Does an item depend on a column of its own name, perhaps through other items? Then its name is that column.
    pub(super) fn is_circular(&self, name: &str, text: &str) -> bool {
        let mut open = vec![name];
        let mut seen: Vec<&str> = Vec::new();
        while let Some(next) = open.pop() {
            let Some(item) = self.alias(next) else { continue };
            let source = item.span.text(text);
            for (alias, _) in &self.aliases {
                if !seen.contains(&alias.as_str()) && mentions(source, alias, |word| self.is_row(word)) {
                    seen.push(alias);
                    open.push(alias);
                }
            }
        }
        seen.contains(&name)
    }

    /// The key that `name` means if rows of groups are visible.
    pub(super) fn key_named(&self, name: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.name == name).or_else(|| {
            let has_it: Vec<usize> = (0..self.sources.len()).filter(|at| self.may_have(*at, name)).collect();
            self.keys.iter().position(|key| {
                let column = key.column.as_ref().filter(|column| column.name == name);
                column.is_some_and(|column| column.source.is_none_or(|source| has_it == [source]))
            })
        })
    }

    /// The key for `field` of a source.
    pub(super) fn key_of_field(&self, source: usize, field: &str) -> Option<usize> {
        self.keys.iter().position(|key| key.column.as_ref().is_some_and(|column| column.is(source, field)))
    }

    /// The item for `field` of a source.
    fn result_of_field(&self, source: usize, field: &str) -> Option<&ResultInfo> {
        let is_it = |column: &ColumnOf| match column.source {
            Some(_) => column.is(source, field),
            // It may be the column of another source.
            None => column.name == field && self.sources.len() == 1,
        };
        self.results.iter().find(|result| result.column.as_ref().is_some_and(is_it))
    }

    fn may_have(&self, source: usize, name: &str) -> bool {
        self.sources.get(source).is_some_and(|source| source.columns.has(name) != Some(false))
    }

    /// The source whose `*` gives the result a column of this name.
    pub(super) fn whole_source_with(&self, name: &str) -> Option<usize> {
        self.whole
            .iter()
            .copied()
            .find(|at| self.sources.get(*at).is_some_and(|source| source.columns.certainly_has(name)))
    }

    /// The only source that may give the result a column of this name by its `*`.
    pub(super) fn whole_source_that_may_have(&self, name: &str) -> Option<usize> {
        let mut all = (0..self.sources.len()).filter(|at| self.has_all_of(*at) && self.may_have(*at, name));
        let only = all.next()?;
        all.next().is_none().then_some(only)
    }

    /// Does the result have all columns of a source?
    pub(super) fn has_all_of(&self, source: usize) -> bool {
        let empty =
            self.sources.get(source).is_some_and(|source| matches!(source.columns, super::scope::Columns::Every));
        empty || self.whole.contains(&source)
    }
}

impl ColumnOf {
    fn is(&self, source: usize, field: &str) -> bool {
        self.name == field && self.source.is_none_or(|own| own == source)
    }

    fn is_bare(&self, name: &str) -> bool {
        self.name == name && self.source.is_none()
    }
}

/// The meaning of a name in `order by` of a `select distinct`.
pub(super) enum Sorted {
    /// This column of the result.
    Result(Found),
    /// The column of this source, all of which the result shows.
    Whole(usize),
    /// Something that the result does not show.
    Hidden,
    /// A variable outside, although the rows may have a column of its name.
    Outer,
    /// A column of a source that the result has completely, or no column at all.
    Other,
}

impl SelectScope {
    /// May a name be a column that the result does not show?
    pub(super) fn may_hide(&self, name: &str) -> bool {
        !self.grouped && (0..self.sources.len()).any(|source| self.may_have(source, name) && !self.has_all_of(source))
    }

    /// The meaning of a name other than a result column in `order by` of a `select distinct`. `outer` is true if there
    /// is a variable of this name.
    pub(super) fn sorted(&self, name: &str, outer: bool) -> Sorted {
        if self.grouped {
            return match self.key_named(name).map(|key| self.result_of_key(key)) {
                Some(Some(result)) => Sorted::Result(self.found(result)),
                Some(None) => Sorted::Hidden,
                None => Sorted::Other,
            };
        }
        let all: Vec<usize> = (0..self.sources.len()).filter(|at| self.may_have(*at, name)).collect();
        let own = match all.as_slice() {
            [source] => self.result_of_field(*source, name),
            _ => None,
        };
        let unqualified = |result: &&ResultInfo| result.column.as_ref().is_some_and(|column| column.is_bare(name));
        if let Some(result) = own.or_else(|| self.results.iter().find(unqualified)) {
            return Sorted::Result(self.found(result));
        }
        let is_source =
            if name == "row" { Some(0) } else { self.sources.iter().position(|source| source.name == name) };
        if is_source.is_some_and(|source| !self.has_all_of(source)) && all.is_empty() {
            return Sorted::Hidden;
        }
        let sure = self.sources.iter().any(|source| source.columns.certainly_has(name));
        match self.may_hide(name) {
            false => Sorted::Other,
            true if outer && !sure => Sorted::Outer,
            true => match self.whole_source_that_may_have(name) {
                Some(source) => Sorted::Whole(source),
                None => Sorted::Hidden,
            },
        }
    }

    /// The item that is a group key.
    pub(super) fn result_of_key(&self, key: usize) -> Option<&ResultInfo> {
        self.results.iter().find(|result| result.key == Some(key as u16))
    }

    /// The meaning of `field` of a source in `order by` of a `select distinct`.
    pub(super) fn sorted_field(&self, source: usize, field: &str) -> Sorted {
        if self.has_all_of(source) {
            return Sorted::Other;
        }
        match self.result_of_field(source, field) {
            Some(result) => Sorted::Result(self.found(result)),
            None => Sorted::Hidden,
        }
    }

    pub(super) fn found(&self, result: &ResultInfo) -> Found {
        let place = FoundPlace::ResultValue(self.id, result.number);
        Found { place, ty: result.ty.clone(), variable: None }
    }
}

/// Does a source use `name` as a variable, or as a field of something that `is_row` takes for the row of a source?
fn mentions(source: &str, name: &str, is_row: impl Fn(&str) -> bool) -> bool {
    let tokens = tokens(source);
    let text = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |(_, span)| span.text(source));
    (0..tokens.len()).filter(|at| text(Some(*at)) == name).any(|at| {
        let behind_dot = matches!(text(at.checked_sub(1)), "." | "?.");
        let of_row = is_row(text(at.checked_sub(2))) && !matches!(text(at.checked_sub(3)), "." | "?.");
        let called = text(Some(at + 1)) == "(";
        !called && (!behind_dot || of_row)
    })
}

/// The expression inside parentheses.
fn unparenthesised(expr: &ast::Expr) -> &ast::Expr {
    let mut inner = expr;
    while let A::Paren(next) = &inner.kind {
        inner = next;
    }
    inner
}

/// Does an item hold an aggregate of its `select`?
pub(super) fn holds_aggregate(expr: &ast::Expr) -> bool {
    match &expr.kind {
        A::Paren(inner) | A::Negate(inner) | A::Not(inner) | A::Star(inner) | A::Error(inner) => holds_aggregate(inner),
        A::Is { value, .. } => holds_aggregate(value),
        A::Binary { first, rest } => holds_aggregate(first) || rest.iter().any(|(_, _, side)| holds_aggregate(side)),
        A::List(items) | A::Tuple(items) => items.iter().any(holds_aggregate),
        A::Record(fields) | A::New { fields, .. } => fields.iter().any(|field| holds_aggregate(&field.value)),
        A::Template(parts) => parts.iter().any(|part| match part {
            ast::TemplatePart::Text(_) => false,
            ast::TemplatePart::Expr(value) => holds_aggregate(value),
        }),
        A::Case { branches, otherwise } => {
            branches.iter().any(|(when, then)| holds_aggregate(when) || holds_aggregate(then))
                || otherwise.as_ref().is_some_and(|value| holds_aggregate(value))
        }
        A::Postfix { base, steps } => {
            let called = match (&base.kind, steps.first().map(|step| &step.kind)) {
                (A::Name(name), Some(ast::PostfixKind::Call { arguments, .. })) => {
                    aggregate_kind(name, arguments.len()).is_some()
                }
                _ => false,
            };
            called
                || holds_aggregate(base)
                || steps.iter().any(|step| match &step.kind {
                    ast::PostfixKind::Index(index) => holds_aggregate(index),
                    ast::PostfixKind::Call { arguments, .. } => arguments.iter().any(holds_aggregate),
                    ast::PostfixKind::Field(_) | ast::PostfixKind::SafeField(_) => false,
                })
        }
        A::Query { source, .. } | A::Map { rows: source, .. } => holds_aggregate(source),
        A::Null | A::Bool(_) | A::Number(_) | A::Text(_) | A::Name(_) | A::Function(_) | A::Select(_) | A::Invalid => {
            false
        }
    }
}

/// The replacement of an alias of an aggregate if rows are not grouped yet.
pub(super) fn ungrouped(checker: &mut Checker<'_>, name: &str, span: Span) -> Expr {
    let message = format!("`{name}` is an aggregate, which is computed after the rows are filtered and grouped.");
    let hint = "conditions on aggregates belong in `having`; group keys are columns or computed from columns";
    checker.error_hint(codes::MISPLACED_AGGREGATE, span, message, Some(hint.to_owned()));
    Expr { ty: Type::Any, ..invalid(span) }
}
