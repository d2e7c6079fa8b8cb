//! Expressions over columns.

use super::cells::Cells;
use super::compare::compared;
use super::vector::{Batch, Side, Vector, cells, chosen};
use crate::ast::BinaryOp;
use crate::budget::Allowance;
use crate::settings::Limits;
use crate::value::{Column, LikePattern, Number, Value};
use ecow::EcoString;
use hashbrown::HashSet;
use std::borrow::Cow;
use std::sync::Arc;

/// Steps that matching a pattern may take here. Longer texts are left to the evaluator, which can be stopped during the
/// match.
const LITTLE: u64 = 10_000;

/// An expression bound to columns. Its value for a row is that of the expression; see the module for when it declines.
#[derive(Clone, Debug)]
pub(crate) enum Kernel {
    /// A simple value.
    Constant(Value),
    /// A column of a source.
    Column {
        source: usize,
        cells: Arc<Column>,
    },
    /// `+ - * / mod`
    Arithmetic(BinaryOp, Box<Kernel>, Box<Kernel>),
    /// `-x`
    Negate(Box<Kernel>),
    /// `= != < > <= >=`
    Compare(BinaryOp, Box<Kernel>, Box<Kernel>),
    And(Box<Kernel>, Box<Kernel>),
    Or(Box<Kernel>, Box<Kernel>),
    Not(Box<Kernel>),
    /// `like` a constant.
    Like(Box<Kernel>, LikePattern),
    /// `in` constants of one type.
    In(Box<Kernel>, Members),
    /// `is null`
    IsNull(Box<Kernel>),
    /// `??`
    Coalesce(Box<Kernel>, Box<Kernel>),
    /// `case`
    Case(Vec<(Kernel, Kernel)>, Box<Kernel>),
}

/// Constants of one type, and perhaps null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    numbers: HashSet<Number, foldhash::fast::FixedState>,
    texts: HashSet<EcoString, foldhash::fast::FixedState>,
    null: bool,
}

impl Members {
    /// `None` unless they are all numbers or all texts.
    pub fn of<'v>(values: impl IntoIterator<Item = &'v Value>) -> Option<Self> {
        let mut members = Self::default();
        for value in values {
            match value {
                Value::Null => members.null = true,
                Value::Number(number) => _ = members.numbers.insert(*number),
                Value::Text(text) => _ = members.texts.insert(text.clone()),
                _ => return None,
            }
        }
        (members.numbers.is_empty() || members.texts.is_empty()).then_some(members)
    }
}

impl Kernel {
    /// Its values for the rows of a batch.
    pub fn eval<'a>(&'a self, batch: &Batch<'_>) -> Option<Vector<'a>> {
        match self {
            Self::Constant(value) => Some(Vector::Constant(Cow::Borrowed(value))),
            Self::Column { source, cells: column } => cells(column, batch.at.get(*source)?, batch.len),
            Self::Arithmetic(op, a, b) => arithmetic(*op, &a.eval(batch)?, &b.eval(batch)?, batch.len),
            Self::Negate(a) => {
                let a = a.eval(batch)?;
                if a.is_null() {
                    return Some(a);
                }
                let a = a.numbers()?;
                Some(Vector::Numbers((0..batch.len).map(|row| a.get(row).map(|number| -number)).collect()))
            }
            Self::Coalesce(a, b) => {
                let a = a.eval(batch)?;
                if let Vector::Constant(value) = &a {
                    return if value.is_null() { b.eval(batch) } else { Some(a) };
                }
                let missing = chosen(batch.len, |row| is_null(&a, row));
                if missing.is_empty() {
                    return Some(a);
                }
                let all: Vec<u32> = (0..batch.len as u32).collect();
                let mut cells = Cells::Nulls;
                cells.put(&all, &a, batch.len)?;
                cells.put(&missing, &b.eval(&batch.pick(&missing))?, batch.len)?;
                Some(cells.into_vector())
            }
            Self::Case(branches, otherwise) => {
                let mut cells = Cells::Nulls;
                let mut left: Vec<u32> = (0..batch.len as u32).collect();
                for (condition, value) in branches {
                    let rows = batch.pick(&left);
                    let true_of = condition.holds(&rows)?;
                    let taken: Vec<u32> = true_of.iter().filter_map(|row| left.get(*row as usize).copied()).collect();
                    if !taken.is_empty() {
                        cells.put(&taken, &value.eval(&batch.pick(&taken))?, batch.len)?;
                    }
                    left = without(&left, &true_of);
                }
                if !left.is_empty() {
                    cells.put(&left, &otherwise.eval(&batch.pick(&left))?, batch.len)?;
                }
                Some(cells.into_vector())
            }
            _ => {
                let mut truths = vec![Some(false); batch.len];
                for row in self.holds(batch)? {
                    if let Some(cell) = truths.get_mut(row as usize) {
                        *cell = Some(true);
                    }
                }
                Some(Vector::Bools(truths))
            }
        }
    }

