//! Values for annotations: simple values convert, inside records, lists and tables too. What fits is left as it is,
//! and remembers that it fits.

use super::convert::{Mismatch, Seen};
use super::{Field, RecordType, Type, Types};
use crate::value::{
    Column, ConvertError, List, Record, Table, TableBuilder, Unchecked, Value, Zone, to_boolean, to_datetime,
    to_number, to_text,
};
use std::convert::Infallible;
use std::sync::Arc;

/// Why a value was not made to fit.
pub(crate) enum Stopped<E> {
    /// It cannot.
    Mismatch(Mismatch),
    /// Whoever watches ended it.
    Ended(E),
}

impl<E> Stopped<E> {
    /// The same for a part of a value, at `step`.
    pub(crate) fn inside(self, step: impl std::fmt::Display) -> Self {
        match self {
            Self::Mismatch(mismatch) => Self::Mismatch(mismatch.inside(step)),
            ended @ Self::Ended(_) => ended,
        }
    }
}

impl<E> From<Mismatch> for Stopped<E> {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch(mismatch)
    }
}

impl<E> From<ConvertError> for Stopped<E> {
    fn from(error: ConvertError) -> Self {
        Self::Mismatch(error.into())
    }
}

/// What a value becomes; `None` where it fits as it is.
type Conformed<E, T = Value> = Result<Option<T>, Stopped<E>>;

/// The same of a table; an error comes with its row.
type Rowed<E, T = Table> = Result<Option<T>, (usize, Stopped<E>)>;

/// Values looked at between two words to whoever watches.
const STRETCH: usize = 64;

impl Types {
    /// A value for an annotation: simple values convert, inside records, lists and tables too. A missing field takes
    /// its default where the type states one; other fields stay.
    pub fn convert(&self, value: Value, ty: &Type, zone: Zone) -> Result<Value, Mismatch> {
        let mut watch = |_| Ok::<(), Infallible>(());
        let seen = Seen::of(&value);
        let mut conform = Conform { types: self, zone, remembers: false, first: 0, watch: &mut watch, seen };
        match conform.value(&value, ty) {
            Ok(converted) => Ok(converted.unwrap_or(value)),
            Err(Stopped::Mismatch(mismatch)) => Err(mismatch),
            Err(Stopped::Ended(never)) => match never {},
        }
    }

    /// The same in a run: what fits remembers it, and `watch` is told how many values are looked at and may end it.
    /// Gives `None` where the value fits as it is.
    pub(crate) fn conform<E>(
        &self,
        value: &Value,
        ty: &Type,
        zone: Zone,
        watch: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Conformed<E> {
        Conform { types: self, zone, remembers: true, first: 0, watch, seen: Seen::of(value) }.value(value, ty)
    }

    /// The same for what is appended to rows of which there are `first`: rows where `many`, else one of them.
    pub(crate) fn conform_added<E>(
        &self,
        value: &Value,
        (element, many): (&Type, bool),
        first: usize,
        zone: Zone,
        watch: &mut dyn FnMut(usize) -> Result<(), E>,
    ) -> Conformed<E> {
        let mut conform = Conform { types: self, zone, remembers: true, first, watch, seen: Seen::of(value) };
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

struct Conform<'a, E> {
    types: &'a Types,
    zone: Zone,
    /// Do values remember what they fit? Not while the types are still being declared.
    remembers: bool,
    /// The position of the first element, for the error.
    first: usize,
    watch: &'a mut dyn FnMut(usize) -> Result<(), E>,
    seen: Seen<Option<Value>>,
}

impl<E> Conform<'_, E> {
    fn value(&mut self, value: &Value, ty: &Type) -> Conformed<E> {
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
            (Type::Function(_), Value::Function(_)) if self.types.matches(value, resolved) => Ok(None),
            _ => Err(Mismatch::new(value, ty).into()),
        }
    }

    fn parts(&mut self, value: &Value, ty: &Type, resolved: &Type) -> Conformed<E> {
        match (resolved, value) {
            (Type::List(element), Value::List(list)) => self.list(list, element),
            (Type::List(element), Value::Table(table)) => self.table(table, element),
            (Type::Record(wanted), Value::Record(record)) => {
                Ok(self.record(record, ty, wanted)?.map(Value::Record))
            }
            _ => Ok(None),
        }
    }

    fn key(&self, ty: &Type) -> Option<u64> {
        self.remembers.then(|| self.types.key(ty))
    }

