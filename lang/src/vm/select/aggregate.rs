//! Grouping in a `select`, and its aggregates.

use super::super::fail::{describe, type_error, value_error};
use super::super::machine::{Frame, Machine};
use super::super::place::placed;
use super::super::{Evaluated, Failure};
use super::result::Origin;
use super::{Joined, enter};
use crate::error::{ErrorKind, RunError};
use crate::tree::{Aggregate, AggregateKind, Group, Select};
use crate::value::{Column, Keys, Number, Value, compare, to_number, to_text, truth};
use ecow::EcoString;
use std::cmp::Ordering;
use std::sync::Arc;

/// The state of an aggregate over the rows of a group so far.
enum State {
    Count(u64),
    /// The sum, and the number of values in it.
    Sum(Number, u64),
    /// The best or last value; `None` before the first row.
    Value(Option<Value>),
    Decided(bool),
    /// The text, and the separator once the first row has been seen.
    Join(EcoString, Option<EcoString>),
}

impl<'t> Machine<'_> {
    pub(super) fn grouped_result(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        group: &'t Group,
        joined: &Joined,
        limit: Option<usize>,
    ) -> Evaluated {
        let mut columns = match self.group_columns(frame, select, group, joined)? {
            Some(columns) => columns,
            None => self.fold_rows(frame, select, group, joined)?,
        };
        let mut count = columns.first().map_or(1, |column| column.len());
        self.work(count as u64)?;
        if let Some(having) = &group.having {
            let origin = Origin::Groups(columns, count);
            let kept = self.rows_where(frame, select, &origin, having)?;
            let Origin::Groups(all, _) = origin else { return Ok(Value::Null) };
            count = kept.len();
            columns = all.iter().map(|column| Arc::new(column.gather(&kept))).collect();
        }
        self.result_table(frame, select, &Origin::Groups(columns, count), limit)
    }

    /// The keys and aggregates of all groups, row by row.
    fn fold_rows(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        group: &'t Group,
        joined: &Joined,
    ) -> Result<Vec<Arc<Column>>, Failure> {
        let mut groups = Keys::default();
        let mut states: Vec<Vec<State>> = Vec::new();
        if group.keys.is_empty() {
            self.group_of(&mut groups, Vec::new())?;
            states.push(new_states(group));
        }
        for row in 0..joined.len() {
            self.spend(1)?;
            enter(frame, select, joined, row);
            let mut keys = Vec::with_capacity(group.keys.len());
            for (_, key) in &group.keys {
                keys.push(self.row_eval(frame, key)?);
            }
            let number = self.group_of(&mut groups, keys)?;
            if number == states.len() {
                states.push(new_states(group));
            }
            let Some(states) = states.get_mut(number) else { continue };
            for (aggregate, state) in group.aggregates.iter().zip(states) {
                self.gather(frame, aggregate, state).map_err(|error| placed(error, frame.call, aggregate.span))?;
            }
        }
        let mut columns: Vec<Column> = vec![Column::default(); group.keys.len() + group.aggregates.len()];
        for (keys, states) in groups.into_keys().into_iter().zip(states) {
            let results = group.aggregates.iter().zip(states).map(|(aggregate, state)| finish(aggregate, state));
            for (column, value) in columns.iter_mut().zip(keys.into_iter().chain(results)) {
                column.push(value);
            }
        }
        Ok(columns.into_iter().map(Arc::new).collect())
    }

