//! Where the fields of records and the columns of tables are declared, for the index of names.
//!
//! A type says nothing about places, since types are compared. So the places are kept by record type: two types of the
//! same form, each written on its own, have fields of their own.

use crate::span::Span;
use crate::types::{RecordType, Type};
use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

/// A field, numbered in the order in which they are met.
pub(super) type FieldId = usize;

/// A field that a source declares.
pub(super) struct Declared {
    pub name: EcoString,
    pub ty: Type,
    /// The unit and the place of its name there.
    pub unit: usize,
    pub span: Span,
    /// The field that it is another declaration of: the rows of a list share their columns.
    same: FieldId,
}

/// The fields of all record types met, over all walks.
#[derive(Default)]
pub(super) struct Fields {
    declared: Vec<Declared>,
    places: HashMap<(usize, Span), FieldId>,
    /// The fields of a type by its address, which no other type can have as long as the type is kept.
    records: HashMap<*const RecordType, (Arc<RecordType>, HashMap<EcoString, FieldId>)>,
}

impl Fields {
    /// A field of a record type is declared at a place.
    pub fn declare(&mut self, record: &Arc<RecordType>, name: &EcoString, unit: usize, span: Span) {
        let ty = record.field(name).map_or(Type::Any, |field| field.ty.clone());
        let id = *self.places.entry((unit, span)).or_insert(self.declared.len());
        match self.declared.get_mut(id) {
            Some(known) => known.ty = ty,
            None => self.declared.push(Declared { name: name.clone(), ty, unit, span, same: id }),
        }
        self.of(record).insert(name.clone(), id);
    }

    /// A field of a record type is this known one, unless it is another already.
    pub fn take_over(&mut self, record: &Arc<RecordType>, name: &EcoString, id: FieldId) {
        if record.field(name).is_some() {
            self.of(record).entry(name.clone()).or_insert(id);
        }
    }

    /// The fields of a record type that are not known yet are those of another one.
    pub fn inherit(&mut self, record: &Arc<RecordType>, from: &Arc<RecordType>) {
        for (name, id) in self.known(from) {
            self.take_over(record, &name, id);
        }
    }

    /// The same, and fields of one name are the same field.
    pub fn unite(&mut self, record: &Arc<RecordType>, other: &Arc<RecordType>) {
        for (name, id) in self.known(other) {
            self.take_over(record, &name, id);
            let (Some(first), second) = (self.find(record, &name), self.root(id)) else { continue };
            if first != second
                && let Some(declared) = self.declared.get_mut(second)
            {
                declared.same = first;
            }
        }
    }

    /// The field of a record type, if its place is known.
    pub fn find(&self, record: &Arc<RecordType>, name: &str) -> Option<FieldId> {
        let (_, fields) = self.records.get(&Arc::as_ptr(record))?;
        fields.get(name).map(|id| self.root(*id))
    }

    /// Each field with the number of the one that it is a declaration of.
    pub fn all(&self) -> impl Iterator<Item = (FieldId, &Declared)> {
        self.declared.iter().enumerate().map(|(id, declared)| (self.root(id), declared))
    }

    pub fn root(&self, id: FieldId) -> FieldId {
        let mut id = id;
        while let Some(declared) = self.declared.get(id).filter(|declared| declared.same != id) {
            id = declared.same;
        }
        id
    }

    fn of(&mut self, record: &Arc<RecordType>) -> &mut HashMap<EcoString, FieldId> {
        &mut self.records.entry(Arc::as_ptr(record)).or_insert_with(|| (record.clone(), HashMap::new())).1
    }

    fn known(&self, record: &Arc<RecordType>) -> Vec<(EcoString, FieldId)> {
        let fields = self.records.get(&Arc::as_ptr(record)).into_iter().flat_map(|(_, fields)| fields);
        fields.map(|(name, id)| (name.clone(), *id)).collect()
    }
}
