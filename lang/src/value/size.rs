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
        Value::Function(_) => 64,
    }
}

fn table_size(table: &Arc<Table>, seen: &mut Seen) -> usize {
    once(Arc::as_ptr(table) as usize, seen, |seen| match table.columns() {
        Some(columns) => columns
            .iter()
            .map(|column| once(Arc::as_ptr(column) as usize, seen, |seen| column_size(column, seen)))
            .sum(),
        None => (0..table.len())
            .filter_map(|row| table.row(row))
            .map(|record| size(&Value::Record(record), seen) + 16)
            .sum(),
    })
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
