//! `select`: sources are joined, filtered, grouped, and made into the columns of a new table (lang/README.md, Queries).

mod aggregate;
mod join;
mod kernels;
mod result;

use super::fail::type_error;
use super::machine::{Frame, Machine};
use super::place::placed;
use super::query::rows_of;
use super::scope::{JoinScope, MISSING, Place, ScopeState, column_of, no_column};
use super::{Evaluated, Failure};
use crate::query::{At, Batch, STRETCH};
use crate::tree::{RowName, Select, Source};
use crate::value::Rows;
use std::borrow::Cow;
use std::cell::OnceCell;

/// The rows of a join: for each source one position a row, [`MISSING`] if a left join found none.
#[derive(Default)]
struct Joined {
    sources: Vec<Positions>,
}

/// The rows of a source, in order.
enum Positions {
    /// The first n.
    All(u32),
    Rows(Vec<u32>),
}

impl Positions {
    fn len(&self) -> usize {
        match self {
            Self::All(len) => *len as usize,
            Self::Rows(rows) => rows.len(),
        }
    }

    /// The position at `row`; [`MISSING`] outside.
    fn get(&self, row: usize) -> u32 {
        match self {
            Self::All(len) if row < *len as usize => row as u32,
            Self::All(_) => MISSING,
            Self::Rows(rows) => rows.get(row).copied().unwrap_or(MISSING),
        }
    }

    /// The `len` rows from `start` on, for kernels.
    fn at(&self, start: usize, len: usize) -> At<'_> {
        match self {
            Self::All(_) => At::From(start),
            Self::Rows(rows) => At::Positions(Cow::Borrowed(rows.get(start..start + len).unwrap_or(&[]))),
        }
    }

    fn keep(&mut self, kept: &[u32]) {
        *self = Self::Rows(match self {
            Self::All(_) => kept.to_vec(),
            Self::Rows(_) => kept.iter().map(|row| self.get(*row as usize)).collect(),
        });
    }
}

impl Joined {
    fn len(&self) -> usize {
        self.sources.first().map_or(0, Positions::len)
    }

    /// Only the rows at `kept`.
    fn keep(&mut self, kept: &[u32]) {
        self.sources.iter_mut().for_each(|positions| positions.keep(kept));
    }

    /// The `len` rows from `start` on, for kernels.
    fn batch(&self, start: usize, len: usize) -> Batch<'_> {
        Batch { len, at: self.sources.iter().map(|positions| positions.at(start, len)).collect() }
    }
}

impl<'t> Machine<'_> {
    /// Runs a `select`. With `limit` at most that many of the first rows are needed.
    pub(super) fn select(&mut self, frame: &mut Frame<'t>, select: &'t Select, limit: Option<usize>) -> Evaluated {
        let (height, held) = (self.stack.len(), self.meter.held());
        let mut sources = Vec::with_capacity(select.sources.len());
        for source in &select.sources {
            let value = self.eval(frame, &source.rows)?;
            let rows = rows_of(&value, "select").map_err(|error| placed(error, frame.call, source.rows.span))?;
            // On the stack it is visible to the limit on memory.
            self.stack.push(value);
            sources.push(rows);
        }
        let places = places(frame, select, &sources)?;
        if let Some(state) = frame.scopes.get_mut(usize::from(select.scope.id)) {
            *state = ScopeState::Joined(JoinScope {
                names: &select.scope.names,
                places,
                at: vec![MISSING; sources.len()],
                missing: vec![OnceCell::new(); sources.len()],
                sources,
                group: Vec::new(),
                results: Vec::new(),
                result_row: 0,
            });
        }
        let result = self.select_rows(frame, select, limit);
        frame.leave_rows(select.scope.id);
        self.meter.release_to(held);
        let result = result?;
        self.stack.truncate(height);
        self.made(result)
    }

