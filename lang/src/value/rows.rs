//! One view of lists and tables, for all code that takes rows.

use super::{Column, List, Record, Shape, Table, TableBuilder, Value};
use std::sync::Arc;

/// The rows of a list or table; `null` counts as no rows. Cloning shares.
#[derive(Clone, Debug)]
pub enum Rows {
    /// A list's elements.
    List(Arc<List>),
    /// A table's rows.
    Table(Arc<Table>),
}

impl Rows {
    /// The rows of a value; `None` unless it is a list, a table or `null`.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::List(Arc::default())),
            Value::List(list) => Some(Self::List(list.clone())),
            Value::Table(table) => Some(Self::Table(table.clone())),
            _ => None,
        }
    }

    /// The number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::List(list) => list.items().len(),
            Self::Table(table) => table.len(),
        }
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at `position`: a record of a table, an element of a list; `null` outside.
    #[inline]
    pub fn get(&self, position: usize) -> Value {
        match self {
            Self::List(list) => list.items().get(position).cloned().unwrap_or_default(),
            Self::Table(table) => table.row(position).map_or(Value::Null, Value::Record),
        }
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Value> {
        (0..self.len()).map(|position| self.get(position))
    }

    /// The rows at `positions`, in that order, as the same kind of value: a table keeps its columns.
    pub fn gather(&self, positions: Vec<u32>) -> Value {
        match self {
            Self::Table(table) => {
                if positions.len() == table.len() && positions.iter().enumerate().all(|(i, p)| i == *p as usize) {
                    return Value::Table(table.clone());
                }
                Value::Table(Arc::new(table.pick(positions)))
            }
            Self::List(list) => {
                Value::list(positions.iter().filter_map(|p| list.items().get(*p as usize).cloned()).collect())
            }
        }
    }

    /// The value itself.
    pub fn to_value(&self) -> Value {
        match self {
            Self::List(list) => Value::List(list.clone()),
            Self::Table(table) => Value::Table(table.clone()),
        }
    }
}

/// Collects values into a list, or into a table if all of them are records.
#[derive(Default)]
pub struct RowsBuilder {
    table: TableBuilder,
    list: Option<Vec<Value>>,
}

impl RowsBuilder {
    /// Adds a value.
    pub fn push(&mut self, value: Value) {
        match (&mut self.list, value) {
            (Some(list), value) => list.push(value),
            (None, Value::Record(record)) => self.table.push(&record),
            (None, value) => {
                let table = Arc::new(std::mem::take(&mut self.table).finish());
                let rows = (0..table.len()).filter_map(|row| table.row(row).map(Value::Record));
                self.list = Some(rows.chain([value]).collect());
            }
        }
    }

    /// The columns for the cells of a record of this shape, one for each own name, while there is a table in columns
    /// that it fits. After all of them have been pushed, call [`RowsBuilder::finish_row`], else
    /// [`RowsBuilder::take_back`].
    pub fn row_columns(&mut self, shape: &Arc<Shape>) -> Option<&mut [Column]> {
        if self.list.is_some() { None } else { self.table.row_columns(shape) }
    }

    /// Counts the record whose cells have been pushed.
    pub fn finish_row(&mut self) {
        self.table.finish_row();
    }

    /// Takes back the cells of a record that were pushed to the first `count` columns and to no other.
    pub fn take_back(&mut self, count: usize) -> Vec<Value> {
        self.table.take_back(count)
    }

    /// Adds a record.
    pub fn push_record(&mut self, record: &Record) {
        match &mut self.list {
            Some(list) => list.push(Value::Record(record.clone())),
            None => self.table.push(record),
        }
    }

    /// The list or table; `[]` if nothing was added.
    pub fn finish(self) -> Value {
        match self.list {
            Some(list) => Value::list(list),
            None if self.table.is_empty() => Value::empty_list(),
            None => Value::table(self.table.finish()),
        }
    }
}
