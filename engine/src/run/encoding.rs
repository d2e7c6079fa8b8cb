//! Values as the store keeps them: a byte for the version of the encoding, then the value, exactly: all digits of
//! numbers, the offsets of datetimes, bytes, the columns of a table without rows.
//!
//! What a declared type says of the rows of a `table(T)` is not kept; the columns are.

use ecow::EcoString;
use flowscript_lang::value::{Column, DateTime, Number, Record, Shape, Table, TableBuilder, Value};
use std::io::Write;
use std::sync::Arc;

/// The version that is written.
const VERSION: u8 = 1;
/// Most values that are kept take no more bytes than this.
const USUAL: usize = 256;
/// No value is nested deeper, see `flowscript_lang::value::MAX_DEPTH`.
const MAX_DEPTH: u16 = 1_100;
/// With less stack than this, in bytes, the walk goes on in a new piece of it: it runs on threads with small stacks too.
const RED_ZONE: usize = 64 << 10;
/// The size of such a piece, in bytes.
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

/// The bytes of a value. Functions cannot be kept and become null; the engine refuses them before.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = begin();
    write(value, &mut bytes);
    bytes
}

/// The bytes of a record of these fields, whose names differ.
pub fn encode_fields<const N: usize>(fields: [(&str, &Value); N]) -> Vec<u8> {
    let mut bytes = begin();
    bytes.push(tag::RECORD);
    write_length(N, &mut bytes);
    fields.iter().for_each(|(name, _)| write_text(name, &mut bytes));
    write_length(0, &mut bytes); // no names that only other rows of a table have
    fields.iter().for_each(|(_, value)| write(value, &mut bytes));
    bytes
}

fn begin() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.push(VERSION);
    bytes
}

/// The value of these bytes. The error says what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => {
            let mut reader = Reader { rest, cut: false };
            let value = reader.value(0)?;
            if reader.rest.is_empty() { Ok(value) } else { Err("a stored value has bytes behind its end".into()) }
        }
        Some((version, _)) => Err(format!("a stored value has the encoding {version}; this program reads {VERSION}")),
        None => Err("a stored value is empty".into()),
    }
}

/// As much of a value as its first bytes tell: the first elements of a list, the first fields of a record, the beginning
/// of a text. Of a table whose first columns are there, the rows as far as they go.
pub fn decode_start(bytes: &[u8]) -> Option<Value> {
    let (&VERSION, rest) = bytes.split_first()? else { return None };
    Reader { rest, cut: true }.value(0).ok()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    stacker::maybe_grow(RED_ZONE, STACK, || write_here(value, out));
}

fn write_here(value: &Value, out: &mut Vec<u8>) {
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
            write_text(text, out);
        }
        Value::DateTime(at) => {
            out.push(tag::DATETIME);
            out.extend(at.unix_seconds().to_le_bytes());
            out.extend(at.nanos().to_le_bytes());
            out.extend(at.offset().to_le_bytes());
        }
        Value::Binary(bytes) => {
            out.push(tag::BINARY);
            write_length(bytes.len(), out);
            out.extend_from_slice(bytes);
        }
        Value::List(list) => {
            out.push(tag::LIST);
            write_length(list.items().len(), out);
            list.items().iter().for_each(|item| write(item, out));
        }
        Value::Record(record) => {
            out.push(tag::RECORD);
            write_record(record, out);
        }
        Value::Table(table) => write_table(table, out),
    }
}

fn write_table(table: &Arc<Table>, out: &mut Vec<u8>) {
    if let Some(columns) = table.columns() {
        out.push(tag::TABLE);
        write_names(table.shape().names(), out);
        write_length(table.len(), out);
        for column in columns {
            (0..table.len()).for_each(|row| write(&column.get(row), out));
        }
    } else {
        out.push(tag::RAGGED);
        write_length(table.len(), out);
        for record in (0..table.len()).filter_map(|row| table.row(row)) {
            write_record(&record, out);
        }
    }
}

fn write_record(record: &Record, out: &mut Vec<u8>) {
    let shape = record.shape();
    write_names(shape.names(), out);
    write_names(shape.readable().get(shape.len()..).unwrap_or_default(), out);
    (0..record.len()).for_each(|position| write(&record.at(position), out));
}

