//! Columns of a table: typed vectors, `None` for null.

use super::{DateTime, Number, Value};
use ecow::EcoString;
use std::convert::Infallible;

/// Cells that are gathered between two checks whether to continue.
const STRETCH: usize = 1 << 14;

/// The cells of one column. A column is typed as long as all its cells but nulls have one simple type.
#[derive(Clone, Debug)]
pub enum Column {
    /// Only nulls so far; their number.
    Null(usize),
    /// Booleans.
    Bool(Vec<Option<bool>>),
    /// Numbers.
    Number(Vec<Option<Number>>),
    /// Texts.
    Text(Vec<Option<EcoString>>),
    /// Datetimes.
    DateTime(Vec<Option<DateTime>>),
    /// Anything.
    Any(Vec<Value>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Null(0)
    }
}

impl Column {
    /// The number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Null(len) => *len,
            Self::Bool(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
            Self::DateTime(cells) => cells.len(),
            Self::Any(cells) => cells.len(),
        }
    }

    /// Has it no cells?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell at `row`; `null` outside.
    #[inline]
    pub fn get(&self, row: usize) -> Value {
        match self {
            Self::Null(_) => Value::Null,
            Self::Bool(cells) => cells.get(row).copied().flatten().map_or(Value::Null, Value::Bool),
            Self::Number(cells) => cells.get(row).copied().flatten().map_or(Value::Null, Value::Number),
            Self::Text(cells) => match cells.get(row) {
                Some(Some(text)) => Value::Text(text.clone()),
                _ => Value::Null,
            },
            Self::DateTime(cells) => cells.get(row).copied().flatten().map_or(Value::Null, Value::DateTime),
            Self::Any(cells) => cells.get(row).cloned().unwrap_or_default(),
        }
    }

    /// Is there a cell at `row` that is not `null`?
    #[inline]
    pub(crate) fn has(&self, row: usize) -> bool {
        match self {
            Self::Null(_) => false,
            Self::Bool(cells) => cells.get(row).is_some_and(Option::is_some),
            Self::Number(cells) => cells.get(row).is_some_and(Option::is_some),
            Self::Text(cells) => cells.get(row).is_some_and(Option::is_some),
            Self::DateTime(cells) => cells.get(row).is_some_and(Option::is_some),
            Self::Any(cells) => cells.get(row).is_some_and(|cell| !cell.is_null()),
        }
    }

    /// Appends a cell; the column loses its type if the cell does not fit it.
    #[inline]
    pub fn push(&mut self, value: Value) {
        match (&mut *self, value) {
            (Self::Number(cells), Value::Number(value)) => cells.push(Some(value)),
            (Self::Text(cells), Value::Text(value)) => cells.push(Some(value)),
            (Self::Bool(cells), Value::Bool(value)) => cells.push(Some(value)),
            (Self::DateTime(cells), Value::DateTime(value)) => cells.push(Some(value)),
            (Self::Any(cells), value) => cells.push(value),
            (Self::Null(len), Value::Null) => *len += 1,
            (Self::Number(cells), Value::Null) => cells.push(None),
            (Self::Text(cells), Value::Null) => cells.push(None),
            (Self::Bool(cells), Value::Null) => cells.push(None),
            (Self::DateTime(cells), Value::Null) => cells.push(None),
            (Self::Null(len), value) => {
                let nulls = *len;
                *self = match value {
                    Value::Number(value) => Self::Number(after_nulls(nulls, value)),
                    Value::Text(value) => Self::Text(after_nulls(nulls, value)),
                    Value::Bool(value) => Self::Bool(after_nulls(nulls, value)),
                    Value::DateTime(value) => Self::DateTime(after_nulls(nulls, value)),
                    value => {
                        // In tables inside tables there is usually only one.
                        let mut cells = Vec::with_capacity(nulls + 1);
                        cells.resize(nulls, Value::Null);
                        cells.push(value);
                        Self::Any(cells)
                    }
                };
            }
            (_, value) => {
                let mut cells: Vec<Value> = (0..self.len()).map(|row| self.get(row)).collect();
                cells.push(value);
                *self = Self::Any(cells);
            }
        }
    }

    /// Appends a number, as [`Column::push`] does.
    #[inline]
    pub fn push_number(&mut self, number: Number) {
        match self {
            Self::Number(cells) => cells.push(Some(number)),
            _ => self.push(Value::Number(number)),
        }
    }

    /// Appends a text, as [`Column::push`] does.
    #[inline]
    pub fn push_text(&mut self, text: EcoString) {
        match self {
            Self::Text(cells) => cells.push(Some(text)),
            _ => self.push(Value::Text(text)),
        }
    }

    /// Takes the last cell off.
    pub(super) fn pop(&mut self) -> Value {
        match self {
            Self::Null(len) => {
                *len = len.saturating_sub(1);
                Value::Null
            }
            Self::Bool(cells) => cells.pop().flatten().into(),
            Self::Number(cells) => cells.pop().flatten().into(),
            Self::Text(cells) => cells.pop().flatten().into(),
            Self::DateTime(cells) => cells.pop().flatten().into(),
            Self::Any(cells) => cells.pop().unwrap_or_default(),
        }
    }

    /// Replaces the cell at `row` and returns the old one; the column loses its type if the cell does not fit it.
    /// Outside nothing happens.
    pub(super) fn replace(&mut self, row: usize, value: Value) -> Value {
        fn put<T>(cells: &mut [Option<T>], row: usize, value: Option<T>) -> Option<T> {
            cells.get_mut(row).and_then(|cell| std::mem::replace(cell, value))
        }
        if row >= self.len() {
            return Value::Null;
        }
        match (&mut *self, value) {
            (Self::Null(_), Value::Null) => Value::Null,
            (Self::Bool(cells), Value::Bool(value)) => put(cells, row, Some(value)).into(),
            (Self::Bool(cells), Value::Null) => put(cells, row, None).into(),
            (Self::Number(cells), Value::Number(value)) => put(cells, row, Some(value)).into(),
            (Self::Number(cells), Value::Null) => put(cells, row, None).into(),
            (Self::Text(cells), Value::Text(value)) => put(cells, row, Some(value)).into(),
            (Self::Text(cells), Value::Null) => put(cells, row, None).into(),
            (Self::DateTime(cells), Value::DateTime(value)) => put(cells, row, Some(value)).into(),
            (Self::DateTime(cells), Value::Null) => put(cells, row, None).into(),
            (Self::Any(cells), value) => {
                cells.get_mut(row).map(|cell| std::mem::replace(cell, value)).unwrap_or_default()
            }
            (_, value) => {
                let mut cells = self.to_values();
                let old = cells.get_mut(row).map(|cell| std::mem::replace(cell, value)).unwrap_or_default();
                // Collecting finds the current common type of the cells.
                *self = cells.into_iter().collect();
                old
            }
        }
    }

    /// The cells at `rows`, in that order.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Self {
        match self.gather_watched::<Infallible>(rows, &mut |_| Ok(())) {
            Ok(gathered) => gathered,
            Err(never) => match never {},
        }
    }

    /// The same for many cells: `watch` receives the length of each stretch of them, and may end the work.
    pub fn gather_watched<E>(&self, rows: &[u32], watch: &mut dyn FnMut(usize) -> Result<(), E>) -> Result<Self, E> {
        fn pick<T: Clone + Default, E>(
            cells: &[T],
            rows: &[u32],
            watch: &mut dyn FnMut(usize) -> Result<(), E>,
        ) -> Result<Vec<T>, E> {
            let mut picked = Vec::with_capacity(rows.len());
            for stretch in rows.chunks(STRETCH) {
                watch(stretch.len())?;
                picked.extend(stretch.iter().map(|row| cells.get(*row as usize).cloned().unwrap_or_default()));
            }
            Ok(picked)
        }
        Ok(match self {
            Self::Null(_) => Self::Null(rows.len()),
            Self::Bool(cells) => Self::Bool(pick(cells, rows, watch)?),
            Self::Number(cells) => Self::Number(pick(cells, rows, watch)?),
            Self::Text(cells) => Self::Text(pick(cells, rows, watch)?),
            Self::DateTime(cells) => Self::DateTime(pick(cells, rows, watch)?),
            Self::Any(cells) => Self::Any(pick(cells, rows, watch)?),
        })
    }

    /// All cells as values.
    pub fn to_values(&self) -> Vec<Value> {
        (0..self.len()).map(|row| self.get(row)).collect()
    }

    pub(super) fn depth(&self) -> u16 {
        match self {
            Self::Any(cells) => cells.iter().map(Value::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl FromIterator<Value> for Column {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut column = Self::default();
        for value in values {
            column.push(value);
        }
        column
    }
}

fn after_nulls<T: Clone>(nulls: usize, value: T) -> Vec<Option<T>> {
    // Most tables have at least a few rows.
    let mut cells = Vec::with_capacity((nulls + 1).max(4));
    cells.resize(nulls, None);
    cells.push(Some(value));
    cells
}