    /// Adds the current row to an aggregate.
    fn gather(&mut self, frame: &mut Frame<'t>, aggregate: &'t Aggregate, state: &mut State) -> Result<(), Failure> {
        // Decided ones read no more rows.
        match (aggregate.kind, &*state) {
            (AggregateKind::Any, State::Decided(true))
            | (AggregateKind::All, State::Decided(false))
            | (AggregateKind::First, State::Value(Some(_))) => return Ok(()),
            _ => {}
        }
        let value = match &aggregate.argument {
            Some(argument) => self.row_eval(frame, argument)?,
            None => Value::Bool(true),
        };
        match state {
            State::Count(count) => *count += u64::from(truth(&value)),
            State::Decided(decided) => *decided = truth(&value),
            State::Sum(sum, count) => {
                if !value.is_null() {
                    let term = to_number(&value).map_err(|_| not_addable(aggregate, &value))?;
                    *sum = sum.checked_add(term).ok_or_else(|| {
                        let message = format!("{}: number overflow.", aggregate.kind);
                        RunError::new(ErrorKind::Arithmetic, message)
                    })?;
                    *count += 1;
                }
            }
            State::Value(best) => {
                if self.is_better(aggregate.kind, &value, best.as_ref())? {
                    self.hold(&value)?;
                    *best = Some(value);
                }
            }
            State::Join(text, separator) => {
                let part =
                    to_text(&value).map_err(|_| type_error(format!("Join: {} has no text form.", describe(&value))))?;
                let separator = match separator {
                    Some(separator) => {
                        text.push_str(separator);
                        separator
                    }
                    None => separator.insert(self.separator(frame, aggregate)?),
                };
                text.push_str(&part);
                self.check_text(text.len())?;
                self.meter.hold(part.len() + separator.len());
                self.grow(part.len() + separator.len())?;
            }
        }
        Ok(())
    }

    fn is_better(&self, kind: AggregateKind, value: &Value, best: Option<&Value>) -> Result<bool, Failure> {
        let wanted = match kind {
            AggregateKind::Min => Ordering::Less,
            AggregateKind::Max => Ordering::Greater,
            // `first` reaches this once, `last` for every row.
            _ => return Ok(true),
        };
        if value.is_null() {
            return Ok(false);
        }
        match compare(value, best.unwrap_or(value), self.zone()) {
            Some(order) => Ok(best.is_none() || order == wanted),
            None => Err(not_ordered(kind, value, best)),
        }
    }

    fn separator(&mut self, frame: &mut Frame<'t>, aggregate: &'t Aggregate) -> Result<EcoString, Failure> {
        match &aggregate.separator {
            None => Ok(", ".into()),
            Some(separator) => {
                let value = self.eval(frame, separator)?;
                to_text(&value)
                    .map_err(|_| type_error(format!("Join: the separator is a text, not {}.", describe(&value))))
            }
        }
    }
}

fn new_states(group: &Group) -> Vec<State> {
    let state = |aggregate: &Aggregate| match aggregate.kind {
        AggregateKind::Count => State::Count(0),
        AggregateKind::Sum | AggregateKind::Avg => State::Sum(Number::ZERO, 0),
        AggregateKind::Min | AggregateKind::Max | AggregateKind::First | AggregateKind::Last => State::Value(None),
        AggregateKind::Any => State::Decided(false),
        AggregateKind::All => State::Decided(true),
        AggregateKind::Join => State::Join(EcoString::new(), None),
    };
    group.aggregates.iter().map(state).collect()
}

/// The value over all rows. Without rows, aggregates without a natural value are `null`.
fn finish(aggregate: &Aggregate, state: State) -> Value {
    match state {
        State::Count(count) => Value::Number(count.into()),
        State::Sum(sum, count) if aggregate.kind == AggregateKind::Avg => {
            sum.checked_div(count.into()).map_or(Value::Null, Value::Number)
        }
        State::Sum(sum, _) => Value::Number(sum),
        State::Value(value) => value.unwrap_or_default(),
        State::Decided(decided) => Value::Bool(decided),
        State::Join(text, _) => Value::Text(text),
    }
}

#[cold]
fn not_addable(aggregate: &Aggregate, value: &Value) -> Failure {
    let message = format!("{}: {} is not a number, so it cannot be added.", aggregate.kind, describe(value));
    if matches!(value, Value::Text(_)) { value_error(message) } else { type_error(message) }
}

#[cold]
fn not_ordered(kind: AggregateKind, value: &Value, best: Option<&Value>) -> Failure {
    type_error(match best {
        Some(best) if compare(value, value, crate::value::Zone::UTC).is_some() => {
            format!("{kind}: {} cannot be compared with {}.", describe(value), describe(best))
        }
        _ => format!("{kind}: {} has no order. Wanted are numbers, texts, booleans or datetimes.", describe(value)),
    })
}