fn write_names(names: &[EcoString], out: &mut Vec<u8>) {
    write_length(names.len(), out);
    for name in names {
        write_text(name, out);
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
    rest: &'a [u8],
    /// There may be fewer bytes than the value has.
    cut: bool,
}

impl<'a> Reader<'a> {
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
                let shape = Shape::new(self.names()?);
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
                let mut builder = TableBuilder::default();
                for _ in 0..self.length()? {
                    match self.record(depth) {
                        Ok(record) => builder.push(&record),
                        Err(_) if self.cut => break,
                        Err(reason) => return Err(reason),
                    }
                }
                Value::table(builder.finish())
            }
            other => return Err(format!("a stored value has the unknown tag {other}")),
        })
    }

    fn record(&mut self, depth: u16) -> Result<Record, String> {
        let own = self.names()?;
        let absent = self.names()?;
        let cells = self.values(own.len(), depth)?;
        if cells.len() < own.len() {
            return Ok(Record::from_fields(own.into_iter().zip(cells)));
        }
        Ok(Record::new(Shape::with_absent(own, absent), cells))
    }

    /// So many values; fewer where the bytes are cut.
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

    fn names(&mut self) -> Result<Vec<EcoString>, String> {
        let length = self.length()?;
        (0..length).map(|_| self.text().map(EcoString::from)).collect()
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

/// The rows of the columns that are there, as far as they go.
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
mod tests {
    use super::*;
    use flowscript_lang::budget::Unlimited;
    use flowscript_lang::value::{Conversion, Zone, equal};

    fn identical(a: &Value, b: &Value) -> bool {
        equal(a, b, Conversion::None, &mut Unlimited).expect("no limit")
    }

    fn record(fields: &[(&str, Value)]) -> Value {
        Value::record(fields.iter().map(|(name, value)| (*name, value.clone())).collect::<Vec<_>>())
    }

    fn check(value: &Value) {
        let back = decode(&encode(value)).unwrap();
        assert!(identical(&back, value), "{back:?} instead of {value:?}");
        for length in 0..encode(value).len() {
            assert!(decode(&encode(value)[..length]).is_err());
        }
    }

    #[test]
    fn every_kind_comes_back_as_it_was() {
        let number = |text| Value::Number(Number::parse(text).unwrap());
        check(&Value::Null);
        check(&Value::Bool(true));
        for text in ["0", "-1.5", "79228162514264337593543950335", "0.0000000000000000000000000001"] {
            check(&number(text));
        }
        check(&Value::text("é"));
        check(&Value::text("x".repeat(300)));
        check(&Value::DateTime(DateTime::from_unix(1_530_000_000, 123_456_789, 7_200).unwrap()));
        check(&Value::DateTime(DateTime::minimum()));
        check(&Value::DateTime(DateTime::minimum().in_zone(Zone::America__New_York)));
        check(&Value::DateTime(DateTime::from_unix_in(-6_000_000_000, 1, Zone::Europe__Amsterdam).unwrap()));
        check(&Value::binary(vec![0, 255]));
        check(&Value::empty_list());
        check(&Value::list(vec![number("1"), Value::Null, Value::text("a")]));
        check(&record(&[("a", number("1")), ("b", record(&[]))]));
        check(&Value::list(vec![record(&[("a", number("1"))]), record(&[("a", number("2"))])]));
        check(&Value::list(vec![record(&[("a", number("1"))]), record(&[("b", number("2"))])]));
    }

    #[test]
    fn every_odd_value_comes_back_as_it_was() {
        let without_functions = |shown: &str| shown.replace("a function", "null").replace("function Upper", "null");
        for (shown, value) in crate::odd::values(&flowscript_stdlib::registry()) {
            let bytes = encode(&value);
            let back = decode(&bytes).unwrap_or_else(|reason| panic!("{shown}: {reason}"));
            let literal = |value: &Value| value.to_literal(9_999);
            let same = identical(&back, &value) || literal(&back) == without_functions(&literal(&value));
            assert!(same, "{shown} came back as {}", back.to_literal(200));
            assert_eq!(encode(&back), bytes, "{shown}");
            for length in (0..bytes.len()).step_by((bytes.len() / 50).max(1)) {
                assert!(decode(&bytes[..length]).is_err(), "{shown} cut to {length}");
                let _ = decode_start(&bytes[..length]);
            }
        }
    }

    #[test]
    fn a_stored_offset_of_seconds_is_rounded_to_minutes() {
        let bytes = |seconds: i64, offset: i32| {
            let parts = [&seconds.to_le_bytes()[..], &0u32.to_le_bytes()[..], &offset.to_le_bytes()[..]];
            [&[VERSION, tag::DATETIME][..], &parts.concat()[..]].concat()
        };
        let shown = |bytes: Vec<u8>| decode(&bytes).map(|value| value.to_literal(99));
        assert_eq!(shown(bytes(0, 4332)), Ok("1970-01-01T01:12:00+01:12".into()));
        // 0001-01-01T00:00:00 at +01:12:12
        assert_eq!(shown(bytes(-62_135_601_132, 4332)), Ok("0001-01-01T00:00:00+01:12".into()));
        assert!(shown(bytes(-62_135_601_133, 4332)).is_err());
    }

    #[test]
    fn a_table_without_rows_keeps_its_columns() {
        let table = Table::empty(Shape::new(["a".into(), "b".into()]), None);
        let Ok(Value::Table(back)) = decode(&encode(&Value::table(table))) else { panic!("no table") };
        assert_eq!(back.shape().names(), ["a", "b"]);
    }

    #[test]
    fn the_start_of_a_value_is_as_much_as_is_there() {
        let start = |value: &Value, length: usize| {
            decode_start(&encode(value)[..length]).map(|start| start.to_literal(200)).unwrap_or_default()
        };
        let number = |n: i64| Value::from(n);
        // The version, the tag and the length take four bytes here.
        assert_eq!(start(&Value::text("ü".repeat(500)), 4 + 5), "'üü'");
        let list = Value::list((100..600).map(number).collect());
        assert_eq!(start(&list, 4 + 2 * 5 + 3), "[100, 101]", "a number is whole or not there");
        let fields = record(&[("a", number(1)), ("b", Value::text("y".repeat(500))), ("c", number(2))]);
        let whole = encode(&fields).len();
        assert_eq!(start(&fields, whole - 500), "{a: 1, b: 'yyy'}");
        let rows = Value::list((10..90).map(|n| record(&[("n", number(n)), ("m", number(n))])).collect());
        assert_eq!(start(&rows, 8 + 2 * 4), "[{n: 10}, {n: 11}]");
        assert_eq!(start(&rows, 0), "");
        for length in 0..whole {
            start(&fields, length);
        }
    }

    #[test]
    fn damaged_bytes_are_told() {
        let check = |bytes: &[u8], part: &str| {
            let error = decode(bytes).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        check(&[], "empty");
        check(&[9, 0], "encoding 9");
        check(&[1, 77], "unknown tag 77");
        check(&[1, 0, 0], "behind its end");
        check(&[1, tag::LIST, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "damaged");
        check(&[1, tag::TEXT, 1, 0xff], "damaged");
        check(&[[1].as_slice(), &[tag::LIST, 1].repeat(2000)].concat(), "too deep");
    }
}
