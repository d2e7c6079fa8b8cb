//! Names inside a `select`: columns of its sources, group keys, result columns and aliases.

use super::Checker;
use super::expressions::invalid;
use super::lookup::{Seen, expr_of};
use super::scope::{Found, FoundPlace, Scope, SelectScope, SourceInfo, Stage};
use crate::ast::{self, ExprKind as A};
use crate::span::Span;
use crate::tree::{Expr, ExprKind};
use crate::types::Type;
use ecow::EcoString;

impl Checker<'_> {
    /// A name in `where` or `having` that no source has as a column but an item has as its name.
    pub(super) fn select_alias(&mut self, name: &EcoString, span: Span) -> Option<Expr> {
        let scope = self.select_scope()?;
        if !matches!(scope.stage, Stage::Where | Stage::Having) {
            return None;
        }
        let is_key = scope.stage == Stage::Having && scope.keys.iter().any(|(key, _)| key == name);
        let is_column = scope.sources.iter().any(|source| source.columns.has(name) == Some(true));
        if is_key || is_column && scope.stage == Stage::Where || scope.expanding.contains(name) {
            return None;
        }
        let unsure =
            scope.stage == Stage::Where && scope.sources.iter().any(|source| source.columns.has(name).is_none());
        let alias = scope.aliases.iter().find(|(alias, _)| alias == name).map(|(_, value)| value.clone())?;
        // An alias of a column of its own name is that column.
        if matches!(&alias.kind, A::Name(column) if *column == *name) {
            return None;
        }
        scope.expanding.push(name.clone());
        let mut value = self.expr(&alias);
        if let Some(scope) = self.select_scope() {
            scope.expanding.pop();
        }
        if unsure {
            let depth = self.unit_state().stack.len() - 1;
            let at = self.function().scopes.len() - 1;
            let found = self.row_name((depth, at), name, span, None, Type::Any, Seen::Columns);
            if let (FoundPlace::RowName(_, position), Some(scope)) = (&found.place, self.select_scope())
                && let Some(entry) = scope.names.get_mut(*position as usize)
            {
                entry.outer = Some(value);
            }
            return Some(expr_of(found, span));
        }
        value.span = span;
        Some(value)
    }

    /// `o.column` of a source named o, in the scopes of this function.
    pub(super) fn source_field(&mut self, name: &str, field: &ast::Name, span: Span) -> Option<Expr> {
        let at = self.find_source(name)?;
        let Scope::Select(scope) = &self.function().scopes[at.0] else { return None };
        let (id, source) = (scope.id, at.1);
        let info = &scope.sources[source];
        let (stage, has, ty) = (scope.stage, info.columns.has(&field.text), info.columns.type_of(&field.text));
        let row = info.row.clone();
        let grouped = scope.grouped && matches!(stage, Stage::Grouped | Stage::Having | Stage::Order);
        if grouped {
            let key = scope.keys.iter().position(|(key, _)| *key == field.text);
            return Some(match key {
                Some(key) => {
                    let ty = scope.keys[key].1.clone();
                    Expr { kind: ExprKind::GroupValue(id, key as u16), span, ty }
                }
                None => {
                    self.must_be_key(&field.text, span);
                    invalid(span)
                }
            });
        }
        if has == Some(false) {
            self.unknown_field(&field.text, field.span, &row);
            return Some(invalid(span));
        }
        Some(Expr { kind: ExprKind::SourceField(id, source as u16, field.text.clone()), span, ty })
    }

    /// The whole row of a source, where its name stands before something else than a column.
    pub(super) fn source_row(&mut self, name: &str, span: Span) -> Option<Expr> {
        let (at, source) = self.find_source(name)?;
        let Scope::Select(scope) = &self.function().scopes[at] else { return None };
        if scope.grouped && scope.stage != Stage::Rows && scope.stage != Stage::Where && scope.stage != Stage::On {
            return None;
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
                }
                Scope::Rows(rows) if rows.columns.has(name) != Some(false) => return None,
                Scope::Block(block) if block.variables.contains_key(name) => return None,
                _ => {}
            }
        }
        None
    }

    fn must_be_key(&mut self, name: &str, span: Span) {
        let message = format!("`{name}` must be a group key here, or stand inside an aggregate.");
        let hint = Some(format!("add it to `group by`, or take one of its values: `first({name})`"));
        self.error_hint("E0305", span, message, hint);
    }

    /// What `name` stands for in the `select` at scope `at` of function `depth`.
    pub(super) fn find_in_select(
        &mut self,
        depth: usize,
        at: usize,
        name: &str,
        span: Span,
        seen: Seen,
    ) -> Option<Found> {
        let Scope::Select(scope) = &self.units[self.unit].stack[depth].scopes[at] else { return None };
        let (id, stage, grouped) = (scope.id, scope.stage, scope.grouped);
        if stage == Stage::Order
            && let Some((_, number, ty)) = scope.results.iter().find(|(result, ..)| result == name)
        {
            return Some(Found { place: FoundPlace::ResultValue(id, *number), ty: ty.clone(), variable: None });
        }
        let in_groups = grouped && matches!(stage, Stage::Grouped | Stage::Having | Stage::Order);
        if in_groups {
            if let Some(key) = scope.keys.iter().position(|(key, _)| key == name) {
                let ty = scope.keys[key].1.clone();
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
                self.error_hint("E0302", span, "`row` could be the row of several sources here.", hint);
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
                Some(Found { place, ty, variable: None })
            }
            ([first, second, ..], _) => {
                let (a, b) = (shown(scope, *first), shown(scope, *second));
                let ty = scope.sources[*first].columns.type_of(name);
                let place = FoundPlace::SourceField(id, *first as u16, name.into());
                let alias = scope.sources[*first].name.clone();
                let hint = (!alias.is_empty()).then(|| format!("write `{alias}.{name}`"));
                self.error_hint("E0302", span, format!("Both {a} and {b} have a column `{name}`."), hint);
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
