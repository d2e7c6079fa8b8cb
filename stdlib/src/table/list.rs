//! Functions on lists and their elements. Rows of a table are elements, too.

use crate::arguments::{Selector, chosen, too_many};
use crate::row::{Row, fails, gives, row};
use flowscript_lang::budget::{Budget, Paid, Toll};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Conversion, Keys, Rows, RowsBuilder, Value, equal};

pub(crate) const ROWS: &[Row] = &[
    row("Distinct(rows: rows) -> same(rows)", "Each element once.", distinct)
        .pays_itself()
        .rules("The first of equal ones stays. Nothing is converted: `1` and `'1'` differ.")
        .examples(&[gives("Distinct([1, 2, 1, '1'])", "[1, 2, '1']")]),
    row("Concat(first: rows, second: rows) -> join(first)", "The elements of both.", concat)
        .pays_itself()
        .rules("Of two tables, the columns of both.")
        .examples(&[gives("Concat([1], [2, 3])", "[1, 2, 3]"), gives("Concat([{a: 1}], [{b: 2}]).a", "[1, null]")]),
    row("Flatten(list: rows) -> list", "The elements of the lists in a list.", flatten)
        .pays_itself()
        .rules("One level; an element that is not a list or table stays.")
        .examples(&[gives("Flatten([[1, 2], [3], 4])", "[1, 2, 3, 4]"), gives("Flatten([[[1]]])", "[[1]]")]),
    row("IndexOf(list: rows, value: any) -> number", "The position of the first element equal to a value.", index_of)
        .pays_itself()
        .rules("Elements are compared by `=`; -1 if there is none.")
        .examples(&[gives("IndexOf(['a', 'b'], 'b')", "1"), gives("IndexOf([1], 5)", "-1")]),
    row("Map(rows: rows, value: expr) -> list(value)", "A value for each row.", map)
        .pays_itself()
        .examples(&[gives("Map([1, 2, 3], x => x + 1)", "[2, 3, 4]"), gives("Map([{p: 2, q: 3}], p * q)", "[6]")]),
    row("Reduce(rows: rows, step: function, start: any) -> any", "One value of all rows, step by step.", reduce)
        .pays_itself()
        .rules("`step` takes the result so far and a row, and returns the new result; the first one is `start`.")
        .examples(&[
            gives("Reduce([1, 2, 3], (sum, x) => sum + x, 10)", "16"),
            gives("Reduce([], (sum, x) => sum + x, 10)", "10"),
        ]),
    row("Zip(first: rows, second: rows) -> list", "Pairs of the elements at the same position.", zip)
        .pays_itself()
        .rules("As many as the shorter has.")
        .examples(&[gives("Zip([1, 2, 3], ['a', 'b'])", "[[1, 'a'], [2, 'b']]")]),
    row("Chunk(rows: rows, size: number) -> list", "The rows in pieces of a size.", chunk)
        .pays_itself()
        .rules("The last piece may be smaller. A size below 1 is an error.")
        .examples(&[gives("Chunk([1, 2, 3], 2)", "[[1, 2], [3]]"), fails("Chunk([1], 0)", "size")]),
];

/// The memory of a key that is remembered, in bytes.
const KEY: usize = 96;

fn distinct(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let (mut seen, mut first) = (Keys::default(), Vec::new());
    let mut toll = Toll::new(call.budget());
    for at in 0..rows.len() {
        toll.look(4)?;
        if seen.place(vec![rows.get(at)], &mut toll)?.1 {
            toll.take(KEY)?;
            first.push(at as u32);
        }
    }
    toll.settle()?;
    chosen(call, &rows, first.len(), |at| first.get(at).copied().unwrap_or_default())
}

fn concat(call: &mut Call<'_>) -> NativeResult {
    let (first, second) = (call.rows(0), call.rows(1));
    // Without rows there is nothing to join, and columns stay.
    if second.is_empty() && (!first.is_empty() || matches!(first, Rows::Table(_))) {
        return Ok(first.to_value());
    }
    if first.is_empty() {
        return Ok(second.to_value());
    }
    let most = call.budget().most_cells();
    if cells(&first).saturating_add(cells(&second)) > most {
        return Err(too_many(call, most));
    }
    let mut builder = RowsBuilder::default();
    let mut toll = Toll::new(call.budget());
    for element in first.iter().chain(second.iter()) {
        pay_for_element(&element, &mut toll)?;
        builder.push(element);
    }
    toll.settle()?;
    Ok(builder.finish())
}

