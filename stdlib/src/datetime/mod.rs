//! Dates: global functions and the module `DateTime`.

mod now;

use crate::row::Row;

pub(crate) const ROWS: &[&[Row]] = &[now::ROWS];
