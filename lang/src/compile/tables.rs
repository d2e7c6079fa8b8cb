//! The tables that instructions point into.

use super::code::{Entry, FieldSite, Filled, NativeSite, PathSite, TypeSite};
use super::registers::{Built, TooLarge};
use crate::span::Span;
use crate::tree::{Expr, Variable};
use crate::types::Type;
use crate::value::{Number, Shape, Value};
use ecow::EcoString;
use std::sync::Arc;

/// The constants and sites of a function.
#[derive(Default)]
pub(super) struct Tables {
    numbers: Vec<Number>,
    values: Vec<Value>,
    fields: Vec<FieldSite>,
    variables: Vec<(Variable, EcoString)>,
    shapes: Vec<Arc<Shape>>,
    templates: Vec<Box<[Span]>>,
    news: Vec<(Type, Box<[EcoString]>)>,
    types: Vec<TypeSite>,
    natives: Vec<NativeSite>,
    paths: Vec<PathSite>,
    exprs: Vec<Expr>,
}

impl Tables {
    pub fn number(&mut self, number: Number) -> Built<Entry> {
        entry(&mut self.numbers, number)
    }

    pub fn value(&mut self, value: &Value) -> Built<Entry> {
        entry(&mut self.values, value.clone())
    }

    pub fn field(&mut self, site: FieldSite) -> Built<Entry> {
        entry(&mut self.fields, site)
    }

    pub fn variable(&mut self, variable: Variable, name: &EcoString) -> Built<Entry> {
        entry(&mut self.variables, (variable, name.clone()))
    }

    pub fn shape(&mut self, shape: &Arc<Shape>) -> Built<Entry> {
        entry(&mut self.shapes, shape.clone())
    }

    pub fn template(&mut self, parts: &[Expr]) -> Built<Entry> {
        entry(&mut self.templates, parts.iter().map(|part| part.span).collect())
    }

    pub fn new_record(&mut self, ty: &Type, names: Box<[EcoString]>) -> Built<Entry> {
        entry(&mut self.news, (ty.clone(), names))
    }

    pub fn ty(&mut self, site: TypeSite) -> Built<Entry> {
        entry(&mut self.types, site)
    }

    pub fn native(&mut self, site: NativeSite) -> Built<Entry> {
        entry(&mut self.natives, site)
    }

    pub fn path(&mut self, site: PathSite) -> Built<Entry> {
        entry(&mut self.paths, site)
    }

    pub fn expr(&mut self, expr: Expr) -> Built<Entry> {
        entry(&mut self.exprs, expr)
    }

    pub fn finish(self) -> Filled {
        Filled {
            numbers: self.numbers.into(),
            values: self.values.into(),
            fields: self.fields.into(),
            variables: self.variables.into(),
            shapes: self.shapes.into(),
            templates: self.templates.into(),
            news: self.news.into(),
            types: self.types.into(),
            natives: self.natives.into(),
            paths: self.paths.into(),
            exprs: self.exprs.into(),
        }
    }
}

fn entry<T>(table: &mut Vec<T>, item: T) -> Built<Entry> {
    let place = Entry::try_from(table.len()).map_err(|_| TooLarge)?;
    table.push(item);
    Ok(place)
}
