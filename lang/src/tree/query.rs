//! Queries: steps over rows, and `select`.

use super::{Expr, RowOperand, Scope};
use crate::span::Span;
use crate::value::Shape;
use ecow::EcoString;
use std::fmt;
use std::sync::Arc;

/// A step of a query over rows.
#[derive(Clone, Debug)]
pub enum Step {
    /// `where c`
    Where(RowOperand),
    /// `with …`: the first true guard of a row changes it; `condition` limits the rows and keeps all.
    With {
        /// The names of records, guards and condition.
        scope: Scope,
        /// The changes with their guards.
        changes: Vec<(Change, Option<RowBody>)>,
        /// The `where` right after.
        condition: Option<RowBody>,
    },
    /// `except [record]`: the record, evaluated outside the row.
    Except(Expr),
    /// `except where c`
    ExceptWhere(RowOperand),
    /// `order by`: keys and whether they descend
    OrderBy(Scope, Vec<(RowBody, bool)>),
    /// `group by`: keys by name; gives a table of the keys and `rows`
    GroupBy(Scope, Vec<(EcoString, RowBody)>),
    /// `map … as`
    Map(Scope, Change),
}

/// An expression within a shared scope; see [`RowOperand`] for `outside`.
#[derive(Clone, Debug)]
pub struct RowBody {
    /// The expression.
    pub expr: Expr,
    /// A function literal, evaluated once outside the row.
    pub outside: bool,
}

/// The change of a row.
#[derive(Clone, Debug)]
pub enum Change {
    /// A record literal: `with` sets or adds its fields, `map` makes it the row.
    Record(Arc<Shape>, Vec<Expr>),
    /// A parenthesised function that returns such a record.
    Function(Expr),
}

/// A `select`.
#[derive(Debug)]
pub struct Select {
    /// The sources' names: every row name and source of the query uses this one scope.
    pub scope: Scope,
    /// The sources; the first has no condition.
    pub sources: Vec<Source>,
    /// `where`, over the joined rows
    pub condition: Option<Expr>,
    /// `group by` and aggregates; `None` for a plain query.
    pub group: Option<Group>,
    /// The result's columns.
    pub items: Vec<SelectItem>,
    /// `distinct`
    pub distinct: bool,
    /// `order by`: keys (with `ResultValue` for items) and whether they descend
    pub order: Vec<(Expr, bool)>,
}

/// A source of a `select`.
#[derive(Debug)]
pub struct Source {
    /// Its name in messages: the alias, else the variable, else empty.
    pub name: EcoString,
    /// The rows; evaluated outside the scope.
    pub rows: Expr,
    /// `left join`
    pub left: bool,
    /// The equalities of `on` between the earlier sources (first) and this one (second), for hashing.
    pub equalities: Vec<(Expr, Expr)>,
    /// The remaining condition of `on`.
    pub rest: Option<Expr>,
    /// The place of the whole join.
    pub span: Span,
}

/// Grouping.
#[derive(Debug)]
pub struct Group {
    /// The keys, in the scope of the joined rows. Without keys everything is one group, also over no rows.
    pub keys: Vec<(EcoString, Expr)>,
    /// The aggregates; `GroupValue(keys.len() + n)` is the value of number n.
    pub aggregates: Vec<Aggregate>,
    /// `having`, over group values
    pub having: Option<Expr>,
}

/// An aggregate over the rows of a group.
#[derive(Debug)]
pub struct Aggregate {
    /// Its kind.
    pub kind: AggregateKind,
    /// Its argument, in the scope of the joined rows.
    pub argument: Option<Expr>,
    /// The separator of `join`.
    pub separator: Option<Expr>,
    /// Its place in the source.
    pub span: Span,
}

/// The aggregates (lang/README.md, Queries); each has the same result as the library function of its name with a row
/// expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// `count()`, `count(expr)`
    Count,
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `first`
    First,
    /// `last`
    Last,
    /// `any`
    Any,
    /// `all`
    All,
    /// `join`
    Join,
}

impl AggregateKind {
    /// All of them.
    const ALL: [Self; 10] = [
        Self::Count,
        Self::Sum,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::First,
        Self::Last,
        Self::Any,
        Self::All,
        Self::Join,
    ];

    /// The aggregate of this name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(name))
    }

    /// Its word in a `select`.
    fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Any => "any",
            Self::All => "all",
            Self::Join => "join",
        }
    }
}

/// Its name in messages: as a function is written.
impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.word().split_at(1);
        write!(f, "{}{rest}", first.to_ascii_uppercase())
    }
}

/// A column of a `select`'s result.
#[derive(Debug)]
pub enum SelectItem {
    /// A named value.
    Value(EcoString, Expr),
    /// All columns of one source: `o.*`, and each source of `*`.
    AllOf(u16),
}
