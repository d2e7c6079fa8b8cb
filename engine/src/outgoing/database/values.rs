//! Tables from the columns of a database.

use super::Trouble;
use ecow::EcoString;
use flowscript_lang::types::{Type, Types};
use flowscript_lang::value::{Column, Table, Value};
use std::sync::Arc;

/// A table with typed columns, collected row by row.
pub(super) struct Collected {
    names: Vec<EcoString>,
    types: Vec<Type>,
    columns: Vec<Vec<Value>>,
    rows: usize,
}

impl Collected {
    /// Columns without rows. Two of one name would hide each other.
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
    pub(super) fn push(&mut self, row: Vec<Value>) -> Result<(), Trouble> {
        if self.rows >= super::MAX_ROWS {
            let reason = format!("it gives more than {} rows; ask for fewer at a time", super::MAX_ROWS);
            return Err(Trouble::Unfit(reason));
        }
        self.rows += 1;
        for ((column, value), ty) in self.columns.iter_mut().zip(row).zip(&mut self.types) {
            // SQLite keeps what it is given, whatever the column is declared as.
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