    fn list(&mut self, list: &Arc<List>, element: &Type) -> Conformed<E> {
        if list.items().is_empty() || self.types.resolve(element).is_any() {
            return Ok(None);
        }
        let first = std::mem::take(&mut self.first);
        let key = self.key(element);
        let unchecked = unchecked(key.map(|key| list.checked().unchecked(key, list.items().len())), list.items().len());
        let mut changed: Option<Vec<Value>> = None;
        let mut steps = Stretches::of(&unchecked);
        for position in unchecked.positions() {
            steps.next(self.watch)?;
            let Some(item) = list.items().get(position) else { break };
            let conformed = self.value(item, element);
            let conformed = conformed.map_err(|stopped| stopped.inside(format_args!("[{}]", first + position)))?;
            let Some(new) = conformed else { continue };
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

    fn table(&mut self, table: &Arc<Table>, element: &Type) -> Conformed<E> {
        let first = std::mem::take(&mut self.first);
        let element = self.types.row(element);
        let wanted = match self.types.resolve(element) {
            Type::Any => return Ok(None),
            Type::Record(wanted) => wanted,
            _ => {
                return match table.row(0) {
                    Some(row) => Err(Stopped::from(Mismatch::new(&Value::Record(row), element)).inside(format_args!("[{first}]"))),
                    None => Ok(None),
                };
            }
        };
        let key = self.key(element);
        let unchecked = unchecked(key.map(|key| table.checked().unchecked(key, table.len())), table.len());
        if unchecked.len() == 0 {
            return Ok(None);
        }
        let changed = match table.columns() {
            Some(columns) => self.columns(table, columns, element, wanted, &unchecked),
            None => self.rows(table, element, wanted, &unchecked),
        };
        let changed = changed.map_err(|(row, stopped)| stopped.inside(format_args!("[{}]", first + row)))?;
        if let Some(key) = key {
            let fitting = changed.as_ref().unwrap_or(table);
            fitting.checked().remember(key, fitting.len());
        }
        Ok(changed.map(Value::table))
    }

    /// A table in columns, column by column. The error is that of the first row that has one.
    fn columns(
        &mut self,
        table: &Arc<Table>,
        columns: &[Arc<Column>],
        element: &Type,
        wanted: &RecordType,
        unchecked: &Unchecked,
    ) -> Rowed<E> {
        let mut changed: Option<Vec<Arc<Column>>> = None;
        let mut added = Vec::new();
        let mut wrong: Option<(usize, Mismatch)> = None;
        for field in &wanted.fields {
            let position = table.shape().position(&field.name);
            let Some((position, column)) = position.and_then(|at| Some((at, columns.get(at)?))) else {
                match &field.default {
                    Some(default) => added.push((field.name.clone(), default.clone())),
                    None => {
                        let first = unchecked.positions().min().unwrap_or(0);
                        if wrong.as_ref().is_none_or(|(row, _)| first < *row)
                            && let Some(record) = table.row(first)
                        {
                            wrong = Some((first, Mismatch::missing(&record, &field.name, &field.ty)));
                        }
                    }
                }
                continue;
            };
            let before = wrong.as_ref().map_or(usize::MAX, |(row, _)| *row);
            match self.column(column, &field.ty, unchecked, before) {
                Ok(None) => {}
                Ok(Some(new)) => {
                    if let Some(column) = changed.get_or_insert_with(|| columns.to_vec()).get_mut(position) {
                        *column = Arc::new(new);
                    }
                }
                Err((row, Stopped::Mismatch(mismatch))) => wrong = Some((row, mismatch.inside(&field.name))),
                Err(ended) => return Err(ended),
            }
        }
        if let Some((row, mismatch)) = wrong {
            return Err((row, mismatch.into()));
        }
        if changed.is_none() && added.is_empty() {
            return Ok(None);
        }
        let mut columns = changed.unwrap_or_else(|| columns.to_vec());
        let mut shape = table.shape().clone();
        if !added.is_empty() {
            let names = shape.names().iter().cloned().chain(added.iter().map(|(name, _)| name.clone()));
            shape = crate::value::Shape::new(names);
            let filled = |(_, default): (_, Value)| Arc::new((0..table.len()).map(|_| default.clone()).collect());
            columns.extend(added.into_iter().map(filled));
        }
        let table = Table::from_columns(shape, columns, table.len());
        let row_type = self.types.row_type(element).filter(|(shape, _)| shape.names() == table.shape().names());
        Ok(Some(table.with_row_type(row_type.map(|(_, row_type)| row_type))))
    }

    /// The rows of a column that are unchecked and stand before the row `before`. An error comes with its row.
    fn column(
        &mut self,
        column: &Column,
        ty: &Type,
        unchecked: &Unchecked,
        before: usize,
    ) -> Rowed<E, Column> {
        let (resolved, nullable) = match self.types.resolve(ty) {
            Type::Nullable(inner) => (self.types.resolve(inner), true),
            resolved => (resolved, matches!(resolved, Type::Null)),
        };
        let same = matches!(
            (resolved, column),
            (Type::Any, _)
                | (Type::Bool, Column::Bool(_))
                | (Type::Number, Column::Number(_))
                | (Type::Text, Column::Text(_))
                | (Type::DateTime, Column::DateTime(_))
                | (_, Column::Null(_))
        );
        if matches!(resolved, Type::Any) || same && nullable {
            return Ok(None);
        }
        let mut changed: Option<Vec<Value>> = None;
        let mut steps = Stretches::of(unchecked);
        for row in unchecked.positions() {
            if row >= before {
                continue;
            }
            steps.next(self.watch).map_err(|ended| (row, ended))?;
            if same && column.has(row) {
                continue;
            }
            let conformed = self.value(&column.get(row), ty).map_err(|stopped| (row, stopped))?;
            let Some(new) = conformed else { continue };
            if let Some(cell) = changed.get_or_insert_with(|| column.to_values()).get_mut(row) {
                *cell = new;
            }
        }
        Ok(changed.map(|cells| cells.into_iter().collect()))
    }

    /// A table whose rows differ in their fields, row by row.
    fn rows(
        &mut self,
        table: &Arc<Table>,
        element: &Type,
        wanted: &Arc<RecordType>,
        unchecked: &Unchecked,
    ) -> Rowed<E> {
        let mut changed: Option<Vec<Record>> = None;
        let mut rows: Vec<usize> = unchecked.positions().collect();
        rows.sort_unstable();
        for row in rows {
            let Some(record) = table.row(row) else { break };
            let conformed = self.record(&record, element, wanted).map_err(|stopped| (row, stopped))?;
            let Some(new) = conformed else { continue };
            let all = || (0..table.len()).filter_map(|row| table.row(row)).collect();
            if let Some(record) = changed.get_or_insert_with(all).get_mut(row) {
                *record = new;
            }
        }
        let Some(rows) = changed else { return Ok(None) };
        let mut builder = TableBuilder::default();
        rows.iter().for_each(|record| builder.push(record));
        Ok(Some(builder.finish()))
    }

    fn record(&mut self, record: &Record, ty: &Type, wanted: &Arc<RecordType>) -> Conformed<E, Record> {
        // A record of simple fields is looked through as fast as it remembers.
        let nested = wanted.fields.iter().any(|field| !self.is_flat(&field.ty));
        let key = if nested { self.key(ty) } else { None };
        if key.is_some_and(|key| record.is_checked(key)) {
            return Ok(None);
        }
        (self.watch)(wanted.fields.len().max(1)).map_err(Stopped::Ended)?;
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

    fn field(&mut self, record: &Record, field: &Field) -> Conformed<E> {
        match (record.shape().position(&field.name), &field.default) {
            (Some(position), _) => {
                self.value(&record.at(position), &field.ty).map_err(|stopped| stopped.inside(&field.name))
            }
            (None, Some(default)) => Ok(Some(default.clone())),
            // It reads as null, since other rows of its table have it.
            (None, None) if record.shape().is_absent(&field.name) && self.types.takes_null(&field.ty) => Ok(None),
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

/// All elements where nothing is remembered.
fn unchecked(remembered: Option<Unchecked>, len: usize) -> Unchecked {
    remembered.unwrap_or_else(|| Unchecked::all(len))
}

/// Counts values for whoever watches, a stretch of them at a time.
struct Stretches {
    ahead: usize,
    left: usize,
}

impl Stretches {
    fn of(unchecked: &Unchecked) -> Self {
        Self { ahead: 0, left: unchecked.len() }
    }

    fn next<E>(&mut self, watch: &mut dyn FnMut(usize) -> Result<(), E>) -> Result<(), Stopped<E>> {
        if self.ahead == 0 {
            self.ahead = self.left.clamp(1, STRETCH);
            self.left -= self.ahead.min(self.left);
            watch(self.ahead).map_err(Stopped::Ended)?;
        }
        self.ahead -= 1;
        Ok(())
    }
}
