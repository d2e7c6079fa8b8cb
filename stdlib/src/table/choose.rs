//! Functions that choose rows.

use crate::arguments::{Selector, chosen, count};
use crate::row::{Row, fails, gives, row};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Record, Rows, Value};

pub(crate) const ROWS: &[Row] = &[
    row(
        "First(rows: rows, condition?: expr) -> element(rows)",
        "The first row, or the first for which the condition is true.",
        first,
    )
    .reads_first()
    .fixed_cost()
    .rules("An error if there is no row; see `FirstOrDefault` and `FirstOrEmpty`.")
    .examples(&[
        gives("First([5, 6])", "5"),
        gives("First([5, 6], row > 5)", "6"),
        gives("First([{no: 1, qty: 0}, {no: 2, qty: 3}], qty > 0).no", "2"),
        fails("First([])", "the table has no rows"),
    ]),
    row(
        "Last(rows: rows, condition?: expr) -> element(rows)",
        "The last row, or the last for which the condition is true.",
        last,
    )
    .fixed_cost()
    .rules("An error if there is no row.")
    .examples(&[
        gives("Last([5, 6])", "6"),
        gives("Last([5, 6], row < 6)", "5"),
        gives("Last([{no: 1, qty: 3}, {no: 2, qty: 0}], qty > 0).no", "1"),
        fails("Last([])", "the table has no rows"),
    ]),
    row(
        "FirstOrDefault(rows: rows, default?: any) -> any",
        "The first row, or a default if there is no row.",
        first_or_default,
    )
    .reads_first()
    .fixed_cost()
    .rules("Without `default` it is that of the rows' type; fields of unknown type are `null`, and `[]` has `null`.")
    .examples(&[
        gives("FirstOrDefault([5, 6])", "5"),
        gives("FirstOrDefault([], 7)", "7"),
        gives("FirstOrDefault(table(a))", "{a: null}"),
    ]),
    row(
        "FirstOrEmpty(rows: rows) -> element(rows)",
        "The first row, or a record whose fields are all `null`.",
        first_or_empty,
    )
    .reads_first()
    .fixed_cost()
    .examples(&[gives("FirstOrEmpty(table(a))", "{a: null}"), gives("FirstOrEmpty([{a: 1}])", "{a: 1}")]),
    row("Take(rows: rows, count: number) -> same(rows)", "The first `count` rows.", take)
        .reads_first_of()
        .pays_itself()
        .rules("All of them if there are fewer; none if `count` is 0 or less.")
        .examples(&[gives("Take([1, 2, 3], 2)", "[1, 2]"), gives("Take([1], 5)", "[1]")]),
    row("Skip(rows: rows, count: number) -> same(rows)", "The rows after the first `count` rows.", skip)
        .pays_itself()
        .rules("None if there are fewer; all if `count` is 0 or less.")
        .examples(&[gives("Skip([1, 2, 3], 2)", "[3]"), gives("Skip([1], 5)", "[]")]),
    row(
        "TakeWhile(rows: rows, condition: expr) -> same(rows)",
        "The rows before the first for which the condition is false.",
        take_while,
    )
    .examples(&[gives("TakeWhile([1, 2, 9, 1], row < 5)", "[1, 2]")]),
    row(
        "SkipWhile(rows: rows, condition: expr) -> same(rows)",
        "The rows from the first on for which the condition is false.",
        skip_while,
    )
    .examples(&[gives("SkipWhile([1, 2, 9, 1], row < 5)", "[9, 1]")]),
    row("Filter(rows: rows, condition: expr) -> same(rows)", "The rows for which the condition is true.", filter)
        .rules("The same as `rows where condition`.")
        .examples(&[gives("Filter([1, 2, 9, 1], row < 5)", "[1, 2, 1]"), gives("Filter([1, 2], x => x = 2)", "[2]")]),
    row("Eval(rows: rows) -> same(rows)", "The rows themselves.", eval)
        .fixed_cost()
        .rules("For scripts that wait for a query's result here; in FlowScript every query has its result at once.")
        .examples(&[gives("Eval([1, 2])", "[1, 2]")]),
];

fn first(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    choose(call, &rows, &mut (0..rows.len()))
}

fn last(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    choose(call, &rows, &mut (0..rows.len()).rev())
}

fn choose(call: &mut Call<'_>, rows: &Rows, order: &mut dyn Iterator<Item = usize>) -> NativeResult {
    if !call.is_given(1) {
        let at = order.next().ok_or_else(|| none(call, ""))?;
        return Ok(rows.get(at));
    }
    let condition = Selector::new(call, 1, rows)?;
    if let Selector::Constant(_) = condition
        && !condition.holds(call, 0)?
    {
        return Err(none(call, if rows.is_empty() { "" } else { " for which the condition is true" }));
    }
    for at in order {
        if condition.holds(call, at)? {
            return Ok(rows.get(at));
        }
    }
    Err(none(call, if rows.is_empty() { "" } else { " for which the condition is true" }))
}

fn none(call: &Call<'_>, which: &str) -> Box<RunError> {
    call.error(ErrorKind::Value, format_args!("the table has no rows{which}"))
}

fn first_or_default(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    if !rows.is_empty() {
        return Ok(rows.get(0));
    }
    if call.is_given(1) {
        return Ok(call.take(1));
    }
    let Rows::Table(table) = &rows else { return Ok(Value::Null) };
    let cells = table.row_type().map(|row| row.columns.iter().map(|column| column.default.clone()).collect());
    Ok(Value::Record(Record::new(table.shape().clone(), cells.unwrap_or_default())))
}

fn first_or_empty(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    if !rows.is_empty() {
        return Ok(rows.get(0));
    }
    Ok(Value::Record(match &rows {
        Rows::Table(table) => Record::new(table.shape().clone(), Vec::new()),
        Rows::List(_) => Record::from_fields([]),
    }))
}

fn take(call: &mut Call<'_>) -> NativeResult {
    let (rows, count) = (call.rows(0), count(call, 1)?);
    slice(call, &rows, 0, count.min(rows.len()))
}

fn skip(call: &mut Call<'_>) -> NativeResult {
    let (rows, count) = (call.rows(0), count(call, 1)?);
    slice(call, &rows, count.min(rows.len()), rows.len())
}

fn take_while(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let end = first_false(call, &rows)?;
    slice(call, &rows, 0, end)
}

fn skip_while(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let start = first_false(call, &rows)?;
    slice(call, &rows, start, rows.len())
}

fn first_false(call: &mut Call<'_>, rows: &Rows) -> Result<usize, Box<RunError>> {
    let condition = Selector::new(call, 1, rows)?;
    for at in 0..rows.len() {
        if !condition.holds(call, at)? {
            return Ok(at);
        }
    }
    Ok(rows.len())
}

fn filter(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let condition = Selector::new(call, 1, &rows)?;
    let mut positions = Vec::new();
    for at in 0..rows.len() {
        if condition.holds(call, at)? {
            positions.push(at as u32);
        }
    }
    chosen(call, &rows, positions.len(), |at| positions.get(at).copied().unwrap_or_default())
}

fn eval(call: &mut Call<'_>) -> NativeResult {
    Ok(call.rows(0).to_value())
}

fn slice(call: &mut Call<'_>, rows: &Rows, start: usize, end: usize) -> NativeResult {
    if start == 0 && end == rows.len() {
        return Ok(rows.to_value());
    }
    chosen(call, rows, end - start, |at| (start + at) as u32)
}
