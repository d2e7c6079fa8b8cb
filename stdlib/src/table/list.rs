//! Functions on lists and the elements of them. Rows of a table are elements, too.

use crate::arguments::{Selector, cells_fit};
use crate::row::{Row, fails, gives, row};
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Conversion, Keys, Rows, RowsBuilder, Value, equal};

pub(crate) const ROWS: &[Row] = &[
    row("Distinct(rows: rows) -> same(rows)", "Each element once.", distinct)
        .pays_itself()
        .rules("The first of equal ones stays. Nothing is converted: `1` and `'1'` differ.")
        .examples(&[gives("Distinct([1, 2, 1, '1'])", "[1, 2, '1']")]),
    row("Concat(first: rows, second: rows) -> join(first)", "The elements of both.", concat)
        .rules("Of two tables, the columns of both.")
        .examples(&[gives("Concat([1], [2, 3])", "[1, 2, 3]"), gives("Concat([{a: 1}], [{b: 2}]).a", "[1, null]")]),
    row("Flatten(list: rows) -> list", "The elements of the lists in a list.", flatten)
        .rules("One level; an element that is no list or table stays.")
        .examples(&[gives("Flatten([[1, 2], [3], 4])", "[1, 2, 3, 4]"), gives("Flatten([[[1]]])", "[[1]]")]),
    row("IndexOf(list: rows, value: any) -> number", "The position of the first element equal to a value.", index_of)
        .pays_itself()
        .rules("Elements are compared by `=`; -1 if there is none.")
        .examples(&[gives("IndexOf(['a', 'b'], 'b')", "1"), gives("IndexOf([1], 5)", "-1")]),
    row("Map(rows: rows, value: expr) -> list(value)", "A value for each row.", map)
        .examples(&[gives("Map([1, 2, 3], x => x + 1)", "[2, 3, 4]"), gives("Map([{p: 2, q: 3}], p * q)", "[6]")]),
    row("Reduce(rows: rows, step: function, start: any) -> any", "One value of all rows, step by step.", reduce)
        .rules("`step` takes what there is so far and a row, and gives what there is then; first it takes `start`.")
        .examples(&[
            gives("Reduce([1, 2, 3], (sum, x) => sum + x, 10)", "16"),
            gives("Reduce([], (sum, x) => sum + x, 10)", "10"),
        ]),
    row("Zip(first: rows, second: rows) -> list", "Pairs of the elements at the same position.", zip)
        .rules("As many as the shorter has.")
        .examples(&[gives("Zip([1, 2, 3], ['a', 'b'])", "[[1, 'a'], [2, 'b']]")]),
    row("Chunk(rows: rows, size: number) -> list", "The rows in pieces of a size.", chunk)
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
    Ok(rows.gather(first))
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
    cells_fit(call, cells(&first).saturating_add(cells(&second)))?;
    let mut builder = RowsBuilder::default();
    for element in first.iter().chain(second.iter()) {
        builder.push(element);
    }
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
    let mut total = 0usize;
    let mut builder = RowsBuilder::default();
    for element in rows.iter() {
        match inner(&element) {
            Some(elements) => {
                total = total.saturating_add(cells(&elements));
                cells_fit(call, total)?;
                elements.iter().for_each(|element| builder.push(element));
            }
            None => builder.push(element),
        }
    }
    Ok(builder.finish())
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
        builder.push(value.value(call, at)?);
    }
    Ok(builder.finish())
}

fn reduce(call: &mut Call<'_>) -> NativeResult {
    let (rows, step) = (call.rows(0), call.value(1).clone());
    let mut sum = call.take(2);
    for element in rows.iter() {
        sum = call.invoke(&step, vec![sum, element])?;
    }
    Ok(sum)
}

fn zip(call: &mut Call<'_>) -> NativeResult {
    let (first, second) = (call.rows(0), call.rows(1));
    let pairs = first.iter().zip(second.iter()).map(|(a, b)| Value::list(vec![a, b]));
    Ok(Value::list(pairs.collect()))
}

fn chunk(call: &mut Call<'_>) -> NativeResult {
    let (rows, size) = (call.rows(0), crate::arguments::count(call, 1)?);
    if size == 0 {
        return Err(call.refuse(1, "a whole number from 1 on"));
    }
    let positions: Vec<u32> = (0..rows.len() as u32).collect();
    Ok(Value::list(positions.chunks(size).map(|piece| rows.gather(piece.to_vec())).collect()))
}
