//! Texts of CSV and XML as the cells of typed columns.

use flowscript_lang::value::{ColumnType, SimpleKind, Value, Zone, to_boolean, to_datetime, to_number};

/// A text as a cell: if it is empty and the column is not text, the column's default. The error is the conversion's.
pub(crate) fn convert(cell: &str, ty: &ColumnType, zone: Zone) -> Result<Value, String> {
    if cell.is_empty() && ty.kind != SimpleKind::Text {
        return Ok(ty.default.clone());
    }
    let text = Value::from(cell);
    match ty.kind {
        SimpleKind::Any | SimpleKind::Text => Ok(text),
        SimpleKind::Number => to_number(&text).map(Value::Number),
        SimpleKind::Bool => to_boolean(&text).map(Value::Bool),
        SimpleKind::DateTime => to_datetime(&text, zone).map(Value::DateTime),
    }
    .map_err(|error| error.to_string())
}
