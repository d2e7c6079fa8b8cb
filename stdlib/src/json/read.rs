//! JSON texts to values, without a tree in between: arrays of objects go straight into columns, records share
//! their shapes, and with a type the values are filled and converted while they are read.
//!
//! The reader is our own, since every error must have its place in the text and in the value, numbers must keep all
//! digits without a detour, and names in the data must have no meaning for the reader.

use super::error::{DecodeError, Failure, Problem, Read};
use super::form::{Known, PlaceId, Seen, WHOLE};
use super::scan::Scanner;
use crate::pages::copied;
use ecow::EcoString;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::types::{RecordType, Stopped, Type, Types};
use flowscript_lang::value::{Column, Record, RowsBuilder, Shape, Table, Value, Zone};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// How deep arrays and objects may be nested (lang/README.md, Limits).
pub const MAX_NESTING: usize = 200;

/// The value of a JSON text: objects as records, arrays as lists or tables. The budget pays for reading and for the value.
pub fn decode(text: &str, budget: &mut dyn Budget) -> Result<Value, DecodeError> {
    Reader::new(text, None, &mut Seen::default(), budget).whole(&Type::Any)
}

/// The same for one of many texts, which mostly have the same shapes.
pub(super) fn decode_like(text: &str, seen: &mut Seen, budget: &mut dyn Budget) -> Result<Value, DecodeError> {
    Reader::new(text, None, seen, budget).whole(&Type::Any)
}

/// The value of a JSON text filled into a type: missing fields take their defaults, unknown ones are dropped, `null`
/// becomes the default if the type does not allow it, simple values convert; a text without an offset is a datetime in
/// `zone`.
pub fn decode_as(
    text: &str,
    ty: &Type,
    types: &Types,
    zone: Zone,
    budget: &mut dyn Budget,
) -> Result<Value, DecodeError> {
    Reader::new(text, Some((types, zone)), &mut Seen::default(), budget).whole(ty)
}

/// Where the reader is.
#[derive(Clone, Copy)]
struct Spot {
    /// How deep.
    level: usize,
    place: PlaceId,
}

/// How far an object was as expected.
enum Fields {
    All,
    /// This many fields, then another one.
    First(usize),
    /// This many fields exactly.
    Only(usize),
}

struct Reader<'a> {
    scan: Scanner<'a>,
    target: Option<(&'a Types, Zone)>,
    seen: &'a mut Seen,
    /// The shapes of record types, by the address of the type, which outlives the reader.
    typed: HashMap<*const RecordType, Arc<Shape>>,
    toll: Toll<'a>,
    /// How much of the text is paid for.
    paid: usize,
}

/// The cost of reading a byte, in bytes looked at.
const READING: usize = 4;

/// Longer texts in a column are paid for one by one, in bytes.
const LONG: usize = 64 << 10;

/// The memory of a list, table or record in addition to its cells, and of its parts on the way, in bytes.
const CONTAINER: usize = 96;

/// The memory of an object that is not a row of a known table: its cells are collected twice.
const OBJECT_FIELD: usize = 64;

