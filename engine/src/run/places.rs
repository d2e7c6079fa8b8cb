//! The places where a run failed, in stored form.

use crate::script::SourcePlace;
use crate::yaml::Place;
use flowscript_lang::value::{Rows, Value};

/// The places as a value.
pub(super) fn to_value(places: &[SourcePlace]) -> Value {
    let place = |place: &SourcePlace| {
        Value::record([
            ("file", place.file.as_deref().map_or(Value::Null, Value::text)),
            ("line", i64::from(place.place.line).into()),
            ("column", i64::from(place.place.column).into()),
        ])
    };
    Value::list(places.iter().map(place).collect())
}

/// The places in a value from [`to_value`]; others are left out.
pub(super) fn of_value(value: &Value) -> Vec<SourcePlace> {
    let number = |value: Option<Value>| match value {
        Some(Value::Number(number)) => number.to_i64().and_then(|number| u32::try_from(number).ok()),
        _ => None,
    };
    let place = |value: Value| {
        let Value::Record(fields) = value else { return None };
        let file = match fields.get("file") {
            Some(Value::Text(file)) => Some(file.to_string()),
            _ => None,
        };
        let place = Place { line: number(fields.get("line"))?, column: number(fields.get("column"))? };
        Some(SourcePlace { file, place })
    };
    Rows::of(value).iter().flat_map(Rows::iter).filter_map(place).collect()
}
