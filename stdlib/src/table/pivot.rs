//! From rows to columns and back.

use crate::arguments::cells_fit;
use crate::row::{Row, fails, gives, row};
use crate::show::short;
use crate::suggest::nearest;
use ecow::EcoString;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Column, Keys, Rows, Shape, Table, Value, to_text};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(crate) const ROWS: &[Row] = &[
    row(
        "Pivot(table: table, key: text, column: text, value: text) -> table",
        "A row for each key, with a column for each value of another column.",
        pivot,
    )
    .rules("Keys and columns are in the order of their first appearance; of several values the last wins; a missing one is `null`.")
    .examples(&[
        gives(
            "Pivot([{c: 'a', m: 'jan', v: 1}, {c: 'a', m: 'feb', v: 2}, {c: 'b', m: 'feb', v: 3}], 'c', 'm', 'v')",
            "[{c: 'a', jan: 1, feb: 2}, {c: 'b', jan: null, feb: 3}]",
        ),
        fails("Pivot([{c: 1, m: 'x', v: 2}], 'c', 'm', 'w')", "no column w"),
    ]),
    row("Unpivot(table: table, keys: any) -> table", "A row for each cell outside the key columns.", unpivot)
        .rules("`keys` is the name of a column or a list of names. The columns are the keys, `name` and `value`.")
        .examples(&[gives(
            "Unpivot([{c: 'a', jan: 1, feb: 2}], 'c')",
            "[{c: 'a', name: 'jan', value: 1}, {c: 'a', name: 'feb', value: 2}]",
        )]),
];

/// The memory of a cell that waits for its row, and of a key, in bytes.
const CELL: usize = 96;

fn pivot(call: &mut Call<'_>) -> NativeResult {
    let Rows::Table(table) = call.rows(0) else { return Ok(Value::empty_list()) };
    let at = [column(call, &table, 1)?, column(call, &table, 2)?, column(call, &table, 3)?];
    let key = call.eco_text(1);
    let mut keys = Keys::default();
    let mut names: HashMap<EcoString, usize> = HashMap::new();
    let mut order = vec![key.clone()];
    // The key of each row, and of each column the rows that have a cell there, so that gaps cost nothing yet.
    let mut row_keys: Vec<Value> = Vec::new();
    let mut filled: Vec<Vec<(usize, Value)>> = Vec::new();
    for row in 0..table.len() {
        let [key_cell, name, value] = at.map(|column| table.cell(row, column));
        let name = to_text(&name).map_err(|_| {
            let shown = name.to_literal(60);
            call.value_error(format_args!(
                "row {row} has {shown} in the column {}, which cannot name one.",
                call.text(2)
            ))
        })?;
        if name == key {
            return Err(
                call.value_error(format_args!("two columns of the result would have the name {}.", short(&name)))
            );
        }
        let column = *names.entry(name.clone()).or_insert_with(|| {
            order.push(name);
            filled.push(Vec::new());
            filled.len() - 1
        });
        let (found, is_new) = keys.place(vec![key_cell.clone()], call.budget())?;
        if is_new {
            row_keys.push(key_cell);
        }
        call.budget().take(CELL)?;
        filled[column].push((found, value));
        if row_keys.len().saturating_mul(order.len()) > call.budget().most_cells() {
            break;
        }
    }
    cells_fit(call, row_keys.len().saturating_mul(order.len()))?;
    let count = row_keys.len();
    let mut columns: Vec<Arc<Column>> = vec![Arc::new(row_keys.into_iter().collect())];
    for cells in filled {
        let mut column = vec![Value::Null; count];
        for (row, value) in cells {
            column[row] = value;
        }
        columns.push(Arc::new(column.into_iter().collect()));
    }
    Ok(Value::table(Table::from_columns(Shape::new(order), columns, count)))
}

fn unpivot(call: &mut Call<'_>) -> NativeResult {
    let Rows::Table(table) = call.rows(0) else { return Ok(Value::empty_list()) };
    let keys = key_names(call)?;
    let mut key_columns = Vec::new();
    for key in &keys {
        key_columns.push(find(call, &table, key)?);
        if key == "name" || key == "value" {
            return Err(call.value_error(format_args!("two columns of the result would have the name {}.", short(key))));
        }
    }
    let is_key: HashSet<usize> = key_columns.iter().copied().collect();
    let others: Vec<usize> = (0..table.shape().len()).filter(|at| !is_key.contains(at)).collect();
    let count = table.len().saturating_mul(others.len());
    cells_fit(call, count.saturating_mul(keys.len() + 2))?;
    let each = || (0..table.len()).flat_map(|row| others.iter().map(move |column| (row, *column)));
    let mut columns: Vec<Column> =
        key_columns.iter().map(|key| each().map(|(row, _)| table.cell(row, *key)).collect()).collect();
    let names = table.shape().names();
    columns.push(each().filter_map(|(_, column)| names.get(column).cloned().map(Value::Text)).collect());
    columns.push(each().map(|(row, column)| table.cell(row, column)).collect());
    let shape = Shape::new(keys.into_iter().chain(["name".into(), "value".into()]));
    Ok(Value::table(Table::from_columns(shape, columns.into_iter().map(Arc::new).collect(), count)))
}

fn key_names(call: &Call<'_>) -> Result<Vec<EcoString>, Box<RunError>> {
    let value = call.value(1);
    let refuse = || call.refuse(1, "the name of a column or a list of names");
    let names: Option<Vec<EcoString>> = match (value, Rows::of(value)) {
        (Value::Text(name), _) => Some(vec![name.clone()]),
        (_, Some(rows)) => rows
            .iter()
            .map(|name| match name {
                Value::Text(name) => Some(name),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    names.ok_or_else(refuse)
}

fn column(call: &Call<'_>, table: &Table, argument: usize) -> Result<usize, Box<RunError>> {
    find(call, table, call.text(argument))
}

fn find(call: &Call<'_>, table: &Table, name: &str) -> Result<usize, Box<RunError>> {
    table.shape().position(name).ok_or_else(|| {
        let names = table.shape().names();
        let hint = match nearest(name, names.iter().map(EcoString::as_str)).first() {
            Some(near) => format!(" Did you mean {near}?"),
            None => format!(" It has {}.", short(&names.join(", "))),
        };
        call.error(ErrorKind::Index, format_args!("the table has no column {}.{hint}", short(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, shown};
    use flowscript_lang::value::Record;

    fn record(fields: &[(&str, Value)]) -> Record {
        Record::from_fields(fields.iter().map(|(name, value)| (EcoString::from(*name), value.clone())))
    }

    #[test]
    fn unpivot_is_the_inverse_of_pivot() {
        let rows = [("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("b", "y", 4)];
        let table = Value::list(
            rows.iter()
                .map(|(k, name, value)| {
                    Value::Record(record(&[("k", (*k).into()), ("name", (*name).into()), ("value", (*value).into())]))
                })
                .collect(),
        );
        let pivoted = call("Pivot", vec![table.clone(), "k".into(), "name".into(), "value".into()]).expect("pivot");
        assert_eq!(pivoted.to_literal(200), "[{k: 'a', x: 1, y: 2}, {k: 'b', x: 3, y: 4}]");
        assert_eq!(shown("Unpivot", vec![pivoted, "k".into()]), table.to_literal(200));
    }
}
