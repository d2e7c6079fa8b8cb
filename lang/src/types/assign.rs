//! Which types fit others, and the common type of two.

use super::bounds::Fuel;
use super::{Field, FunctionType, RecordType, Type, Types};
use std::sync::Arc;

/// Is a value of one type allowed where another is wanted?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Never, for any value.
    Never,
    /// Some values do; checked at run time.
    Sometimes,
    /// Every value does, after conversion if needed.
    Always,
}

/// The depth to which two types are compared, also recursive ones.
const DEPTH: u32 = 20;

impl Types {
    /// Does a value of type `from` fit an annotation, parameter or field of type `to`?
    /// Simple values convert, inside records and lists too.
    pub fn fit(&self, from: &Type, to: &Type) -> Fit {
        self.bounded(|fuel| self.fit_at(from, to, DEPTH, fuel))
    }

    fn fit_at(&self, from: &Type, to: &Type, depth: u32, fuel: &mut Fuel) -> Fit {
        let same_name = matches!((from, to), (Type::Named(a, _), Type::Named(b, _)) if a == b);
        let (from, to) = (self.resolve(from), self.resolve(to));
        if depth == 0 || same_name {
            return Fit::Always;
        }
        if !fuel.take(1) {
            return Fit::Sometimes;
        }
        match (from, to) {
            (_, Type::Any) | (Type::Never, _) | (_, Type::Never) => Fit::Always,
            (Type::Any, _) => Fit::Sometimes,
            (Type::Null, Type::Null | Type::Nullable(_)) => Fit::Always,
            (Type::Null, _) => Fit::Never,
            (Type::Nullable(inner), Type::Nullable(wanted)) => self.fit_at(inner, wanted, depth - 1, fuel),
            (Type::Nullable(_), Type::Null) => Fit::Sometimes,
            (Type::Nullable(inner), _) => self.fit_at(inner, to, depth - 1, fuel).min(Fit::Sometimes),
            (_, Type::Nullable(wanted)) => self.fit_at(from, wanted, depth - 1, fuel),
            (Type::Number | Type::Bool | Type::DateTime, Type::Text)
            | (Type::Bool, Type::Bool)
            | (Type::Number, Type::Number)
            | (Type::Text, Type::Text)
            | (Type::DateTime, Type::DateTime)
            | (Type::Binary, Type::Binary) => Fit::Always,
            (Type::Text, Type::Number | Type::Bool | Type::DateTime) | (Type::Number, Type::Bool) => Fit::Sometimes,
            (Type::List(a), Type::List(b)) => match self.fit_at(a, b, depth - 1, fuel) {
                // An empty list fits every list.
                Fit::Never => Fit::Sometimes,
                fit => fit,
            },
            (Type::Record(a), Type::Record(b)) => self.fit_record(a, b, depth - 1, fuel),
            (Type::Function(a), Type::Function(b)) => fit_function(a, b),
            _ => Fit::Never,
        }
    }

    fn fit_record(&self, from: &RecordType, to: &RecordType, depth: u32, fuel: &mut Fuel) -> Fit {
        let mut fit = Fit::Always;
        for (place, wanted) in to.fields.iter().enumerate() {
            fit = fit.min(match field(from, place, &wanted.name, fuel) {
                Found::Field(field) => self.fit_at(&field.ty, &wanted.ty, depth, fuel),
                Found::Unknown => Fit::Sometimes,
                Found::Missing if wanted.default.is_some() => Fit::Always,
                Found::Missing if from.open => Fit::Sometimes,
                Found::Missing => Fit::Never,
            });
        }
        fit
    }

    /// Is every value of type `from` one of type `to` without conversion and defaults?
    pub fn is_within(&self, from: &Type, to: &Type) -> bool {
        self.bounded(|fuel| self.is_within_at(from, to, DEPTH, fuel))
    }

