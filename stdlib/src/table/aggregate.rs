//! Functions that compute one value from many rows.

use crate::arguments::Selector;
use crate::row::{Row, fails, gives, row};
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, Fold, NativeResult, Role};
use flowscript_lang::value::{Number, Rows, Value, compare, to_number};
use std::cmp::Ordering;
use std::sync::Arc;

pub(crate) const ROWS: &[Row] = &[
    row("All(rows: rows, condition: expr) -> boolean", "Is the condition true for every row?", all)
        .folds(Fold::All)
        .pays_itself()
        .rules("True if there are no rows. Stops at the first row for which it is false.")
        .examples(&[gives("All([1, 2], row > 0)", "true"), gives("All([{qty: 2}, {qty: 0}], qty > 0)", "false"), gives("All([], row > 0)", "true")]),
    row("Any(rows: rows, condition: expr = true) -> boolean", "Is the condition true for a row?", any)
        .folds(Fold::Any)
        .reads_first()
        .pays_itself()
        .rules("False if there are no rows. Stops at the first row for which it is true. Without a condition: are there rows?")
        .examples(&[gives("Any([1, 2], row > 1)", "true"), gives("Any([{qty: 2}, {qty: 0}], qty = 0)", "true"), gives("Any([])", "false")]),
    row("Count(rows: rows, condition: expr = true) -> number", "The number of rows for which the condition is true.", count)
        .folds(Fold::Count)
        .fixed_cost()
        .rules("Without a condition: of all rows.")
        .examples(&[gives("Count([1, 2, 3])", "3"), gives("Count([1, 2, 3], row > 1)", "2"), gives("Count([{qty: 2}, {qty: 0}], qty > 0)", "1"), gives("Count(null)", "0")]),
    row("Sum(rows: rows, value?: expr) -> number", "The sum of a value over all rows.", sum)
        .folds(Fold::Sum)
        .pays_itself()
        .rules("Without a value: of the elements themselves. `null` is skipped; the sum of nothing is 0.")
        .examples(&[gives("Sum([1, 2.5, null])", "3.5"), gives("Sum([{p: 2, q: 3}, {p: 1, q: 1}], p * q)", "7"), gives("Sum([])", "0"), fails("Sum(['x'])", "number")]),
    row("Avg(rows: rows, value?: expr) -> number?", "The average of a value over all rows.", avg)
        .folds(Fold::Avg)
        .pays_itself()
        .rules("Without a value: of the elements themselves. `null` is skipped; the average of nothing is `null`.")
        .examples(&[gives("Avg([1, 2, null, 6])", "3"), gives("Avg([{qty: 2}, {qty: 4}], qty * 2)", "6"), gives("Avg([])", "null")]),
];

/// `Min` and `Max` are listed with the functions of numbers, though they take other values, too.
pub(crate) const EXTREME_ROWS: &[Row] = &[
    row("Min(value: any, ...) -> any", "The smallest of several values, or of one list or column.", min)
        .role(Role::Extreme)
        .pays_itself()
        .also(&["Maths.Min"])
        .rules("Numbers, texts, booleans or datetimes. `null` is skipped; of nothing else it is `null`.")
        .examples(&[gives("Min(1, 2)", "1"), gives("Min([4, null, 2])", "2"), gives("Min([])", "null")]),
    row("Max(value: any, ...) -> any", "The largest of several values, or of one list or column.", max)
        .role(Role::Extreme)
        .pays_itself()
        .also(&["Maths.Max"])
        .rules("Numbers, texts, booleans or datetimes. `null` is skipped; of nothing else it is `null`.")
        .examples(&[gives("Max(3, 1, 2)", "3"), gives("Max(['a', 'b'])", "'b'"), fails("Max([1], [2])", "Max")]),
];

fn all(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let condition = Selector::new(call, 1, &rows)?;
    for row in 0..condition.asked(&rows) {
        if !condition.holds(call, row)? {
            return Ok(false.into());
        }
    }
    Ok(true.into())
}

