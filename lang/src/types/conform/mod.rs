//! Converts values to annotated types: simple values convert, inside records, lists and tables, too. A value that fits
//! is left as it is, and remembers that it fits.

mod table;

use super::convert::Seen;
use super::{Field, Mismatch, RecordType, Stopped, Type, Types};
use crate::budget::{Budget, Unlimited};
use crate::value::{List, Record, Unchecked, Value, Zone, to_boolean, to_datetime, to_number, to_text};
use std::sync::Arc;

/// The new value; `None` if the value fits as it is.
type Conformed<T = Value> = Result<Option<T>, Stopped>;

/// Values that are paid for together.
const STRETCH: usize = 64;

impl Types {
    /// Converts a value to an annotated type: simple values convert, inside records, lists and tables, too. A missing
    /// field takes its default if the type states one; other fields stay.
    pub fn convert(&self, value: Value, ty: &Type, zone: Zone) -> Result<Value, Mismatch> {
        let mut budget = Unlimited;
        let seen = Seen::of(&value);
        let mut conform = Conform { types: self, zone, remembers: false, first: 0, budget: &mut budget, seen };
        match conform.value(&value, ty) {
            Ok(converted) => Ok(converted.unwrap_or(value)),
            Err(Stopped::Mismatch(mismatch)) => Err(mismatch),
            // This has no limits.
            Err(Stopped::Ended(_)) => Err(Mismatch::new(&value, ty)),
        }
    }

    /// The same in a run: a value that fits remembers it, and the budget pays for each value that is looked at. `None`
    /// if the value fits as it is.
    pub(crate) fn conform(&self, value: &Value, ty: &Type, zone: Zone, budget: &mut dyn Budget) -> Conformed {
        Conform { types: self, zone, remembers: true, first: 0, budget, seen: Seen::of(value) }.value(value, ty)
    }

    /// The same for values appended to `first` rows: rows if `many`, else one of them.
    pub(crate) fn conform_added(
        &self,
        value: &Value,
        (element, many): (&Type, bool),
        first: usize,
        zone: Zone,
        budget: &mut dyn Budget,
    ) -> Conformed {
        let mut conform = Conform { types: self, zone, remembers: true, first, budget, seen: Seen::of(value) };
        match value {
            Value::List(list) if many => conform.list(list, element),
            Value::Table(table) if many => conform.table(table, element),
            one => {
                conform.first = 0;
                conform.value(one, element).map_err(|stopped| stopped.inside(format_args!("[{first}]")))
            }
        }
    }

    /// All elements of a value are known to be of a type.
    pub(crate) fn remember(&self, value: &Value, element: &Type) {
        match value {
            Value::List(list) => list.checked().remember(self.key(element), list.items().len()),
            Value::Table(table) => table.checked().remember(self.key(self.row(element)), table.len()),
            _ => {}
        }
    }

    /// The type of the rows of a table, which are never null.
    fn row<'a>(&'a self, element: &'a Type) -> &'a Type {
        match self.resolve(element) {
            Type::Nullable(inner) => inner,
            _ => element,
        }
    }
}

struct Conform<'a> {
    types: &'a Types,
    zone: Zone,
    /// Do values remember the types that they fit? Not while the types are still being declared.
    remembers: bool,
    /// The position of the first element, for the error.
    first: usize,
    budget: &'a mut dyn Budget,
    seen: Seen<Option<Value>>,
}