impl<'a> Reader<'a> {
    fn new(text: &'a str, target: Option<(&'a Types, Zone)>, seen: &'a mut Seen, budget: &'a mut dyn Budget) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let scan = Scanner { text, at: 0 };
        Self { scan, target, seen, typed: HashMap::new(), toll: Toll::new(budget), paid: 0 }
    }

    /// Pays for what has been read since the last time, and for this many bytes of memory.
    #[inline]
    fn pay(&mut self, bytes: usize) -> Read<()> {
        pay_to(&mut self.toll, &mut self.paid, self.scan.at, bytes)
    }

    /// A text with escapes; a long one is paid for while it is read.
    fn string(&mut self) -> Read<Cow<'a, str>> {
        let (toll, paid) = (&mut self.toll, &mut self.paid);
        self.scan.string(&mut |at, bytes| pay_to(toll, paid, at, bytes))
    }

    /// Skips blanks.
    #[inline]
    fn blanks(&mut self) -> Read<()> {
        if self.scan.is_at_blank() { self.some_blanks() } else { Ok(()) }
    }

    fn some_blanks(&mut self) -> Read<()> {
        let (toll, paid) = (&mut self.toll, &mut self.paid);
        self.scan.blanks(&mut |at, bytes| pay_to(toll, paid, at, bytes))
    }

    /// After a field: does another one follow?
    fn next_field(&mut self) -> Read<bool> {
        self.blanks()?;
        self.scan.next_field()
    }

    /// The name of a field and its colon.
    fn name(&mut self) -> Read<Cow<'a, str>> {
        let (toll, paid) = (&mut self.toll, &mut self.paid);
        self.scan.name(&mut |at, bytes| pay_to(toll, paid, at, bytes))
    }

    fn whole(mut self, ty: &Type) -> Result<Value, DecodeError> {
        let read = self.value(ty, Spot { level: 0, place: WHOLE }).and_then(|value| {
            self.blanks()?;
            match self.scan.peek() {
                None => self.pay(0).and_then(|()| self.toll.settle().map_err(Failure::stopped)).map(|()| value),
                Some(_) => Err(self.scan.unexpected("the end of the text")),
            }
        });
        read.map_err(|failure| failure.located(self.scan.text, &mut self.toll))
    }

    /// The next value, converted to `ty`.
    fn value(&mut self, ty: &Type, spot: Spot) -> Read<Value> {
        self.blanks()?;
        let start = self.scan.at;
        let Some((types, zone)) = self.target else { return self.any(spot) };
        let mut wanted = types.resolve(ty);
        while let Type::Nullable(inner) = wanted {
            wanted = types.resolve(inner);
        }
        match (wanted, self.scan.peek()) {
            (Type::Any, _) => self.any(spot),
            (Type::Record(record), Some(b'{')) if !record.open => self.typed_object(record, spot),
            (Type::List(element), Some(b'[')) => {
                self.array(element, spot).map(|value| with_row_type(value, element, types))
            }
            _ => {
                let value = self.any(spot)?;
                types.fill(value, ty, zone, &mut self.toll).map_err(|stopped| match stopped {
                    Stopped::Mismatch(mismatch) => Failure::new(start, Problem::Mismatch(Box::new(mismatch))),
                    Stopped::Ended(error) => Failure::stopped(error),
                })
            }
        }
    }

    /// The next value as it is.
    fn any(&mut self, spot: Spot) -> Read<Value> {
        self.blanks()?;
        match self.scan.peek() {
            Some(b'{') => self.object(spot),
            Some(b'[') => self.array(&Type::Any, spot),
            Some(b'"') => {
                let text = match self.scan.plain_text() {
                    Some(text) => Cow::Borrowed(text),
                    None => self.string()?,
                };
                self.pay(self.scan.at - self.paid)?;
                copied(&text, &mut self.toll).map(Value::Text).map_err(Failure::stopped)
            }
            Some(b'-' | b'0'..=b'9') => match self.scan.short_number() {
                Some(number) => Ok(Value::Number(number)),
                None => self.scan.number(),
            },
            Some(b't') => self.scan.word("true", Value::Bool(true)),
            Some(b'f') => self.scan.word("false", Value::Bool(false)),
            Some(b'n') => self.scan.word("null", Value::Null),
            _ => Err(self.scan.unexpected("a value")),
        }
    }

    fn array(&mut self, element: &Type, spot: Spot) -> Read<Value> {
        self.open(spot)?;
        self.blanks()?;
        if self.scan.eat(b']') {
            return Ok(Value::empty_list());
        }
        let mut builder = RowsBuilder::default();
        let mut position = 0usize;
        let plain = matches!(element, Type::Any);
        let inside = Spot { level: spot.level + 1, ..spot };
        let mut known = self.seen.expected(spot.place);
        loop {
            self.pay(size_of::<Value>())?;
            self.blanks()?;
            if plain && self.scan.peek() == Some(b'{') {
                let row = self.row(&mut builder, &mut known, inside);
                row.map_err(|failure| failure.in_element(position))?;
            } else {
                let value = self.value(element, inside).map_err(|failure| failure.in_element(position))?;
                builder.push(value);
            }
            position += 1;
            self.blanks()?;
            if self.scan.eat(b']') {
                return Ok(builder.finish());
            }
            if !self.scan.eat(b',') {
                return Err(self.scan.unexpected("`,` or `]`"));
            }
        }
    }

    /// An object that is an element: straight into columns, without a record in between.
    fn row(&mut self, builder: &mut RowsBuilder, known: &mut Arc<Known>, spot: Spot) -> Read<()> {
        let Some(columns) = builder.row_columns(&known.shape) else {
            let record = self.object(spot)?;
            builder.push(record);
            *known = self.seen.expected(spot.place);
            return Ok(());
        };
        self.open(spot)?;
        let read = self.fields(known, spot, |reader, number, spot| match columns.get_mut(number) {
            Some(column) => reader.cell(column, spot),
            None => Ok(()),
        })?;
        let (count, more) = match read {
            Fields::All => {
                builder.finish_row();
                return Ok(());
            }
            Fields::First(count) => (count, true),
            Fields::Only(count) => (count, false),
        };
        let cells = builder.take_back(count);
        let record = self.unexpected_object(known, cells, more, spot)?;
        builder.push(Value::Record(record));
        *known = self.seen.expected(spot.place);
        Ok(())
    }

    /// The next value, after the cells of a column.
    #[inline]
    fn cell(&mut self, column: &mut Column, spot: Spot) -> Read<()> {
        match self.scan.peek() {
            Some(b'"') => {
                if let Some(text) = self.scan.plain_text() {
                    if text.len() > LONG {
                        self.pay(text.len())?;
                    }
                    column.push_text(copied(text, &mut self.toll).map_err(Failure::stopped)?);
                    return Ok(());
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                if let Some(number) = self.scan.short_number() {
                    column.push_number(number);
                    return Ok(());
                }
            }
            _ => {}
        }
        let value = self.any(spot)?;
        self.pay(0)?;
        column.push(value);
        Ok(())
    }

    /// An object with unknown names.
    fn object(&mut self, spot: Spot) -> Read<Value> {
        self.open(spot)?;
        let known = self.seen.expected(spot.place);
        self.pay(CONTAINER + known.names.len() * size_of::<Value>())?;
        let mut cells = Vec::with_capacity(known.names.len());
        let read = self.fields(&known, spot, |reader, _, spot| {
            let value = reader.any(spot)?;
            cells.push(value);
            Ok(())
        })?;
        let more = match read {
            Fields::All => return Ok(Value::Record(Record::new(known.shape.clone(), cells))),
            Fields::First(_) => true,
            Fields::Only(_) => false,
        };
        self.unexpected_object(&known, cells, more, spot).map(Value::Record)
    }

    /// The fields of an object after its bracket, as long as they are those of the expected shape.
    #[inline]
    fn fields(
        &mut self,
        known: &Known,
        spot: Spot,
        mut value: impl FnMut(&mut Self, usize, Spot) -> Read<()>,
    ) -> Read<Fields> {
        self.blanks()?;
        if self.scan.eat(b'}') {
            return Ok(if known.names.is_empty() { Fields::All } else { Fields::Only(0) });
        }
        for (number, name) in known.names.iter().enumerate() {
            self.blanks()?;
            if !self.scan.eat_all(name) {
                return Ok(Fields::First(number));
            }
            self.blanks()?;
            let inside = self.field_spot(spot, number);
            let read = value(self, number, inside);
            if let Err(failure) = read {
                let name = known.shape.names().get(number).map_or("", EcoString::as_str);
                return Err(failure.in_field(name));
            }
            // Without blanks between them, the next byte decides.
            let more = match self.scan.take_end() {
                Some(more) => more,
                None => self.next_field()?,
            };
            if !more {
                let all = number + 1 == known.names.len();
                return Ok(if all { Fields::All } else { Fields::Only(number + 1) });
            }
        }
        Ok(Fields::First(known.names.len()))
    }

    /// The place of the next field's value, which follows.
    #[inline]
    fn field_spot(&mut self, spot: Spot, number: usize) -> Spot {
        let place = match self.scan.peek() {
            Some(b'{' | b'[') => self.seen.field(spot.place, number),
            _ => spot.place,
        };
        Spot { level: spot.level + 1, place }
    }

    /// An object that begins as expected, with these cells, and then continues differently, or ends.
    fn unexpected_object(&mut self, known: &Known, cells: Vec<Value>, more: bool, spot: Spot) -> Read<Record> {
        let mut names: Vec<EcoString> = known.shape.names().iter().take(cells.len()).cloned().collect();
        let (mut cells, mut more) = (cells, more);
        while more {
            let name = self.name()?;
            self.pay(OBJECT_FIELD + name.len() * 2)?;
            self.blanks()?;
            let inside = self.field_spot(spot, cells.len());
            let value = self.any(inside);
            cells.push(value.map_err(|failure| failure.in_field(&name))?);
            names.push(name.as_ref().into());
            more = self.next_field()?;
        }
        Ok(self.seen.record(spot.place, names, cells))
    }

    /// An object for a record type.
    fn typed_object(&mut self, record: &RecordType, spot: Spot) -> Read<Value> {
        let Some((types, _)) = self.target else { return self.object(spot) };
        self.open(spot)?;
        let inside = Spot { level: spot.level + 1, ..spot };
        let shape = self
            .typed
            .entry(std::ptr::from_ref(record))
            .or_insert_with(|| Shape::new(record.fields.iter().map(|field| field.name.clone())))
            .clone();
        self.pay(CONTAINER + record.fields.len() * 2 * size_of::<Value>())?;
        let mut cells: Vec<Option<Value>> = vec![None; record.fields.len()];
        self.blanks()?;
        if !self.scan.eat(b'}') {
            loop {
                let name = self.name()?;
                self.pay(0)?;
                let at = shape.position(&name);
                let known = at.and_then(|at| Some((record.fields.get(at)?, cells.get_mut(at)?)));
                if let Some((field, cell)) = known {
                    self.blanks()?;
                    let null = self.scan.peek() == Some(b'n');
                    let value = self.value(&field.ty, inside);
                    let value = value.map_err(|failure| failure.in_field(&name))?;
                    // A `null` that is not allowed becomes the field's default, not the type's.
                    let keep = !null || value.is_null();
                    *cell = keep.then_some(value);
                } else {
                    let skipped = self.any(inside);
                    skipped.map_err(|failure| failure.in_field(&name))?;
                }
                if !self.next_field()? {
                    break;
                }
            }
        }
        let filled = cells.into_iter().zip(&record.fields);
        let cells = filled.map(|(cell, field)| cell.unwrap_or_else(|| types.field_default(field))).collect();
        Ok(Value::Record(Record::new(shape, cells)))
    }

    /// After an opening bracket.
    #[inline]
    fn open(&mut self, spot: Spot) -> Read<()> {
        if spot.level >= MAX_NESTING {
            return Err(self.too_deep());
        }
        self.scan.at += 1;
        self.pay(CONTAINER)
    }

    #[cold]
    fn too_deep(&self) -> Box<Failure> {
        self.scan.problem(format!("arrays and objects are nested more than {MAX_NESTING} deep"))
    }
}

/// Pays for what has been read up to a place.
#[inline]
fn pay_to(toll: &mut Toll<'_>, paid: &mut usize, at: usize, bytes: usize) -> Read<()> {
    let read = at.saturating_sub(*paid);
    *paid = at.max(*paid);
    toll.scan(read * READING).and_then(|()| toll.take(bytes)).map_err(Failure::stopped)
}

/// A filled list keeps the row type of the declaration, as `table(T)` does.
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
