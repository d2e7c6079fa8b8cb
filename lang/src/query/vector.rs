//! The data of kernels: the cells of some rows, typed.

use crate::value::{Column, DateTime, Number, Value, truth};
use ecow::EcoString;
use std::borrow::Cow;

/// Some rows: their positions in each source.
#[derive(Clone, Debug)]
pub(crate) struct Batch<'b> {
    pub len: usize,
    pub at: Vec<At<'b>>,
}

/// The rows of one source.
#[derive(Clone, Debug)]
pub(crate) enum At<'b> {
    /// One after the other from here.
    From(usize),
    /// At these positions; outside the source if a left join found no row.
    Positions(Cow<'b, [u32]>),
}

/// The cells of one expression for the rows of a batch.
#[derive(Clone, Debug)]
pub(crate) enum Vector<'a> {
    /// The same for every row.
    Constant(Cow<'a, Value>),
    Numbers(Cow<'a, [Option<Number>]>),
    Texts(Vec<Option<&'a EcoString>>),
    Bools(Vec<Option<bool>>),
    DateTimes(Cow<'a, [Option<DateTime>]>),
}

impl Batch<'_> {
    /// The rows of it that `chosen` names.
    pub fn pick(&self, chosen: &[u32]) -> Batch<'static> {
        let at = self.at.iter().map(|at| {
            At::Positions(match at {
                At::From(start) => chosen.iter().map(|row| row + *start as u32).collect(),
                At::Positions(positions) => {
                    chosen.iter().map(|row| positions.get(*row as usize).copied().unwrap_or(u32::MAX)).collect()
                }
            })
        });
        Batch { len: chosen.len(), at: at.collect() }
    }
}

/// Longer texts are left to the evaluator, which counts the cost of comparing them.
const LONGEST_TEXT: usize = 16 << 10;

/// The cells of a column for some rows; `None` if the column has no type, or long texts.
pub(crate) fn cells<'a>(column: &'a Column, at: &At<'_>, len: usize) -> Option<Vector<'a>> {
    Some(match column {
        Column::Null(_) => Vector::Constant(Cow::Owned(Value::Null)),
        Column::Number(cells) => Vector::Numbers(copied(cells, at, len)?),
        Column::DateTime(cells) => Vector::DateTimes(copied(cells, at, len)?),
        Column::Bool(cells) => Vector::Bools(copied(cells, at, len)?.into_owned()),
        Column::Text(cells) => {
            let mut long = false;
            let mut look = |text: Option<&EcoString>| long |= text.is_some_and(|text| text.len() > LONGEST_TEXT);
            let texts = match at {
                At::From(start) => {
                    cells.get(*start..start + len)?.iter().map(Option::as_ref).inspect(|text| look(*text)).collect()
                }
                At::Positions(positions) => {
                    let texts = positions.iter().map(|row| cells.get(*row as usize).and_then(Option::as_ref));
                    texts.inspect(|text| look(*text)).collect()
                }
            };
            if long {
                return None;
            }
            Vector::Texts(texts)
        }
        Column::Any(_) => return None,
    })
}

fn copied<'a, T: Copy>(cells: &'a [Option<T>], at: &At<'_>, len: usize) -> Option<Cow<'a, [Option<T>]>> {
    Some(match at {
        At::From(start) => Cow::Borrowed(cells.get(*start..start + len)?),
        At::Positions(positions) => {
            positions.iter().map(|row| cells.get(*row as usize).copied().flatten()).collect::<Vec<_>>().into()
        }
    })
}

/// One side of an operation on cells of one type.
#[derive(Clone, Copy)]
pub(super) enum Side<'v, T> {
    One(Option<T>),
    Each(&'v [Option<T>]),
}

impl<T: Copy> Side<'_, T> {
    #[inline]
    pub fn get(self, row: usize) -> Option<T> {
        match self {
            Self::One(cell) => cell,
            Self::Each(cells) => cells.get(row).copied().flatten(),
        }
    }
}

impl Vector<'_> {
    pub fn constant(value: Value) -> Self {
        Self::Constant(Cow::Owned(value))
    }

    /// As numbers; `None` for another type.
    pub(super) fn numbers(&self) -> Option<Side<'_, Number>> {
        match self {
            Self::Numbers(cells) => Some(Side::Each(cells)),
            Self::Constant(value) => match &**value {
                Value::Number(number) => Some(Side::One(Some(*number))),
                Value::Null => Some(Side::One(None)),
                _ => None,
            },
            _ => None,
        }
    }

    /// As texts; `None` for another type and for long texts.
    pub(super) fn texts(&self) -> Option<Side<'_, &EcoString>> {
        match self {
            Self::Texts(cells) => Some(Side::Each(cells)),
            Self::Constant(value) => match &**value {
                Value::Text(text) if text.len() <= LONGEST_TEXT => Some(Side::One(Some(text))),
                Value::Null => Some(Side::One(None)),
                _ => None,
            },
            _ => None,
        }
    }

    /// As booleans; `None` for another type.
    pub(super) fn bools(&self) -> Option<Side<'_, bool>> {
        match self {
            Self::Bools(cells) => Some(Side::Each(cells)),
            Self::Constant(value) => match &**value {
                Value::Bool(truth) => Some(Side::One(Some(*truth))),
                Value::Null => Some(Side::One(None)),
                _ => None,
            },
            _ => None,
        }
    }

    /// As datetimes; `None` for another type.
    pub(super) fn datetimes(&self) -> Option<Side<'_, DateTime>> {
        match self {
            Self::DateTimes(cells) => Some(Side::Each(cells)),
            Self::Constant(value) => match &**value {
                Value::DateTime(datetime) => Some(Side::One(Some(*datetime))),
                Value::Null => Some(Side::One(None)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Is it null everywhere?
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Constant(value) if value.is_null())
    }

    /// The cell of a row.
    pub fn get(&self, row: usize) -> Value {
        match self {
            Self::Constant(value) => Value::clone(value),
            Self::Numbers(cells) => cells.get(row).copied().flatten().into(),
            Self::Texts(cells) => cells.get(row).copied().flatten().cloned().into(),
            Self::Bools(cells) => cells.get(row).copied().flatten().into(),
            Self::DateTimes(cells) => cells.get(row).copied().flatten().into(),
        }
    }

    /// The rows, of `len`, for which it is true.
    pub fn truths(&self, len: usize) -> Vec<u32> {
        match self {
            Self::Constant(value) if truth(value) => (0..len as u32).collect(),
            Self::Constant(_) => Vec::new(),
            Self::Numbers(cells) => {
                chosen(len, |row| matches!(cells.get(row), Some(Some(number)) if !number.is_zero()))
            }
            Self::Bools(cells) => chosen(len, |row| matches!(cells.get(row), Some(Some(true)))),
            Self::DateTimes(cells) => chosen(len, |row| matches!(cells.get(row), Some(Some(_)))),
            Self::Texts(_) => chosen(len, |row| truth(&self.get(row))),
        }
    }
}

/// The rows, of `len`, that pass a test.
#[inline]
pub(super) fn chosen(len: usize, test: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut rows = Vec::with_capacity(len);
    for row in 0..len {
        if test(row) {
            rows.push(row as u32);
        }
    }
    rows
}