fn cells(rows: &Rows) -> usize {
    match rows {
        Rows::List(list) => list.items().len(),
        Rows::Table(table) => table.held_cells().max(table.len()),
    }
}

fn flatten(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let inner = |value: &Value| match value {
        Value::List(_) | Value::Table(_) => Rows::of(value),
        _ => None,
    };
    let most = call.budget().most_cells();
    let mut total = 0usize;
    let mut builder = RowsBuilder::default();
    let mut toll = Toll::new(call.budget());
    for element in rows.iter() {
        match inner(&element) {
            Some(elements) => {
                total = total.saturating_add(cells(&elements));
                if total > most {
                    return Err(too_many(call, most));
                }
                for element in elements.iter() {
                    pay_for_element(&element, &mut toll)?;
                    builder.push(element);
                }
            }
            None => {
                pay_for_element(&element, &mut toll)?;
                builder.push(element);
            }
        }
    }
    toll.settle()?;
    Ok(builder.finish())
}

/// The cost of moving a value to a list, in elements looked at.
const MOVING: usize = 4;

/// Pays for an element of a list, or for a record in a table.
fn pay_for_element(element: &Value, toll: &mut Toll<'_>) -> Paid {
    let cells = match element {
        Value::Record(record) => record.len(),
        _ => 1,
    };
    toll.look(cells.saturating_mul(MOVING))?;
    toll.take(cells.saturating_mul(size_of::<Value>()))
}

fn index_of(call: &mut Call<'_>) -> NativeResult {
    let (rows, zone, wanted) = (call.rows(0), call.context.zone(), call.take(1));
    let mut toll = Toll::new(call.budget());
    for (at, element) in rows.iter().enumerate() {
        toll.look(1)?;
        if equal(&element, &wanted, Conversion::To(zone), &mut toll)? {
            return Ok(at.into());
        }
    }
    toll.settle()?;
    Ok((-1).into())
}

fn map(call: &mut Call<'_>) -> NativeResult {
    let rows = call.rows(0);
    let value = Selector::new(call, 1, &rows)?;
    let mut builder = RowsBuilder::default();
    for at in 0..rows.len() {
        let value = value.value(call, at)?;
        // Pays in bulk unless something is called that pays itself.
        if at.is_multiple_of(BULK) {
            call.budget().look(BULK * MOVING)?;
        }
        if let Value::Record(record) = &value {
            call.budget().look(record.len().saturating_mul(MOVING))?;
        }
        builder.push(value);
    }
    Ok(builder.finish())
}

fn reduce(call: &mut Call<'_>) -> NativeResult {
    let (rows, step) = (call.rows(0), call.value(1).clone());
    let mut sum = call.take(2);
    for element in rows.iter() {
        call.budget().spend(1)?;
        sum = call.invoke(&step, vec![sum, element])?;
    }
    Ok(sum)
}

fn zip(call: &mut Call<'_>) -> NativeResult {
    let (first, second) = (call.rows(0), call.rows(1));
    let mut toll = Toll::new(call.budget());
    let mut pairs = Vec::new();
    for (a, b) in first.iter().zip(second.iter()) {
        toll.look(4 * MOVING)?;
        toll.take(LIST + 3 * size_of::<Value>())?;
        pairs.push(Value::list(vec![a, b]));
    }
    toll.settle()?;
    Ok(Value::list(pairs))
}

/// The memory of a list in addition to its elements.
const LIST: usize = 64;

/// The memory of a table in addition to its cells, and of a column.
const TABLE: usize = 160;
const COLUMN: usize = 96;

/// Elements that are paid for together.
const BULK: usize = 1_024;

fn chunk(call: &mut Call<'_>) -> NativeResult {
    let (rows, size) = (call.rows(0), crate::arguments::count(call, 1)?);
    if size == 0 {
        return Err(call.refuse(1, "a whole number from 1 on"));
    }
    let columns = match &rows {
        Rows::List(_) => 0,
        Rows::Table(table) => table.cells_of_row(),
    };
    let mut pieces = Vec::new();
    for start in (0..rows.len()).step_by(size) {
        call.budget().look(MOVING * (columns + 4))?;
        call.budget().take(size_of::<Value>() + TABLE + columns * COLUMN)?;
        pieces.push(chosen(call, &rows, size.min(rows.len() - start), |at| (start + at) as u32)?);
    }
    Ok(Value::list(pieces))
}
