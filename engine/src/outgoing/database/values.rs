//! Tables from the columns of a database.

use super::trouble::Trouble;
use ecow::EcoString;
use flowscript_lang::types::{Type, Types};
use flowscript_lang::value::{Column, Table, Value, live_size};
use std::sync::Arc;

/// The most rows of a query.
const MAX_ROWS: usize = 1_000_000;

/// The room that is left for the results of a step's statements.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Cells.
    pub cells: usize,
    /// Bytes in memory.
    pub bytes: usize,
}

impl Space {
    /// Would this many bytes fit?
    pub(super) fn check(&self, bytes: usize) -> Result<(), Trouble> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let reason =
            "its result needs more memory than `limits.scriptMemory` gives a step; ask for fewer rows or columns";
        Err(Trouble::TooMuch(reason.to_owned()))
    }

    /// Takes the room of a row, counted before it is kept.
    fn take(&mut self, row: &[Value]) -> Result<(), Trouble> {
        let Some(cells) = self.cells.checked_sub(row.len()) else {
            let reason = "its result has more cells than a table may have; ask for fewer rows or columns";
            return Err(Trouble::TooMuch(reason.to_owned()));
        };
        let bytes = row.iter().map(kept).fold(size_of_val(row), usize::saturating_add);
        self.check(bytes)?;
        (self.cells, self.bytes) = (cells, self.bytes - bytes);
        Ok(())
    }
}

/// The bytes of a value in addition to its cell.
fn kept(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) => 0,
        Value::Text(text) => text.len(),
        Value::Binary(bytes) => bytes.len(),
        nested => live_size([nested]),
    }
}

/// A table with typed columns, collected row by row.
pub(super) struct Collected {
    names: Vec<EcoString>,
    types: Vec<Type>,
    columns: Vec<Vec<Value>>,
    rows: usize,
}

impl Collected {
    /// Columns without rows. Two with the same name would hide each other.
    pub(super) fn new(names: Vec<EcoString>, types: Vec<Type>) -> Result<Self, Trouble> {
        let twice = names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|known| known == *name));
        if let Some((_, name)) = twice {
            let reason = format!("it gives two columns `{name}`; name one of them with `as`");
            return Err(Trouble::Unfit(reason));
        }
        let columns = names.iter().map(|_| Vec::new()).collect();
        Ok(Self { names, types, columns, rows: 0 })
    }

    /// Adds a row of as many values as there are columns.
    pub(super) fn push(&mut self, row: Vec<Value>, space: &mut Space) -> Result<(), Trouble> {
        if self.rows >= MAX_ROWS {
            let reason = format!("it gives more than {MAX_ROWS} rows; ask for fewer at a time");
            return Err(Trouble::TooMuch(reason));
        }
        space.take(&row)?;
        self.rows += 1;
        for ((column, value), ty) in self.columns.iter_mut().zip(row).zip(&mut self.types) {
            // SQLite stores a value of any type in any column.
            if !value.is_null() && Type::of_value(&value) != *ty {
                *ty = Type::Any;
            }
            column.push(value);
        }
        Ok(())
    }

    /// The table.
    pub(super) fn finish(self) -> Value {
        let fields = self.names.iter().cloned().zip(self.types.into_iter().map(Type::nullable));
        let row_type = Types::default().row_type(&Type::closed_record(fields));
        let columns: Vec<Arc<Column>> =
            self.columns.into_iter().map(|values| Arc::new(values.into_iter().collect())).collect();
        match row_type {
            Some((shape, row_type)) => {
                Value::table(Table::from_columns(shape, columns, self.rows).with_row_type(Some(row_type)))
            }
            None => Value::empty_list(),
        }
    }
}
