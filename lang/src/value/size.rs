//! The memory of values, for the run's limit: the allocator's size of their parts, names included.

use super::{Column, List, Record, Shape, Table, Value};
use ecow::EcoString;
use hashbrown::HashSet;
use std::sync::Arc;

/// The counts of an `Arc`.
const COUNTS: usize = 2 * size_of::<usize>();
/// The header before the bytes of a text that is not inline.
const TEXT_HEAD: usize = 2 * size_of::<usize>();
/// A function with the data for its calls; captured values come in addition.
const FUNCTION: usize = 64;

/// What allocators take for `bytes` bytes.
const fn block(bytes: usize) -> usize {
    bytes.next_multiple_of(16)
}

/// The bytes that `roots` keep alive, with shared parts counted once. An estimate of the allocator's total.
pub fn live_size<'a>(roots: impl IntoIterator<Item = &'a Value>) -> usize {
    let mut seen = Seen::default();
    roots.into_iter().map(|value| size(value, &mut seen)).sum()
}

/// The bytes of the unshared parts of a value: what making it has added.
pub(crate) fn fresh_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => 0,
        Value::Text(text) => text_bytes(text),
        Value::Binary(bytes) if Arc::strong_count(bytes) == 1 => block(COUNTS + bytes.len()),
        Value::List(list) if Arc::strong_count(list) == 1 => {
            list_bytes(list) + list.items().iter().map(fresh_size).sum::<usize>()
        }
        Value::Table(table) if Arc::strong_count(table) == 1 => fresh_table(table),
        Value::Record(record) => fresh_record(record),
        Value::Binary(_) | Value::List(_) | Value::Table(_) => 0,
        Value::Function(_) => FUNCTION,
    }
}

fn fresh_record(record: &Record) -> usize {
    let Some(cells) = record.fresh_cells() else { return 0 };
    fresh_shape(record.shape()) + record_bytes(cells) + cells.iter().map(fresh_size).sum::<usize>()
}

/// The names, unless they are shared.
fn fresh_shape(shape: &Arc<Shape>) -> usize {
    if Arc::strong_count(shape) > 1 {
        return 0;
    }
    shape_bytes(shape) + shape.names().iter().map(text_bytes).sum::<usize>()
}

fn fresh_table(table: &Arc<Table>) -> usize {
    let own = block(COUNTS + size_of::<Table>());
    if let (Some((_, rows)), None) = (table.picked(), table.made_columns()) {
        return own + block(size_of_val(rows));
    }
    match table.made_columns() {
        Some(columns) => {
            let fresh = columns.iter().filter(|column| Arc::strong_count(column) == 1);
            let own = own + fresh_shape(table.shape()) + block(size_of_val(columns));
            own + fresh.map(|column| column_bytes(column) + fresh_cells(column)).sum::<usize>()
        }
        None => {
            let rows = table.ragged_rows();
            // All rows share the names of the table, whose texts are those of their own names.
            let names = if Arc::strong_count(table.shape()) > 1 + rows.len() { 0 } else { shape_bytes(table.shape()) };
            own + names + block(size_of_val(rows)) + rows.iter().map(fresh_record).sum::<usize>()
        }
    }
}

/// What the cells of a column hold unshared, in addition to their places.
fn fresh_cells(column: &Column) -> usize {
    match column {
        Column::Text(cells) => cells.iter().flatten().map(text_bytes).sum(),
        Column::Any(cells) => cells.iter().map(fresh_size).sum(),
        _ => 0,
    }
}

/// The shared parts that have been counted, by their addresses.
#[derive(Default)]
struct Seen {
    all: HashSet<usize, foldhash::fast::FixedState>,
    /// The last names: rows usually have those of the row before.
    shape: usize,
}

impl Seen {
    fn is_new(&mut self, address: usize) -> bool {
        self.all.insert(address)
    }
}

fn size(value: &Value, seen: &mut Seen) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => 0,
        Value::Text(text) => text_size(text, seen),
        Value::Binary(bytes) => once(bytes.as_ptr() as usize, seen, |_| block(COUNTS + bytes.len())),
        Value::List(list) => once(Arc::as_ptr(list) as usize, seen, |seen| {
            list_bytes(list) + list.items().iter().map(|item| size(item, seen)).sum::<usize>()
        }),
        Value::Table(table) => table_size(table, seen),
        Value::Record(record) => record_size(record, seen),
        Value::Function(function) => {
            let address = Arc::as_ptr(function).cast::<()>() as usize;
            once(address, seen, |seen| {
                let captured = function.captured();
                FUNCTION + captured.into_iter().map(|value| size_of::<Value>() + size(value, seen)).sum::<usize>()
            })
        }
    }
}

fn record_size(record: &Record, seen: &mut Seen) -> usize {
    match record.own_cells() {
        Err((table, _)) => table_size(table, seen),
        Ok(cells) => once(record.address(), seen, |seen| {
            let names = shape_size(record.shape(), seen);
            let others = record.others().map_or(0, |others| shape_size(others, seen));
            names + others + record_bytes(cells) + cells.iter().map(|cell| size(cell, seen)).sum::<usize>()
        }),
    }
}

