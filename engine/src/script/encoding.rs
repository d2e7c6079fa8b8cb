//! The stored form of values: a byte for the version of the encoding, then the value, exactly: all digits of
//! numbers, the offsets of datetimes, bytes, the columns of a table without rows.
//!
//! Names that several records share are written once: 0 and the names, later their number. 1 means no names, numbers
//! from 2 on refer to the names written before. A record has its own names, and those of all rows of its table if it
//! lacks some of them.
//!
//! What a declared type says of the rows of a `table(T)` is not kept; the columns are.

use ecow::EcoString;
use flowscript_lang::value::{Column, DateTime, Number, Record, Shape, Table, Value};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// The version that is written.
const VERSION: u8 = 2;
/// The version before: each record has its own names in full, and then those that only other rows of its table have.
const FULL_NAMES: u8 = 1;
/// Precedes names that have not been written yet.
const NEW_NAMES: usize = 0;
/// The number of no names; those that have been written have the next ones.
const NO_NAMES: usize = 1;
/// Most stored values take no more bytes than this.
const USUAL: usize = 256;
/// No value is nested deeper, see `flowscript_lang::value::MAX_DEPTH`.
const MAX_DEPTH: u16 = 1_100;
/// With less stack than this, in bytes, the walk continues on a new segment: it also runs on threads with small stacks.
const RED_ZONE: usize = 64 << 10;
/// The size of such a segment, in bytes.
const STACK: usize = 1 << 20;

mod tag {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const NUMBER: u8 = 3;
    pub const TEXT: u8 = 4;
    pub const DATETIME: u8 = 5;
    pub const BINARY: u8 = 6;
    pub const LIST: u8 = 7;
    pub const RECORD: u8 = 8;
    pub const TABLE: u8 = 9;
    /// A table whose rows differ in their fields.
    pub const RAGGED: u8 = 10;
}

/// The bytes of a value. Functions cannot be stored and become null; the engine refuses them earlier, and also values
/// that weigh too much.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Writer::new(usize::MAX);
    out.write(value);
    out.bytes
}

/// The bytes of a value; `None` above `most` bytes. At most that many are written.
pub fn encode_up_to(value: &Value, most: usize) -> Option<Vec<u8>> {
    let mut out = Writer::new(most);
    out.write(value);
    (!out.is_full()).then_some(out.bytes)
}

/// The bytes of a record of these fields, whose names differ.
pub fn encode_fields<const N: usize>(fields: [(&str, &Value); N]) -> Vec<u8> {
    let mut out = Writer::new(usize::MAX);
    out.bytes.push(tag::RECORD);
    out.new_names(N, fields.iter().map(|(name, _)| *name));
    out.no_names(); // it is not a row of a table
    fields.iter().for_each(|(_, value)| out.write(value));
    out.bytes
}

/// The value of these bytes. The error says what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    match bytes.split_first() {
        Some((&version @ (FULL_NAMES | VERSION), rest)) => {
            let mut reader = Reader::new(version, rest, false);
            let value = reader.value(0)?;
            if reader.rest.is_empty() { Ok(value) } else { Err("a stored value has bytes after its end".into()) }
        }
        Some((version, _)) => {
            Err(format!("a stored value has the encoding {version}; this program reads {FULL_NAMES} and {VERSION}"))
        }
        None => Err("a stored value is empty".into()),
    }
}

/// The part of a value in its first bytes: the first elements of a list, the first fields of a record, the beginning of
/// a text. Of a table whose first columns are complete, the rows up to the cut.
pub fn decode_start(bytes: &[u8]) -> Option<Value> {
    let (&version @ (FULL_NAMES | VERSION), rest) = bytes.split_first()? else { return None };
    Reader::new(version, rest, true).value(0).ok()
}

struct Writer {
    bytes: Vec<u8>,
    /// The numbers of the names that have been written, by the addresses of their shapes, which the value keeps.
    names: HashMap<*const Shape, usize>,
    /// The last number of such names.
    last: usize,
    /// The most bytes that are written.
    most: usize,
}

impl Writer {
    fn new(most: usize) -> Self {
        let mut bytes = Vec::with_capacity(USUAL);
        bytes.push(VERSION);
        Self { bytes, names: HashMap::new(), last: NO_NAMES, most }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() > self.most
    }

    /// Writes a value; once it is full, no further one.
    fn write(&mut self, value: &Value) {
        if !self.is_full() {
            stacker::maybe_grow(RED_ZONE, STACK, || self.write_here(value));
        }
    }

    /// Writes values one after the other until it is full.
    fn all<T>(&mut self, parts: impl Iterator<Item = T>, write: impl Fn(&mut Self, T)) {
        for part in parts {
            if self.is_full() {
                return;
            }
            write(self, part);
        }
    }

