//! Which types fit where, and what two of them have in common.

use super::{Field, FunctionType, RecordType, Type, Types};
use std::sync::Arc;

/// May a value of one type stand where another is wanted?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Never, whatever the value.
    Never,
    /// Some values do; found out when it runs.
    Sometimes,
    /// Every value does, converted where it must be.
    Always,
}

/// How far two types are compared; recursive types go no deeper.
const DEPTH: u32 = 20;

impl Types {
    /// Does a value of type `from` fit an annotation, parameter or field of type `to`?
    /// Simple values convert, inside records and lists too.
    pub fn fit(&self, from: &Type, to: &Type) -> Fit {
        self.fit_at(from, to, DEPTH)
    }

    fn fit_at(&self, from: &Type, to: &Type, depth: u32) -> Fit {
        let same_name = matches!((from, to), (Type::Named(a, _), Type::Named(b, _)) if a == b);
        let (from, to) = (self.resolve(from), self.resolve(to));
        if depth == 0 || same_name {
            return Fit::Always;
        }
        match (from, to) {
            (_, Type::Any) | (Type::Never, _) | (_, Type::Never) => Fit::Always,
            (Type::Any, _) => Fit::Sometimes,
            (Type::Null, Type::Null | Type::Nullable(_)) => Fit::Always,
            (Type::Null, _) => Fit::Never,
            (Type::Nullable(inner), Type::Nullable(wanted)) => self.fit_at(inner, wanted, depth - 1),
            (Type::Nullable(_), Type::Null) => Fit::Sometimes,
            (Type::Nullable(inner), _) => self.fit_at(inner, to, depth - 1).min(Fit::Sometimes),
            (_, Type::Nullable(wanted)) => self.fit_at(from, wanted, depth - 1),
            (Type::Number | Type::Bool | Type::DateTime, Type::Text)
            | (Type::Bool, Type::Bool)
            | (Type::Number, Type::Number)
            | (Type::Text, Type::Text)
            | (Type::DateTime, Type::DateTime)
            | (Type::Binary, Type::Binary) => Fit::Always,
            (Type::Text, Type::Number | Type::Bool | Type::DateTime) | (Type::Number, Type::Bool) => Fit::Sometimes,
            (Type::List(a), Type::List(b)) => match self.fit_at(a, b, depth - 1) {
                // An empty list fits every list.
                Fit::Never => Fit::Sometimes,
                fit => fit,
            },
            (Type::Record(a), Type::Record(b)) => self.fit_record(a, b, depth - 1),
            (Type::Function(a), Type::Function(b)) => fit_function(a, b),
            _ => Fit::Never,
        }
    }

    fn fit_record(&self, from: &RecordType, to: &RecordType, depth: u32) -> Fit {
        let mut fit = Fit::Always;
        for wanted in &to.fields {
            fit = fit.min(match from.field(&wanted.name) {
                Some(field) => self.fit_at(&field.ty, &wanted.ty, depth),
                None if wanted.default.is_some() => Fit::Always,
                None if from.open => Fit::Sometimes,
                None => Fit::Never,
            });
        }
        fit
    }

    /// Is every value of type `from` one of type `to` as it is, without conversion and defaults?
    pub fn is_within(&self, from: &Type, to: &Type) -> bool {
        self.is_within_at(from, to, DEPTH)
    }

    /// Need a value of type `from` not be looked at for an annotation? Simple values are, which costs nothing.
    pub(crate) fn is_sure(&self, from: &Type, annotation: &Type) -> bool {
        let inner = self.resolve(annotation).without_null();
        !self.resolve(inner).is_simple() && self.is_within(from, annotation)
    }

    fn is_within_at(&self, from: &Type, to: &Type, depth: u32) -> bool {
        if matches!((from, to), (Type::Named(a, _), Type::Named(b, _)) if a == b) {
            return true;
        }
        if depth == 0 {
            return false;
        }
        match (self.resolve(from), self.resolve(to)) {
            (_, Type::Any) | (Type::Never, _) | (Type::Null, Type::Nullable(_)) => true,
            (Type::Nullable(a), Type::Nullable(b)) | (Type::List(a), Type::List(b)) => {
                self.is_within_at(a, b, depth - 1)
            }
            (from, Type::Nullable(to)) => self.is_within_at(from, to, depth - 1),
            (Type::Record(a), Type::Record(b)) => b.fields.iter().all(|wanted| {
                // A field that may be null may be missing in a row, where a default would stand in.
                let given = |field: &Field| wanted.default.is_none() || !self.takes_null(&field.ty);
                a.field(&wanted.name)
                    .is_some_and(|field| given(field) && self.is_within_at(&field.ty, &wanted.ty, depth - 1))
            }),
            (from, to) => from == to,
        }
    }

