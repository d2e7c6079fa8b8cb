//! JSON texts to values, without a tree in between: arrays of objects go straight into columns, records share
//! their shapes, and with a type the values are filled and converted while they are read.
//!
//! The reader is our own, since every error must say where it is in the text and in the value, numbers must keep
//! all digits without a detour, and no name in the data may have a meaning for the reader.

use super::error::{DecodeError, Failure, Problem, Read};
use super::scan::Scanner;
use crate::shapes::Shapes;
use ecow::EcoString;
use flowscript_lang::types::{RecordType, Type, Types};
use flowscript_lang::value::{Record, RowsBuilder, Shape, Table, Value, Zone};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// How deep arrays and objects may be nested (language.md §8).
pub const MAX_NESTING: usize = 200;

/// The value of a JSON text: objects as records, arrays as lists or tables.
pub fn decode(text: &str) -> Result<Value, DecodeError> {
    Reader::new(text, None, &mut Seen::default()).whole(&Type::Any)
}

/// The same for one of many texts, which mostly have the same shapes.
pub(super) fn decode_like(text: &str, seen: &mut Seen) -> Result<Value, DecodeError> {
    Reader::new(text, None, seen).whole(&Type::Any)
}

/// The shapes seen so far.
#[derive(Default)]
pub(super) struct Seen {
    /// The last one at each level: the next object there most likely has it.
    last: Vec<Arc<Shape>>,
    shapes: Shapes,
}

/// The value of a JSON text filled into a type: missing fields take their defaults, unknown ones are dropped, `null`
/// where it may not be becomes the default, simple values convert; a text without an offset is a datetime in `zone`.
pub fn decode_as(text: &str, ty: &Type, types: &Types, zone: Zone) -> Result<Value, DecodeError> {
    Reader::new(text, Some((types, zone)), &mut Seen::default()).whole(ty)
}

