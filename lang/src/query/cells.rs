//! Combining vectors: branches of a `case`, stretches of a column.

use super::vector::Vector;
use crate::value::{Column, DateTime, Number, Value};
use ecow::EcoString;
use std::borrow::Cow;

/// The cells of a batch while its branches are added.
pub(crate) enum Cells<'a> {
    Nulls,
    Numbers(Vec<Option<Number>>),
    Texts(Vec<Option<&'a EcoString>>),
    Bools(Vec<Option<bool>>),
    DateTimes(Vec<Option<DateTime>>),
}

impl<'a> Cells<'a> {
    /// Puts a vector's cells at the rows `rows` of `len`; `None` if their types differ.
    pub fn put(&mut self, rows: &[u32], vector: &Vector<'a>, len: usize) -> Option<()> {
        if vector.is_null() {
            match self {
                Self::Nulls => {}
                Self::Numbers(cells) => place(cells, rows, |_| None),
                Self::Texts(cells) => place(cells, rows, |_| None),
                Self::Bools(cells) => place(cells, rows, |_| None),
                Self::DateTimes(cells) => place(cells, rows, |_| None),
            }
            return Some(());
        }
        if let Self::Nulls = self {
            *self = match vector {
                Vector::Numbers(_) => Self::Numbers(vec![None; len]),
                Vector::Texts(_) => Self::Texts(vec![None; len]),
                Vector::Bools(_) => Self::Bools(vec![None; len]),
                Vector::DateTimes(_) => Self::DateTimes(vec![None; len]),
                Vector::Constant(value) => match &**value {
                    Value::Number(_) => Self::Numbers(vec![None; len]),
                    Value::Text(_) => Self::Texts(vec![None; len]),
                    Value::Bool(_) => Self::Bools(vec![None; len]),
                    Value::DateTime(_) => Self::DateTimes(vec![None; len]),
                    _ => return None,
                },
            };
        }
        match (self, vector) {
            (Self::Texts(cells), Vector::Texts(new)) => place(cells, rows, |row| new.get(row).copied().flatten()),
            (Self::Texts(cells), Vector::Constant(Cow::Borrowed(Value::Text(text)))) => {
                place(cells, rows, |_| Some(text));
            }
            (Self::Numbers(cells), new) => {
                let new = new.numbers()?;
                place(cells, rows, |row| new.get(row));
            }
            (Self::Bools(cells), new) => {
                let new = new.bools()?;
                place(cells, rows, |row| new.get(row));
            }
            (Self::DateTimes(cells), new) => {
                let new = new.datetimes()?;
                place(cells, rows, |row| new.get(row));
            }
            _ => return None,
        }
        Some(())
    }

    pub fn into_vector(self) -> Vector<'a> {
        match self {
            Self::Nulls => Vector::constant(Value::Null),
            Self::Numbers(cells) => Vector::Numbers(cells.into()),
            Self::Texts(cells) => Vector::Texts(cells),
            Self::Bools(cells) => Vector::Bools(cells),
            Self::DateTimes(cells) => Vector::DateTimes(cells.into()),
        }
    }
}

fn place<T>(cells: &mut [Option<T>], rows: &[u32], cell: impl Fn(usize) -> Option<T>) {
    for (number, row) in rows.iter().enumerate() {
        if let Some(place) = cells.get_mut(*row as usize) {
            *place = cell(number);
        }
    }
}

/// Appends the cells of `len` rows to a column, with the same result as pushing them one by one.
pub(crate) fn append(column: &mut Column, vector: &Vector<'_>, len: usize) {
    if let Column::Null(0) = column {
        let filled = match vector {
            Vector::Numbers(cells) => cells.iter().any(Option::is_some).then(|| Column::Number(Vec::new())),
            Vector::Texts(cells) => cells.iter().any(Option::is_some).then(|| Column::Text(Vec::new())),
            Vector::Bools(cells) => cells.iter().any(Option::is_some).then(|| Column::Bool(Vec::new())),
            Vector::DateTimes(cells) => cells.iter().any(Option::is_some).then(|| Column::DateTime(Vec::new())),
            Vector::Constant(_) => None,
        };
        if let Some(filled) = filled {
            *column = filled;
        }
    }
    match (&mut *column, vector) {
        (Column::Number(cells), Vector::Numbers(new)) => cells.extend_from_slice(new),
        (Column::Text(cells), Vector::Texts(new)) => cells.extend(new.iter().map(|text| text.cloned())),
        (Column::Bool(cells), Vector::Bools(new)) => cells.extend_from_slice(new),
        (Column::DateTime(cells), Vector::DateTimes(new)) => cells.extend_from_slice(new),
        (column, vector) => (0..len).for_each(|row| column.push(vector.get(row))),
    }
}