fn any(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let condition = Selector::new(call, 1, &rows)?;
    for row in 0..condition.asked(&rows) {
        if condition.holds(call, row)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn count(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let condition = Selector::new(call, 1, &rows)?;
    if let Selector::Constant(_) = condition {
        let all = !rows.is_empty() && condition.holds(call, 0)?;
        return Ok(if all { rows.len() } else { 0 }.into());
    }
    let mut count = 0usize;
    for row in 0..rows.len() {
        count += usize::from(condition.holds(call, row)?);
    }
    Ok(count.into())
}

fn sum(call: &mut Call<'_>) -> NativeResult {
    total(call).map(|(sum, _)| sum.into())
}

fn avg(call: &mut Call<'_>) -> NativeResult {
    let (sum, count) = total(call)?;
    Ok(sum.checked_div(count.into()).map_or(Value::Null, Value::Number))
}

/// The sum and the number of values that are not null.
fn total(call: &mut Call<'_>) -> Result<(Number, usize), Box<RunError>> {
    let rows = call.rows(0);
    let value = if call.is_given(1) { Some(Selector::new(call, 1, &rows)?) } else { None };
    if value.is_none() {
        call.budget().look(rows.len())?;
    }
    let (mut sum, mut count) = (Number::ZERO, 0);
    for row in 0..rows.len() {
        let term = match &value {
            Some(value) => value.value(call, row)?,
            None => rows.get(row),
        };
        if term.is_null() {
            continue;
        }
        if let Value::Text(text) = &term {
            call.budget().scan(text.len())?;
        }
        let term = to_number(&term).map_err(|_| not_addable(call, row, &term))?;
        sum = sum.checked_add(term).ok_or_else(|| call.error(ErrorKind::Arithmetic, "number overflow."))?;
        count += 1;
    }
    Ok((sum, count))
}

fn not_addable(call: &Call<'_>, row: usize, value: &Value) -> Box<RunError> {
    let hint = if matches!(value, Value::Record(_)) { " Name what to add: Sum(t, price) or Sum(t.price)." } else { "" };
    let hint = hint.replace("Sum", call.function.name);
    let shown = value.to_literal(60);
    let message = format!("row {row} is {shown} of type {}, where a number is expected.{hint}", value.type_name());
    call.error(if hint.is_empty() { ErrorKind::Value } else { ErrorKind::Type }, message)
}

fn min(call: &mut Call<'_>) -> NativeResult {
    extreme(call, Ordering::Less)
}

fn max(call: &mut Call<'_>) -> NativeResult {
    extreme(call, Ordering::Greater)
}

/// The first value that is `wanted` compared with all others.
fn extreme(call: &mut Call<'_>, wanted: Ordering) -> NativeResult {
    let zone = call.context.zone();
    let rows = match (call.arguments(), Rows::of(call.value(0))) {
        ([only], Some(rows)) if !only.is_null() => rows,
        (values, _) => Rows::of(&Value::list(values.to_vec())).unwrap_or_else(|| Rows::List(Arc::default())),
    };
    let mut best = Value::Null;
    let mut toll = Toll::new(call.budget());
    for value in rows.iter() {
        toll.look(2)?;
        if value.is_null() {
            continue;
        }
        // Comparing a value with itself shows whether it has an order at all.
        let other = if best.is_null() { &value } else { &best };
        let length = text_length(&value).min(text_length(other));
        toll.scan(if length == usize::MAX { 0 } else { length })?;
        match compare(&value, other, zone) {
            None => return Err(call.error(ErrorKind::Type, not_ordered(&value, &best))),
            Some(order) if best.is_null() || order == wanted => best = value,
            Some(_) => {}
        }
    }
    toll.settle()?;
    Ok(best)
}

/// The bytes of a text; the length of the text if it is compared with another value, which reads all of it.
fn text_length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        _ => usize::MAX,
    }
}

fn not_ordered(value: &Value, best: &Value) -> String {
    let shown = value.to_literal(60);
    let kind = value.type_name();
    match (value, best) {
        (Value::Record(_) | Value::List(_) | Value::Table(_), _) => format!(
            "{shown} of type {kind} has no order. Wanted are numbers, texts, booleans or datetimes, or one list of them; \
             of a table take a column: t.name."
        ),
        (_, Value::Null) => format!("{shown} of type {kind} has no order."),
        _ => format!(
            "{shown} of type {kind} cannot be compared with {} of type {}.",
            best.to_literal(60),
            best.type_name()
        ),
    }
}
