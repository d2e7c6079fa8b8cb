//! Tables and lists: choosing rows, querying them, and changing their form.

mod aggregate;
mod choose;
mod fields;
mod list;
mod pivot;
#[cfg(test)]
mod tests;

use crate::row::Row;

pub(crate) use aggregate::EXTREME_ROWS;

pub(crate) const ROWS: &[&[Row]] = &[aggregate::ROWS, choose::ROWS, list::ROWS, fields::ROWS, pivot::ROWS];