impl Conform<'_> {
    fn value(&mut self, value: &Value, ty: &Type) -> Conformed {
        let resolved = self.types.resolve(ty);
        match (resolved, value) {
            (Type::Any, _)
            | (Type::Null | Type::Nullable(_), Value::Null)
            | (Type::Bool, Value::Bool(_))
            | (Type::Number, Value::Number(_))
            | (Type::Text, Value::Text(_))
            | (Type::DateTime, Value::DateTime(_))
            | (Type::Binary, Value::Binary(_)) => Ok(None),
            (Type::Nullable(inner), _) => self.value(value, inner),
            (Type::Bool, _) => Ok(Some(Value::Bool(to_boolean(value)?))),
            (Type::Number, _) => Ok(Some(Value::Number(to_number(value)?))),
            (Type::Text, Value::Null) => Err(Mismatch::new(value, ty).into()),
            (Type::Text, _) => Ok(Some(Value::Text(to_text(value)?))),
            (Type::DateTime, _) => Ok(Some(Value::DateTime(to_datetime(value, self.zone)?))),
            (Type::List(_), Value::List(_) | Value::Table(_)) | (Type::Record(_), Value::Record(_)) => {
                if let Some(conformed) = self.seen.get(value, resolved) {
                    return Ok(conformed.clone());
                }
                let conformed = self.parts(value, ty, resolved)?;
                self.seen.put(value, resolved, conformed.clone());
                Ok(conformed)
            }
            (Type::Function(_), Value::Function(_)) if self.types.matches(value, resolved, self.budget)? => Ok(None),
            _ => Err(Mismatch::new(value, ty).into()),
        }
    }

    fn parts(&mut self, value: &Value, ty: &Type, resolved: &Type) -> Conformed {
        match (resolved, value) {
            (Type::List(element), Value::List(list)) => self.list(list, element),
            (Type::List(element), Value::Table(table)) => self.table(table, element),
            (Type::Record(wanted), Value::Record(record)) => Ok(self.record(record, ty, wanted)?.map(Value::Record)),
            _ => Ok(None),
        }
    }

    fn key(&self, ty: &Type) -> Option<u64> {
        self.remembers.then(|| self.types.key(ty))
    }

    fn list(&mut self, list: &Arc<List>, element: &Type) -> Conformed {
        if list.items().is_empty() || self.types.resolve(element).is_any() {
            return Ok(None);
        }
        let first = std::mem::take(&mut self.first);
        let key = self.key(element);
        let unchecked = unchecked(key.map(|key| list.checked().unchecked(key, list.items().len())), list.items().len());
        let mut changed: Option<Vec<Value>> = None;
        let mut steps = Stretches::of(&unchecked);
        for position in unchecked.positions() {
            steps.next(self.budget)?;
            let Some(item) = list.items().get(position) else { break };
            let conformed = self.value(item, element);
            let conformed = conformed.map_err(|stopped| stopped.inside(format_args!("[{}]", first + position)))?;
            let Some(new) = conformed else { continue };
            if changed.is_none() {
                self.budget.take(size_of_val(list.items()))?;
            }
            if let Some(cell) = changed.get_or_insert_with(|| list.items().to_vec()).get_mut(position) {
                *cell = new;
            }
        }
        let changed = changed.map(Value::list);
        match (key, &changed) {
            (Some(key), None) => list.checked().remember(key, list.items().len()),
            (Some(key), Some(Value::List(changed))) => changed.checked().remember(key, changed.items().len()),
            _ => {}
        }
        Ok(changed)
    }

    fn record(&mut self, record: &Record, ty: &Type, wanted: &Arc<RecordType>) -> Conformed<Record> {
        // A record of simple fields is checked as fast as the cache is consulted.
        let nested = wanted.fields.iter().any(|field| !self.is_flat(&field.ty));
        let key = if nested { self.key(ty) } else { None };
        if key.is_some_and(|key| record.is_checked(key)) {
            return Ok(None);
        }
        self.budget.spend(wanted.fields.len().max(1) as u64)?;
        let mut changed: Option<Record> = None;
        for field in &wanted.fields {
            let Some(new) = self.field(record, field)? else { continue };
            changed = Some(changed.unwrap_or_else(|| record.clone()).with(&field.name, new));
        }
        if let Some(key) = key {
            changed.as_ref().unwrap_or(record).remember(key);
        }
        Ok(changed)
    }

    fn field(&mut self, record: &Record, field: &Field) -> Conformed {
        match (record.shape().position(&field.name), &field.default) {
            (Some(position), _) => {
                self.value(&record.at(position), &field.ty).map_err(|stopped| stopped.inside(&field.name))
            }
            (None, Some(default)) => Ok(Some(default.clone())),
            // It reads as null, since other rows of its table have it.
            (None, None) if record.is_absent(&field.name) && self.types.takes_null(&field.ty) => Ok(None),
            (None, None) => Err(Mismatch::missing(record, &field.name, &field.ty).into()),
        }
    }

    fn is_flat(&self, ty: &Type) -> bool {
        match self.types.resolve(ty) {
            Type::List(_) | Type::Record(_) => false,
            Type::Nullable(inner) => self.is_flat(inner),
            _ => true,
        }
    }
}