    /// Bytes after their length. Those that do not fit are not copied.
    fn content(&mut self, content: &[u8]) {
        write_length(content.len(), &mut self.bytes);
        let left = self.most.saturating_sub(self.bytes.len()).saturating_add(1);
        self.bytes.extend_from_slice(content.get(..left).unwrap_or(content));
    }

    fn write_here(&mut self, value: &Value) {
        let out = &mut self.bytes;
        match value {
            Value::Null | Value::Function(_) => out.push(tag::NULL),
            Value::Bool(false) => out.push(tag::FALSE),
            Value::Bool(true) => out.push(tag::TRUE),
            Value::Number(number) => {
                out.push(tag::NUMBER);
                let at = out.len();
                out.push(0);
                // Writing to bytes in memory cannot fail.
                let _ = write!(out, "{number}");
                let length = out.len() - at - 1;
                // No number has 128 characters, so its length is one byte.
                out[at] = length as u8;
            }
            Value::Text(text) => {
                out.push(tag::TEXT);
                self.content(text.as_bytes());
            }
            Value::DateTime(at) => {
                out.push(tag::DATETIME);
                out.extend(at.unix_seconds().to_le_bytes());
                out.extend(at.nanos().to_le_bytes());
                out.extend(at.offset().to_le_bytes());
            }
            Value::Binary(bytes) => {
                out.push(tag::BINARY);
                self.content(bytes);
            }
            Value::List(list) => {
                out.push(tag::LIST);
                write_length(list.items().len(), out);
                self.all(list.items().iter(), Self::write);
            }
            Value::Record(record) => {
                out.push(tag::RECORD);
                self.names(record.shape());
                match record.others() {
                    Some(others) => self.names(others),
                    None => self.no_names(),
                }
                self.cells(record);
            }
            Value::Table(table) => self.table(table),
        }
    }

    fn table(&mut self, table: &Arc<Table>) {
        let columns = table.columns();
        self.bytes.push(if columns.is_some() { tag::TABLE } else { tag::RAGGED });
        self.names(table.shape());
        write_length(table.len(), &mut self.bytes);
        match columns {
            Some(columns) => {
                for column in columns {
                    self.all(0..table.len(), |out, row| out.write(&column.get(row)));
                }
            }
            None => {
                self.all((0..table.len()).filter_map(|row| table.row(row)), |out, record| {
                    out.names(record.shape());
                    out.cells(&record);
                });
            }
        }
    }

    fn cells(&mut self, record: &Record) {
        self.all(0..record.len(), |out, position| out.write(&record.at(position)));
    }

    fn names(&mut self, shape: &Arc<Shape>) {
        if shape.is_empty() {
            self.no_names();
        } else if let Some(number) = self.names.get(&Arc::as_ptr(shape)) {
            write_length(*number, &mut self.bytes);
        } else {
            self.new_names(shape.len(), shape.names().iter().map(EcoString::as_str));
            self.names.insert(Arc::as_ptr(shape), self.last);
        }
    }

