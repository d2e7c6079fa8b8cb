//! An index of names for editors: where each is declared, where it is used, and which types expressions have.
//!
//! Entries are made where names are declared and read, and only if an index is wanted.

use super::fields::{FieldId, Fields};
use super::scope::{FnId, VarId};
use crate::span::Span;
use crate::types::{Type, TypeId};
use ecow::EcoString;
use hashbrown::HashMap;

/// The kind of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A variable of a `let`; at the top of a module a constant.
    Variable,
    /// The variable of a loop.
    Loop,
    /// A parameter of a function.
    Parameter,
    /// The error of a `catch`.
    Error,
    /// A variable of the host, which no source declares.
    Host,
    /// A function.
    Function,
    /// A declared type.
    Type,
    /// A field of a record, or a column of a table.
    Field,
}

/// A name with all its places.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// As it is declared.
    pub name: EcoString,
    /// Its kind.
    pub kind: SymbolKind,
    /// The known type of its values; of a declared type, the type.
    pub ty: Type,
    /// The module that declares it; `None` for the script itself.
    pub module: Option<EcoString>,
    /// Where its name is declared; `None` for variables of the host.
    pub declared: Option<Span>,
    /// Where it is read, set, called or named: first in the unit that declares it, then in the others.
    pub uses: Vec<Use>,
}

/// A place where a name is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The module; `None` for the script itself.
    pub module: Option<EcoString>,
    /// The name there.
    pub span: Span,
}

/// The names of a script and of its modules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Symbols {
    /// In the order of their declarations, those of the script first; types and fields come last.
    pub symbols: Vec<Symbol>,
    /// The types of expressions of the script, smaller ones before those around them.
    pub(super) types: Vec<(Span, Type)>,
}

impl Symbols {
    /// The symbol whose name is written at a byte of the script, at its declaration or at a use.
    pub fn at(&self, byte: usize) -> Option<&Symbol> {
        self.at_in(None, byte)
    }

    /// The same in a module.
    pub fn at_in(&self, module: Option<&str>, byte: usize) -> Option<&Symbol> {
        let is_here = |of: &Option<EcoString>, span: Span| of.as_deref() == module && covers(span, byte);
        let uses = |symbol: &&Symbol| symbol.uses.iter().any(|used| is_here(&used.module, used.span));
        let declares = |symbol: &&Symbol| symbol.declared.is_some_and(|span| is_here(&symbol.module, span));
        // A bare name may both read a column and declare one of the result.
        self.symbols.iter().find(uses).or_else(|| self.symbols.iter().find(declares))
    }

    /// The type of the smallest expression at a byte of the script, with the place of that expression.
    pub fn type_at(&self, byte: usize) -> Option<(Span, &Type)> {
        let around = self.types.iter().filter(|(span, _)| covers(*span, byte));
        around.min_by_key(|(span, _)| span.end - span.start).map(|(span, ty)| (*span, ty))
    }
}

fn covers(span: Span, byte: usize) -> bool {
    (span.start as usize..span.end as usize).contains(&byte)
}

/// What a module shows to others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Export {
    Constant(VarId),
    Function(FnId),
}

/// The entries of a walk of a unit; those of the last walk count.
#[derive(Default)]
pub(super) struct Index {
    pub variables: HashMap<VarId, Vec<Span>>,
    pub functions: HashMap<FnId, Vec<Span>>,
    /// The functions whose closures variables hold, and their types.
    pub closures: HashMap<VarId, (FnId, Type)>,
    /// The types of expressions.
    pub types: Vec<(Span, Type)>,
    /// The declared types, each with its name and place.
    pub declared: Vec<(TypeId, EcoString, Span)>,
    /// Where declared types are named.
    pub named: Vec<(TypeId, Span)>,
    /// Where fields are read.
    pub fields: Vec<(FieldId, Span)>,
    /// What it shows to other units: constants by name, functions by `function_key`.
    pub exports: HashMap<EcoString, Export>,
    /// Names of other units: the unit, the key of its export, and the place here.
    pub members: Vec<(usize, EcoString, Span)>,
}

/// The entries of each unit, if an index is wanted.
pub(super) struct Indexes(Option<Entries>);

/// The entries of all units.
#[derive(Default)]
pub(super) struct Entries {
    pub units: Vec<Index>,
    pub fields: Fields,
}

impl Indexes {
    pub fn new(wanted: bool) -> Self {
        Self(wanted.then(Entries::default))
    }

    pub fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    pub fn of(&mut self, unit: usize) -> Option<&mut Index> {
        self.0.as_mut()?.units.get_mut(unit)
    }

    /// The fields, and the entries of a unit.
    pub fn fields(&mut self, unit: usize) -> Option<(&mut Fields, &mut Index)> {
        let Entries { units, fields } = self.0.as_mut()?;
        Some((fields, units.get_mut(unit)?))
    }

    /// Starts the index of a unit over.
    pub fn restart(&mut self, unit: usize) {
        if let Some(Entries { units, .. }) = &mut self.0 {
            units.resize_with(units.len().max(unit + 1), Index::default);
            units[unit] = Index::default();
        }
    }

    pub fn take(&mut self) -> Entries {
        self.0.take().unwrap_or_default()
    }
}