/// All elements if nothing is remembered.
fn unchecked(remembered: Option<Unchecked>, len: usize) -> Unchecked {
    remembered.unwrap_or_else(|| Unchecked::all(len))
}

/// Pays for values, a stretch of them at a time.
struct Stretches {
    ahead: usize,
    left: usize,
}

impl Stretches {
    fn of(unchecked: &Unchecked) -> Self {
        Self { ahead: 0, left: unchecked.len() }
    }

    fn next(&mut self, budget: &mut dyn Budget) -> Result<(), Stopped> {
        if self.ahead == 0 {
            self.ahead = self.left.clamp(1, STRETCH);
            self.left -= self.ahead.min(self.left);
            budget.spend(self.ahead as u64)?;
        }
        self.ahead -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Allowance;
    use crate::settings::Limits;
    use crate::value::Column;

    /// How many values are looked at, and the result; `None` if they fit.
    fn looked(types: &Types, value: &Value, ty: &Type) -> (usize, Option<Value>) {
        let mut allowance = Allowance::new("It", Limits::default(), &|| None);
        let Ok(conformed) = types.conform(value, ty, Zone::UTC, &mut allowance) else { panic!("it fits") };
        (allowance.steps() as usize, conformed)
    }

    fn item(q: Value) -> Value {
        Value::record([("q", q)])
    }

    fn items() -> Type {
        Type::closed_record([("q".into(), Type::Number)]).many()
    }

    #[test]
    fn what_fits_is_looked_at_once() {
        let types = Types::default();
        let table = Value::list(vec![item(1.into()), item(2.into())]);
        assert!(matches!(looked(&types, &table, &items()), (2, None)));
        assert!(matches!(looked(&types, &table.clone(), &items()), (0, None)));
        // Another type is checked again, and does not replace the first.
        let nullable = Type::closed_record([("q".into(), Type::Number.nullable()), ("q".into(), Type::Number)]);
        assert!(matches!(looked(&types, &table, &nullable.many()), (2, None)));
        assert!(matches!(looked(&types, &table, &items()), (0, None)));
    }

    #[test]
    fn only_what_is_new_is_looked_at() {
        let types = Types::default();
        let Value::Table(mut table) = Value::list((0..10).map(|q| item(q.into())).collect()) else { panic!("a table") };
        assert!(matches!(looked(&types, &Value::Table(table.clone()), &items()), (10, None)));
        let rows = Arc::make_mut(&mut table);
        rows.set_cell(3, 0, 7.into());
        let Value::Record(row) = item(11.into()) else { panic!("a record") };
        rows.append(&row).expect("it has the column");
        assert!(matches!(looked(&types, &Value::Table(table.clone()), &items()), (2, None)));
        let Value::List(mut list) = Value::list(vec![1.into(), 2.into()]) else { panic!("a list") };
        let numbers = Type::Number.many();
        assert!(matches!(looked(&types, &Value::List(list.clone()), &numbers), (2, None)));
        Arc::make_mut(&mut list).push(3.into());
        assert!(matches!(looked(&types, &Value::List(list), &numbers), (1, None)));
    }

    #[test]
    fn columns_that_fit_are_shared() {
        let types = Types::default();
        let row = |q: &str| Value::record([("x", Value::from("a")), ("q", Value::from(q))]);
        let Value::Table(table) = Value::list(vec![row("1"), row("2")]) else { panic!("a table") };
        let (_, converted) = looked(&types, &Value::Table(table.clone()), &items());
        let Some(Value::Table(converted)) = converted else { panic!("it converts") };
        let (before, after) = (table.columns().expect("columns"), converted.columns().expect("columns"));
        assert!(Arc::ptr_eq(&before[0], &after[0]));
        assert!(matches!((&*before[1], &*after[1]), (Column::Text(_), Column::Number(_))));
        assert!(matches!(looked(&types, &Value::Table(converted), &items()), (0, None)));
    }

    #[test]
    fn nested_records_remember_what_they_fit() {
        let mut types = Types::default();
        let id = types.declare("node".into());
        let node = Type::Named(id, "node".into());
        types.define(id, Type::closed_record([("v".into(), Type::Number), ("next".into(), node.clone().nullable())]));
        let mut list = Value::Null;
        for v in 0..200 {
            list = Value::record([("v", v.into()), ("next", list)]);
            assert!(matches!(looked(&types, &list, &node), (2, None)), "{v}");
        }
    }
}