    fn select_rows(&mut self, frame: &mut Frame<'t>, select: &'t Select, limit: Option<usize>) -> Evaluated {
        let mut joined = self.join(frame, select)?;
        if let Some(condition) = &select.condition {
            let mut kept = Vec::new();
            let kernel = self.select_kernel(frame, select, joined.len(), condition);
            for start in (0..joined.len()).step_by(STRETCH) {
                let len = STRETCH.min(joined.len() - start);
                if let Some(found) = kernel.as_ref().and_then(|kernel| kernel.holds(&joined.batch(start, len))) {
                    self.spend(len as u64)?;
                    kept.extend(found.iter().map(|row| row + start as u32));
                    continue;
                }
                for row in start..start + len {
                    self.spend(1)?;
                    enter(frame, select, &joined, row);
                    if self.row_holds(frame, condition)? {
                        kept.push(row as u32);
                    }
                }
            }
            joined.keep(&kept);
        }
        match &select.group {
            None => self.plain_result(frame, select, &joined, limit),
            Some(group) => self.grouped_result(frame, select, group, &joined, limit),
        }
    }
}

/// Looks up the names of the query in all sources.
fn places(frame: &Frame<'_>, select: &Select, sources: &[Rows]) -> Result<Vec<Place>, Failure> {
    let place =
        |name: &RowName| place_of(name, sources, &select.sources).map_err(|error| placed(error, frame.call, name.span));
    select.scope.names.iter().map(place).collect()
}

/// Makes row `row` of the join the current one.
fn enter(frame: &mut Frame<'_>, select: &Select, joined: &Joined, row: usize) {
    if let Some(scope) = frame.joined(select.scope.id) {
        for (at, positions) in scope.at.iter_mut().zip(&joined.sources) {
            *at = positions.get(row);
        }
    }
}

/// The location of a name: in the one source that has it, else outside, else in a source of unknown columns.
fn place_of(name: &RowName, sources: &[Rows], definitions: &[Source]) -> Result<Place, Failure> {
    let is_empty = |rows: &Rows| matches!(rows, Rows::List(list) if list.items().is_empty());
    let mut found: Option<(usize, i32)> = None;
    for (number, rows) in sources.iter().enumerate().filter(|(_, rows)| !is_empty(rows)) {
        let Some(column) = column_of(rows, &name.name) else { continue };
        if let Some((other, _)) = found {
            if !name.required {
                return Ok(Place::Outer);
            }
            return Err(shared_column(&name.name, definitions, other, number));
        }
        found = Some((number, column));
    }
    match found {
        Some((source, _)) if name.is_item => Err(column_and_item(&name.name, definitions, source)),
        Some((source, column)) => match usize::try_from(column) {
            Ok(column) => Ok(Place::Column { source, column }),
            Err(_) => Ok(Place::ByName { source }),
        },
        // `[]` has every column, empty.
        None => match sources.iter().position(is_empty) {
            Some(source) => Ok(Place::ByName { source }),
            None if name.outer.is_some() || !name.required => Ok(Place::Outer),
            None => Err(no_column(&name.name, sources)),
        },
    }
}

/// A group key that the checker took for an item, since it knew nothing of the columns.
#[cold]
fn column_and_item(name: &str, definitions: &[Source], source: usize) -> Failure {
    let column = match definitions.get(source) {
        Some(source) if !source.name.is_empty() => format!("{}.{name}", source.name),
        _ => format!("row.{name}"),
    };
    type_error(format!(
        "{name} in group by is an item of this select and a column of these rows. Give the item another name, or group by {column}."
    ))
}

#[cold]
fn shared_column(name: &str, definitions: &[Source], first: usize, second: usize) -> Failure {
    let called = |number: usize| match definitions.get(number) {
        Some(source) if !source.name.is_empty() => source.name.to_string(),
        _ => format!("source {}", number + 1),
    };
    let (first, second) = (called(first), called(second));
    type_error(format!(
        "The column {name} is in both {first} and {second}. Say which is meant: {first}.{name} or {second}.{name}."
    ))
}