    /// The rows of a batch for which it is true.
    pub fn holds(&self, batch: &Batch<'_>) -> Option<Vec<u32>> {
        let len = batch.len;
        match self {
            Self::Compare(op, a, b) => compared(*op, &a.eval(batch)?, &b.eval(batch)?, len),
            Self::And(a, b) => {
                let first = a.holds(batch)?;
                if first.is_empty() {
                    return Some(first);
                }
                let second = b.holds(&batch.pick(&first))?;
                Some(second.iter().filter_map(|row| first.get(*row as usize).copied()).collect())
            }
            Self::Or(a, b) => {
                let first = a.holds(batch)?;
                let others = others(&first, len);
                if others.is_empty() {
                    return Some(first);
                }
                let second = b.holds(&batch.pick(&others))?;
                let mut both: Vec<u32> = second.iter().filter_map(|row| others.get(*row as usize).copied()).collect();
                both.extend(first);
                both.sort_unstable();
                Some(both)
            }
            Self::Not(a) => Some(others(&a.holds(batch)?, len)),
            Self::Like(a, pattern) => {
                let a = a.eval(batch)?;
                let texts = a.texts()?;
                // Long work is left to code that pays for it.
                let mut little = Allowance::new("like", Limits { steps: Some(LITTLE), ..Limits::default() }, &|| None);
                let mut matching = Vec::new();
                for row in 0..len {
                    let text = texts.get(row).map_or("", EcoString::as_str);
                    if pattern.matches_within(text, &mut little).ok()? {
                        matching.push(row as u32);
                    }
                }
                Some(matching)
            }
            Self::In(a, members) => {
                let a = a.eval(batch)?;
                if let (Some(numbers), true) = (a.numbers(), members.texts.is_empty()) {
                    return Some(chosen(len, |row| match numbers.get(row) {
                        Some(number) => members.numbers.contains(&number),
                        None => members.null,
                    }));
                }
                let (texts, true) = (a.texts()?, members.numbers.is_empty()) else { return None };
                Some(chosen(len, |row| match texts.get(row) {
                    Some(text) => members.texts.contains(text),
                    None => members.null,
                }))
            }
            Self::IsNull(a) => {
                let a = a.eval(batch)?;
                Some(chosen(len, |row| is_null(&a, row)))
            }
            _ => Some(self.eval(batch)?.truths(len)),
        }
    }
}

fn is_null(vector: &Vector<'_>, row: usize) -> bool {
    match vector {
        Vector::Constant(value) => value.is_null(),
        Vector::Numbers(cells) => matches!(cells.get(row), Some(None)),
        Vector::Texts(cells) => matches!(cells.get(row), Some(None)),
        Vector::Bools(cells) => matches!(cells.get(row), Some(None)),
        Vector::DateTimes(cells) => matches!(cells.get(row), Some(None)),
    }
}

/// The rows below `len` that are not among `rows`, which ascend.
fn others(rows: &[u32], len: usize) -> Vec<u32> {
    let mut named = rows.iter().copied().peekable();
    (0..len as u32).filter(|row| named.next_if_eq(row).is_none()).collect()
}

/// `rows` without those at the places `taken`, which ascend.
fn without(rows: &[u32], taken: &[u32]) -> Vec<u32> {
    let mut taken = taken.iter().copied().peekable();
    let numbered = rows.iter().zip(0u32..);
    numbered.filter(|(_, number)| taken.next_if_eq(number).is_none()).map(|(row, _)| *row).collect()
}

fn arithmetic<'a>(op: BinaryOp, a: &Vector<'a>, b: &Vector<'a>, len: usize) -> Option<Vector<'a>> {
    // Null with anything is null; only the evaluator knows the results for other types.
    if a.is_null() || b.is_null() {
        return Some(Vector::constant(Value::Null));
    }
    let (x, y) = (a.numbers()?, b.numbers()?);
    let numbers = match op {
        BinaryOp::Add => calculated(x, y, len, Number::checked_add),
        BinaryOp::Subtract => calculated(x, y, len, Number::checked_sub),
        BinaryOp::Multiply => calculated(x, y, len, Number::checked_mul),
        BinaryOp::Divide => calculated(x, y, len, Number::checked_div),
        BinaryOp::Modulo => calculated(x, y, len, Number::checked_rem),
        _ => None,
    };
    numbers.map(|numbers| Vector::Numbers(numbers.into()))
}

/// `None` if one of the results does not exist.
#[inline]
fn calculated(
    a: Side<'_, Number>,
    b: Side<'_, Number>,
    len: usize,
    calculate: impl Fn(Number, Number) -> Option<Number>,
) -> Option<Vec<Option<Number>>> {
    let mut results = Vec::with_capacity(len);
    for row in 0..len {
        results.push(match (a.get(row), b.get(row)) {
            (Some(a), Some(b)) => Some(calculate(a, b)?),
            _ => None,
        });
    }
    Some(results)
}