    /// Is a value of type `from` certain to fit an annotation without a check? Simple values are checked, which costs
    /// nothing.
    pub(crate) fn is_sure(&self, from: &Type, annotation: &Type) -> bool {
        let inner = self.resolve(annotation).without_null();
        !self.resolve(inner).is_simple() && self.is_within(from, annotation)
    }

    fn is_within_at(&self, from: &Type, to: &Type, depth: u32, fuel: &mut Fuel) -> bool {
        if matches!((from, to), (Type::Named(a, _), Type::Named(b, _)) if a == b) {
            return true;
        }
        if depth == 0 || !fuel.take(1) {
            return false;
        }
        match (self.resolve(from), self.resolve(to)) {
            (_, Type::Any) | (Type::Never, _) | (Type::Null, Type::Nullable(_)) => true,
            (Type::Nullable(a), Type::Nullable(b)) | (Type::List(a), Type::List(b)) => {
                self.is_within_at(a, b, depth - 1, fuel)
            }
            (from, Type::Nullable(to)) => self.is_within_at(from, to, depth - 1, fuel),
            (Type::Record(a), Type::Record(b)) => b.fields.iter().enumerate().all(|(place, wanted)| {
                // A nullable field may be missing in a row, where a default would replace it.
                let given = |field: &Field| wanted.default.is_none() || !self.takes_null(&field.ty);
                match field(a, place, &wanted.name, fuel) {
                    Found::Field(field) => given(field) && self.is_within_at(&field.ty, &wanted.ty, depth - 1, fuel),
                    Found::Unknown | Found::Missing => false,
                }
            }),
            (from, to) => same(from, to, fuel),
        }
    }

    /// May a value of this type be null?
    pub(super) fn takes_null(&self, ty: &Type) -> bool {
        matches!(self.resolve(ty), Type::Any | Type::Null | Type::Nullable(_))
    }

    /// The narrowest type that includes the values of both; `any` if they differ.
    pub fn join(&self, a: &Type, b: &Type) -> Type {
        self.bounded(|fuel| self.join_at(a, b, DEPTH, fuel))
    }

