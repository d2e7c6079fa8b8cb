//! An index of names for editors: where each is declared, where it is used, and which types expressions have.
//!
//! Entries are made where names are declared and read, and only if an index is wanted.

use super::scope::{FnId, VarId};
use crate::span::Span;
use crate::types::Type;
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
}

/// A name with all its places.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// As it is declared.
    pub name: EcoString,
    /// Its kind.
    pub kind: SymbolKind,
    /// The known type of its values.
    pub ty: Type,
    /// The module that declares it; `None` for the script itself.
    pub module: Option<EcoString>,
    /// Where its name is declared; `None` for variables of the host.
    pub declared: Option<Span>,
    /// Where it is read or set in the unit that declares it, in the order of the source.
    pub uses: Vec<Span>,
}

/// The names of a script and of its modules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Symbols {
    /// In the order of their declarations, those of the script first.
    pub symbols: Vec<Symbol>,
    /// The types of expressions of the script, smaller ones before those around them.
    pub(super) types: Vec<(Span, Type)>,
}

impl Symbols {
    /// The symbol whose name is written at a byte of the script, at its declaration or at a use.
    pub fn at(&self, byte: usize) -> Option<&Symbol> {
        let own = self.symbols.iter().filter(|symbol| symbol.module.is_none());
        let mut found = own.filter(|symbol| symbol.uses.iter().chain(&symbol.declared).any(|span| covers(*span, byte)));
        found.next()
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

/// The entries of a walk of a unit; those of the last walk count.
#[derive(Default)]
pub(super) struct Index {
    pub variables: HashMap<VarId, Vec<Span>>,
    pub functions: HashMap<FnId, Vec<Span>>,
    /// The functions whose closures variables hold, and their types.
    pub closures: HashMap<VarId, (FnId, Type)>,
    pub types: Vec<(Span, Type)>,
}

/// The entries of each unit, if an index is wanted.
pub(super) struct Indexes(Option<Vec<Index>>);

impl Indexes {
    pub fn new(wanted: bool) -> Self {
        Self(wanted.then(Vec::new))
    }

    pub fn of(&mut self, unit: usize) -> Option<&mut Index> {
        self.0.as_mut()?.get_mut(unit)
    }

    /// Starts the index of a unit over.
    pub fn restart(&mut self, unit: usize) {
        if let Some(indexes) = &mut self.0 {
            indexes.resize_with(indexes.len().max(unit + 1), Index::default);
            indexes[unit] = Index::default();
        }
    }

    pub fn take(&mut self) -> Vec<Index> {
        self.0.take().unwrap_or_default()
    }
}
