//! The variables that are known at one point of a workflow.

use super::slot::Slot;
use flowscript_lang::check::Variable;
use flowscript_lang::types::{Field, RecordType, Type, Types};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The variables that are known at one point of a workflow.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    known: Vec<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    variable: Variable,
    slot: Slot,
}

impl Scope {
    /// Adds a variable; it replaces one of the same name.
    pub fn define(&mut self, name: &str, slot: Slot, ty: Type, writable: bool) {
        let known = Known { variable: Variable { name: name.into(), ty: outside(&ty), writable }, slot };
        match self.known.iter_mut().find(|k| k.variable.name == name) {
            Some(place) => *place = known,
            None => self.known.push(known),
        }
    }

    /// The variables, in the order in which a program takes them.
    pub(super) fn variables(&self) -> Vec<Variable> {
        self.known.iter().map(|known| known.variable.clone()).collect()
    }

    /// The place in [`Scope::variables`] of the variable of this name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.known.iter().position(|known| known.variable.name == name)
    }

    /// The slot of the variable at this place of [`Scope::variables`].
    pub(super) fn slot_at(&self, at: usize) -> Option<Slot> {
        Some(self.known.get(at)?.slot)
    }

    /// How many variables are known.
    pub fn width(&self) -> usize {
        self.known.len()
    }

    /// May a variable of this name be known and not be set?
    pub fn is_fixed(&self, name: &str) -> bool {
        self.known.iter().any(|k| k.variable.name == name && !k.variable.writable)
    }

    /// Makes all variables that are known now fixed: steps that run at the same time see copies of them.
    pub fn fix(&mut self) {
        self.known.iter_mut().for_each(|known| known.variable.writable = false);
    }

    /// Gives these variables any type: a pass sees the values that an earlier one has set.
    pub fn widen(&mut self, names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        for known in self.known.iter_mut().filter(|k| names.contains(k.variable.name.as_str())) {
            known.variable.ty = Type::Any;
        }
    }

    /// Is a variable of this slot known?
    pub fn knows(&self, slot: Slot) -> bool {
        self.known.iter().any(|k| k.slot == slot)
    }

    /// Keeps the variables known on both of two paths that meet.
    pub fn meet(&mut self, other: &Self) {
        let others: HashMap<Slot, &Known> = other.known.iter().map(|known| (known.slot, known)).collect();
        self.known.retain_mut(|known| {
            let there = others.get(&known.slot);
            if let Some(there) = there {
                known.variable.ty = Types::default().join(&known.variable.ty, &there.variable.ty);
            }
            there.is_some()
        });
    }
}

/// A type without the names of declared types, which are valid only inside the program that declares them.
pub(super) fn outside(ty: &Type) -> Type {
    match ty {
        Type::Named(..) | Type::Never => Type::Any,
        Type::Nullable(inner) => outside(inner).nullable(),
        Type::List(element) => outside(element).many(),
        Type::Record(record) => {
            let field = |f: &Field| Field { name: f.name.clone(), ty: outside(&f.ty), default: f.default.clone() };
            let fields = record.fields.iter().map(field).collect();
            Type::Record(Arc::new(RecordType { fields, open: record.open }))
        }
        other => other.clone(),
    }
}
