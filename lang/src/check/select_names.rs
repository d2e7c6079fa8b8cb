//! Names inside a `select`: columns of its sources, group keys, result columns and aliases.

use super::checker::Checker;
use super::expressions::invalid;
use super::lookup::{Seen, expr_of};
use super::scope::{Found, FoundPlace, Scope, SelectScope, SourceInfo, Stage};
use super::select_keys::{Sorted, holds_aggregate, ungrouped};
use crate::ast;
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::tree::{Expr, ExprKind, RowName};
use crate::types::Type;
use ecow::EcoString;

impl Checker<'_> {
    /// A name in `where` or `having` that is not a column of a source but the name of an item.
    pub(super) fn select_alias(&mut self, name: &EcoString, span: Span) -> Option<Expr> {
        let text = self.units[self.unit].source.clone();
        let scope = self.select_scope()?;
        let early = scope.stage == Stage::Where;
        if !early && scope.stage != Stage::Having || scope.expanding.contains(name) {
            return None;
        }
        let is_column = early && scope.sources.iter().any(|source| source.columns.certainly_has(name));
        if is_column || !early && scope.key_named(name).is_some() {
            return None;
        }
        let alias = scope.alias(name)?.clone();
        let unsure = early && scope.sources.iter().any(|source| source.columns.has(name).is_none());
        let items = scope.aliases.len();
        let written: usize = scope.aliases.iter().map(|(_, item)| (item.span.end - item.span.start) as usize).sum();
        if unsure && !self.scan(items.saturating_mul(written.saturating_add(64 * items))) {
            return None;
        }
        let scope = self.select_scope()?;
        if unsure && scope.is_circular(name, &text) {
            return None;
        }
        if early && scope.grouped && holds_aggregate(&alias) {
            return (!unsure).then(|| ungrouped(self, name, span));
        }
        scope.expanding.push(name.clone());
        let mut value = self.expr(&alias);
        if let Some(scope) = self.select_scope() {
            scope.expanding.pop();
        }
        if unsure {
            let scope = self.select_scope()?;
            let same = |entry: &RowName| entry.name == *name && entry.sees_items;
            let position = scope.names.iter().position(same).unwrap_or_else(|| {
                let outer = Some(value);
                let name = name.clone();
                scope.names.push(RowName { name, outer, required: true, is_item: false, sees_items: true, span });
                scope.names.len() - 1
            });
            return Some(Expr { kind: ExprKind::RowName(scope.id, position as u16), span, ty: Type::Any });
        }
        value.span = span;
        Some(value)
    }

    /// `o.column` of a source named o, in the scopes of this function.
    pub(super) fn source_field(&mut self, name: &str, field: &ast::Name, span: Span) -> Option<Expr> {
        let at = self.find_source(name)?;
        let depth = self.unit_state().stack.len() - 1;
        self.note_column((depth, at.0), Some(at.1), &field.text, field.span);
        let Scope::Select(scope) = &self.function().scopes[at.0] else { return None };
        let (id, source) = (scope.id, at.1);
        let info = &scope.sources[source];
        let (has, ty) = (info.columns.has(&field.text), info.columns.type_of(&field.text));
        let row = info.row.clone();
        if scope.sees_groups() {
            let Some(key) = scope.key_of_field(source, &field.text) else {
                self.must_be_key(&field.text, span);
                return Some(invalid(span));
            };
            if scope.is_sorting_distinct() {
                return Some(match scope.result_of_key(key) {
                    Some(result) => expr_of(scope.found(result), span),
                    None => self.hidden_name(&format!("{name}.{}", field.text), span),
                });
            }
            let ty = scope.keys[key].ty.clone();
            return Some(Expr { kind: ExprKind::GroupValue(id, key as u16), span, ty });
        }
        if scope.is_sorting_distinct() && has != Some(false) {
            match scope.sorted_field(source, &field.text) {
                Sorted::Result(found) => return Some(expr_of(found, span)),
                Sorted::Hidden => return Some(self.hidden_name(&format!("{name}.{}", field.text), span)),
                Sorted::Whole(_) | Sorted::Outer | Sorted::Other => {}
            }
        }
        if has == Some(false) {
            self.unknown_field(&field.text, field.span, &row);
            return Some(invalid(span));
        }
        Some(Expr { kind: ExprKind::SourceField(id, source as u16, field.text.clone()), span, ty })
    }

    /// The whole row of a source, if its name is not followed by a column.
    pub(super) fn source_row(&mut self, name: &str, span: Span) -> Option<Expr> {
        let (at, source) = self.find_source(name)?;
        let Scope::Select(scope) = &self.function().scopes[at] else { return None };
        if scope.sees_groups() {
            return None;
        }
        if scope.is_sorting_distinct() && !scope.has_all_of(source) {
            return Some(self.hidden_name(name, span));
        }
        let ty = scope.sources[source].row.clone();
        Some(Expr { kind: ExprKind::SourceRow(scope.id, source as u16), span, ty })
    }

    /// The scope and number of the source `name`, unless a nearer row has a column of that name.
    fn find_source(&mut self, name: &str) -> Option<(usize, usize)> {
        for (at, scope) in self.function().scopes.iter().enumerate().rev() {
            match scope {
                Scope::Select(select) => {
                    if let Some(source) = select.sources.iter().position(|source| source.name == name) {
                        return Some((at, source));
                    }
                    let is_row = name == "row" && select.sources.len() == 1 && select.is_sorting_distinct();
                    if is_row && !select.grouped {
                        return Some((at, 0));
                    }
                }
                Scope::Rows(_) if name == "row" => return None,
                Scope::Rows(rows) if rows.columns.has(name) != Some(false) => return None,
                Scope::Block(block) if block.variables.contains_key(name) => return None,
                _ => {}
            }
        }
        None
    }

    /// The meaning of a name other than a result column in `order by` of a `select distinct`.
    fn find_sorted(&mut self, depth: usize, at: usize, name: &str, span: Span) -> Sorted {
        let unsure = match &self.units[self.unit].stack[depth].scopes[at] {
            Scope::Select(scope) => scope.may_hide(name),
            _ => false,
        };
        // A name that may be a hidden column means the variable, if there is one.
        let outer = unsure && self.find_in(depth, at, name, span, Seen::Fallback).is_some();
        match &self.units[self.unit].stack[depth].scopes[at] {
            Scope::Select(scope) => scope.sorted(name, outer),
            _ => Sorted::Other,
        }
    }

    fn hidden_name(&mut self, name: &str, span: Span) -> Expr {
        self.hidden(&format!("`{name}`"), span);
        invalid(span)
    }

    fn must_be_key(&mut self, name: &str, span: Span) {
        let message = format!("`{name}` must be a group key here, or be inside an aggregate.");
        let hint = format!("add it to `group by`, or take one of its values: `first({name})`");
        let fix = Fix::around(span, "first(", ")").titled(format!("write `first({name})`"));
        self.report(Diagnostic::error(codes::MISPLACED_AGGREGATE, span, message).with_hint(hint).with_fix(fix));
    }

    /// The meaning of `name` in the `select` at scope `at` of function `depth`.
    pub(super) fn find_in_select(
        &mut self,
        depth: usize,
        at: usize,
        name: &str,
        span: Span,
        seen: Seen,
    ) -> Option<Found> {
        let Scope::Select(scope) = &self.units[self.unit].stack[depth].scopes[at] else { return None };
        let (id, stage) = (scope.id, scope.stage);
        if stage == Stage::Order
            && let Some(result) = scope.results.iter().find(|result| result.name == name)
        {
            return Some(scope.found(result));
        }
        if stage == Stage::Order
            && let Some(source) = scope.whole_source_with(name)
        {
            let ty = scope.sources[source].columns.type_of(name);
            let place = FoundPlace::SourceField(id, source as u16, name.into());
            return Some(Found { place, ty, variable: None });
        }
        if scope.is_sorting_distinct() {
            match self.find_sorted(depth, at, name, span) {
                Sorted::Result(found) => return Some(found),
                Sorted::Whole(source) => {
                    let place = FoundPlace::SourceField(id, source as u16, name.into());
                    return Some(Found { place, ty: Type::Any, variable: None });
                }
                Sorted::Hidden => {
                    self.hidden_name(name, span);
                    return Some(Found { place: FoundPlace::ResultValue(id, 0), ty: Type::Any, variable: None });
                }
                Sorted::Outer => return None,
                Sorted::Other => {}
            }
        }
        let Scope::Select(scope) = &self.units[self.unit].stack[depth].scopes[at] else { return None };
        if scope.sees_groups() {
            if let Some(key) = scope.key_named(name) {
                let ty = scope.keys[key].ty.clone();
                if seen == Seen::Columns {
                    self.note_column((depth, at), None, name, span);
                }
                return Some(Found { place: FoundPlace::GroupValue(id, key as u16), ty, variable: None });
            }
            if scope.sources.iter().any(|source| source.columns.has(name) == Some(true)) {
                self.must_be_key(name, span);
                return Some(Found { place: FoundPlace::GroupValue(id, 0), ty: Type::Any, variable: None });
            }
            return None;
        }
        if name == "row" {
            let ty = scope.sources.first().map_or(Type::Any, |source| source.row.clone());
            if scope.sources.len() > 1 {
                let hint = Some("name a source: `o` is its whole row".to_owned());
                self.error_hint(codes::AMBIGUOUS_NAME, span, "`row` could be the row of several sources here.", hint);
            }
            return Some(Found { place: FoundPlace::SourceRow(id, 0), ty, variable: None });
        }
        let known: Vec<usize> = sources_that(scope, |source| source.columns.has(name) == Some(true));
        let unsure = scope.sources.iter().any(|source| source.columns.has(name).is_none());
        match (known.as_slice(), unsure) {
            ([], false) => {
                let source = scope.sources.iter().position(|source| source.name == name)?;
                let ty = scope.sources[source].row.clone();
                Some(Found { place: FoundPlace::SourceRow(id, source as u16), ty, variable: None })
            }
            ([source], false) => {
                let ty = scope.sources[*source].columns.type_of(name);
                let place = FoundPlace::SourceField(id, *source as u16, name.into());
                if seen == Seen::Columns {
                    self.note_column((depth, at), Some(*source), name, span);
                }
                Some(Found { place, ty, variable: None })
            }
            ([first, second, ..], _) => {
                let (a, b) = (shown(scope, *first), shown(scope, *second));
                let ty = scope.sources[*first].columns.type_of(name);
                let place = FoundPlace::SourceField(id, *first as u16, name.into());
                let alias = scope.sources[*first].name.clone();
                let message = format!("Both {a} and {b} have a column `{name}`.");
                let mut error = Diagnostic::error(codes::AMBIGUOUS_NAME, span, message).about(name);
                if !alias.is_empty() {
                    error = error.with_hint(format!("write `{alias}.{name}`"));
                }
                for source in
                    [*first, *second].map(|at| &scope.sources[at].name).into_iter().filter(|it| !it.is_empty())
                {
                    error = error.with_fix(Fix::replace(span, format!("{source}.{name}")));
                }
                self.report(error);
                Some(Found { place, ty, variable: None })
            }
            (_, true) => {
                if let Some(source) = scope.sources.iter().position(|source| source.name == name) {
                    let ty = scope.sources[source].row.clone();
                    return Some(Found { place: FoundPlace::SourceRow(id, source as u16), ty, variable: None });
                }
                let outer = if known.is_empty() { self.find_in(depth, at, name, span, Seen::Fallback) } else { None };
                Some(self.row_name((depth, at), name, span, outer, Type::Any, seen))
            }
        }
    }
}

fn sources_that(scope: &SelectScope, test: impl Fn(&SourceInfo) -> bool) -> Vec<usize> {
    scope.sources.iter().enumerate().filter(|(_, source)| test(source)).map(|(at, _)| at).collect()
}

fn shown(scope: &SelectScope, source: usize) -> String {
    match &scope.sources[source].name {
        name if name.is_empty() => format!("source {}", source + 1),
        name => format!("`{name}`"),
    }
}
