//! Reports of unknown names.

use super::Mode;
use super::checker::Checker;
use super::scope::{Scope, VarKind};
use crate::ast;
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use crate::suggest::{LONGEST, nearest};
use crate::types::Type;
use ecow::EcoString;

/// A script with more findings than this is wrong as a whole; suggestions of names do not help then, and searching for
/// them takes time.
const MOST_SUGGESTIONS: usize = 200;

/// The cost of collecting and comparing a name, in names looked at.
const COMPARING: usize = 16;

impl Checker<'_> {
    /// May names similar to this one be searched?
    fn may_suggest(&self, wrong: &str) -> bool {
        wrong.len() <= LONGEST && self.findings.len() < MOST_SUGGESTIONS && !self.work.is_ended()
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

    /// The columns visible to a row expression, a dozen at most.
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

    /// `set` of an unknown variable; of all of it if `whole`.
    pub(super) fn undefined_set(&mut self, name: &ast::Name, whole: bool) {
        if self.is_unparsed(&name.text) {
            return;
        }
        let names = self.names_in_scope(&name.text);
        let message = format!("There is no variable `{}` to set.", name.text);
        let error = Diagnostic::error(codes::UNKNOWN_VARIABLE, name.span, message).about(name.text.clone());
        let near = nearest(&name.text, names.iter().map(EcoString::as_str));
        self.report(match near {
            Some(near) => error.did_you_mean(Some(near)),
            None => {
                let hint = format!("the first time write `let {} = …;`, `set` changes it later", name.text);
                let fix = whole.then(|| self.word_before(name.span, "set")).flatten();
                error.with_hint(hint).with_fix(fix.map(|set| Fix::replace(set, "let")))
            }
        });
    }

    pub(super) fn undefined(&mut self, name: &str, span: Span) {
        if self.is_unparsed(name) {
            return;
        }
        let names = self.names_in_scope(name);
        let in_rows = self.function().scopes.iter().any(|scope| !matches!(scope, Scope::Block(_)));
        let (code, what) =
            if in_rows { (codes::UNKNOWN_COLUMN, "column or variable") } else { (codes::UNKNOWN_VARIABLE, "variable") };
        let error = Diagnostic::error(code, span, format!("There is no {what} `{name}`.")).about(name);
        self.report(if let Some(declared) = self.declared_later(name, span) {
            let line = self.line_of(declared);
            let hint = format!("it is declared below, in line {line}; a variable can be used only after its `let`");
            error.with_hint(hint).with_label(declared, "declared here")
        } else if let Some(near) = nearest(name, names.iter().map(EcoString::as_str)) {
            error.did_you_mean(Some(near))
        } else if let Some(function) = self.options.registry.find(name) {
            let lambda = format!("x => {}(x)", function.name);
            let hint = format!("`{}` is a function: call it, or write `{lambda}` to pass it on", function.name);
            error.with_hint(hint).with_fix(Fix::replace(span, lambda))
        } else if in_rows {
            match self.columns_in_scope().as_slice() {
                [] => error,
                columns => error.with_hint(format!("the columns here are {}", columns.join(", "))),
            }
        } else {
            let hint = format!("declare it with `let {name} = …;`, or quote it if it is meant as a text");
            error.with_hint(hint).with_fix(Fix::replace(span, format!("'{name}'")))
        });
    }

    /// The place of `word`, if it comes before `span`.
    fn word_before(&self, span: Span, word: &str) -> Option<Span> {
        let before = self.units[self.unit].source.get(..span.start as usize)?.trim_end();
        let start = before.len().checked_sub(word.len())?;
        before.get(start..)?.eq_ignore_ascii_case(word).then(|| Span::new(start, before.len()))
    }

    /// The name in a `let name` that follows `span`.
    fn declared_later(&self, name: &str, span: Span) -> Option<Span> {
        let unit = &self.units[self.unit];
        unit.variables
            .iter()
            .find(|info| info.name == name && info.kind == VarKind::Let && info.span.start > span.start)
            .map(|info| info.span)
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
        let error = Diagnostic::error(codes::UNKNOWN_FUNCTION, span, format!("There is no function `{name}`."));
        let error = error.about(name);
        let of_module =
            |full: &&EcoString| full.rsplit_once('.').is_some_and(|(_, short)| short.eq_ignore_ascii_case(name));
        self.report(if let Some(near) = nearest(name, names.iter().map(EcoString::as_str)) {
            error.did_you_mean(Some(near))
        } else if let Some(full) = names.iter().find(of_module) {
            let module = full.rsplit_once('.').map_or("", |(module, _)| module);
            let error = error.with_hint(format!("it is `{full}`, or write `open {module};` first"));
            // A module cannot follow a dot.
            let is_method = self.units[self.unit].source[..span.start as usize].trim_end().ends_with('.');
            let may_open = self.unit > 0 || self.options.mode == Mode::Script;
            let open = Fix::insert(0, format!("open {module};\n"));
            error.with_fix((!is_method).then(|| Fix::replace(span, full.as_str()))).with_fix(may_open.then_some(open))
        } else if let Some(near) = nearest(name, variables.iter().map(EcoString::as_str)) {
            error.with_hint(format!("did you mean the variable `{near}`?")).with_fix(Fix::replace(span, near))
        } else {
            error
        });
    }

    pub(super) fn unknown_field(&mut self, name: &str, span: Span, ty: &Type) {
        let error = Diagnostic::error(codes::UNKNOWN_FIELD, span, format!("There is no field `{name}` here."));
        let error = error.about(name);
        if !self.may_suggest(name) {
            self.report(error);
            return;
        }
        let fields: Vec<EcoString> =
            self.types.record(ty).map(|r| r.fields.iter().map(|f| f.name.clone()).collect()).unwrap_or_default();
        self.look(fields.len().saturating_mul(COMPARING));
        self.report(match nearest(name, fields.iter().map(EcoString::as_str)) {
            Some(near) => {
                let written = self.as_written(near, span);
                error.with_hint(format!("did you mean `{near}`?")).with_fix(written.map(|it| Fix::replace(span, it)))
            }
            None if fields.is_empty() => error,
            None => {
                let shown: Vec<&str> = fields.iter().take(12).map(EcoString::as_str).collect();
                error.with_hint(format!("its fields are {}", shown.join(", ")))
            }
        });
    }

    /// A field's name in the form used at `span`: a text or a plain name.
    fn as_written(&self, name: &str, span: Span) -> Option<String> {
        let quote = span.text(&self.units[self.unit].source).chars().next()?;
        let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ');
        match quote {
            '\'' | '"' => plain.then(|| format!("{quote}{name}{quote}")),
            _ => is_plain_name(name).then(|| name.to_owned()),
        }
    }
}

/// Can a column of this name be written without quotes?
pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !crate::parse::reserved_words().iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}
