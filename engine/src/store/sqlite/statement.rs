//! Statements whose columns are read and written by their names, from one list each.
//!
//! A list states the contents of a statement and their order: column numbers are written nowhere else, and the text of
//! the statement is built at compile time.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::store::Result;

/// A query, as the type of its rows.
pub(super) trait Query: Sized {
    /// The statement.
    const SQL: &'static str;

    /// Reads a row of it.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;
}

/// Declares a [`Query`]: a struct with a field for each column, or with `for` the columns of an existing struct. A
/// column has the name of its field, or the SQL after `=`; a field of several columns names its reader after `=>`.
///
/// ```ignore
/// query! {
///     /// A run that may be claimed.
///     struct Candidate: "select" { seq: i64, workflow: String = "w.id" } "from runs r join workflows w …"
/// }
/// query! { for LogLine: "select" { at, level, message, position } "from log …" }
/// ```
macro_rules! query {
    (
        $(#[$attribute:meta])*
        $visible:vis struct $name:ident: $head:literal {
            $($(#[$doc:meta])* $column:ident: $type:ty $(= $sql:literal $(=> $reader:path)?)?),+ $(,)?
        } $rest:literal
    ) => {
        $(#[$attribute])*
        $visible struct $name {
            $($(#[$doc])* $visible $column: $type,)+
        }

        $crate::store::sqlite::statement::query! {
            for $name: $head { $($column $(= $sql $(=> $reader)?)?),+ } $rest
        }
    };
    (
        for $name:ident: $head:literal {
            $first:ident $(= $first_sql:literal $(=> $first_reader:path)?)?
            $(, $column:ident $(= $sql:literal $(=> $reader:path)?)?)* $(,)?
        } $rest:literal
    ) => {
        impl $crate::store::sqlite::statement::Query for $name {
            const SQL: &'static str = concat!(
                $head, " ",
                $crate::store::sqlite::statement::column!($first $($first_sql)?),
                $(", ", $crate::store::sqlite::statement::column!($column $($sql)?),)*
                " ", $rest
            );

            fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                let columns = &mut $crate::store::sqlite::statement::Columns::of(row);
                Ok(Self {
                    $first: $crate::store::sqlite::statement::read!(columns $($($first_reader)?)?),
                    $($column: $crate::store::sqlite::statement::read!(columns $($($reader)?)?),)*
                })
            }
        }
    };
}

/// Reads a field: from one column, or by a function from several.
macro_rules! read {
    ($columns:ident) => {
        $columns.next()?
    };
    ($columns:ident $reader:path) => {
        $reader($columns)?
    };
}

/// The SQL of a column: its own, else its name.
macro_rules! column {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $sql:literal) => {
        $sql
    };
}

/// Inserts a row: `insert!(tx, "log" { run: seq, number: 1 })`, with the rest of the statement after the values if
/// needed.
macro_rules! insert {
    ($tx:expr, $table:literal { $first:ident: $first_value:expr $(, $column:ident: $value:expr)* $(,)? } $($rest:literal)?) => {
        $tx.execute(
            concat!(
                "insert into ", $table, " (", stringify!($first) $(, ", ", stringify!($column))*, ") values (?",
                $($crate::store::sqlite::statement::marks!($column),)* ") " $(, $rest)?
            ),
            rusqlite::params![$first_value $(, $value)*],
        )
    };
}

/// The placeholder of one more value.
macro_rules! marks {
    ($name:ident) => {
        ", ?"
    };
}

/// Updates rows: `update!(tx, "runs" { due: 0 } "revision = revision + 1" where { seq: seq })`. Values may go through
/// SQL: `due = "max(due, ?)": 1`, and after `;` a second one; more assignments, and more of the condition, are SQL after the
/// lists.
macro_rules! update {
    (
        $tx:expr, $table:literal {
            $first:ident $(= $first_sql:literal)? : $first_value:expr
            $(, $column:ident $(= $sql:literal)? : $value:expr $(; $also:expr)?)* $(,)?
        } $($more:literal)? where { $key:ident: $key_value:expr $(, $further:ident: $further_value:expr)* } $($rest:literal)?
    ) => {
        $tx.execute(
            concat!(
                "update ", $table, " set ",
                $crate::store::sqlite::statement::assignment!($first $($first_sql)?),
                $(", ", $crate::store::sqlite::statement::assignment!($column $($sql)?),)*
                $(", ", $more,)?
                " where ", stringify!($key), " = ?"
                $(, " and ", stringify!($further), " = ?")* $(, " ", $rest)?
            ),
            rusqlite::params![$first_value, $($value, $($also,)?)* $key_value $(, $further_value)*],
        )
    };
}

/// An assignment of an update.
macro_rules! assignment {
    ($name:ident) => {
        concat!(stringify!($name), " = ?")
    };
    ($name:ident $sql:literal) => {
        concat!(stringify!($name), " = ", $sql)
    };
}

pub(super) use {assignment, column, insert, marks, query, read, update};

/// The columns of a row, one after another in the order of their list.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    /// Those of a row, from the first on.
    pub fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next one.
    pub fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let at = self.next;
        self.next += 1;
        self.row.get(at)
    }

    /// Skips `count` columns.
    pub fn skip(&mut self, count: usize) {
        self.next += count;
    }
}

/// The first row of a query, if there is one.
pub(super) fn first<Q: Query>(conn: &Connection, params: impl Params) -> Result<Option<Q>> {
    Ok(conn.prepare_cached(Q::SQL)?.query_row(params, Q::read).optional()?)
}

/// All rows of a query.
pub(super) fn all<Q: Query>(conn: &Connection, params: impl Params) -> Result<Vec<Q>> {
    rows(conn, Q::SQL, params, Q::read)
}

/// All rows of a statement, each read by `read`.
pub(super) fn rows<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The one column of the first row of a statement, if there is a row.
pub(super) fn value<T: FromSql>(conn: &Connection, sql: &str, params: impl Params) -> Result<Option<T>> {
    Ok(conn.prepare_cached(sql)?.query_row(params, only).optional()?)
}

/// The one column of the one row of a statement that always has one, such as a count.
pub(super) fn single<T: FromSql>(conn: &Connection, sql: &str, params: impl Params) -> Result<T> {
    Ok(conn.prepare_cached(sql)?.query_row(params, only)?)
}

/// The one column of all rows of a statement.
pub(super) fn values<T: FromSql>(conn: &Connection, sql: &str, params: impl Params) -> Result<Vec<T>> {
    rows(conn, sql, params, only)
}

/// Reads the only column of a row.
pub(super) fn only<T: FromSql>(row: &Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}
