//! Kernels: row expressions, groups, joins and orders over whole columns at once (lang/README.md, Queries).
//!
//! A kernel computes what the evaluator would compute row by row, or declines: if a row would be an error, types are
//! mixed, or a text would have to be converted. Then the rows are evaluated one by one, which finds the error with its
//! place, or the result. So kernels have no errors, no steps and no variables, and can be tried on any rows without a
//! visible effect.
//!
//! Start at `kernel` (expressions), with `vector` for their results; `codes` numbers keys for groups and joins, `fold`
//! has the aggregates, `order` sorts by packed keys.

mod cells;
mod codes;
mod compare;
mod fold;
mod kernel;
mod order;
mod vector;

pub(crate) use cells::{Cells, append};
pub(crate) use codes::{JoinIndex, NOWHERE, Numbering};
pub(crate) use fold::{Fold, FoldKind};
pub(crate) use kernel::{Kernel, Members};
pub(crate) use order::packed_order;
pub(crate) use vector::{At, Batch};

/// The rows that kernels work on at a time: their vectors stay in the nearest cache.
pub(crate) const STRETCH: usize = 1_024;

/// The number of rows from which kernels are worth preparing; most messages have fewer.
pub(crate) const WORTHWHILE: usize = 24;
