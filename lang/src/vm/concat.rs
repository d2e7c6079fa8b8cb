//! `&`: joins texts, lists, records and tables (lang/README.md, Operators).

use super::Failure;
use super::fail::{describe, type_error};
use super::limits::check_depth;
use super::machine::Machine;
use super::operators::table_of;
use crate::budget::{Budget, SHORT_TEXT};
use crate::value::{List, Rows, Table, Value, to_text};
use ecow::EcoString;
use std::sync::Arc;

impl Machine<'_> {
    /// Appends `right` to `left`, in place unless it is shared. After an error `left` is unchanged.
    pub(super) fn append(&mut self, left: &mut Value, right: Value) -> Result<(), Failure> {
        match (&mut *left, right) {
            (Value::Text(text), Value::Text(added)) => self.append_text(text, &added),
            (Value::Record(record), Value::List(empty)) if empty.items().is_empty() => {
                *left = table_of(record);
                Ok(())
            }
            (Value::Table(_), Value::List(empty)) if empty.items().is_empty() => Ok(()),
            (Value::Record(record), right @ (Value::Record(_) | Value::Table(_))) => {
                let mut table = table_of(record);
                if let Value::Table(rows) = &mut table {
                    self.append_rows(rows, right)?;
                }
                *left = table;
                Ok(())
            }
            (Value::Table(table), right @ (Value::Record(_) | Value::Table(_))) => self.append_rows(table, right),
            (Value::List(list), right) => {
                if list.items().is_empty() {
                    *left = match right {
                        rows @ (Value::List(_) | Value::Table(_)) => rows,
                        single => self.made(Value::list(vec![single]))?,
                    };
                    return Ok(());
                }
                self.append_elements(list, right)
            }
            (_, right) => self.append_as_text(left, &right),
        }
    }

    fn append_text(&mut self, text: &mut EcoString, added: &str) -> Result<(), Failure> {
        self.check_text(text.len().saturating_add(added.len()))?;
        let before = text.as_ptr();
        text.push_str(added);
        // If it has moved, it was copied: it was shared, or its buffer was too small.
        let moved = text.as_ptr() != before;
        if moved && text.len() > SHORT_TEXT || added.len() > SHORT_TEXT {
            self.scan(if moved { text.len() } else { added.len() })?;
        }
        self.grow(if moved { text.len() } else { added.len() })
    }

    fn append_as_text(&mut self, left: &mut Value, right: &Value) -> Result<(), Failure> {
        let Ok(added) = to_text(right) else { return Err(not_joinable(left, right)) };
        if let Value::Text(text) = left {
            return self.append_text(text, &added);
        }
        let Ok(mut text) = to_text(left) else { return Err(not_joinable(left, right)) };
        self.append_text(&mut text, &added)?;
        *left = Value::Text(text);
        Ok(())
    }

    fn append_elements(&mut self, list: &mut Arc<List>, right: Value) -> Result<(), Failure> {
        let rows = match right {
            Value::List(_) | Value::Table(_) => Rows::of(&right).unwrap_or_else(|| Rows::List(Arc::default())),
            single => {
                self.check_cells(list.items().len() + 1)?;
                check_depth(single.depth().saturating_add(1))?;
                self.grow((1 + copied(list)) * size_of::<Value>())?;
                Arc::make_mut(list).push(single);
                return Ok(());
            }
        };
        self.check_cells(list.items().len().saturating_add(rows.len()))?;
        check_depth(right.depth())?;
        self.grow((rows.len() + copied(list)) * size_of::<Value>())?;
        let list = Arc::make_mut(list);
        for element in rows.iter() {
            list.push(element);
        }
        Ok(())
    }

    fn append_rows(&mut self, table: &mut Arc<Table>, right: Value) -> Result<(), Failure> {
        let (added, depth) = match &right {
            Value::Table(rows) => (rows.len(), right.depth()),
            _ => (1, right.depth().saturating_add(1)),
        };
        let columns = table.shape().len();
        let cells = match &right {
            Value::Record(record) => record.len(),
            Value::Table(rows) => rows.held_cells(),
            _ => 0,
        };
        let cells = cells.min(added.saturating_mul(columns));
        self.check_cells(table.held_cells().saturating_add(cells).max(table.len().saturating_add(added)))?;
        check_depth(depth)?;
        let shared = Arc::strong_count(table) > 1
            || table.columns().is_some_and(|columns| columns.iter().any(|column| Arc::strong_count(column) > 1));
        let copied = match (shared, table.columns()) {
            (false, _) => 0,
            (true, Some(_)) => table.len().saturating_mul(columns),
            // Rows of different fields are themselves shared.
            (true, None) => table.len(),
        };
        self.grow((cells + copied) * size_of::<Value>())?;
        check_columns(table, &right)?;
        let rows: &mut Table = Arc::make_mut(table);
        match &right {
            Value::Record(record) => rows.append_known(record),
            Value::Table(more) => {
                for row in 0..more.len() {
                    if row % 64 == 0 {
                        self.work(64)?;
                    }
                    if let Some(record) = more.row(row) {
                        rows.append_known(&record);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Has a record or table the columns of the table that it is appended to?
pub(super) fn check_columns(table: &Table, right: &Value) -> Result<(), Failure> {
    let missing = match right {
        Value::Record(record) => table.missing_in(record),
        Value::Table(rows) if rows.shape().same(table.shape()) => Vec::new(),
        Value::Table(rows) => {
            let lacks = |name: &&EcoString| rows.shape().position(name).is_none();
            table.shape().names().iter().filter(lacks).cloned().collect()
        }
        _ => Vec::new(),
    };
    if missing.is_empty() { Ok(()) } else { Err(lacks_columns(right, &missing)) }
}

/// The number of elements that changing a list copies.
fn copied(list: &Arc<List>) -> usize {
    if Arc::strong_count(list) > 1 { list.items().len() } else { 0 }
}

#[cold]
fn lacks_columns(right: &Value, missing: &[EcoString]) -> Failure {
    let (noun, verb) = if missing.len() == 1 { ("column", "is") } else { ("columns", "are") };
    let list: Vec<&str> = missing.iter().take(12).map(EcoString::as_str).collect();
    type_error(format!(
        "The {noun} {} of the left side of & {verb} missing in {} on the right.",
        list.join(", "),
        describe(right)
    ))
}

#[cold]
fn not_joinable(left: &Value, right: &Value) -> Failure {
    let rows = |value: &Value| matches!(value, Value::Record(_) | Value::Table(_));
    let hint = match (left, right) {
        (Value::Binary(_), _) | (_, Value::Binary(_)) => "Make a text of bytes with DecodeText or Base64Encode.",
        (left, _) if rows(left) => "Records and tables are joined with records and tables of the same columns.",
        (_, Value::List(_)) => "A list is joined to a list: [x] & list. To make a text of it, use Join(list, ', ').",
        (_, right) if rows(right) => "Make a text of a record or table with JSON.Encode, or take one of its fields.",
        _ => "Only simple values have a text form.",
    };
    type_error(format!("& cannot join {} and {}. {hint}", describe(left), describe(right)))
}

/// Is it the same value at the same address? `false` for small ones.
pub(super) fn same_place(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(x), Value::Text(y)) => x.len() == y.len() && std::ptr::eq(x.as_ptr(), y.as_ptr()),
        (Value::List(x), Value::List(y)) => Arc::ptr_eq(x, y),
        (Value::Table(x), Value::Table(y)) => Arc::ptr_eq(x, y),
        (Value::Record(x), Value::Record(y)) => x.table().is_none() && x.address() == y.address(),
        _ => false,
    }
}
