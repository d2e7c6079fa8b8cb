//! Facts about a library function that the language may rely on, so that it can do less than call the native.
//!
//! The language knows no function by its name: a fact that is not stated here is not assumed.

/// The facts of a function. With none of them its native is called for the values of all its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The result of a call with rows and a row expression.
    pub folds: Option<Fold>,
    /// The rows of its first argument that decide the result.
    pub reads: Reads,
    /// Does `f(start, count)` with two numbers return the list of `count` numbers from `start` on, in steps of 1?
    pub is_range: bool,
    /// The position of a parameter that is a pattern of datetimes.
    pub date_pattern: Option<usize>,
    /// Its use in lints and hints.
    pub role: Role,
}

impl Facts {
    /// No facts.
    pub const NONE: Self =
        Self { folds: None, reads: Reads::All, is_range: false, date_pattern: None, role: Role::None };
}

/// One value computed from the values of a row expression.
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
    /// The first one, if no row expression is given.
    First,
    /// The first n, where n is the second argument.
    FirstOf,
}

/// What lints look for, and hints name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    None,
    /// `f(text, delimiter)` gives the rows of a delimited text, in which all cells are texts.
    DecodesCells,
    /// `f(x, …)` gives the least or the greatest of its values, or of the elements of one list.
    Extreme,
    /// `f(x)` gives the number in a text.
    ReadsNumber,
    /// `f(x)` gives a text for any value without a text form.
    WritesAny,
    /// `f(x)` gives a text for a binary value.
    WritesBinary,
    /// `f(x, separator)` gives a text for a list.
    WritesList,
}