    /// This many names, which get the next number.
    fn new_names<'n>(&mut self, count: usize, names: impl Iterator<Item = &'n str>) {
        write_length(NEW_NAMES, &mut self.bytes);
        write_length(count, &mut self.bytes);
        names.for_each(|name| write_text(name, &mut self.bytes));
        self.last += 1;
    }

    fn no_names(&mut self) {
        write_length(NO_NAMES, &mut self.bytes);
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, the lowest first.
fn write_length(length: usize, out: &mut Vec<u8>) {
    let mut rest = length;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

struct Reader<'a> {
    version: u8,
    rest: &'a [u8],
    /// There may be fewer bytes than the value has.
    cut: bool,
    /// The names that have been read, by their numbers from [`NO_NAMES`] on.
    names: Vec<Arc<Shape>>,
}

impl<'a> Reader<'a> {
    fn new(version: u8, rest: &'a [u8], cut: bool) -> Self {
        Self { version, rest, cut, names: vec![Arc::default()] }
    }

    fn value(&mut self, depth: u16) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("a stored value is nested too deep".into());
        }
        stacker::maybe_grow(RED_ZONE, STACK, || self.value_here(depth))
    }

    fn value_here(&mut self, depth: u16) -> Result<Value, String> {
        Ok(match self.array::<1>()?[0] {
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::NUMBER => {
                let text = self.text()?;
                Value::Number(Number::parse(text).ok_or_else(|| format!("a stored number is damaged: {text}"))?)
            }
            tag::TEXT if self.cut => {
                Value::text(self.content()?.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
            }
            tag::TEXT => Value::text(self.text()?),
            tag::DATETIME => {
                let seconds = i64::from_le_bytes(self.array()?);
                let nanos = u32::from_le_bytes(self.array()?);
                let offset = i32::from_le_bytes(self.array()?);
                Value::DateTime(DateTime::from_unix(seconds, nanos, offset).ok_or("a stored datetime is damaged")?)
            }
            tag::BINARY => Value::binary(self.content()?),
            tag::LIST => {
                let length = self.length()?;
                Value::list(self.values(length, depth)?)
            }
            tag::RECORD => Value::Record(self.record(depth)?),
            tag::TABLE => {
                let shape = self.names()?;
                let rows = self.length()?;
                let mut columns = Vec::with_capacity(shape.len());
                for _ in 0..shape.len() {
                    columns.push(self.values(rows, depth)?);
                }
                if self.cut {
                    return Ok(rows_of(&shape, &columns));
                }
                let columns = columns.into_iter().map(|column| Arc::new(Column::from_iter(column))).collect();
                Value::table(Table::from_columns(shape, columns, rows))
            }
            tag::RAGGED => {
                let columns = if self.version == FULL_NAMES { None } else { Some(self.names()?) };
                let mut rows = Vec::new();
                for _ in 0..self.length()? {
                    let row = match columns {
                        None => self.record(depth),
                        Some(_) => self.names().and_then(|own| self.cells(&own, depth)),
                    };
                    match row {
                        Ok(record) => rows.push(record),
                        Err(_) if self.cut => break,
                        Err(reason) => return Err(reason),
                    }
                }
                match columns {
                    Some(columns) => Value::table(Table::from_rows(columns, rows)),
                    None => Value::list(rows.into_iter().map(Value::Record).collect()),
                }
            }
            other => return Err(format!("a stored value has the unknown tag {other}")),
        })
    }

    fn record(&mut self, depth: u16) -> Result<Record, String> {
        let own = self.names()?;
        let others = self.names()?;
        let record = self.cells(&own, depth)?;
        if others.is_empty() {
            return Ok(record);
        }
        if self.version == FULL_NAMES {
            let all = own.names().iter().chain(others.names()).cloned();
            return Ok(record.among(&Shape::new(all)));
        }
        Ok(record.among(&others))
    }

    /// The record of the cells that follow, fewer where they are cut.
    fn cells(&mut self, own: &Arc<Shape>, depth: u16) -> Result<Record, String> {
        let cells = self.values(own.len(), depth)?;
        if cells.len() < own.len() {
            return Ok(Record::from_fields(own.names().iter().cloned().zip(cells)));
        }
        Ok(Record::new(own.clone(), cells))
    }

    /// This many values; fewer where the bytes are cut.
    fn values(&mut self, count: usize, depth: u16) -> Result<Vec<Value>, String> {
        let mut values = Vec::new();
        for _ in 0..count {
            match self.value(depth + 1) {
                Ok(value) => values.push(value),
                Err(_) if self.cut => {
                    self.rest = &[];
                    break;
                }
                Err(reason) => return Err(reason),
            }
        }
        Ok(values)
    }

    /// The bytes of a text or of binary data; fewer where they are cut.
    fn content(&mut self) -> Result<&'a [u8], String> {
        let length = self.length()?;
        self.bytes(if self.cut { length.min(self.rest.len()) } else { length })
    }

    fn names(&mut self) -> Result<Arc<Shape>, String> {
        let number = if self.version == FULL_NAMES { NEW_NAMES } else { self.length()? };
        if let Some(before) = number.checked_sub(NO_NAMES) {
            return self.names.get(before).cloned().ok_or_else(|| "a stored value has unknown names".into());
        }
        let length = self.length()?;
        let names = (0..length).map(|_| self.text().map(EcoString::from)).collect::<Result<Vec<_>, _>>()?;
        let shape = Shape::new(names);
        if self.version != FULL_NAMES {
            self.names.push(shape.clone());
        }
        Ok(shape)
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.length()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| "a stored text is damaged".into())
    }

    fn length(&mut self) -> Result<usize, String> {
        let mut length = 0_usize;
        for shift in (0..63).step_by(7) {
            let byte = self.array::<1>()?[0];
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(length);
            }
        }
        Err("a stored length is damaged".into())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (array, rest) = self.rest.split_first_chunk().ok_or("a stored value ends too early")?;
        self.rest = rest;
        Ok(*array)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or("a stored value ends too early")?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// The rows of the complete columns, up to the cut.
fn rows_of(shape: &Shape, columns: &[Vec<Value>]) -> Value {
    let rows = columns.first().map_or(0, Vec::len);
    let record = |row: usize| {
        let cells = shape.names().iter().zip(columns);
        Value::Record(Record::from_fields(
            cells.filter_map(|(name, column)| Some((name.clone(), column.get(row)?.clone()))),
        ))
    };
    Value::list((0..rows).map(record).collect())
}

#[cfg(test)]
mod tests;
