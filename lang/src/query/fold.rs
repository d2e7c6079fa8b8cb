//! Aggregates over the rows of many groups at once.

use super::kernel::Kernel;
use super::vector::{Batch, Side};
use crate::value::{Column, DateTime, Number, Value};
use ecow::EcoString;

/// The aggregates that have a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldKind {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    First,
    Last,
    Any,
    All,
}

/// An aggregate, with its values so far by group.
pub(crate) struct Fold {
    kind: FoldKind,
    argument: Option<Kernel>,
    state: State,
}

enum State {
    Counts(Vec<u64>),
    Sums(Vec<(Number, u64)>),
    /// The best so far: its type is unknown before the first.
    Best,
    Numbers(Vec<Option<Number>>),
    Texts(Vec<Option<EcoString>>),
    DateTimes(Vec<Option<DateTime>>),
    Values(Vec<Option<Value>>),
    Truths(Vec<bool>),
}

impl Fold {
    /// Without an argument every row counts as true.
    pub fn new(kind: FoldKind, argument: Option<Kernel>) -> Self {
        let state = match kind {
            FoldKind::Count => State::Counts(Vec::new()),
            FoldKind::Sum | FoldKind::Avg => State::Sums(Vec::new()),
            FoldKind::Min | FoldKind::Max => State::Best,
            FoldKind::First | FoldKind::Last => State::Values(Vec::new()),
            FoldKind::Any | FoldKind::All => State::Truths(Vec::new()),
        };
        Self { kind, argument, state }
    }

    /// Adds the rows of a batch to their groups, whose number is now `count`. After `None` it must not be used any
    /// more.
    pub fn add(&mut self, batch: &Batch<'_>, groups: &[u32], count: usize) -> Option<()> {
        let Self { kind, argument, state } = self;
        let constant = Kernel::Constant(Value::Bool(true));
        let argument = argument.as_ref().unwrap_or(&constant);
        match state {
            State::Counts(counts) => {
                counts.resize(count, 0);
                if let Kernel::Constant(Value::Bool(true)) = argument {
                    groups.iter().for_each(|group| change(counts, *group, |count| *count += 1));
                } else {
                    for row in argument.holds(batch)? {
                        change(counts, *groups.get(row as usize)?, |count| *count += 1);
                    }
                }
            }
            State::Sums(sums) => {
                sums.resize(count, (Number::ZERO, 0));
                let vector = argument.eval(batch)?;
                let cells = vector.numbers()?;
                for (row, group) in groups.iter().enumerate() {
                    if let (Some(number), Some((sum, count))) = (cells.get(row), sums.get_mut(*group as usize)) {
                        *sum = sum.checked_add(number)?;
                        *count += 1;
                    }
                }
            }
            State::Values(values) => {
                values.resize(count, None);
                let vector = argument.eval(batch)?;
                for (row, group) in groups.iter().enumerate() {
                    if let Some(value) = values.get_mut(*group as usize)
                        && (*kind == FoldKind::Last || value.is_none())
                    {
                        *value = Some(vector.get(row));
                    }
                }
            }
            State::Truths(truths) => {
                let all = *kind == FoldKind::All;
                truths.resize(count, all);
                let mut holds = argument.holds(batch)?.into_iter().peekable();
                for (row, group) in groups.iter().enumerate() {
                    let holds = holds.next_if_eq(&(row as u32)).is_some();
                    if holds != all {
                        change(truths, *group, |truth| *truth = holds);
                    }
                }
            }
            _ => {
                let vector = argument.eval(batch)?;
                let least = *kind == FoldKind::Min;
                if let State::Best = state {
                    if vector.is_null() {
                        return Some(());
                    }
                    *state = if vector.numbers().is_some() {
                        State::Numbers(Vec::new())
                    } else if vector.texts().is_some() {
                        State::Texts(Vec::new())
                    } else {
                        State::DateTimes(Vec::new())
                    };
                }
                match state {
                    State::Numbers(best) => improve(best, vector.numbers()?, groups, count, least),
                    State::DateTimes(best) => improve(best, vector.datetimes()?, groups, count, least),
                    State::Texts(best) => {
                        best.resize(count, None);
                        let cells = vector.texts()?;
                        for (row, group) in groups.iter().enumerate() {
                            if let (Some(text), Some(best)) = (cells.get(row), best.get_mut(*group as usize))
                                && best.as_ref().is_none_or(|best| if least { text < best } else { text > best })
                            {
                                *best = Some(text.clone());
                            }
                        }
                    }
                    _ => return None,
                }
            }
        }
        Some(())
    }

    /// The result for each of `count` groups. Without rows, aggregates without a natural value are null.
    pub fn finish(self, count: usize) -> Column {
        let kind = self.kind;
        match self.state {
            State::Counts(mut counts) => {
                counts.resize(count, 0);
                counts.into_iter().map(|count| Value::Number(count.into())).collect()
            }
            State::Sums(mut sums) => {
                sums.resize(count, (Number::ZERO, 0));
                let value = |(sum, count): (Number, u64)| {
                    if kind == FoldKind::Sum { Some(sum) } else { sum.checked_div(count.into()) }
                };
                sums.into_iter().map(|sum| Value::from(value(sum))).collect()
            }
            State::Best => Column::Null(count),
            State::Numbers(best) => column(best, count),
            State::Texts(best) => column(best, count),
            State::DateTimes(best) => column(best, count),
            State::Values(values) => column(values, count),
            State::Truths(mut truths) => {
                truths.resize(count, kind == FoldKind::All);
                truths.into_iter().map(Value::Bool).collect()
            }
        }
    }
}

#[inline]
fn change<T>(states: &mut [T], group: u32, change: impl Fn(&mut T)) {
    if let Some(state) = states.get_mut(group as usize) {
        change(state);
    }
}

/// Null is never the best.
fn improve<T: Copy + Ord>(best: &mut Vec<Option<T>>, cells: Side<'_, T>, groups: &[u32], count: usize, least: bool) {
    best.resize(count, None);
    for (row, group) in groups.iter().enumerate() {
        if let (Some(cell), Some(best)) = (cells.get(row), best.get_mut(*group as usize))
            && best.is_none_or(|best| if least { cell < best } else { cell > best })
        {
            *best = Some(cell);
        }
    }
}

fn column<T>(mut cells: Vec<Option<T>>, count: usize) -> Column
where
    Option<T>: Into<Value>,
{
    cells.resize_with(count, || None);
    cells.into_iter().map(Into::into).collect()
}