struct Reader<'a> {
    scan: Scanner<'a>,
    target: Option<(&'a Types, Zone)>,
    seen: &'a mut Seen,
    /// The shapes of record types, by the address of the type, which outlives the reader.
    typed: HashMap<*const RecordType, Arc<Shape>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, target: Option<(&'a Types, Zone)>, seen: &'a mut Seen) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let scan = Scanner { text, at: 0 };
        Self { scan, target, seen, typed: HashMap::new() }
    }

    fn whole(mut self, ty: &Type) -> Result<Value, DecodeError> {
        let read = self.value(ty, 0).and_then(|value| {
            self.scan.skip_blanks();
            match self.scan.peek() {
                None => Ok(value),
                Some(_) => Err(self.scan.unexpected("the end of the text")),
            }
        });
        read.map_err(|failure| failure.located(self.scan.text))
    }

    /// The next value, as `ty` wants it.
    fn value(&mut self, ty: &Type, level: usize) -> Read<Value> {
        self.scan.skip_blanks();
        let start = self.scan.at;
        let Some((types, zone)) = self.target else { return self.any(level) };
        let mut wanted = types.resolve(ty);
        while let Type::Nullable(inner) = wanted {
            wanted = types.resolve(inner);
        }
        match (wanted, self.scan.peek()) {
            (Type::Any, _) => self.any(level),
            (Type::Record(record), Some(b'{')) if !record.open => self.typed_object(record, level),
            (Type::List(element), Some(b'[')) => {
                self.array(element, level).map(|value| with_row_type(value, element, types))
            }
            _ => {
                let value = self.any(level)?;
                types
                    .fill(value, ty, zone)
                    .map_err(|mismatch| Failure::new(start, Problem::Mismatch(Box::new(mismatch))))
            }
        }
    }

    /// The next value as it is.
    fn any(&mut self, level: usize) -> Read<Value> {
        self.scan.skip_blanks();
        match self.scan.peek() {
            Some(b'{') => self.object(level),
            Some(b'[') => self.array(&Type::Any, level),
            Some(b'"') => Ok(match self.scan.string()? {
                Cow::Borrowed(text) => Value::Text(text.into()),
                Cow::Owned(text) => Value::Text(text.into()),
            }),
            Some(b'-' | b'0'..=b'9') => self.scan.number(),
            Some(b't') => self.scan.word("true", Value::Bool(true)),
            Some(b'f') => self.scan.word("false", Value::Bool(false)),
            Some(b'n') => self.scan.word("null", Value::Null),
            _ => Err(self.scan.unexpected("a value")),
        }
    }

    fn array(&mut self, element: &Type, level: usize) -> Read<Value> {
        self.open(level)?;
        let mut builder = RowsBuilder::default();
        self.scan.skip_blanks();
        if self.scan.eat(b']') {
            return Ok(Value::empty_list());
        }
        let mut position = 0usize;
        let mut cells = Vec::new();
        let plain = matches!(element, Type::Any);
        loop {
            self.scan.skip_blanks();
            if plain && self.scan.peek() == Some(b'{') {
                // Straight into columns, without a record in between.
                let shape = self.object_cells(level + 1, &mut cells);
                let shape = shape.map_err(|failure| failure.in_element(position))?;
                builder.push_cells(&shape, &mut cells);
                cells.clear();
            } else {
                let value = self.value(element, level + 1).map_err(|failure| failure.in_element(position))?;
                builder.push(value);
            }
            position += 1;
            self.scan.skip_blanks();
            if self.scan.eat(b']') {
                return Ok(builder.finish());
            }
            if !self.scan.eat(b',') {
                return Err(self.scan.unexpected("`,` or `]`"));
            }
        }
    }

    /// An object whose names are not known before.
    fn object(&mut self, level: usize) -> Read<Value> {
        let mut cells = Vec::new();
        let shape = self.object_cells(level, &mut cells)?;
        Ok(Value::Record(Record::new(shape, cells)))
    }

    /// The cells of an object, and their shape.
    fn object_cells(&mut self, level: usize, cells: &mut Vec<Value>) -> Read<Arc<Shape>> {
        self.open(level)?;
        self.scan.skip_blanks();
        let expected = self.seen.last.get(level).cloned().unwrap_or_default();
        // As long as the names are those of the expected shape nothing is kept of them.
        let mut same = true;
        let mut names: Vec<EcoString> = Vec::new();
        if !self.scan.eat(b'}') {
            loop {
                let name = self.scan.name()?;
                if same && expected.names().get(cells.len()).is_none_or(|known| *known != *name) {
                    same = false;
                    names.extend(expected.names().iter().take(cells.len()).cloned());
                }
                let value = self.value(&Type::Any, level + 1);
                let value = value.map_err(|failure| failure.in_field(&name))?;
                if !same {
                    names.push(name.as_ref().into());
                }
                cells.push(value);
                if !self.scan.next_field()? {
                    break;
                }
            }
        }
        if same && cells.len() == expected.len() {
            return Ok(expected);
        }
        if same {
            names.extend(expected.names().iter().take(cells.len()).cloned());
        }
        let record = self.seen.shapes.record(names, std::mem::take(cells));
        *cells = record.to_cells();
        let last = &mut self.seen.last;
        if last.len() <= level {
            last.resize(level + 1, Arc::default());
        }
        if let Some(last) = last.get_mut(level) {
            *last = record.shape().clone();
        }
        Ok(record.shape().clone())
    }

    /// An object for a record type.
    fn typed_object(&mut self, record: &RecordType, level: usize) -> Read<Value> {
        let Some((types, _)) = self.target else { return self.object(level) };
        self.open(level)?;
        let shape = self
            .typed
            .entry(std::ptr::from_ref(record))
            .or_insert_with(|| Shape::new(record.fields.iter().map(|field| field.name.clone())))
            .clone();
        let mut cells: Vec<Option<Value>> = vec![None; record.fields.len()];
        self.scan.skip_blanks();
        if !self.scan.eat(b'}') {
            loop {
                let name = self.scan.name()?;
                let at = shape.position(&name);
                let known = at.and_then(|at| Some((record.fields.get(at)?, cells.get_mut(at)?)));
                if let Some((field, cell)) = known {
                    self.scan.skip_blanks();
                    let null = self.scan.peek() == Some(b'n');
                    let value = self.value(&field.ty, level + 1);
                    let value = value.map_err(|failure| failure.in_field(&name))?;
                    // `null` where it may not be takes the field's default, not the type's.
                    let keep = !null || value.is_null();
                    *cell = keep.then_some(value);
                } else {
                    let skipped = self.any(level + 1);
                    skipped.map_err(|failure| failure.in_field(&name))?;
                }
                if !self.scan.next_field()? {
                    break;
                }
            }
        }
        let filled = cells.into_iter().zip(&record.fields);
        let cells = filled.map(|(cell, field)| cell.unwrap_or_else(|| types.field_default(field))).collect();
        Ok(Value::Record(Record::new(shape, cells)))
    }

    /// Behind an opening bracket.
    fn open(&mut self, level: usize) -> Read<()> {
        if level >= MAX_NESTING {
            return Err(self.scan.problem(format!("arrays and objects are nested more than {MAX_NESTING} deep")));
        }
        self.scan.at += 1;
        Ok(())
    }
}

/// A filled list keeps what the type says of its rows, as `table(T)` does.
fn with_row_type(value: Value, element: &Type, types: &Types) -> Value {
    match (value, types.row_type(element)) {
        (Value::Table(table), Some((_, row_type))) => {
            let table = Arc::try_unwrap(table).unwrap_or_else(|shared| Table::clone(&shared));
            Value::table(table.with_row_type(Some(row_type)))
        }
        (value, Some(_)) if value.is_empty_list() => types.default_value(&element.clone().many()),
        (value, _) => value,
    }
}
