//! What the language may rely on in a library function, so that it can do less than call the native.
//!
//! The language knows no function by its name: what is not stated here is not assumed.

/// The facts of a function. With none of them its native is called for the values of all its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What a call with rows and a row expression gives.
    pub folds: Option<Fold>,
    /// The rows of its first argument that decide the result.
    pub reads: Reads,
    /// Does `f(start, count)` with two numbers give the list of `count` numbers from `start` on, in steps of 1?
    pub is_range: bool,
}

impl Facts {
    /// No facts.
    pub const NONE: Self = Self { folds: None, reads: Reads::All, is_range: false };
}

/// One value made of the values of a row expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The sum of the numbers that are not null.
    Sum,
    /// The average of the numbers that are not null; null without any.
    Avg,
    /// The number of rows for which it is true; without a row expression, of all rows.
    Count,
    /// Is it true for at least one row?
    Any,
    /// Is it true for each row?
    All,
}

/// The rows of the first argument that decide the result of a call; further rows need not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Possibly all.
    All,
    /// The first one, where no row expression is given.
    First,
    /// The first n, where n is the second argument.
    FirstOf,
}
