//! Types at run time: `is`, `new` and typed decoding.

use super::{Mismatch, Stopped, Type, Types};
use crate::budget::{Budget, Toll};
use crate::error::RunError;
use crate::value::{Record, Rows, RowsBuilder, Shape, Table, Value, Zone};
use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

impl Types {
    /// `value is ty`: structural, without conversion.
    pub fn matches(&self, value: &Value, ty: &Type, budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
        let mut toll = Toll::new(budget);
        let matches = self.matches_unseen(value, ty, &mut Seen::of(value), &mut toll)?;
        toll.settle()?;
        Ok(matches)
    }

    fn matches_unseen(
        &self,
        value: &Value,
        ty: &Type,
        seen: &mut Seen<()>,
        toll: &mut Toll<'_>,
    ) -> Result<bool, Box<RunError>> {
        let ty = self.resolve(ty);
        toll.look(1)?;
        if seen.get(value, ty).is_some() {
            return Ok(true);
        }
        let matches = match (ty, value) {
            (Type::Any, _)
            | (Type::Null | Type::Nullable(_), Value::Null)
            | (Type::Bool, Value::Bool(_))
            | (Type::Number, Value::Number(_))
            | (Type::Text, Value::Text(_))
            | (Type::DateTime, Value::DateTime(_))
            | (Type::Binary, Value::Binary(_)) => true,
            (Type::Nullable(inner), value) => return self.matches_unseen(value, inner, seen, toll),
            (Type::List(element), Value::List(_) | Value::Table(_)) => {
                for row in Rows::of(value).iter().flat_map(Rows::iter) {
                    if !self.matches_unseen(&row, element, seen, toll)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Type::Record(wanted), Value::Record(record)) => {
                for field in &wanted.fields {
                    let Some(cell) = record.get(&field.name) else { return Ok(false) };
                    if !self.matches_unseen(&cell, &field.ty, seen, toll)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Type::Function(wanted), Value::Function(function)) => {
                let (least, most) = function.arity();
                (least..=most).contains(&wanted.parameters.len())
            }
            _ => false,
        };
        if matches {
            seen.put(value, ty, ());
        }
        Ok(matches)
    }

    /// A value for a field of `new` and of typed decoding: simple values convert, missing fields take their defaults,
    /// unknown ones are dropped, `null` becomes the default if the type does not allow it.
    pub fn fill(&self, value: Value, ty: &Type, zone: Zone, budget: &mut dyn Budget) -> Result<Value, Stopped> {
        let mut seen = Seen::of(&value);
        let mut toll = Toll::new(budget);
        let filled = self.fill_unseen(value, ty, zone, &mut seen, &mut toll)?;
        toll.settle()?;
        Ok(filled)
    }

    fn fill_unseen(
        &self,
        value: Value,
        ty: &Type,
        zone: Zone,
        seen: &mut Seen<Value>,
        toll: &mut Toll<'_>,
    ) -> Result<Value, Stopped> {
        let resolved = self.resolve(ty);
        toll.look(1)?;
        if let Some(filled) = seen.get(&value, resolved) {
            return Ok(filled.clone());
        }
        match (resolved, value) {
            (Type::Any, value) => Ok(value),
            (Type::Nullable(_) | Type::Null, Value::Null) => Ok(Value::Null),
            (_, Value::Null) => Ok(self.default_value(ty)),
            (Type::Nullable(inner), value) => self.fill_unseen(value, inner, zone, seen, toll),
            (Type::Record(wanted), Value::Record(record)) => {
                toll.take(wanted.fields.len().saturating_mul(size_of::<Value>()))?;
                let shape = Shape::new(wanted.fields.iter().map(|field| field.name.clone()));
                let mut cells = Vec::with_capacity(wanted.fields.len());
                for field in &wanted.fields {
                    toll.look(1)?;
                    cells.push(match record.get(&field.name) {
                        None => self.field_default(field),
                        Some(Value::Null)
                            if !matches!(self.resolve(&field.ty), Type::Any | Type::Nullable(_) | Type::Null) =>
                        {
                            self.field_default(field)
                        }
                        Some(value) => self
                            .fill_unseen(value, &field.ty, zone, seen, toll)
                            .map_err(|stopped| stopped.inside(&field.name))?,
                    });
                }
                let filled = Value::Record(Record::new(shape, cells));
                seen.put(&Value::Record(record), resolved, filled.clone());
                Ok(filled)
            }
            (Type::List(element), value @ (Value::List(_) | Value::Table(_))) => {
                let filled = self.fill_rows(&value, ty, element, zone, seen, toll)?;
                seen.put(&value, resolved, filled.clone());
                Ok(filled)
            }
            (Type::Record(_) | Type::List(_), value) => Err(Mismatch::new(&value, ty).into()),
            (_, value) => Ok(self.convert(value, ty, zone)?),
        }
    }

    fn fill_rows(
        &self,
        value: &Value,
        ty: &Type,
        element: &Type,
        zone: Zone,
        seen: &mut Seen<Value>,
        toll: &mut Toll<'_>,
    ) -> Result<Value, Stopped> {
        let Some(rows) = Rows::of(value) else { return Ok(Value::empty_list()) };
        if rows.is_empty() {
            return Ok(self.default_value(ty));
        }
        let columns = self.record(element).map_or(1, |record| record.fields.len());
        toll.make_cells(rows.len().saturating_mul(columns))?;
        let mut builder = RowsBuilder::default();
        for (position, row) in rows.iter().enumerate() {
            let filled = self.fill_unseen(row, element, zone, seen, toll);
            builder.push(filled.map_err(|stopped| stopped.inside(format_args!("[{position}]")))?);
        }
        let filled = builder.finish();
        // The rows keep the row type of the declaration, as those of `table(T)` do.
        match (filled, self.row_type(element)) {
            (Value::Table(table), Some((_, row_type))) => {
                let table = Arc::try_unwrap(table).unwrap_or_else(|shared| Table::clone(&shared));
                Ok(Value::table(table.with_row_type(Some(row_type))))
            }
            (filled, _) => Ok(filled),
        }
    }

    /// The fields of `record` that `ty` does not have.
    pub fn unknown_fields(&self, record: &Record, ty: &Type) -> Vec<EcoString> {
        match self.record(ty) {
            Some(wanted) if !wanted.open => {
                record.iter().map(|(name, _)| name.clone()).filter(|name| wanted.field(name).is_none()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// From this nesting on, parts of a value may be shared so often that walking it as a tree takes forever.
const SHARED_FROM: u16 = 8;

/// The results for the parts of a value that have been looked at, by the type they were checked for. Nothing is kept
/// for values of little nesting: those are walked directly.
pub(super) struct Seen<T>(Option<HashMap<(usize, usize), T>>);

impl<T> Seen<T> {
    pub(super) fn of(value: &Value) -> Self {
        Self((value.depth() >= SHARED_FROM).then(HashMap::new))
    }

    pub(super) fn get(&self, value: &Value, ty: &Type) -> Option<&T> {
        self.0.as_ref()?.get(&(address(value)?, std::ptr::from_ref(ty) as usize))
    }

    pub(super) fn put(&mut self, value: &Value, ty: &Type, result: T) {
        if let (Some(seen), Some(address)) = (&mut self.0, address(value)) {
            seen.insert((address, std::ptr::from_ref(ty) as usize), result);
        }
    }
}

/// The address of the shared part of a value; rows of a table have none of their own.
fn address(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(Arc::as_ptr(list) as usize),
        Value::Table(table) => Some(Arc::as_ptr(table) as usize),
        Value::Record(record) if record.table().is_none() => Some(record.address()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{kids: [x, x]}`, nested this many times.
    fn shared(levels: usize) -> Value {
        let leaf = Value::record([("kids", Value::empty_list())]);
        (0..levels).fold(leaf, |inner, _| Value::record([("kids", Value::list(vec![inner.clone(), inner]))]))
    }

    #[test]
    fn values_that_share_their_parts_are_walked_once() {
        let mut types = Types::default();
        let id = types.declare("node".into());
        let node = Type::Named(id, "node".into());
        types.define(id, Type::closed_record([("kids".into(), node.clone().many())]));
        let value = shared(60);
        let mut budget = crate::budget::Unlimited;
        assert!(types.matches(&value, &node, &mut budget).expect("no limit"));
        let converted = types.convert(value.clone(), &node, Zone::UTC).expect("fits");
        let filled = types.fill(converted, &node, Zone::UTC, &mut budget).expect("fits");
        assert!(types.matches(&filled, &node, &mut budget).expect("no limit"));
    }
}