    /// May a value of this type be null?
    pub(super) fn takes_null(&self, ty: &Type) -> bool {
        matches!(self.resolve(ty), Type::Any | Type::Null | Type::Nullable(_))
    }

    /// The narrowest type that takes values of both; `any` where they differ.
    pub fn join(&self, a: &Type, b: &Type) -> Type {
        self.join_at(a, b, DEPTH)
    }

    fn join_at(&self, a: &Type, b: &Type, depth: u32) -> Type {
        if a == b {
            return a.clone();
        }
        if depth == 0 {
            return Type::Any;
        }
        match (a, b) {
            (Type::Never, other) | (other, Type::Never) => other.clone(),
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::Null, other) | (other, Type::Null) => other.clone().nullable(),
            (Type::Nullable(x), Type::Nullable(y)) => self.join_at(x, y, depth - 1).nullable(),
            (Type::Nullable(x), y) | (y, Type::Nullable(x)) => self.join_at(x, y, depth - 1).nullable(),
            (Type::List(x), Type::List(y)) => self.join_rows(x, y, depth - 1).many(),
            (Type::Record(x), Type::Record(y)) => self.join_records(x, y, depth - 1),
            (Type::Named(..), other) | (other, Type::Named(..)) => {
                let (x, y) = (self.resolve(a), self.resolve(b));
                match other {
                    // Two declared types meet as the records they are, unless one is recursive.
                    Type::Named(..) if depth < DEPTH => Type::Any,
                    _ => self.join_at(x, y, depth - 1),
                }
            }
            _ => Type::Any,
        }
    }

    /// Rows of two record types make a table whose columns are the union (language.md §1).
    pub fn join_rows(&self, a: &Type, b: &Type, depth: u32) -> Type {
        let (Some(x), Some(y)) = (self.record(a), self.record(b)) else { return self.join_at(a, b, depth) };
        if a == b {
            return a.clone();
        }
        let mut fields: Vec<Field> = Vec::new();
        for field in &x.fields {
            let ty = match y.field(&field.name) {
                Some(other) => self.join_at(&field.ty, &other.ty, depth.saturating_sub(1)),
                None => field.ty.clone().nullable(),
            };
            fields.push(Field { name: field.name.clone(), ty, default: None });
        }
        for field in y.fields.iter().filter(|field| x.field(&field.name).is_none()) {
            fields.push(Field { name: field.name.clone(), ty: field.ty.clone().nullable(), default: None });
        }
        Type::Record(Arc::new(RecordType { fields, open: x.open || y.open }))
    }

    fn join_records(&self, x: &RecordType, y: &RecordType, depth: u32) -> Type {
        let names = |record: &RecordType| record.fields.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        if names(x) != names(y) || x.open != y.open {
            // Fields that only one of them has may be read where they are known to be there, so keep the common ones.
            let fields = x
                .fields
                .iter()
                .filter_map(|field| {
                    let other = y.field(&field.name)?;
                    let ty = self.join_at(&field.ty, &other.ty, depth);
                    Some(Field { name: field.name.clone(), ty, default: None })
                })
                .collect();
            return Type::Record(Arc::new(RecordType { fields, open: true }));
        }
        let fields = x
            .fields
            .iter()
            .zip(&y.fields)
            .map(|(a, b)| Field { name: a.name.clone(), ty: self.join_at(&a.ty, &b.ty, depth), default: None })
            .collect();
        Type::Record(Arc::new(RecordType { fields, open: x.open }))
    }
}

fn fit_function(from: &FunctionType, to: &FunctionType) -> Fit {
    let takes = from.required <= to.parameters.len() && to.parameters.len() <= from.parameters.len();
    if takes { Fit::Sometimes } else { Fit::Never }
}