fn shape_size(shape: &Arc<Shape>, seen: &mut Seen) -> usize {
    let address = Arc::as_ptr(shape) as usize;
    if seen.shape == address {
        return 0;
    }
    seen.shape = address;
    once(address, seen, |seen| {
        shape_bytes(shape) + shape.names().iter().map(|name| text_size(name, seen)).sum::<usize>()
    })
}

fn table_size(table: &Arc<Table>, seen: &mut Seen) -> usize {
    once(Arc::as_ptr(table) as usize, seen, |seen| {
        let picked = table.picked().map_or(0, |(from, rows)| table_size(from, seen) + block(size_of_val(rows)));
        let own = block(COUNTS + size_of::<Table>()) + shape_size(table.shape(), seen);
        picked + own + cells_size(table, seen)
    })
}

/// The size of a table's own part.
fn cells_size(table: &Arc<Table>, seen: &mut Seen) -> usize {
    match table.made_columns() {
        Some(columns) => {
            let places = block(size_of_val(columns));
            let size_of_column = |column: &Arc<Column>| {
                once(Arc::as_ptr(column) as usize, seen, |seen| column_bytes(column) + column_cells(column, seen))
            };
            places + columns.iter().map(size_of_column).sum::<usize>()
        }
        None => {
            let rows = table.ragged_rows();
            block(size_of_val(rows)) + rows.iter().map(|record| record_size(record, seen)).sum::<usize>()
        }
    }
}

/// What the cells of a column hold in addition to their places.
fn column_cells(column: &Column, seen: &mut Seen) -> usize {
    match column {
        Column::Text(cells) => cells.iter().flatten().map(|text| text_size(text, seen)).sum(),
        Column::Any(cells) => cells.iter().map(|cell| size(cell, seen)).sum(),
        _ => 0,
    }
}

fn text_size(text: &EcoString, seen: &mut Seen) -> usize {
    let bytes = text_bytes(text);
    if bytes == 0 { 0 } else { once(text.as_ptr() as usize, seen, |_| bytes) }
}

/// The bytes of a text in addition to its place.
fn text_bytes(text: &EcoString) -> usize {
    if text.len() <= EcoString::INLINE_LIMIT { 0 } else { block(TEXT_HEAD + text.len()) }
}

fn list_bytes(list: &List) -> usize {
    block(COUNTS + size_of::<List>()) + vec_bytes(&list.items)
}

/// A record without its names and what its cells hold.
fn record_bytes(cells: &Vec<Value>) -> usize {
    block(COUNTS + Record::SHARED) + vec_bytes(cells)
}

/// Names without their texts.
fn shape_bytes(shape: &Shape) -> usize {
    block(COUNTS + size_of::<Shape>()) + shape.bytes()
}

/// A column without what its cells hold.
fn column_bytes(column: &Column) -> usize {
    let cells = match column {
        Column::Null(_) => 0,
        Column::Bool(cells) => vec_bytes(cells),
        Column::Number(cells) => vec_bytes(cells),
        Column::DateTime(cells) => vec_bytes(cells),
        Column::Text(cells) => vec_bytes(cells),
        Column::Any(cells) => vec_bytes(cells),
    };
    block(COUNTS + size_of::<Column>()) + cells
}

fn vec_bytes<T>(places: &Vec<T>) -> usize {
    block(places.capacity() * size_of::<T>())
}

fn once(address: usize, seen: &mut Seen, count: impl FnOnce(&mut Seen) -> usize) -> usize {
    if seen.is_new(address) { count(seen) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::TableBuilder;

    fn row(names: impl IntoIterator<Item = String>) -> Record {
        Record::from_fields(names.into_iter().map(|name| (name.into(), Value::from(1))))
    }

    fn table(rows: impl IntoIterator<Item = Record>) -> Value {
        let mut builder = TableBuilder::default();
        rows.into_iter().for_each(|row| builder.push(&row));
        Value::table(builder.finish())
    }

    #[test]
    fn what_is_made_counts_once_for_what_it_keeps_alive() {
        let long = |n: usize| format!("a name that is not short {n}");
        let values = [
            Value::Record(row((0..100).map(long))),
            table((0..100).map(|n| row([format!("k{n}")]))),
            table((0..100).map(|n| row([long(n), long(n + 1)]))),
            Value::list(vec![Value::from("a text that is not short"), 1.into()]),
        ];
        for value in values {
            assert_eq!(fresh_size(&value), live_size([&value]), "{}", value.to_literal(60));
            assert_eq!(live_size([&value, &value]), live_size([&value]));
        }
    }

    #[test]
    fn names_of_rows_count_as_often_as_they_are_there() {
        let count = 1_000;
        let shared = row(["a".into()]);
        let one = live_size([&table((0..count).map(|n| if n == 0 { row(["b".into()]) } else { shared.clone() }))]);
        let each = live_size([&table((0..count).map(|n| row([format!("k{n}")])))]);
        // A shape of one name, and the name in the shape of the table.
        assert!(each > one + count * (48 + 16 + 16), "{each} and {one}");
        // Parts shared by all of them are not counted for each.
        assert!(each < count * 300, "{each}");
    }
}