    fn join_at(&self, a: &Type, b: &Type, depth: u32, fuel: &mut Fuel) -> Type {
        if same(a, b, fuel) {
            return a.clone();
        }
        if depth == 0 || !fuel.take(1) {
            return Type::Any;
        }
        match (a, b) {
            (Type::Never, other) | (other, Type::Never) => other.clone(),
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::Null, other) | (other, Type::Null) => other.clone().nullable(),
            (Type::Nullable(x), Type::Nullable(y)) => self.join_at(x, y, depth - 1, fuel).nullable(),
            (Type::Nullable(x), y) | (y, Type::Nullable(x)) => self.join_at(x, y, depth - 1, fuel).nullable(),
            (Type::List(x), Type::List(y)) => self.join_rows_at(x, y, depth - 1, fuel).many(),
            (Type::Record(x), Type::Record(y)) => self.join_records(x, y, depth - 1, fuel),
            (Type::Named(..), other) | (other, Type::Named(..)) => {
                let (x, y) = (self.resolve(a), self.resolve(b));
                match other {
                    // Two declared types are joined as their records, unless one is recursive.
                    Type::Named(..) if depth < DEPTH => Type::Any,
                    _ => self.join_at(x, y, depth - 1, fuel),
                }
            }
            _ => Type::Any,
        }
    }

    /// Rows of two record types make a table whose columns are the union (lang/README.md, Values).
    pub fn join_rows(&self, a: &Type, b: &Type) -> Type {
        self.bounded(|fuel| self.join_rows_at(a, b, DEPTH, fuel))
    }

    fn join_rows_at(&self, a: &Type, b: &Type, depth: u32, fuel: &mut Fuel) -> Type {
        let (Some(x), Some(y)) = (self.record(a), self.record(b)) else { return self.join_at(a, b, depth, fuel) };
        if same(a, b, fuel) {
            return a.clone();
        }
        let mut fields: Vec<Field> = Vec::with_capacity(x.fields.len());
        for (place, known) in x.fields.iter().enumerate() {
            let ty = match field(y, place, &known.name, fuel) {
                Found::Field(other) => self.join_at(&known.ty, &other.ty, depth.saturating_sub(1), fuel),
                Found::Missing => known.ty.clone().nullable(),
                Found::Unknown => return Type::any_record(),
            };
            fields.push(Field { name: known.name.clone(), ty, default: None });
        }
        for (place, added) in y.fields.iter().enumerate() {
            match field(x, place, &added.name, fuel) {
                Found::Field(_) => {}
                Found::Missing => {
                    fields.push(Field { name: added.name.clone(), ty: added.ty.clone().nullable(), default: None });
                }
                Found::Unknown => return Type::any_record(),
            }
        }
        Type::Record(Arc::new(RecordType { fields, open: x.open || y.open }))
    }

    fn join_records(&self, x: &RecordType, y: &RecordType, depth: u32, fuel: &mut Fuel) -> Type {
        if !fuel.take(x.fields.len()) {
            return Type::any_record();
        }
        let same_names = x.fields.iter().map(|field| &field.name).eq(y.fields.iter().map(|field| &field.name));
        let mut fields = Vec::with_capacity(x.fields.len());
        // Fields that only one of them has may be read where they are known to exist, so the common ones are kept.
        for (place, known) in x.fields.iter().enumerate() {
            match field(y, place, &known.name, fuel) {
                Found::Field(other) => {
                    let ty = self.join_at(&known.ty, &other.ty, depth, fuel);
                    fields.push(Field { name: known.name.clone(), ty, default: None });
                }
                Found::Missing => {}
                Found::Unknown => return Type::any_record(),
            }
        }
        Type::Record(Arc::new(RecordType { fields, open: !same_names || x.open || y.open }))
    }
}

/// The result of looking up a field.
enum Found<'t> {
    Field(&'t Field),
    Missing,
    /// The fuel was used up before it was found.
    Unknown,
}

/// The field of this name, which is most likely at `place`.
fn field<'t>(record: &'t RecordType, place: usize, name: &str, fuel: &mut Fuel) -> Found<'t> {
    if let Some(field) = record.fields.get(place).filter(|field| field.name == name) {
        return Found::Field(field);
    }
    if !fuel.take(record.fields.len()) {
        return Found::Unknown;
    }
    record.field(name).map_or(Found::Missing, Found::Field)
}

/// Are two types equal? Without fuel, `false`.
fn same(a: &Type, b: &Type, fuel: &mut Fuel) -> bool {
    if !fuel.take(1) {
        return false;
    }
    match (a, b) {
        (Type::Nullable(x), Type::Nullable(y)) | (Type::List(x), Type::List(y)) => {
            Arc::ptr_eq(x, y) || same(x, y, fuel)
        }
        (Type::Record(x), Type::Record(y)) => {
            let pairs = || x.fields.iter().zip(&y.fields);
            Arc::ptr_eq(x, y)
                || x.open == y.open
                    && x.fields.len() == y.fields.len()
                    && pairs().all(|(x, y)| x.name == y.name && same(&x.ty, &y.ty, fuel))
        }
        (Type::Function(x), Type::Function(y)) => {
            Arc::ptr_eq(x, y)
                || x.required == y.required
                    && x.parameters.len() == y.parameters.len()
                    && x.parameters.iter().zip(&y.parameters).all(|(x, y)| same(x, y, fuel))
                    && same(&x.result, &y.result, fuel)
        }
        _ => a == b,
    }
}

fn fit_function(from: &FunctionType, to: &FunctionType) -> Fit {
    let takes = from.required <= to.parameters.len() && to.parameters.len() <= from.parameters.len();
    if takes { Fit::Sometimes } else { Fit::Never }
}
