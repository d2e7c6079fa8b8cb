//! `XMLFill`: elements as the rows of a table.

use super::path::Path;
use super::select::visit;
use super::sink::XmlError;
use crate::cells::convert;
use ecow::{EcoString, eco_format};
use flowscript_lang::budget::Budget;
use flowscript_lang::value::{Column, ColumnType, SimpleKind, Table, Value, Zone};
use std::sync::Arc;

/// A row for each element at `path`, in the columns of `target`, converted to its row type.
pub(super) fn fill(
    target: &Table,
    text: &str,
    path: &Path,
    zone: Zone,
    budget: &mut dyn Budget,
) -> Result<Table, XmlError> {
    let names = target.shape().names();
    let attributes: Vec<EcoString> = names.iter().map(|name| eco_format!("@{name}")).collect();
    let types = target.row_type().map_or(&[][..], |row| &row.columns);
    let mut columns = vec![Column::default(); names.len()];
    let mut count = 0usize;
    visit(text, path, budget, &mut |cost, _, row| {
        cost.one_more(count, names.len())?;
        for (at, ((name, attribute), column)) in names.iter().zip(&attributes).zip(&mut columns).enumerate() {
            let found = match &row {
                Value::Record(record) => record.get(name).or_else(|| record.get(attribute)),
                text if name == "#text" => Some(text.clone()),
                _ => None,
            };
            let cell = cell(found, types.get(at), zone);
            column.push(cell.map_err(|problem| format!("row {count}, column {name}: {problem}"))?);
        }
        count += 1;
        Ok(())
    })?;
    let columns = columns.into_iter().map(Arc::new).collect();
    Ok(Table::from_columns(target.shape().clone(), columns, count).with_row_type(target.row_type().cloned()))
}

fn cell(found: Option<Value>, ty: Option<&ColumnType>, zone: Zone) -> Result<Value, String> {
    let Some(ty) = ty else { return Ok(found.unwrap_or_default()) };
    match found {
        None => Ok(ty.default.clone()),
        Some(Value::Text(text)) => convert(&text, ty, zone),
        Some(other) if ty.kind == SimpleKind::Any => Ok(other),
        // Besides attributes the text has a field of its own.
        Some(Value::Record(record)) => match record.get("#text") {
            Some(Value::Text(text)) => convert(&text, ty, zone),
            _ => Err(format!("the element {} has no text.", Value::Record(record).to_literal(60))),
        },
        Some(other) => Err(format!("there is more than one element: {}.", other.to_literal(60))),
    }
}
