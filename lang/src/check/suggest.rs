//! What is said of a name that is not there.

use super::Checker;
use super::scope::{Scope, VarKind};
use crate::ast;
use crate::diagnostic::codes;
use crate::span::Span;
use crate::suggest::{LONGEST, nearest};
use crate::types::Type;
use ecow::EcoString;

/// A script with more findings than this is wrong as a whole; which of its names were meant helps nobody then, and looking
/// for them takes time.
const MOST_SUGGESTIONS: usize = 200;

/// What collecting and comparing a name costs, in names that are merely looked at.
const COMPARING: usize = 16;

impl Checker<'_> {
    /// May names be looked for that were meant instead of this one?
    fn may_suggest(&self, wrong: &str) -> bool {
        wrong.len() <= LONGEST && self.diagnostics.len() < MOST_SUGGESTIONS && self.ended.is_none()
    }

    /// All variables in scope, columns too.
    fn names_in_scope(&mut self, wrong: &str) -> Vec<EcoString> {
        if !self.may_suggest(wrong) {
            return Vec::new();
        }
        let names = self.sorted_names_in_scope();
        self.look(names.len().saturating_mul(COMPARING));
        names
    }

    fn sorted_names_in_scope(&self) -> Vec<EcoString> {
        let unit = &self.units[self.unit];
        let mut names = Vec::new();
        for scope in unit.stack.iter().rev().flat_map(|function| function.scopes.iter().rev()) {
            match scope {
                Scope::Block(block) => {
                    let visible = block.variables.iter();
                    names.extend(
                        visible
                            .filter(|(_, id)| unit.variables[**id].kind != VarKind::Function)
                            .map(|(name, _)| name.clone()),
                    );
                }
                Scope::Rows(rows) => names.extend(rows.columns.names()),
                Scope::Select(select) => {
                    names.extend(select.sources.iter().flat_map(|source| source.columns.names()));
                    names.extend(select.aliases.iter().map(|(name, _)| name.clone()));
                    names.extend(select.keys.iter().map(|key| key.name.clone()));
                }
            }
        }
        names.sort();
        names
    }

    /// The columns that a row expression sees, a dozen at most.
    fn columns_in_scope(&self) -> Vec<String> {
        let unit = &self.units[self.unit];
        let scopes = unit.stack.last().map(|function| function.scopes.as_slice()).unwrap_or_default();
        let columns = scopes.iter().rev().find_map(|scope| match scope {
            Scope::Block(_) => None,
            Scope::Rows(rows) => Some(rows.columns.names()),
            Scope::Select(select) => Some(select.sources.iter().flat_map(|source| source.columns.names()).collect()),
        });
        columns.unwrap_or_default().iter().take(12).map(ToString::to_string).collect()
    }

    fn functions_in_scope(&mut self, wrong: &str) -> Vec<EcoString> {
        if !self.may_suggest(wrong) {
            return Vec::new();
        }
        let unit = &self.units[self.unit];
        let mut names: Vec<EcoString> = self.options.registry.all_names().map(EcoString::from).collect();
        for scope in unit.stack.iter().flat_map(|function| function.scopes.iter()) {
            if let Scope::Block(block) = scope {
                names.extend(block.functions.values().map(|function| function.signature.name.clone()));
            }
        }
        self.look(names.len().saturating_mul(COMPARING));
        names
    }

    /// `set` of a variable that is not there.
    pub(super) fn undefined_set(&mut self, name: &ast::Name) {
        if self.is_unparsed(&name.text) {
            return;
        }
        let names = self.names_in_scope(&name.text);
        let hint = match nearest(&name.text, names.iter().map(EcoString::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the first time write `let {} = …;`, `set` changes it later", name.text),
        };
        self.error_hint(
            codes::UNKNOWN_VARIABLE,
            name.span,
            format!("There is no variable `{}` to set.", name.text),
            Some(hint),
        );
    }

    pub(super) fn undefined(&mut self, name: &str, span: Span) {
        if self.is_unparsed(name) {
            return;
        }
        let names = self.names_in_scope(name);
        let in_rows = self.function().scopes.iter().any(|scope| !matches!(scope, Scope::Block(_)));
        let later = self.declared_later(name, span);
        let hint = if let Some(line) = later {
            Some(format!("it is declared below, in line {line}; a variable can be used only after its `let`"))
        } else if let Some(near) = nearest(name, names.iter().map(EcoString::as_str)) {
            Some(format!("did you mean `{near}`?"))
        } else if let Some(function) = self.options.registry.find(name) {
            Some(format!(
                "`{}` is a function: call it, or write `x => {}(x)` to pass it on",
                function.name, function.name
            ))
        } else if in_rows {
            let columns = self.columns_in_scope();
            (!columns.is_empty()).then(|| format!("the columns here are {}", columns.join(", ")))
        } else {
            Some(format!("declare it with `let {name} = …;`, or quote it if it is meant as a text"))
        };
        let (code, what) =
            if in_rows { (codes::UNKNOWN_COLUMN, "column or variable") } else { (codes::UNKNOWN_VARIABLE, "variable") };
        self.error_hint(code, span, format!("There is no {what} `{name}`."), hint);
    }

    /// The line of a `let name` that stands behind `span`.
    fn declared_later(&self, name: &str, span: Span) -> Option<u32> {
        let unit = &self.units[self.unit];
        unit.variables
            .iter()
            .find(|info| info.name == name && info.kind == VarKind::Let && info.span.start > span.start)
            .map(|info| self.line_of(info.span))
    }

    /// Does a statement that could not be parsed declare `name`?
    pub(super) fn is_unparsed(&self, name: &str) -> bool {
        self.unparsed.iter().any(|unparsed| unparsed.eq_ignore_ascii_case(name))
    }

    pub(super) fn undefined_function(&mut self, name: &str, span: Span) {
        if self.is_unparsed(name) {
            return;
        }
        let names = self.functions_in_scope(name);
        let variables = self.names_in_scope(name);
        let hint = if let Some(near) = nearest(name, names.iter().map(EcoString::as_str)) {
            Some(format!("did you mean `{near}`?"))
        } else if let Some(full) =
            names.iter().find(|full| full.rsplit_once('.').is_some_and(|(_, short)| short.eq_ignore_ascii_case(name)))
        {
            Some(format!("it is `{full}`, or write `open {};` first", full.rsplit_once('.').map_or("", |(m, _)| m)))
        } else {
            nearest(name, variables.iter().map(EcoString::as_str))
                .map(|near| format!("did you mean the variable `{near}`?"))
        };
        self.error_hint(codes::UNKNOWN_FUNCTION, span, format!("There is no function `{name}`."), hint);
    }

    pub(super) fn unknown_field(&mut self, name: &str, span: Span, ty: &Type) {
        if !self.may_suggest(name) {
            self.error_hint(codes::UNKNOWN_FIELD, span, format!("There is no field `{name}` here."), None);
            return;
        }
        let fields: Vec<EcoString> =
            self.types.record(ty).map(|r| r.fields.iter().map(|f| f.name.clone()).collect()).unwrap_or_default();
        self.look(fields.len().saturating_mul(COMPARING));
        let hint = match nearest(name, fields.iter().map(EcoString::as_str)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if fields.is_empty() => None,
            None => {
                let shown: Vec<&str> = fields.iter().take(12).map(EcoString::as_str).collect();
                Some(format!("its fields are {}", shown.join(", ")))
            }
        };
        self.error_hint(codes::UNKNOWN_FIELD, span, format!("There is no field `{name}` here."), hint);
    }
}
