//! How much memory values hold, for the run's limit.

use super::{Column, Table, Value};
use ecow::EcoString;
use hashbrown::HashSet;
use std::sync::Arc;

/// The bytes that `roots` keep alive, what is shared counted once. An estimate: allocator overhead is not in it.
pub fn live_size<'a>(roots: impl IntoIterator<Item = &'a Value>) -> usize {
    let mut seen = HashSet::with_hasher(foldhash::fast::FixedState::default());
    roots.into_iter().map(|value| size(value, &mut seen)).sum()
}

/// The bytes of those parts of a value that nobody else holds: what making it has added.
pub(crate) fn fresh_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => 0,
        Value::Text(text) if text.len() <= EcoString::INLINE_LIMIT => 0,
        Value::Text(text) => text.len(),
        Value::Binary(bytes) if Arc::strong_count(bytes) == 1 => bytes.len(),
        Value::List(list) if Arc::strong_count(list) == 1 => {
            list.items().iter().map(|item| size_of::<Value>() + fresh_size(item)).sum()
        }
        Value::Table(table) if Arc::strong_count(table) == 1 => fresh_table(table),
        Value::Record(record) => record
            .fresh_cells()
            .map_or(0, |cells| 48 + cells.iter().map(|cell| size_of::<Value>() + fresh_size(cell)).sum::<usize>()),
        Value::Binary(_) | Value::List(_) | Value::Table(_) => 0,
        Value::Function(_) => 64,
    }
}

fn fresh_table(table: &Arc<Table>) -> usize {
    if let (Some((_, rows)), None) = (table.picked(), table.made_columns()) {
        return size_of_val(rows);
    }
    match table.made_columns() {
        Some(columns) => columns
            .iter()
            .filter(|column| Arc::strong_count(column) == 1)
            .map(|column| match &**column {
                Column::Text(cells) => {
                    cells
                        .iter()
                        .flatten()
                        .map(|text| if text.len() > EcoString::INLINE_LIMIT { text.len() } else { 0 })
                        .sum::<usize>()
                        + cells.len() * 24
                }
                Column::Any(cells) => cells.iter().map(|cell| size_of::<Value>() + fresh_size(cell)).sum(),
                flat => column_size(flat, &mut Seen::default()),
            })
            .sum(),
        None => table
            .ragged_rows()
            .iter()
            .map(|record| {
                16 + record.fresh_cells().map_or(0, |cells| {
                    48 + cells.iter().map(|cell| size_of::<Value>() + fresh_size(cell)).sum::<usize>()
                })
            })
            .sum(),
    }
}

type Seen = HashSet<usize, foldhash::fast::FixedState>;

fn size(value: &Value, seen: &mut Seen) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => 0,
        Value::Text(text) => text_size(text, seen),
        Value::Binary(bytes) => once(bytes.as_ptr() as usize, seen, |_| bytes.len()),
        Value::List(list) => once(Arc::as_ptr(list) as usize, seen, |seen| {
            list.items().iter().map(|item| size_of::<Value>() + size(item, seen)).sum()
        }),
        Value::Table(table) => table_size(table, seen),
        Value::Record(record) => match record.table() {
            Some(table) => table_size(table, seen),
            None => once(record.address(), seen, |seen| {
                record.iter().map(|(_, cell)| size_of::<Value>() + size(&cell, seen)).sum::<usize>() + 48
            }),
        },
        Value::Function(function) => {
            let address = Arc::as_ptr(function).cast::<()>() as usize;
            once(address, seen, |seen| {
                64 + function.captured().into_iter().map(|value| size_of::<Value>() + size(value, seen)).sum::<usize>()
            })
        }
    }
}

fn table_size(table: &Arc<Table>, seen: &mut Seen) -> usize {
    once(Arc::as_ptr(table) as usize, seen, |seen| {
        let picked = table.picked().map_or(0, |(from, rows)| table_size(from, seen) + size_of_val(rows));
        picked + cells_size(table, seen)
    })
}

/// What a table holds itself.
fn cells_size(table: &Arc<Table>, seen: &mut Seen) -> usize {
    match table.made_columns() {
        Some(columns) => columns
            .iter()
            .map(|column| once(Arc::as_ptr(column) as usize, seen, |seen| column_size(column, seen)))
            .sum(),
        None => {
            let rows = table.ragged_rows().iter();
            rows.map(|record| size(&Value::Record(record.clone()), seen) + 16).sum()
        }
    }
}

fn column_size(column: &Column, seen: &mut Seen) -> usize {
    match column {
        Column::Null(_) => 0,
        Column::Bool(cells) => cells.len(),
        Column::Number(cells) => cells.len() * 16,
        Column::DateTime(cells) => cells.len() * 24,
        Column::Text(cells) => cells.iter().map(|t| 24 + t.as_ref().map_or(0, |t| text_size(t, seen))).sum(),
        Column::Any(cells) => cells.iter().map(|cell| size_of::<Value>() + size(cell, seen)).sum(),
    }
}

fn text_size(text: &EcoString, seen: &mut Seen) -> usize {
    if text.len() <= EcoString::INLINE_LIMIT {
        return 0;
    }
    once(text.as_ptr() as usize, seen, |_| text.len())
}

fn once(address: usize, seen: &mut Seen, count: impl FnOnce(&mut Seen) -> usize) -> usize {
    if seen.insert(address) { count(seen) } else { 0 }
}
